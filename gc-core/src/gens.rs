// SPDX-License-Identifier: GPL-2.0-only
//! The oldest generation that any pointer still has (`bch2_gc_gens`): what keeps
//! the generations of buckets from wrapping round.

use crate::accounting::generation::gen_after;
use crate::bkey::{BsetKeys, NodeFormat, Pointers, entry_range};
use crate::error::{Errno, Error, Result};
use crate::host::{
    Coordination, Devices, Level, Members, NodeKeys, Param, State, StateRead, Stopping, Walk,
    WalkKind, Walks,
};
use crate::layout::{BtreeId, ExtentPtr};
use core::sync::atomic::AtomicU8;
use core::sync::atomic::Ordering::Relaxed;

/// Btrees whose keys point to data.
const BTREES: [BtreeId; 3] = [BtreeId::EXTENTS, BtreeId::EC, BtreeId::REFLINK];

/// What a pass over generations needs of a host: nothing is accounted for, nothing asked.
pub trait GensHost: Members + State + Coordination + Stopping + Walks {}

impl<H: Members + State + Coordination + Stopping + Walks> GensHost for H {}

/// Recomputes `oldest_gen` of every bucket, beside others.
///
/// # Errors
/// `ESHUTDOWN` when the gc thread is asked to stop meanwhile; the walk's error;
/// `ENOMEM`. `oldest_gen` is then as it was.
pub fn gc_gens<H: GensHost>(host: &H) -> Result<()> {
    {
        let state = StateRead::lock_unless_stopping(host).ok_or(Error::Errno(Errno::ESHUTDOWN))?;
        let devices = Devices::collect(host, &*state)?;
        for b in devices.iter().flat_map(|dev| dev.live.as_slice()) {
            set(&b.gc_gen, b.load_mark(Relaxed).gen_());
        }
        for id in BTREES {
            btree(host, &devices, id)?;
        }
        for b in devices.iter().flat_map(|dev| dev.live.as_slice()) {
            set(&b.oldest_gen, b.gc_gen.load(Relaxed));
        }
    }
    // Allocators that wait until generations may be incremented look at the
    // count, and only when they are woken.
    host.gc_count_inc();
    host.wake_allocators();
    Ok(())
}

/// Most buckets have it already: then nothing is written.
#[inline]
fn set(cell: &AtomicU8, to: u8) {
    if cell.load(Relaxed) != to {
        cell.store(to, Relaxed);
    }
}

fn btree<H: GensHost>(host: &H, devices: &Devices<'_, H>, id: BtreeId) -> Result<()> {
    let walker = Walker { host, devices };
    // Node by node where that can be: what a key costs a node costs then.
    let by_nodes = host.param(Param::Lends);
    let kind = if by_nodes { WalkKind::Nodes { min_depth: 0 } } else { WalkKind::Keys };
    let mut walk = host.walk(id, kind)?;
    let walked = if by_nodes { walker.nodes(&mut walk) } else { walker.keys(&mut walk) };
    let closed = walk.close();
    walked.and(closed)
}

struct Walker<'a, 'h, H: GensHost> {
    host: &'a H,
    devices: &'a Devices<'h, H>,
}

impl<H: GensHost> Walker<'_, '_, H> {
    fn keys(&self, walk: &mut H::Walk<'_>) -> Result<()> {
        while let Some(key) = walk.next_key()? {
            self.pointers(key.pointers());
        }
        Ok(())
    }

    fn nodes(&self, walk: &mut H::Walk<'_>) -> Result<()> {
        while let Some(node) = walk.next_node()? {
            // Pointers to nodes are never stale.
            if self.host.node_info(node)?.level == 0 {
                self.leaf(node)?;
            }
            walk.resched();
        }
        Ok(())
    }

    fn leaf(&self, node: H::Node) -> Result<()> {
        let Some(set) = self.host.node_set(node, false)? else {
            let mut keys = self.host.node_keys(node, false);
            while let Some(key) = keys.next()? {
                self.pointers(key.pointers());
            }
            return Ok(());
        };
        let format = NodeFormat::new(set.format).map_err(|_| Error::INVAL)?;
        for raw in BsetKeys::new(&format, set.words) {
            let raw = raw.map_err(|_| Error::INVAL)?;
            // Whiteouts have none.
            let (type_, v) = (raw.type_(), raw.value());
            self.pointers(Pointers::new(v.get(entry_range(type_, v)).unwrap_or(&[])));
        }
        Ok(())
    }

    #[inline]
    fn pointers(&self, pointers: Pointers<'_>) {
        for ptr in pointers {
            let bucket =
                self.devices.get(ptr.dev()).and_then(|d| d.live.get(d.bucket_of(ptr.offset())?));
            match bucket {
                Some(bucket) => {
                    if gen_after(bucket.gc_gen.load(Relaxed), ptr.gen_()) != 0 {
                        bucket.gc_gen.store(ptr.gen_(), Relaxed);
                    }
                }
                None => self.nonexistent(ptr),
            }
        }
    }

    #[cold]
    fn nonexistent(&self, ptr: ExtentPtr) {
        let (dev, sector) = (ptr.dev(), ptr.offset());
        self.host.log(
            Level::Err,
            format_args!("pointer to nonexistent bucket: dev {dev} sector {sector}"),
        );
    }
}
