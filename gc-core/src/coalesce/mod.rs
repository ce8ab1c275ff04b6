// SPDX-License-Identifier: GPL-2.0-only
//! Merging of neighbouring btree nodes that are sparse (`bch2_coalesce`).
//!
//! A walk visits the nodes of a btree, children before their parent, with intent
//! locks up to the root. The node it is at and up to three of its level before it
//! are a window: if their keys go into fewer nodes, they are replaced by those in
//! one update of their parent. Everything is planned, packed and checked before
//! the host is asked for the update, so that whatever fails, fails before
//! anything has changed.

mod fit;
mod repack;
mod shape;
mod slice;
mod window;

use crate::error::{Errno, Error, Result, code};
use crate::host::{
    BtreeRoot, CoalesceFail, CoalesceHost, CoalesceWalk, GcRead, Held, Level, NewNode, NodeInfo,
    Replacement, Trace, Walk,
};
use crate::layout::btree::{BTREE_ID_NR, BTREE_MAX_DEPTH, GC_MERGE_NODES};
use crate::layout::{BtreeId, POS_MIN};
use alloc::vec::Vec;
use fit::Fit;
use repack::{Refusal, repack};
use shape::{ParentKeys, children_match, tiles};
use window::{Siblings, Window};

/// Levels of a btree, as an array length.
const LEVELS: usize = 4;
static_assertions::const_assert!(BTREE_MAX_DEPTH == 4);

/// Times that a merge waits for a reserve before the walk goes on without it.
const WAITS: u32 = 8;

const STOP: Error = Error::Errno(Errno::ESHUTDOWN);

/// Merges nodes of all btrees and says so when that fails.
pub fn run<H: CoalesceHost>(host: &H) {
    match coalesce(host) {
        Ok(()) | Err(Error::Errno(Errno::ESHUTDOWN)) => {}
        Err(e) => host.log(Level::Err, format_args!("btree coalescing failed: {}", e.code())),
    }
}

/// Merges nodes of all btrees.
///
/// # Errors
/// `ESHUTDOWN` when the calling thread is the gc thread and is asked to stop;
/// `EROFS`, `EIO` when the host takes no update any more; the walk's error;
/// `ENOMEM`. Merges made before stay.
pub fn coalesce<H: CoalesceHost>(host: &H) -> Result<()> {
    let gc = GcRead::lock_unless_stopping(host).ok_or(STOP)?;
    host.trace(Trace::CoalesceStart, 0);
    let result = btrees(host, &gc);
    host.trace(Trace::CoalesceEnd, code(result));
    result
}

fn btrees<H: CoalesceHost>(host: &H, gc: &Held<GcRead>) -> Result<()> {
    let fit = Fit::new(host.node_size()).ok_or(Error::INVAL)?;
    for id in (0_u8..).map(BtreeId).take(BTREE_ID_NR) {
        let there = host.btree_root(&*BtreeRoot::lock(host), id).is_some();
        if there {
            let mut walk = host.coalesce_walk(id)?;
            let walked = Coalescer::new(host, gc, fit).btree(&mut walk);
            let closed = walk.close();
            walked.and(closed)?;
        }
    }
    Ok(())
}

/// What became of the node the walk is at.
enum Outcome<N> {
    /// It stays; the window goes on with this many nodes, itself included.
    Kept(usize),
    /// The walk is at this one now.
    Merged(N),
    /// It may be merged when the host has a reserve.
    Wait,
}

/// Merging within one btree.
struct Coalescer<'h, H: CoalesceHost> {
    host: &'h H,
    gc: &'h Held<GcRead>,
    fit: Fit,
    windows: [Window<H::Node>; LEVELS],
    /// Packed keys of the nodes being merged; kept for its memory.
    words: Vec<u64>,
    /// A disagreement between nodes has been reported.
    said: bool,
}

impl<'h, H: CoalesceHost> Coalescer<'h, H> {
    fn new(host: &'h H, gc: &'h Held<GcRead>, fit: Fit) -> Self {
        Self { host, gc, fit, windows: [Window::EMPTY; LEVELS], words: Vec::new(), said: false }
    }

    fn btree(&mut self, walk: &mut H::CoalesceWalk<'h>) -> Result<()> {
        while let Some(node) = walk.next_node()? {
            self.visit(walk, node)?;
            if self.host.should_stop() {
                return Err(STOP);
            }
            walk.resched();
        }
        Ok(())
    }

    /// Merges the node and those before it, if it can be done; waits for the host
    /// a few times if need be.
    fn visit(&mut self, walk: &mut H::CoalesceWalk<'h>, node: H::Node) -> Result<()> {
        let mut node = node;
        for _ in 0..WAITS {
            if self.step(walk, node)? {
                return Ok(());
            }
            match walk.wait()? {
                Some(now) => node = now,
                None => return Ok(()),
            }
            if self.host.should_stop() {
                return Err(STOP);
            }
        }
        self.host.trace_coalesce_fail(CoalesceFail::Reserve);
        let info = self.host.node_info(node)?;
        self.keep(&info, node, 1);
        Ok(())
    }

    /// One attempt; false if the host has to be waited for.
    fn step(&mut self, walk: &mut H::CoalesceWalk<'h>, node: H::Node) -> Result<bool> {
        let info = self.host.node_info(node)?;
        match self.attempt(walk, node, &info)? {
            Outcome::Wait => return Ok(false),
            Outcome::Kept(nr) => self.keep(&info, node, nr),
            // The update may have split the parent between the new nodes: only the
            // last is known to be the next one's sibling.
            Outcome::Merged(new) => self.keep(&info, new, 1),
        }
        Ok(true)
    }

    /// The walk goes on from this node, of which `nr - 1` before it are siblings.
    fn keep(&mut self, info: &NodeInfo, node: H::Node, nr: usize) {
        if let Some(window) = self.windows.get_mut(usize::from(info.level)) {
            window.truncate(nr.saturating_sub(1));
            window.push(node, self.host.node_state(node).seq);
        }
    }

    fn attempt(
        &mut self,
        walk: &mut H::CoalesceWalk<'h>,
        node: H::Node,
        info: &NodeInfo,
    ) -> Result<Outcome<H::Node>> {
        let window = self.windows.get(usize::from(info.level));
        let (Some(window), Some(parent), false) = (window, walk.parent(node), info.fake) else {
            return Ok(Outcome::Kept(1));
        };
        let range = self.host.node_info(parent)?;
        let siblings = Siblings::lock(self.host, window, &range, node, info)?;
        let nodes = siblings.as_slice();
        let nr = nodes.len();
        let live = nodes.iter().fold(0_u64, |sum, &n| {
            sum.saturating_add(u64::from(self.host.node_state(n).live_u64s))
        });
        if !self.fit.one_fewer(live, nr) {
            return Ok(Outcome::Kept(nr));
        }
        match self.replace(walk, parent, nodes) {
            Ok(new) => {
                siblings.replaced();
                new.map(Outcome::Merged).ok_or(Error::INVAL)
            }
            Err(Refused::Because(Refusal::Fail(why))) => {
                self.host.trace_coalesce_fail(why);
                Ok(Outcome::Kept(nr))
            }
            Err(Refused::Because(Refusal::Disorder)) => {
                self.disagreement(info);
                Ok(Outcome::Kept(1))
            }
            Err(Refused::ByHost(Error::Errno(Errno::EAGAIN | Errno::EINTR))) => Ok(Outcome::Wait),
            Err(Refused::ByHost(e @ Error::Errno(Errno::EROFS | Errno::EIO))) => Err(e),
            Err(Refused::Because(Refusal::Host(e))) => Err(e),
            Err(Refused::ByHost(_)) => {
                self.host.trace_coalesce_fail(CoalesceFail::Reserve);
                Ok(Outcome::Kept(nr))
            }
        }
    }

    /// Plans the new nodes, checks the plan and has it carried out.
    fn replace(
        &mut self,
        walk: &mut H::CoalesceWalk<'h>,
        parent: H::Node,
        nodes: &[H::Node],
    ) -> Result<Option<H::Node>, Refused> {
        let host = self.host;
        if !children_match(host, parent, nodes).map_err(Refusal::Host)? {
            return Err(Refusal::Disorder.into());
        }
        let repacked = repack(host, self.fit, nodes, &mut self.words)?;
        let slices = repacked.slices.as_slice();

        let mut old_max = [POS_MIN; GC_MERGE_NODES];
        for (max, &n) in old_max.iter_mut().zip(nodes) {
            *max = host.node_info(n).map_err(Refusal::Host)?.max_key;
        }
        let old_max = old_max.get(..nodes.len()).unwrap_or(&[]);
        let min = match nodes.first() {
            Some(&n) => Some(host.node_info(n).map_err(Refusal::Host)?.min_key),
            None => None,
        };
        let ends = min.zip(old_max.last());
        let keys = ends
            .filter(|&(min, &max)| tiles(slices, min, max))
            .and_then(|_| ParentKeys::new(old_max, slices))
            .ok_or(Refusal::Disorder)?;

        let none = NewNode {
            min_key: POS_MIN,
            max_key: POS_MIN,
            keys: &[],
            packed_keys: 0,
            unpacked_keys: 0,
        };
        let mut new = [none; GC_MERGE_NODES];
        for (new, slice) in new.iter_mut().zip(slices) {
            *new = NewNode {
                min_key: slice.min,
                max_key: slice.max,
                keys: self.words.get(slice.words.clone()).ok_or(Refusal::Disorder)?,
                packed_keys: slice.packed,
                unpacked_keys: slice.unpacked,
            };
        }
        let replacement = Replacement {
            parent,
            old: nodes,
            new: new.get(..slices.len()).unwrap_or(&[]),
            format: &repacked.format,
            keys: keys.as_slice(),
        };
        walk.replace(self.gc, &replacement).map_err(Refused::ByHost)
    }

    /// Nodes that do not agree are left as they are; one line a btree says so.
    fn disagreement(&mut self, info: &NodeInfo) {
        if core::mem::replace(&mut self.said, true) {
            return;
        }
        let name = info.btree_id.name().unwrap_or("(unknown btree)");
        self.host.log(
            Level::Err,
            format_args!(
                "btree coalescing: {name} level {} up to {:?}: nodes and parent do not agree, \
                 left as they are",
                info.level, info.max_key
            ),
        );
    }
}

/// Why nodes were not replaced.
enum Refused {
    Because(Refusal),
    ByHost(Error),
}

impl From<Refusal> for Refused {
    fn from(why: Refusal) -> Self {
        Self::Because(why)
    }
}

#[cfg(test)]
mod tests;
