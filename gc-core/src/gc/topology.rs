// SPDX-License-Identifier: GPL-2.0-only
//! Whether the children of a node cover its range without gap or overlap.

use super::ask;
use crate::bkey::KeyRef;
use crate::error::Result;
use crate::finding::Finding;
use crate::host::{Findings, NodeInfo};
use crate::layout::{Bpos, POS_MAX, POS_MIN};

/// Where the next child must begin, and the last one end.
pub(crate) struct Topology {
    next: Bpos,
    end: Bpos,
}

impl Topology {
    /// Before the first child.
    pub(crate) fn of(info: &NodeInfo) -> Self {
        Self { next: info.min_key, end: info.max_key }
    }

    /// Judges the next child.
    ///
    /// # Errors
    /// As [`ask::unrepairable`].
    pub(crate) fn child<H: Findings + ?Sized>(
        &mut self,
        host: &H,
        key: KeyRef<'_>,
        is_last: bool,
    ) -> Result<()> {
        let want = self.next;
        if let Some(got) = key.child_min_key().filter(|got| *got != want) {
            ask::unrepairable(host, &Finding::NodeMinKey { got, want })?;
        }
        let p = key.k.p;
        // A position without a successor but the greatest: nothing can follow it.
        self.next = if p == POS_MAX { p } else { p.successor().unwrap_or(POS_MAX) };
        if is_last && p != self.end {
            ask::unrepairable(host, &Finding::NodeMaxKey { got: p, want: self.end })?;
        }
        Ok(())
    }
}

/// Whether a root covers the whole btree.
///
/// # Errors
/// As [`ask::unrepairable`].
pub(crate) fn root<H: Findings + ?Sized>(host: &H, info: &NodeInfo) -> Result<()> {
    if info.min_key != POS_MIN {
        ask::unrepairable(host, &Finding::RootMinKey { got: info.min_key })?;
    }
    if info.max_key != POS_MAX {
        ask::unrepairable(host, &Finding::RootMaxKey { got: info.max_key })?;
    }
    Ok(())
}
