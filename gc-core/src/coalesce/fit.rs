// SPDX-License-Identifier: GPL-2.0-only
//! How much goes into a node, and whether neighbours go into one node fewer.

use crate::host::NodeSize;

/// Header of a node before its keys, in bytes (source: `struct btree_node`).
const HEADER_BYTES: u64 = 160;

/// Lengths of nodes, by the size the file system has for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fit {
    size: NodeSize,
    /// Blocks up to which a node is filled: two thirds of it.
    limit: u64,
}

impl Fit {
    /// `None` if a node has no blocks.
    pub(super) fn new(size: NodeSize) -> Option<Self> {
        let blocks = size.bytes.checked_div(size.block_bytes)?;
        let limit = blocks.checked_mul(2)?.checked_div(3)?;
        Some(Self { size, limit })
    }

    fn bytes(u64s: u64) -> Option<u64> {
        u64s.checked_mul(8)?.checked_add(HEADER_BYTES)
    }

    /// Whether keys of this length leave a node no fuller than is aimed at.
    pub(super) fn within_limit(&self, u64s: u64) -> bool {
        let blocks = Self::bytes(u64s)
            .and_then(|bytes| bytes.checked_next_multiple_of(self.size.block_bytes))
            .and_then(|bytes| bytes.checked_div(self.size.block_bytes));
        blocks.is_some_and(|blocks| blocks <= self.limit)
    }

    /// Whether keys of this length can be in a node at all.
    pub(super) fn within_node(&self, u64s: u64) -> bool {
        // The length of a bset has 16 bits.
        u64s <= u64::from(u16::MAX) && Self::bytes(u64s).is_some_and(|b| b < self.size.bytes)
    }

    /// Whether `nr` nodes whose keys have this length together are worth a try:
    /// spread over one node fewer, each would be within the limit.
    pub(super) fn one_fewer(&self, live_u64s: u64, nr: usize) -> bool {
        let fewer = u64::try_from(nr).unwrap_or(0).saturating_sub(1);
        fewer != 0 && self.within_limit(live_u64s.div_ceil(fewer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(bytes: u64, block_bytes: u64) -> Fit {
        Fit::new(NodeSize { bytes, block_bytes }).unwrap()
    }

    // Oracle: the formulas of the facts with numbers: 16 KiB in blocks of 512 are
    // 32, two thirds 21, so 10752 bytes less the header are 1324 u64s.
    #[test]
    fn two_thirds_in_blocks() {
        let f = fit(16384, 512);
        assert!(f.within_limit(1324));
        assert!(!f.within_limit(1325));
        assert!(f.one_fewer(1324, 2));
        assert!(!f.one_fewer(1325, 2));
        // Rounded up before it is compared.
        assert!(f.one_fewer(1324 * 3, 4));
        assert!(!f.one_fewer(1324 * 3 + 1, 4));
        assert!(!f.one_fewer(0, 1));
        assert!(!f.one_fewer(0, 0));
        // Less than the node, not up to it.
        assert!(f.within_node(2027));
        assert!(!f.within_node(2028));
    }

    // Oracle: what cannot be must not stop the program.
    #[test]
    fn odd_sizes() {
        assert_eq!(Fit::new(NodeSize { bytes: 4096, block_bytes: 0 }), None);
        let none = fit(512, 4096);
        assert!(!none.within_limit(0));
        assert!(none.within_node(0));
        let f = fit(u64::MAX / 4, 512);
        assert!(!f.within_limit(u64::MAX));
        assert!(!f.within_node(65536));
        assert!(f.within_node(65535));
    }
}
