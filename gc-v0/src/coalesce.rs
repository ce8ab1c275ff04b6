// SPDX-License-Identifier: GPL-2.0-only
//! What merging of nodes would save: the engine's own code merges in a copy of each
//! btree in memory.

use crate::host::Image;
pub use crate::host::coalesce::{Fill, LevelFill, SeeKey};
use gc_core::error::Result;
use gc_core::host::{CoalesceHost, NodeSize};
use gc_core::layout::BtreeId;

/// What merging did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coalesced {
    /// By btree and level.
    pub levels: Vec<LevelFill>,
    /// Merges that were due and not made, since in a common format the keys would
    /// not fit, or need as many nodes.
    pub refused: u64,
    /// Btrees left out: nodes of theirs cannot be read.
    pub left_out: Vec<BtreeId>,
    /// Size of nodes.
    pub size: NodeSize,
}

/// Merges the nodes of all btrees, in memory; `see` is shown the leaf keys of each
/// btree afterwards.
///
/// # Errors
/// When memory is short.
pub fn coalesce(image: &Image<'_>, see: Option<SeeKey>) -> Result<Coalesced> {
    if let Some(see) = see {
        image.show_merged(see);
    }
    gc_core::coalesce::coalesce(image)?;
    let (levels, refused, left_out) = image.merged();
    Ok(Coalesced { levels, refused, left_out, size: image.node_size() })
}
