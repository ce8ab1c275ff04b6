// SPDX-License-Identifier: GPL-2.0-only
//! Alloc keys: what the words of the sheet begin with.

use super::level::Work;
use super::marker::{Ground, Silent};
use super::sheet::Sheet;
use crate::key::Key;
use crate::node::plain::Unusual;
use gc_core::accounting::replicas::View;
use gc_core::accounting::{Ctx, StripeTable, Trigger, Usage};
use gc_core::bkey::KeyRef;
use gc_core::layout::{Bkey, KeyType};

/// Reads alloc keys for one thread.
pub(super) struct Filler<'a> {
    sheet: &'a Sheet,
    table: View<'a>,
    usage: Usage,
    key_version: u64,
    btree_node_size: u16,
    /// Pointers to nodes of the btree: their buckets are not all known yet.
    pub(super) pointers: Vec<Key>,
}

impl<'a> Filler<'a> {
    pub(super) fn new(ground: Ground<'a>) -> Option<Self> {
        Some(Self {
            sheet: ground.sheet,
            table: ground.fs.replicas.table.view(),
            usage: Usage::default(),
            key_version: ground.key_version,
            btree_node_size: ground.fs.btree_node_sectors(),
            pointers: Vec::new(),
        })
    }
}

impl Work for Filler<'_> {
    fn leaf(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual> {
        let version = k.version.lo;
        if k.type_ != KeyType::ALLOC || version > self.key_version {
            return Err(Unusual);
        }
        let mut silent = Silent::default();
        let mut ctx = Ctx {
            buckets: self.sheet,
            stripes: &mut StripeTable::new(),
            sink: &mut silent,
            replicas: self.table,
            usage: &mut self.usage,
            devs: None,
            btree_node_size: self.btree_node_size,
        };
        let marked = ctx.mark_key(KeyRef::new(k, v), &Trigger::read());
        if marked.is_err() || silent.spoke { Err(Unusual) } else { Ok(()) }
    }

    fn pointer(&mut self, k: &Bkey, v: &[u64]) -> Result<(), Unusual> {
        self.pointers.push(Key::of(KeyRef::new(k, v)));
        Ok(())
    }
}
