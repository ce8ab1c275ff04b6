// SPDX-License-Identifier: GPL-2.0-only
//! The documents that the program prints for other programs, as types. serde writes them;
//! their JSON schemas (`schema/`) are made of the same types by `cargo xtask generate`.
//!
//! A document that tells of every bucket borrows the buckets, and is written without a
//! copy of them.

mod check;
mod coalesce;
mod explain;
mod finding;
mod gens;
mod lost;
mod map;
mod plan;
mod progress;
#[cfg(feature = "schema")]
pub mod schema;
mod shared;
mod state;

pub use check::{Check, Missing, Superblock, Unreadable};
pub use coalesce::{Coalesce, LevelFill, NodeFill};
pub use explain::{
    Alloc, Explain, ExplainedBucket, KeyPlace, Mark, Outcome, Reference, Referrer, Remark,
};
pub use finding::{Answer, Code, Finding, FindingName, FindingPlace, Severity, Value};
pub use gens::{
    Gens, GensDevice, GensRange, GensSide, GensState, Stage, StaleNumbers, StalePointer,
};
pub use lost::{Lost, LostDevice, LostFile, LostNode, LostSet, Sectors, Why};
pub use map::{Map, MapCell, MapDevice, PerClass, SectorsPerClass};
pub use plan::{BucketChange, BucketState, NumberChange, Plan, StripeChange};
pub use progress::{Progress, ProgressState};
pub use shared::{Copy, DataType, FilePart, Position};
pub use state::{
    CorpusFinding, Device, DeviceUsage, GenRows, Replicas, Rows, State, StateRun, Stripe, Usage,
};

/// Version of a document: it grows when a field changes its meaning or goes. A field that
/// is new changes the schema alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Format<const N: u32>;

impl<const N: u32> serde::Serialize for Format<N> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u32(N)
    }
}

/// Derives what all parts of documents have.
macro_rules! document {
    ($($item:item)*) => {
        $(
            #[derive(Debug, Clone, PartialEq, serde::Serialize)]
            #[cfg_attr(
                feature = "schema",
                derive(schemars::JsonSchema),
                schemars(deny_unknown_fields)
            )]
            $item
        )*
    };
}
pub(crate) use document;
