// SPDX-License-Identifier: GPL-2.0-only
//! A btree from sorted keys, node by node: no level keeps more than one node.

use crate::error::{Error, Result};
use crate::key::Key;
use crate::node::{NodeHead, Set, SetKey};
use crate::rng::{Rng, mix2};
use crate::spec::{Format, NodeSpec};
use gc_core::bkey::NodeFormat;
use gc_core::layout::btree::BTREE_MAX_DEPTH;
use gc_core::layout::{
    Bkey, BkeyFormat, BkeyFormatState, Bpos, BtreeId, BtreeNodeType, ExtentPtr, KeyType, POS_MAX,
    POS_MIN,
};

/// Where nodes go.
pub trait NodeOut {
    /// Room for a node: its pointers.
    ///
    /// # Errors
    /// No room.
    fn place(&mut self) -> Result<Vec<ExtentPtr>>;
    /// Writes a node; its length in sectors.
    ///
    /// # Errors
    /// The system's.
    fn write(
        &mut self,
        head: &NodeHead,
        format: &NodeFormat,
        sets: &[Set<'_>],
        ptrs: &[ExtentPtr],
    ) -> Result<u16>;
    /// A key of the tree, at `level`, to be counted.
    fn count(&mut self, btree: BtreeId, level: u8, k: &Bkey, v: &[u64]);
    /// Bytes for keys in a node of so many bsets.
    fn room(&self, sets: u32) -> u64;
    /// A journal sequence that is blacklisted, for bsets that must be passed over.
    fn blacklisted(&self) -> Option<u64>;
    /// A journal sequence that is not.
    fn journal_seq(&self) -> u64;
}

#[derive(Debug)]
struct Stored {
    k: Bkey,
    at: usize,
}

#[derive(Debug)]
struct Level {
    min: Bpos,
    keys: Vec<Stored>,
    values: Vec<u64>,
    state: BkeyFormatState,
    flushed: u64,
}

impl Level {
    fn new(min: Bpos) -> Self {
        let mut state = BkeyFormatState::new();
        state.add_pos(min);
        Self { min, keys: Vec::new(), values: Vec::new(), state, flushed: 0 }
    }

    fn restart(&mut self, min: Bpos) {
        self.min = min;
        self.keys.clear();
        self.values.clear();
        self.state = BkeyFormatState::new();
        self.state.add_pos(min);
        self.flushed += 1;
    }

    fn value(&self, i: usize) -> &[u64] {
        let start = self.keys.get(i).map_or(0, |s| s.at);
        let end = self.keys.get(i + 1).map_or(self.values.len(), |s| s.at);
        self.values.get(start..end).unwrap_or(&[])
    }
}

/// A btree being made.
#[derive(Debug)]
pub struct Tree {
    btree: BtreeId,
    spec: NodeSpec,
    seed: u64,
    blacklisted_bsets: u32,
    node_sectors: u16,
    levels: Vec<Level>,
    nodes: u64,
}

/// The root of a btree.
#[derive(Debug, Clone)]
pub struct Root {
    /// Its level.
    pub level: u8,
    /// The key that points to it.
    pub key: Key,
    /// Nodes of the btree.
    pub nodes: u64,
}

impl Tree {
    /// An empty one.
    #[must_use]
    pub fn new(
        btree: BtreeId,
        spec: NodeSpec,
        node_sectors: u16,
        seed: u64,
        blacklisted_bsets: u32,
    ) -> Self {
        let levels = vec![Level::new(POS_MIN)];
        let seed = mix2(seed, u64::from(btree.0));
        Self { btree, spec, seed, blacklisted_bsets, node_sectors, levels, nodes: 0 }
    }

    /// Which btree it is.
    #[must_use]
    pub const fn btree(&self) -> BtreeId {
        self.btree
    }

    /// Adds a key behind those that are there.
    ///
    /// # Errors
    /// Out of order; what [`NodeOut`] fails with.
    pub fn push(&mut self, out: &mut impl NodeOut, k: &Bkey, v: &[u64]) -> Result<()> {
        out.count(self.btree, 0, k, v);
        self.push_at(out, 0, k, v)
    }

    fn push_at(&mut self, out: &mut impl NodeOut, level: usize, k: &Bkey, v: &[u64]) -> Result<()> {
        if level >= usize::from(BTREE_MAX_DEPTH) {
            return Err(Error::Spec("btree too deep"));
        }
        if self.levels.len() <= level {
            self.levels.push(Level::new(POS_MIN));
        }
        let l = self.levels.get(level).ok_or(Error::Spec("level"))?;
        if let Some(last) = l.keys.last() {
            if last.k.p >= k.p {
                return Err(Error::Order);
            }
            if !self.fits(out, level, l, k, v) {
                let end = last.k.p;
                self.flush_and_push(out, level, end)?;
                let next = end.successor().ok_or(Error::Order)?;
                self.level(level)?.restart(next);
            }
        }
        let l = self.level(level)?;
        l.state.add_key(k);
        l.keys.push(Stored { k: *k, at: l.values.len() });
        l.values.extend_from_slice(v);
        Ok(())
    }

    fn level(&mut self, level: usize) -> Result<&mut Level> {
        self.levels.get_mut(level).ok_or(Error::Spec("level"))
    }

    fn sets(&self, level: usize) -> u32 {
        let more = u32::from(self.blacklisted_bsets != 0);
        if level == 0 { self.spec.bsets.max(1) + more } else { 1 }
    }

    fn fits(&self, out: &impl NodeOut, level: usize, l: &Level, k: &Bkey, v: &[u64]) -> bool {
        // Only two levels are kept small, so that the depth is enough for any tree.
        let most = match level {
            0 => self.spec.leaf_keys,
            1 => self.spec.interior_keys.max(2),
            _ => usize::MAX,
        };
        if l.keys.len() >= most {
            return false;
        }
        let n = crate::buf::number(l.keys.len() + 1);
        let values = crate::buf::number(l.values.len() + v.len());
        let room = out.room(self.sets(level)) / 8 * u64::from(self.spec.fill.min(100)) / 100;
        let longest = 7;
        // Most of the time the format need not be calculated.
        if values + 3 * n * longest < room {
            return true;
        }
        let key = match self.spec.format {
            Format::Calculated if self.spec.unpacked_every == 0 => {
                let mut state = l.state;
                state.add_key(k);
                u64::from(state.finish().key_u64s)
            }
            Format::Calculated | Format::Current => 5,
            Format::Chosen(f) => u64::from(f.key_u64s).max(5),
        };
        let mut keys = n;
        if level == 0 {
            let share = |every: u32| n.checked_div(u64::from(every)).map_or(0, |s| s + 1);
            keys += share(self.spec.shadow_every)
                + 2 * share(self.spec.ghost_every)
                + share(self.blacklisted_bsets);
        }
        // A calculated format may give way to the current one for single keys.
        values + keys * key + 16 < room
    }

    /// Writes the node of a level, up to `end`, and gives the key that points to it.
    fn flush(&mut self, out: &mut impl NodeOut, level: usize, end: Bpos) -> Result<Key> {
        let (btree, spec, nodes) = (self.btree, self.spec, self.nodes);
        let seq = mix2(self.seed, nodes) | 1;
        let blacklisted_bsets = self.blacklisted_bsets;
        let l = self.levels.get(level).ok_or(Error::Spec("level"))?;
        let small = u8::try_from(level).map_err(|_| Error::Spec("level"))?;
        let format = match spec.format {
            Format::Calculated => l.state.finish(),
            Format::Current => BkeyFormat::CURRENT,
            Format::Chosen(f) if BtreeNodeType::of(small, btree).is_extents() => f,
            Format::Chosen(f) => without_size(f),
        };
        let format = NodeFormat::new(&format).map_err(|_| Error::Spec("format is not valid"))?;
        let leaf_of_extents = BtreeNodeType::of(small, btree).is_extents();
        let head = NodeHead {
            btree,
            level: small,
            min: l.min,
            max: end,
            seq,
            new_extent_overwrite: spec.new_extent_overwrite || !leaf_of_extents,
        };
        let mut sets = spread(l, &spec, small, btree, mix2(seq, 1), out.journal_seq());
        if let (0, true, Some(bad)) = (level, blacklisted_bsets != 0, out.blacklisted()) {
            let keys = (0..l.keys.len()).filter(|i| i % usize_of(blacklisted_bsets) == 0);
            let keys: Vec<_> = keys.filter_map(|i| l.keys.get(i)).map(|s| junk(&s.k)).collect();
            if !keys.is_empty() {
                sets.push(Set { keys, journal_seq: bad, separate_whiteouts: false });
            }
        }
        let ptrs = out.place()?;
        let sectors = out.write(&head, &format, &sets, &ptrs)?;
        let words = ptrs.iter().map(|p| p.0);
        let (type_, v) = if spec.ptr_v2 {
            let p = l.min;
            let size = u64::from(self.node_sectors) << 16;
            // seq 8, sectors_written 16, sectors 18, min_key 20, pointers 40.
            let mut v = vec![0, seq, u64::from(sectors) | size | (u64::from(p.snapshot) << 32)];
            v.extend([p.offset, p.inode]);
            v.extend(words);
            (KeyType::BTREE_PTR_V2, v)
        } else {
            (KeyType::BTREE_PTR, words.collect())
        };
        self.nodes += 1;
        let key = Key::new(type_, end, 0, v);
        out.count(btree, small + 1, &key.k, &key.v);
        Ok(key)
    }

    fn flush_and_push(&mut self, out: &mut impl NodeOut, level: usize, end: Bpos) -> Result<()> {
        let key = self.flush(out, level, end)?;
        self.push_at(out, level + 1, &key.k, &key.v)
    }

    /// Writes what is left and gives the root.
    ///
    /// # Errors
    /// What [`NodeOut`] fails with.
    pub fn finish(mut self, out: &mut impl NodeOut) -> Result<Root> {
        for level in 0_u8..BTREE_MAX_DEPTH {
            let at = usize::from(level);
            let flushed = self.level(at)?.flushed;
            if flushed == 0 && level + 1 >= self.spec.levels {
                let key = self.flush(out, at, POS_MAX)?;
                return Ok(Root { level, key, nodes: self.nodes });
            }
            self.flush_and_push(out, at, POS_MAX)?;
        }
        Err(Error::Spec("btree too deep"))
    }
}

/// Keys without a size get no bits for one: the original leaves those of a packed
/// position as they are and then trips over them.
fn without_size(mut f: BkeyFormat) -> BkeyFormat {
    let [inode, offset, snapshot, _, hi, lo] = f.bits_per_field;
    f.bits_per_field = [inode, offset, snapshot, 0, hi, lo];
    let bits: u32 = f.bits_per_field.iter().map(|&w| u32::from(w)).sum::<u32>() + 24;
    f.key_u64s = u8::try_from(bits.div_ceil(64)).unwrap_or(u8::MAX);
    f
}

fn usize_of(v: u32) -> usize {
    usize::try_from(v).unwrap_or(usize::MAX)
}

/// A key at the same place that means nothing.
fn junk<'a>(k: &Bkey) -> SetKey<'a> {
    let k = Bkey { u64s: 5, type_: KeyType::ERROR, ..*k };
    SetKey { k, v: &[], unpacked: false }
}

/// Deals the keys of a node out to bsets; adds older versions and deleted keys.
fn spread<'a>(
    l: &'a Level,
    spec: &NodeSpec,
    level: u8,
    btree: BtreeId,
    seed: u64,
    journal_seq: u64,
) -> Vec<Set<'a>> {
    let mut rng = Rng::new(seed);
    let nr = if level == 0 { usize_of(spec.bsets.max(1)) } else { 1 };
    let empty = Set { journal_seq, separate_whiteouts: spec.separate_whiteouts, ..Set::default() };
    let mut sets = vec![empty; nr];
    let mut whiteouts: Vec<Vec<SetKey<'a>>> = vec![Vec::new(); nr];
    let extents = BtreeNodeType::of(level, btree).is_extents();
    let mut free_from = l.min;
    for (i, s) in l.keys.iter().enumerate() {
        let pick = |rng: &mut Rng, n: usize| {
            usize::try_from(rng.below(crate::buf::number(n))).unwrap_or(0)
        };
        let at = pick(&mut rng, nr);
        // A place of its own for a deleted neighbour: of extents the sector before.
        let ghost = if extents {
            let p = Some(s.k.start_pos()).filter(|p| *p >= free_from && p.offset > 0);
            p.map(|p| Bkey { p, size: 1, ..s.k })
        } else {
            s.k.p.predecessor().filter(|p| *p >= free_from).map(|p| Bkey { p, size: 0, ..s.k })
        };
        if let (Some(ghost), true) = (ghost, level == 0 && nr > 1 && spec.ghost_every != 0) {
            if i % usize_of(spec.ghost_every) == 0 {
                let newer = 1 + pick(&mut rng, nr - 1);
                if let Some(set) = sets.get_mut(pick(&mut rng, newer)) {
                    set.keys.push(junk(&ghost));
                }
                let type_ = if extents { KeyType::DISCARD } else { KeyType::DELETED };
                let gone = Bkey { u64s: 5, type_, ..ghost };
                let gone = SetKey { k: gone, v: &[], unpacked: false };
                if spec.separate_whiteouts {
                    if let Some(w) = whiteouts.get_mut(newer) {
                        w.push(gone);
                    }
                } else if let Some(set) = sets.get_mut(newer) {
                    set.keys.push(gone);
                }
            }
        }
        if at > 0 && spec.shadow_every != 0 && i % usize_of(spec.shadow_every) == 0 {
            if let Some(set) = sets.get_mut(pick(&mut rng, at)) {
                set.keys.push(junk(&s.k));
            }
        }
        let unpacked = spec.unpacked_every != 0 && rng.one_in(u64::from(spec.unpacked_every));
        if let Some(set) = sets.get_mut(at) {
            set.keys.push(SetKey { k: s.k, v: l.value(i), unpacked });
        }
        free_from = s.k.p.successor().unwrap_or(POS_MAX);
    }
    for (set, mut gone) in sets.iter_mut().zip(whiteouts) {
        if !gone.is_empty() {
            gone.append(&mut set.keys);
            set.keys = gone;
        }
    }
    // The first is there even when empty, later ones must not be.
    let mut first = true;
    sets.retain(|s| core::mem::take(&mut first) || !s.keys.is_empty());
    sets
}
