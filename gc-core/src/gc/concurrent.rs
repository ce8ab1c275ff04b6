// SPDX-License-Identifier: GPL-2.0-only
//! The walk beside others: nodes in the order of references, the position moved
//! before each, the root under its lock.

use super::initial::refuse;
use super::mark::Marker;
use super::position::{self, Position};
use super::topology::Topology;
use crate::bkey::KeyBuf;
use crate::error::Result;
use crate::host::{
    BtreeRoot, GcWrite, Held, Host, NodeInfo, NodeKeys, Origin, Param, Walk, WalkKind,
};
use crate::layout::btree::{
    BTREE_INSERT_GC_LOCK_HELD, BTREE_INSERT_NOWAIT, BTREE_INSERT_USE_RESERVE,
};
use crate::layout::{BtreeId, BtreeNodeType, GcPhase};

/// Rewriting a node whose pointers are this stale may use the reserve.
const REWRITE_WITH_RESERVE: u8 = 64;
/// A node whose pointers are this stale is worth rewriting.
const REWRITE: u8 = 16;

/// Marks the keys of one btree down to level `target`, its root's last.
///
/// # Errors
/// A finding was answered "stop" or has no repair, or the walk failed.
pub(crate) fn btree<H: Host + ?Sized>(
    host: &H,
    gc: &Held<GcWrite>,
    marker: &mut Marker<'_, '_, H>,
    position: &mut Position<'_, H>,
    (id, phase): (BtreeId, GcPhase),
    target: u8,
) -> Result<()> {
    let mut walk = host.walk(id, WalkKind::Nodes { min_depth: target })?;
    let mut walked = Ok(());
    let rewrites = Rewrites::of(host);
    loop {
        let node = match walk.next_node() {
            Ok(Some(node)) => node,
            Ok(None) => break,
            Err(e) => {
                walked = Err(e);
                break;
            }
        };
        match visit(host, marker, position, phase, node) {
            Ok(stale) => {
                if let Some(flags) = rewrites.flags(stale) {
                    // A node that is not rewritten now is so in a later round.
                    let _later = walk.rewrite(gc, node, flags);
                }
            }
            Err(e) => {
                walked = Err(e);
                break;
            }
        }
        walk.resched();
    }
    walk.close()?;
    walked?;

    let lock = BtreeRoot::lock(host);
    let Some(root) = host.btree_root(&*lock, id) else {
        return position.advance(position::root(phase));
    };
    let info = host.node_info(root)?;
    let marked = if info.fake {
        Ok(())
    } else {
        host.node_key(root)
            .ok_or_else(|| refuse(host, id, "root key too long"))
            .and_then(|key| marker.mark(&Origin::root_key(root, &info), key.as_ref()))
            .map(|_stale| ())
    };
    position.advance(position::root(phase))?;
    marked
}

/// Marks the keys of a node that the walk has locked; says how stale they are.
fn visit<H: Host + ?Sized>(
    host: &H,
    marker: &mut Marker<'_, '_, H>,
    position: &mut Position<'_, H>,
    phase: GcPhase,
    node: H::Node,
) -> Result<u8> {
    let info = host.node_info(node)?;
    let own = host
        .node_key(node)
        .ok_or_else(|| refuse(host, info.btree_id, "pointer to a node too long"))?;
    // The first move into this btree: the place of its start may be that of a leaf
    // that ends there, which nobody may pass before it is locked.
    position.advance(position::node(phase, own.as_ref().k.p, info.level))?;
    if !BtreeNodeType::of(info.level, info.btree_id).needs_gc() {
        return Ok(0);
    }
    if info.level == 0 {
        leaf(host, marker, node, &info)
    } else {
        interior(host, marker, node, &info)
    }
}

fn leaf<H: Host + ?Sized>(
    host: &H,
    marker: &mut Marker<'_, '_, H>,
    node: H::Node,
    info: &NodeInfo,
) -> Result<u8> {
    let origin = Origin::in_node(node, info, false);
    let mut keys = host.node_keys(node, false);
    let mut stale = 0;
    while let Some(key) = keys.next()? {
        host.debugcheck(node, key);
        stale = stale.max(marker.mark(&origin, key)?);
    }
    Ok(stale)
}

fn interior<H: Host + ?Sized>(
    host: &H,
    marker: &mut Marker<'_, '_, H>,
    node: H::Node,
    info: &NodeInfo,
) -> Result<u8> {
    let mut keys = host.node_keys(node, false);
    let origin = Origin::in_node(node, info, false);
    let mut topology = Topology::of(info);
    let mut stale = 0;
    let copy_next = |keys: &mut H::Keys<'_>| match keys.next()? {
        None => Ok(None),
        Some(key) => KeyBuf::copy_of(key)
            .map(Some)
            .ok_or_else(|| refuse(host, info.btree_id, "pointer to a node too long")),
    };
    let mut ahead = copy_next(&mut keys)?;
    while let Some(key) = ahead {
        host.debugcheck(node, key.as_ref());
        stale = stale.max(marker.mark(&origin, key.as_ref())?);
        // Judged with the next live key at hand: whiteouts behind the last child
        // do not hide that it is the last.
        ahead = copy_next(&mut keys)?;
        topology.child(host, key.as_ref(), ahead.is_none())?;
    }
    Ok(stale)
}

/// When nodes are rewritten.
struct Rewrites {
    possible: bool,
    disabled: bool,
    always: bool,
}

impl Rewrites {
    fn of<H: Host + ?Sized>(host: &H) -> Self {
        Self {
            possible: host.param(Param::UpdatesBesideGc),
            disabled: host.param(Param::RewriteDisabled),
            always: host.param(Param::AlwaysRewrite),
        }
    }

    /// Insert flags for a node with such stale pointers, `None`: leave it.
    fn flags(&self, stale: u8) -> Option<u32> {
        let flags = BTREE_INSERT_NOWAIT | BTREE_INSERT_GC_LOCK_HELD;
        if !self.possible {
            None
        } else if stale > REWRITE_WITH_RESERVE {
            Some(flags | BTREE_INSERT_USE_RESERVE)
        } else if !self.disabled && (self.always || stale > REWRITE) {
            Some(flags)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: docs/facts/gc.md, the row on rewriting, for all stalenesses.
    #[test]
    fn rewrite_thresholds() {
        let all = |possible, disabled, always| Rewrites { possible, disabled, always };
        for stale in 0..=255_u8 {
            assert_eq!(all(false, false, true).flags(stale), None);
            let plain = all(true, false, false).flags(stale);
            let want = if stale > 64 {
                Some(16 | 512 | 1024)
            } else if stale > 16 {
                Some(512 | 1024)
            } else {
                None
            };
            assert_eq!(plain, want);
            let disabled = all(true, true, true).flags(stale);
            assert_eq!(disabled, want.filter(|_| stale > 64));
            let always = all(true, false, true).flags(stale);
            assert_eq!(always, Some(if stale > 64 { 16 | 512 | 1024 } else { 512 | 1024 }));
        }
    }
}
