// SPDX-License-Identifier: GPL-2.0-only
//! An in-memory bcachefs file system as a [`Host`](gc_core::host::Host) of the
//! engine: devices, buckets, btrees of keys, journal keys laid over them, stripes,
//! the allocator's reserves, usage and replicas.
//!
//! It is the reference of the tests. A [`Recount`] of all references, done in the
//! plainest way, says what every count should be; every call of the engine is
//! recorded, its contract checked, and any call that can fail fails on demand.
//!
//! ```
//! use gc_core::gc::{self, Args};
//! use gc_model::{Model, Options};
//!
//! let model = Model::new(&Options::default()).expect("the defaults make sense");
//! model.settle();
//! let state = model.state_write();
//! gc::gc(&model, Args { initial: true, metadata_only: false }).expect("nothing to find");
//! drop(state);
//! assert_eq!(model.findings().len(), 0);
//! assert_eq!(model.violations(), Vec::<String>::new());
//! ```
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod allocator;
mod btree;
mod buckets;
mod call;
mod device;
mod host;
mod journal;
mod key;
mod lend;
mod locks;
mod mark;
mod messages;
mod model;
mod node_id;
mod options;
mod position;
mod rcu;
mod record;
mod recount;
mod running;
mod schedule;
mod set;
mod settle;
mod state;
mod stripes;
mod sync;
mod thread;
mod usage;
mod walk;

pub use btree::{Node, NodeData, NodeId, NodePlace};
pub use buckets::{BucketArrayBox, BucketState};
pub use call::Call;
pub use device::{DevId, Device};
pub use host::clock;
pub use journal::{JournalEntry, Overlay};
pub use key::{Crc, Key, Ptr};
pub use locks::{Guard, LockId, Mode};
pub use messages::{Message, Policy, Said};
pub use model::{Model, Where};
pub use options::Options;
pub use record::Event;
pub use recount::{BucketCount, Recount};
pub use running::{Committed, Reserve, Update};
pub use schedule::{Seeded, Turns};
pub use state::GcArrays;
pub use sync::Arena;
pub use thread::GcThread;
pub use walk::{MergedKeys, Next, TreeWalk, merge};
