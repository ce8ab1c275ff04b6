// SPDX-License-Identifier: GPL-2.0-only
//! What a node is called, for those who know nothing else of it.

/// Names a node of a model; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(pub(crate) usize);
