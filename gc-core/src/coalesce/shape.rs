// SPDX-License-Identifier: GPL-2.0-only
//! Whether neighbours and their parent agree, looked at in the same step in which
//! they are replaced: merging on top of a disagreement would spread it.

use super::slice::Slice;
use crate::error::Result;
use crate::host::{CoalesceHost, NodeKeys, ParentKey};
use crate::layout::Bpos;
use crate::layout::btree::GC_MERGE_NODES;

/// Whether the parent's keys are, side by side and without a gap from its least
/// position on, those of the nodes: position, least position and pointers. All
/// are locked.
///
/// # Errors
/// `EINVAL` when the host broke its contract.
pub(super) fn children_match<H: CoalesceHost>(
    host: &H,
    parent: H::Node,
    nodes: &[H::Node],
) -> Result<bool> {
    let range = host.node_info(parent)?;
    let mut keys = host.node_keys(parent, false);
    let mut nodes = nodes.iter().copied().peekable();
    // Where the next child has to begin.
    let mut begins = Some(range.min_key);
    let mut found = false;
    while let Some(key) = keys.next()? {
        let Some(&node) = nodes.peek() else { return Ok(true) };
        if key.child_min_key().is_some_and(|min| Some(min) != begins) || key.k.p > range.max_key {
            return Ok(false);
        }
        let child = host.node_info(node)?;
        if key.k.p < child.min_key && !found {
            begins = key.k.p.successor();
            continue;
        }
        let same_pointers =
            host.node_key(node).is_some_and(|own| own.as_ref().entry_words() == key.entry_words());
        if key.k.p != child.max_key || begins != Some(child.min_key) || !same_pointers {
            return Ok(false);
        }
        found = true;
        begins = child.max_key.successor();
        nodes.next();
    }
    Ok(nodes.peek().is_none())
}

/// Whether the new ranges tile exactly the range from `min` to `max`.
pub(super) fn tiles(new: &[Slice], min: Bpos, max: Bpos) -> bool {
    let mut begins = Some(min);
    let mut end = None;
    for slice in new {
        if Some(slice.min) != begins || slice.min > slice.max {
            return false;
        }
        begins = slice.max.successor();
        end = Some(slice.max);
    }
    end == Some(max)
}

/// At most a key for each old and each new node.
const KEYS: usize = 8;
static_assertions::const_assert!(KEYS == 2 * GC_MERGE_NODES);

/// What a merge inserts into the parent.
#[derive(Debug)]
pub(super) struct ParentKeys {
    keys: [ParentKey; KEYS],
    nr: usize,
}

impl ParentKeys {
    /// Old nodes' keys go, new ones come, in order of position; where a new node
    /// ends where an old one did, its key takes the place of the old one's.
    ///
    /// Both slices ascend. `None` if there are too many.
    pub(super) fn new(old_max: &[Bpos], new: &[Slice]) -> Option<Self> {
        let none = ParentKey { pos: Bpos::new(0, 0), new: None };
        let mut all = Self { keys: [none; KEYS], nr: 0 };
        let mut old = old_max.iter().copied().peekable();
        for (i, slice) in new.iter().enumerate() {
            while let Some(pos) = old.next_if(|&pos| pos < slice.max) {
                all.push(ParentKey { pos, new: None })?;
            }
            old.next_if_eq(&slice.max);
            all.push(ParentKey { pos: slice.max, new: Some(i) })?;
        }
        for pos in old {
            all.push(ParentKey { pos, new: None })?;
        }
        Some(all)
    }

    fn push(&mut self, key: ParentKey) -> Option<()> {
        *self.keys.get_mut(self.nr)? = key;
        self.nr = self.nr.checked_add(1)?;
        Some(())
    }

    pub(super) fn as_slice(&self) -> &[ParentKey] {
        self.keys.get(..self.nr).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::format;
    use std::vec::Vec;

    fn p(offset: u64) -> Bpos {
        Bpos::new(1, offset)
    }

    fn slice(min: u64, max: u64) -> Slice {
        Slice { words: 0..0, min: p(min), max: p(max), packed: 0, unpacked: 0 }
    }

    // Oracle: each way in which ranges can fail to tile, by hand.
    #[test]
    fn new_ranges_tile_the_old_one() {
        assert!(tiles(&[slice(1, 5), slice(6, 9)], p(1), p(9)));
        assert!(!tiles(&[slice(1, 5), slice(7, 9)], p(1), p(9)));
        assert!(!tiles(&[slice(1, 5), slice(5, 9)], p(1), p(9)));
        assert!(!tiles(&[slice(2, 5), slice(6, 9)], p(1), p(9)));
        assert!(!tiles(&[slice(1, 5), slice(6, 8)], p(1), p(9)));
        assert!(!tiles(&[slice(1, 5), slice(6, 10)], p(1), p(9)));
        assert!(!tiles(&[slice(4, 1)], p(4), p(1)));
        assert!(!tiles(&[], p(1), p(9)));
        let end = Bpos::new(u64::MAX, u64::MAX);
        let last = Slice { max: end, ..slice(6, 9) };
        assert!(tiles(&[slice(1, 5), last.clone()], p(1), end));
        assert!(!tiles(&[last, slice(1, 5)], p(6), p(5)));
    }

    proptest! {
        // Oracle: a map of the parent's keys, keyed by position, after deleting the
        // old ones and inserting the new ones; the list strictly ascends.
        #[test]
        fn parent_keys_turn_old_children_into_new_ones(
            old in prop::collection::btree_set(1_u64..40, 1..=4),
            new in prop::collection::btree_set(1_u64..40, 0..=3),
            ends_together in any::<bool>(),
        ) {
            let last = *old.last().unwrap();
            let old: Vec<u64> = old.into_iter().collect();
            let mut new: Vec<u64> = new.into_iter().collect();
            if ends_together {
                new.retain(|&n| n < last);
                new.push(last);
            }
            let slices: Vec<Slice> = new.iter().map(|&m| slice(0, m)).collect();
            let old_max: Vec<Bpos> = old.iter().map(|&o| p(o)).collect();
            let keys = ParentKeys::new(&old_max, &slices).unwrap();
            let mut parent: BTreeMap<u64, Option<usize>> = old.iter().map(|&o| (o, None)).collect();
            for pair in keys.as_slice().windows(2) {
                prop_assert!(pair[0].pos < pair[1].pos);
            }
            for key in keys.as_slice() {
                let at = { key.pos }.offset;
                match key.new {
                    None => prop_assert_eq!(parent.remove(&at), Some(None)),
                    Some(i) => { parent.insert(at, Some(i)); }
                }
            }
            let want: BTreeMap<u64, Option<usize>> =
                new.iter().enumerate().map(|(i, &n)| (n, Some(i))).collect();
            prop_assert_eq!(parent, want);
        }
    }
}
