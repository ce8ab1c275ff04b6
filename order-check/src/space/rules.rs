// SPDX-License-Identifier: GPL-2.0-only
//! Who may do what: as it is, and ways in which it would be wrong.

/// When gc moves its position to a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// With the leaf locked, before its keys.
    Locked,
    /// Before it locks the leaf.
    Early,
    /// After it has unlocked the leaf.
    Late,
    /// Not at all.
    Never,
}

/// What the models vary.
#[derive(Debug, Clone)]
pub struct Rules {
    /// When gc moves its position to a leaf.
    pub position: Position,
    /// gc moves its position to the start of the btree, where the first leaf ends.
    pub enter_btree: bool,
    /// An update asks for the position with its leaves locked.
    pub ask_locked: bool,
    /// The freelist lock is held from the fifos to the last open bucket.
    pub freelist_held: bool,
    /// The position is moved to every open bucket, in use or not.
    pub every_open_bucket: bool,
    /// Splits and merges take the gc lock.
    pub structure_locked: bool,
    /// Buckets are invalidated under the gc lock.
    pub invalidate_locked: bool,
    /// gc waits until no interior update is pending before it starts.
    pub wait_before: bool,
    /// And again before it compares.
    pub wait_after: bool,
    /// gc may rewrite nodes.
    pub rewrite: bool,
    /// A thread may carry a bucket from an open bucket back to the fifo.
    pub carry_back: bool,
}

impl Rules {
    /// As the engine and a host that keeps its contracts have it.
    #[must_use]
    pub const fn ours() -> Self {
        Self {
            position: Position::Locked,
            enter_btree: false,
            ask_locked: true,
            freelist_held: true,
            every_open_bucket: true,
            structure_locked: true,
            invalidate_locked: true,
            wait_before: true,
            wait_after: true,
            rewrite: true,
            carry_back: false,
        }
    }
}
