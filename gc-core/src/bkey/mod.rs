// SPDX-License-Identifier: GPL-2.0-only
//! Keys: reading their values, formats, packing, comparing, walking a node.

pub mod alloc_key;
mod brief;
mod bset_keys;
mod cut;
mod entries;
mod format;
mod key_buf;
mod key_ref;
mod key_types;
mod merge;
mod node_format;
mod pack;
mod raw_key;
mod references;
pub mod sectors;
pub mod stripe_key;
mod text;
mod walk;

#[cfg(test)]
mod tests;

pub use brief::{Brief, Window};
pub use bset_keys::BsetKeys;
pub use cut::{NotInside, cut_value_front, cut_value_len};
pub use entries::{DecodedPointers, Entries, Entry, Pointers, no_crc};
pub use format::{FormatError, u64s_with_format};
pub use key_buf::{KEY_BUF_VAL_U64S, KeyBuf};
pub use key_ref::{KeyRef, entry_range};
pub use key_types::{RefersTo, key_type_name};
pub use merge::{MergeError, merge_keys, merge_old_extents};
pub use node_format::NodeFormat;
pub use pack::{PackedKey, PackedPos};
pub use raw_key::{KeyError, RawKey};
pub use references::{
    BucketPointer, BucketPointers, CountsIn, PointerValue, References, Reservation, StripeBlock,
    StripeBlocks, lone_pointer, lone_sectors, ptr_data_type, references,
};
pub use text::{KeyDisplay, KeyText, PosText};
pub use walk::{Head, NodeWalk, Rule, TooManySets};
