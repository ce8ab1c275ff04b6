// SPDX-License-Identifier: GPL-2.0-only
//! The children of a node, where some are lost: how the tool joins those that are left, and
//! what it finds on the disk (facts: docs/facts/v1/recovery.md 13).

use crate::fs::Fs;
use crate::journal::Recovered;
use crate::node::{Node, read_found};
use crate::tables;
use crate::walk::Key;
use gc_core::layout::bits::{from16, from32, low8, low16, low32};
use gc_core::layout::{Bkey, Bpos, ExtentPtr, KeyType};

/// A leaf of the extents btree that was found on the disk.
#[derive(Debug, Clone)]
pub struct Found {
    /// What would point to it.
    pub key: Key,
    /// Which of two that overlap counts: the higher.
    newness: (u32, u64),
}

/// Flag of a pointer: the node's own range is replaced by the pointer's.
const RANGE_UPDATED: u64 = 1 << 16;

/// Least position of the node that a pointer leads to, where it says so.
fn min_of(key: &Key) -> Option<Bpos> {
    key.as_ref().child_min_key()
}

/// The position after another: the next snapshot, else the next offset, else the next inode.
fn successor(p: Bpos) -> Bpos {
    let Bpos { inode, offset, snapshot } = p;
    if let Some(snapshot) = snapshot.checked_add(1) {
        return Bpos { inode, offset, snapshot };
    }
    match offset.checked_add(1) {
        Some(offset) => Bpos { inode, offset, snapshot: 0 },
        None => Bpos { inode: inode.saturating_add(1), offset: 0, snapshot: 0 },
    }
}

/// Whether the children of a node cover its range without a gap; so it is, too, where a
/// pointer of the old form does not say where its node begins.
#[must_use]
pub fn is_whole(node: &Node, children: &[Key]) -> bool {
    let mut next = node.min;
    for child in children {
        let Some(min) = min_of(child) else { return true };
        if min != next {
            return false;
        }
        next = successor(child.k.p);
    }
    children.last().is_some_and(|last| last.k.p == node.max)
}

/// The pointer with another least position, its range said to be replaced.
fn from(mut key: Key, min: Bpos) -> Key {
    if let [_, _, word, offset, inode, ..] = key.v.as_mut_slice() {
        *word = (*word & 0xffff_ffff) | RANGE_UPDATED | from32(min.snapshot) << 32;
        (*offset, *inode) = (min.offset, min.inode);
    }
    key
}

/// The pointer with another greatest position, its range said to be replaced.
fn until(mut key: Key, max: Bpos) -> Key {
    if let Some(word) = key.v.get_mut(2) {
        *word |= RANGE_UPDATED;
    }
    key.k.p = max;
    key
}

/// Leaves that were found within a gap, cut to it.
fn fill(found: &[Found], gap_start: Bpos, gap_end: Bpos, out: &mut Vec<Key>) -> Bpos {
    let mut next = gap_start;
    for f in found {
        let (Some(min), max) = (min_of(&f.key), f.key.k.p) else { continue };
        if max < next || min > gap_end {
            continue;
        }
        let mut key = f.key.clone();
        if min < next {
            key = from(key, next);
        }
        if max > gap_end {
            key = until(key, gap_end);
        }
        next = successor(key.k.p);
        out.push(key);
        if max >= gap_end {
            break;
        }
    }
    next
}

/// The last position before one.
fn predecessor(p: Bpos) -> Bpos {
    let Bpos { inode, offset, snapshot } = p;
    if let Some(snapshot) = snapshot.checked_sub(1) {
        return Bpos { inode, offset, snapshot };
    }
    match offset.checked_sub(1) {
        Some(offset) => Bpos { inode, offset, snapshot: u32::MAX },
        None => {
            let (offset, snapshot) = (u64::MAX, u32::MAX);
            Bpos { inode: inode.saturating_sub(1), offset, snapshot }
        }
    }
}

/// Children that can be read, joined: gaps are filled with what was found on the disk, else
/// closed by the child that follows, or at the end by the last.
#[must_use]
pub fn join(node: &Node, children: Vec<Key>, found: &[Found]) -> Vec<Key> {
    let mut out: Vec<Key> = Vec::with_capacity(children.len());
    let mut next = node.min;
    for child in children {
        let Some(min) = min_of(&child) else {
            next = successor(child.k.p);
            out.push(child);
            continue;
        };
        let mut child = child;
        if min > next {
            next = fill(found, next, predecessor(min), &mut out);
            if next < min {
                child = from(child, next);
            }
        } else if min < next {
            if child.k.p < next {
                continue;
            }
            child = from(child, next);
        }
        next = successor(child.k.p);
        out.push(child);
    }
    if out.last().is_none_or(|last| last.k.p < node.max) {
        let start = out.last().map_or(node.min, |last| successor(last.k.p));
        fill(found, start, node.max, &mut out);
        if let Some(last) = out.pop() {
            let max = node.max;
            out.push(if last.k.p < max { until(last, max) } else { last });
        }
    }
    out
}

/// Looks for leaves of the extents btree in all buckets that may hold nodes. The tool means
/// to look for nodes of every btree, and finds these alone.
#[must_use]
pub fn scan(fs: &Fs, recovered: &Recovered) -> Vec<Found> {
    let step = from16(fs.node_sectors()).max(1);
    let mut all: Vec<(Node, Vec<ExtentPtr>)> = Vec::new();
    for (dev, device) in fs.members().filter(|(_, d)| d.online.is_some()) {
        let m = &device.member;
        let size = u64::from(m.bucket_size);
        for bucket in m.first_bucket..m.nbuckets {
            let first = bucket.saturating_mul(size);
            let bit = first.wrapping_shr(u32::from(m.bitmap_shift));
            if bit >= 64 || m.bitmap.wrapping_shr(low32(bit)) & 1 == 0 {
                continue;
            }
            let mut at = 0;
            while at < size {
                let sector = first.saturating_add(at);
                at = at.saturating_add(step);
                let Some(node) = read_found(fs, recovered, dev, sector) else { continue };
                let ptr = ExtentPtr::new(dev, sector, 0);
                match all.iter_mut().find(|(n, _)| n.seq == node.seq) {
                    Some((_, ptrs)) => ptrs.push(ptr),
                    None => all.push((node, vec![ptr])),
                }
            }
        }
    }
    let mut found: Vec<Found> =
        all.into_iter().map(|(node, ptrs)| as_found(&node, &ptrs)).collect();
    // The newest of those that overlap first; the others keep what is left of them.
    found.sort_by_key(|f| core::cmp::Reverse(f.newness));
    let mut kept: Vec<Found> = Vec::new();
    for f in found {
        let overlaps = |k: &Found| {
            let (a, b) = (min_of(&k.key), min_of(&f.key));
            a.is_some_and(|a| a <= f.key.k.p) && b.is_some_and(|b| b <= k.key.k.p)
        };
        if !kept.iter().any(overlaps) {
            kept.push(f);
        }
    }
    kept.sort_by_key(|f| f.key.k.p);
    kept
}

/// What points to a node that was found.
fn as_found(node: &Node, ptrs: &[ExtentPtr]) -> Found {
    let mut k = Bkey::new(node.max, 0);
    k.type_ = KeyType(tables::BTREE_PTR_V2);
    k.u64s = low8(gc_disk::bytes::number(ptrs.len())).saturating_add(10);
    let written = from16(low16(node.sectors));
    let word = written | from32(node.min.snapshot) << 32;
    let mut v = vec![0, node.seq, word, node.min.offset, node.min.inode];
    v.extend(ptrs.iter().map(|p| p.0));
    Found { key: Key { k, v }, newness: (node.seq_half, node.journal_seq) }
}
