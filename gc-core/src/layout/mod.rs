// SPDX-License-Identifier: GPL-2.0-only
//! The exact structures and numbers shared with the C side and with the disk.
//!
//! One file an area. Each states its layouts once: as Rust types whose size,
//! alignment and offsets are asserted at compile time, and as tables
//! ([`describe`]) from which the header of C assertions is made. Structures of the
//! disk are read and written through these types alone: [`zerocopy`] checks that bytes
//! may be taken for them, so that nobody else needs the offset of a field. Names are
//! those of the original without their `bch_` prefix; units are sectors of 512
//! bytes and u64s of 8 bytes.

pub mod describe;

pub mod alloc;
pub mod bits;
pub mod bkey;
pub mod btree;
pub mod bucket;
pub mod extent;
pub mod fsck;
pub mod gc_pos;
pub mod header;
pub mod journal;
pub mod jset;
pub mod node;
pub mod position;
pub mod replicas;
pub mod section;
pub mod stripe;
pub mod superblock;
pub mod usage;
pub mod value;

pub use alloc::{AllocFifo, Keylist, OpenBucket};
pub use bkey::{Bkey, BkeyFormat, BkeyFormatState, BkeyI, BkeyPacked, KeyType};
pub use btree::{BtreeId, BtreeNodeType};
pub use bucket::{Bucket, BucketArray, BucketMark, DataType};
pub use extent::{
    CompressionType, CrcUnpacked, Csum, CsumType, ExtentCrc32, ExtentCrc64, ExtentCrc128,
    ExtentEntryType, ExtentPtr, ExtentPtrDecoded, ExtentReservation, ExtentStripePtr,
};
pub use gc_pos::{GcPhase, GcPos, Seqcount};
pub use journal::{JournalKey, JournalKeys};
pub use jset::{Jset, JsetEntry};
pub use node::{Bset, BtreeNode, BtreeNodeEntry, BtreeNrKeys};
pub use position::{Bpos, Bversion, POS_MAX, POS_MIN, bkey_successor};
pub use replicas::{ReplicasCpu, ReplicasEntry, ReplicasPadded};
pub use stripe::Stripe;
pub use superblock::{Sb, SbLayout};
pub use usage::{DevUsage, FsUsage};
pub use value::{BtreePtrV2, ReflinkP, ReflinkV, Reservation, StripeValue};
pub use zerocopy::little_endian::{U16 as Le16, U32 as Le32, U64 as Le64};
