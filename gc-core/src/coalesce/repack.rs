// SPDX-License-Identifier: GPL-2.0-only
//! The keys of neighbours, packed anew by one format and cut into new nodes.

use super::fit::Fit;
use super::slice::{NoPlan, Slicer, Slices};
use crate::bkey::NodeFormat;
use crate::error::{Error, Result};
use crate::host::{CoalesceFail, CoalesceHost, NodeKeys};
use crate::layout::bkey::KEY_FORMAT_CURRENT;
use crate::layout::{Bkey, BkeyFormat, BkeyFormatState};
use alloc::vec::Vec;

/// Longest key without its value, packed or not, in u64s.
const LONGEST_KEY: usize = 7;

/// Why nothing is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// As the trace point has it.
    Fail(CoalesceFail),
    /// Keys of a node, or the ranges of nodes, are not in order.
    Disorder,
    /// The host could not say what is in a node.
    Host(Error),
}

impl From<NoPlan> for Refusal {
    fn from(why: NoPlan) -> Self {
        match why {
            NoPlan::Disorder => Self::Disorder,
            NoPlan::TooLong => Self::Fail(CoalesceFail::Format),
        }
    }
}

/// What the new nodes will hold.
#[derive(Debug)]
pub(super) struct Repacked {
    /// Their common format.
    pub(super) format: BkeyFormat,
    /// How the words are cut.
    pub(super) slices: Slices,
}

/// A format into which every live key of the nodes packs.
///
/// # Errors
/// `EINVAL` when the host broke its contract.
fn common_format<H: CoalesceHost>(host: &H, nodes: &[H::Node]) -> Result<BkeyFormat> {
    let mut state = BkeyFormatState::new();
    for &node in nodes {
        state.add_pos(host.node_info(node)?.min_key);
        let mut keys = host.node_keys(node, false);
        while let Some(key) = keys.next()? {
            state.add_key(key.k);
        }
    }
    Ok(state.finish())
}

/// Adds a key to the words; its length, and whether it packed.
#[inline(always)]
pub(super) fn append(
    words: &mut Vec<u64>,
    format: &NodeFormat,
    key: &Bkey,
    v: &[u64],
) -> Result<(usize, bool)> {
    // A new set hides nothing in an older one; the number of the format is that
    // of an unpacked key again.
    let key = Bkey { format_ws: KEY_FORMAT_CURRENT, ..*key };
    let before = words.len();
    let room = LONGEST_KEY.checked_add(v.len()).ok_or(Error::NOMEM)?;
    words.try_reserve(room)?;
    let packed = format.pack(&key);
    match &packed {
        Some(packed) => words.extend(packed.words().iter().copied()),
        None => words.extend(key.to_words()),
    }
    words.extend(v.iter().copied());
    Ok((words.len().saturating_sub(before), packed.is_some()))
}

/// Packs all live keys of the nodes, which are locked, into `words`, and cuts
/// them into new nodes.
pub(super) fn repack<H: CoalesceHost>(
    host: &H,
    fit: Fit,
    nodes: &[H::Node],
    words: &mut Vec<u64>,
) -> Result<Repacked, Refusal> {
    let raw = common_format(host, nodes).map_err(Refusal::Host)?;
    let format = NodeFormat::new(&raw).map_err(|_| Refusal::Fail(CoalesceFail::Format))?;
    words.clear();
    let mut slicer = Slicer::new(fit);
    for &node in nodes {
        let info = host.node_info(node).map_err(Refusal::Host)?;
        slicer.node(info.min_key, info.max_key)?;
        let mut keys = host.node_keys(node, false);
        while let Some(key) = keys.next().map_err(Refusal::Host)? {
            // A value of another length than its key says would shift all behind it.
            if key.v.len() != usize::from(key.k.val_u64s()) {
                return Err(Refusal::Disorder);
            }
            let (u64s, packed) = append(words, &format, key.k, key.v)
                .map_err(|_| Refusal::Fail(CoalesceFail::Memory))?;
            slicer.key(key.k.p, u64s, packed)?;
        }
    }
    let slices = slicer.finish()?;
    if slices.as_slice().len() >= nodes.len() {
        return Err(Refusal::Fail(CoalesceFail::Format));
    }
    Ok(Repacked { format: raw, slices })
}
