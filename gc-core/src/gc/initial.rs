// SPDX-License-Identifier: GPL-2.0-only
//! The walk before the journal is replayed: nodes as they are on disk, with the
//! journal's keys laid over, and nobody else there.

use super::mark::Marker;
use super::topology::{self, Topology};
use crate::bkey::{KeyBuf, KeyRef, NodeFormat, RawKey};
use crate::error::{Error, Result};
use crate::host::{Child, Host, InitialPass, Level, NodeInfo, NodeKeys, NodeRead, NodeSet, Origin};
use crate::layout::btree::BTREE_MAX_DEPTH;
use crate::layout::{Bpos, BtreeId};

/// Walks one btree down to `target` level and marks its keys, its root's last.
///
/// # Errors
/// A finding was answered "stop" or has no repair, or a node cannot be had.
pub(crate) fn btree<H: Host + ?Sized>(
    host: &H,
    pass: &InitialPass<'_>,
    marker: &mut Marker<'_, '_, H>,
    id: BtreeId,
    target: u8,
) -> Result<()> {
    let Some(node) = host.btree_root(pass, id) else { return Ok(()) };
    if host.node_info(node)?.fake {
        return Ok(());
    }
    let root = NodeRead::lock(host, node);
    let info = host.node_info(node)?;
    topology::root(host, &info)?;
    if info.level >= BTREE_MAX_DEPTH {
        return Err(refuse(host, id, "root deeper than a btree can be"));
    }
    if info.level >= target {
        // Roots were read long ago.
        let root = Child { node: root.get(), checked: false };
        Walk { host, id, target }.node(marker, root, &info)?;
    }
    let key = host.node_key(node).ok_or_else(|| refuse(host, id, "root key too long"))?;
    marker.mark(&Origin::root_key(node, &info), key.as_ref())?;
    marker.hand_over();
    Ok(())
}

struct Walk<'h, H: Host + ?Sized> {
    host: &'h H,
    id: BtreeId,
    target: u8,
}

impl<H: Host + ?Sized> Walk<'_, H> {
    /// Keys of a read-locked node and of all nodes below it.
    fn node(
        &self,
        marker: &mut Marker<'_, '_, H>,
        at: Child<H::Node>,
        info: &NodeInfo,
    ) -> Result<()> {
        if info.level == 0 { self.leaf(marker, at, info) } else { self.interior(marker, at, info) }
    }

    fn leaf(
        &self,
        marker: &mut Marker<'_, '_, H>,
        at: Child<H::Node>,
        info: &NodeInfo,
    ) -> Result<()> {
        if let Some(set) = self.host.node_set(at.node, true)? {
            self.set(marker, at, info, set)?;
        } else {
            let mut keys = self.host.node_keys(at.node, true);
            while let Some(key) = keys.next()? {
                self.host.debugcheck(at.node, key);
                self.mark(marker, at.node, info, key)?;
            }
        }
        marker.hand_over();
        Ok(())
    }

    /// Keys of a leaf as they lie in it, without the host's help for each.
    fn set(
        &self,
        marker: &mut Marker<'_, '_, H>,
        at: Child<H::Node>,
        info: &NodeInfo,
        set: NodeSet<'_>,
    ) -> Result<()> {
        let broken = |_| refuse(self.host, self.id, "node whose keys cannot be read");
        let format = NodeFormat::new(set.format).map_err(broken)?;
        let mut words = set.words;
        loop {
            if at.checked {
                words = marker.mark_plain(&format, words);
            }
            let Some((raw, rest)) = RawKey::split_first(&format, words) else { return Ok(()) };
            words = rest;
            let raw = raw.map_err(|_| refuse(self.host, self.id, "key of a wrong length"))?;
            if raw.is_whiteout() {
                continue;
            }
            let k = format.unpack(raw);
            let key = KeyRef::new(&k, raw.value());
            if !at.checked {
                self.host.debugcheck(at.node, key);
            }
            self.mark(marker, at.node, info, key)?;
        }
    }

    fn interior(
        &self,
        marker: &mut Marker<'_, '_, H>,
        at: Child<H::Node>,
        info: &NodeInfo,
    ) -> Result<()> {
        let mut keys = self.host.node_keys(at.node, true);
        let mut coming =
            (info.level > self.target).then(|| ReadAhead::new(self.host, at.node)).transpose()?;
        let mut topology = Topology::of(info);
        let mut ahead = self.copy_next(&mut keys)?;
        while let Some(key) = ahead {
            // Also in a node just read: it may be a key of the journal.
            self.host.debugcheck(at.node, key.as_ref());
            self.mark(marker, at.node, info, key.as_ref())?;
            ahead = self.copy_next(&mut keys)?;
            topology.child(self.host, key.as_ref(), ahead.is_none())?;
            if let Some(coming) = &mut coming {
                coming.one_more()?;
                self.child(marker, info.level, &key)?;
            }
        }
        Ok(())
    }

    fn child(&self, marker: &mut Marker<'_, '_, H>, level: u8, key: &KeyBuf) -> Result<()> {
        let level = level.saturating_sub(1);
        let child = self.host.node_get(key, self.id, level)?;
        let locked = NodeRead::adopt(self.host, child.node);
        let info = self.host.node_info(locked.get())?;
        // The recursion is bounded by the levels, so they must go down.
        if info.level != level {
            return Err(refuse(self.host, self.id, "child at the wrong level"));
        }
        self.node(marker, child, &info)
    }

    #[inline]
    fn mark(
        &self,
        marker: &mut Marker<'_, '_, H>,
        node: H::Node,
        info: &NodeInfo,
        key: KeyRef<'_>,
    ) -> Result<()> {
        let p = key.k.p;
        if p < info.min_key || p > info.max_key {
            return Err(self.out_of_range(p, info));
        }
        marker.mark(&Origin::in_node(node, info, true), key)?;
        Ok(())
    }

    #[cold]
    fn out_of_range(&self, p: Bpos, info: &NodeInfo) -> Error {
        self.host.log(
            Level::Err,
            format_args!(
                "btree {}: key {p:?} outside of its node {:?} to {:?}",
                name(self.id),
                info.min_key,
                info.max_key
            ),
        );
        Error::RepairUnimplemented
    }

    /// Interior keys are copied: the node they point to is read meanwhile.
    fn copy_next(&self, keys: &mut H::Keys<'_>) -> Result<Option<KeyBuf>> {
        match keys.next()? {
            None => Ok(None),
            Some(key) => match KeyBuf::copy_of(key) {
                Some(copy) => Ok(Some(copy)),
                None => Err(refuse(self.host, self.id, "pointer to a node too long")),
            },
        }
    }
}

/// Children that are about to be read, so many at a time.
const AHEAD: usize = 16;

/// Tells the host which children come: a look at the same keys that runs ahead of the
/// walk. What is found in them is told in the order of the walk all the same.
struct ReadAhead<'h, H: Host + ?Sized + 'h> {
    host: &'h H,
    keys: H::Keys<'h>,
}

impl<'h, H: Host + ?Sized> ReadAhead<'h, H> {
    /// Over a node that stays locked, with its first children told.
    fn new(host: &'h H, node: H::Node) -> Result<Self> {
        let mut coming = Self { host, keys: host.node_keys(node, true) };
        (1..AHEAD).try_for_each(|_| coming.one_more())?;
        Ok(coming)
    }

    /// Tells the next one, if there is one.
    fn one_more(&mut self) -> Result<()> {
        if let Some(key) = self.keys.next()?.and_then(KeyBuf::copy_of) {
            self.host.read_ahead(&key);
        }
        Ok(())
    }
}

pub(crate) fn name(id: BtreeId) -> &'static str {
    id.name().unwrap_or("unknown")
}

#[cold]
pub(crate) fn refuse<H: Host + ?Sized>(host: &H, id: BtreeId, what: &str) -> Error {
    host.log(Level::Err, format_args!("btree {}: {what}", name(id)));
    Error::INVAL
}
