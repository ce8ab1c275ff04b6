// SPDX-License-Identifier: GPL-2.0-only
//! Alloc keys: what remains of each bucket at first, and how many there are.

use super::level::Work;
use super::marker::{Context, Silent};
use super::parts::Held;
use super::remaining::{REGION_BITS, Remaining};
use crate::key::Key;
use crate::reason::{Rule, Unusual};
use gc_core::accounting::replicas::View;
use gc_core::accounting::{Ctx, StripeTable, Trigger, Usage};
use gc_core::bkey::KeyRef;
use gc_core::layout::{Bkey, Bpos, KeyType};
use std::ops::RangeInclusive;

/// Reads alloc keys for one thread.
pub(super) struct Filler<'a> {
    remaining: &'a Remaining,
    table: View<'a>,
    usage: Usage,
    key_version: u64,
    btree_node_size: u16,
    first: bool,
    /// Pointers to nodes of the btree: their buckets are not all known yet.
    pub(super) pointers: Vec<Key>,
}

impl<'a> Filler<'a> {
    pub(super) fn new(context: Context<'a>) -> Option<Self> {
        Some(Self {
            remaining: context.remaining,
            table: context.fs.replicas.table.view(),
            usage: Usage::default(),
            key_version: context.key_version,
            btree_node_size: context.fs.btree_node_sectors(),
            first: context.first,
            pointers: Vec::new(),
        })
    }
}

impl Work for Filler<'_> {
    fn leaf(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual> {
        let version = k.version.lo;
        if k.type_ != KeyType::ALLOC {
            return Err(Rule::AllocKey.into());
        }
        if version > self.key_version {
            return Err(Rule::KeyVersion.into());
        }
        let Bpos { inode, offset, .. } = k.p;
        if u8::try_from(inode).is_ok_and(|dev| self.remaining.is_elsewhere(dev, offset)) {
            return Ok(());
        }
        let mut silent = Silent::default();
        let mut ctx = Ctx {
            buckets: self.remaining,
            stripes: &mut StripeTable::new(),
            sink: &mut silent,
            replicas: self.table,
            usage: &mut self.usage,
            devs: None,
            btree_node_size: self.btree_node_size,
        };
        let marked = ctx.mark_key(KeyRef::new(k, v), &Trigger::read());
        if marked.is_err() || silent.spoke { Err(Rule::AllocKey.into()) } else { Ok(()) }
    }

    fn pointer(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual> {
        self.pointers.push(Key::of(KeyRef::new(k, v)));
        Ok(())
    }

    fn wants(&self, keys: &RangeInclusive<Bpos>) -> bool {
        self.first || self.remaining.meets(keys)
    }
}

/// Counts regions that hold something, for one thread.
pub(super) struct Counter {
    pub(super) held: Held,
    /// Member and number of the region seen last.
    last: Option<(u64, u64)>,
}

impl Counter {
    pub(super) const fn new(held: Held) -> Self {
        Self { held, last: None }
    }
}

impl Work for Counter {
    fn leaf(&mut self, k: &Bkey, _v: &[u64]) -> Result<(), Unusual> {
        let Bpos { inode, offset, .. } = k.p;
        self.held.bucket();
        // Within a node regions come in order.
        let region = (inode, offset >> REGION_BITS);
        if self.last != Some(region) {
            self.last = Some(region);
            self.held.region(inode, offset)?;
        }
        Ok(())
    }

    fn pointer(&mut self, _k: &Bkey, _v: &[u64]) -> Result<(), Unusual> {
        Ok(())
    }
}
