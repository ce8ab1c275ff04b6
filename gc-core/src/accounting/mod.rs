// SPDX-License-Identifier: GPL-2.0-only
//! What marking a key does to buckets, usage, replicas and stripes; the same
//! code for every host.
//!
//! | key | bucket | usage | entry of the replicas table | stripe |
//! | --- | --- | --- | --- | --- |
//! | pointer to a node | type btree, dirty += node size | `btree` | btree, all dirty devices: the sum, at the end of the key | |
//! | extent, shared extent: dirty pointer | type user, dirty += n | `data` | user, all plain dirty devices: the sum, at the end of the key | |
//! | ... in a stripe | type user, dirty += n | `data` += n + parity | the stripe's: n + parity | block += n |
//! | ... cached, current | type user, cached += n | `cached` | cached on that device: n | |
//! | ... cached, stale | | | | |
//! | reservation | | `reserved`, `persistent_reserved` | | |
//! | inode | | `nr_inodes` | | |
//! | stripe | its blocks: stripe flag | | | the slot |
//! | alloc (not in mark and sweep) | taken over | | | |
//! | superblock, journal | type, dirty += n | `hidden` (bucket sizes) | | |
//! | anything else | | | | |
//!
//! n is a pointer's share of the sectors on disk ([`sectors`](crate::bkey::sectors)). An entry that
//! the table does not have is not counted, nor the sum it belongs to. A pointer
//! that is refused ends its key: what was counted before stays, the sum of plain
//! dirty pointers is not counted any more. Facts: `docs/facts/marking.md`.
//!
//! [`Ctx`] holds what a mark reads and changes; [`Ctx::mark_key`] counts a key.

pub mod device;
mod eytzinger;
pub mod generation;
pub mod mark;
pub mod replicas;
pub mod stripes;
pub mod usage;

pub use device::{BucketSize, Buckets, Device, Devices, Geometry, bucket_nr};
pub use generation::{gc_gen, gen_after, gen_cmp, ptr_stale};
pub use mark::{BucketReference, Ctx, MarkError, Outcome, Sink, Trigger, count_pointer};
pub use stripes::{StripeTable, Stripes};
pub use usage::{Usage, bucket_changed, bucket_type, dev_usage_from_buckets, is_available};
