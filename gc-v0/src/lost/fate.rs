// SPDX-License-Identifier: GPL-2.0-only
//! What becomes of one key's data.

use crate::host::{Image, Met};
use core::ops::ControlFlow;
use gc_core::accounting::ptr_stale;
use gc_core::accounting::replicas::{Entry, stripe_entry};
use gc_core::bkey::{CountsIn, KeyRef, References, StripeBlocks, stripe_key};
use gc_core::layout::{BtreeId, ExtentPtr, KeyType, POS_MAX, POS_MIN};
use std::collections::{BTreeSet, HashMap};

/// What becomes of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Every copy is at hand.
    Intact,
    /// It can be read, but copies are missing.
    Degraded,
    /// It is at hand, but a node that leads to it is lost.
    CutOff,
    /// There is no copy that can be read.
    Lost,
}

impl Fate {
    /// A stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::Degraded => "degraded",
            Self::CutOff => "cut off",
            Self::Lost => "lost",
        }
    }
}

/// What data in a stripe needs to know of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stripe {
    missing: u32,
    /// Redundant blocks.
    pub(super) redundant: u8,
    /// Blocks.
    pub(super) blocks: u8,
    /// Devices of the blocks.
    pub(super) entry: Entry,
}

/// Devices that are not at hand, and what that does to stripes.
#[derive(Debug)]
pub struct Away {
    devices: BTreeSet<u8>,
    stripes: HashMap<u64, Stripe>,
}

impl Away {
    /// Members that are missing or failed, and those that are to be thought away.
    #[must_use]
    pub fn new(image: &Image<'_>, without: &[u8]) -> Self {
        let absent = image.fs().members().filter(|(_, d)| !d.readable()).map(|(i, _)| i);
        let devices: BTreeSet<u8> = absent.chain(without.iter().copied()).collect();
        let mut this = Self { devices, stripes: HashMap::new() };
        let mut stripes = HashMap::new();
        let _whole = image.survey(BtreeId::EC, POS_MIN..=POS_MAX, &mut |met| {
            if let Met::Key { level: 0, key, .. } = met {
                if let (KeyType::STRIPE, Some(head)) = (key.k.type_, stripe_key::head(key.v)) {
                    let mut blocks = StripeBlocks::new(key.v);
                    let gone = blocks.by_ref().filter(|b| !this.has(image, b.ptr)).count();
                    let gone = u32::try_from(gone).unwrap_or(u32::MAX);
                    let missing = gone.saturating_add(u32::from(blocks.missing()));
                    let (redundant, blocks) = (head.nr_redundant, head.nr_blocks);
                    if let Ok(entry) = stripe_entry(key.v) {
                        let stripe = Stripe { missing, redundant, blocks, entry };
                        stripes.insert({ key.k.p }.offset, stripe);
                    }
                }
            }
            ControlFlow::Continue(())
        });
        this.stripes = stripes;
        this
    }

    /// Whether a device is not at hand.
    #[must_use]
    pub fn is_away(&self, dev: u8) -> bool {
        self.devices.contains(&dev)
    }

    /// Devices that are not at hand.
    pub fn devices(&self) -> impl Iterator<Item = u8> + '_ {
        self.devices.iter().copied()
    }

    /// Whether a pointer leads to a copy that can be read.
    fn has(&self, image: &Image<'_>, ptr: ExtentPtr) -> bool {
        !self.is_away(ptr.dev()) && is_current(image, ptr)
    }

    /// What becomes of a key's data; `None` for keys without any.
    #[must_use]
    pub fn fate(&self, image: &Image<'_>, key: KeyRef<'_>) -> Option<Fate> {
        // How large a node is does not matter for where its copies are.
        let References::Pointers(value) = key.references(0) else { return None };
        // Copies that must be kept: all, and those at hand; any that can be read.
        let (mut kept, mut there, mut readable, mut cached) = (0_u32, 0_u32, false, 0_u32);
        for p in value {
            let has = self.has(image, p.ptr);
            if p.ptr.cached() {
                // One that is void was never promised.
                cached = cached.saturating_add(u32::from(is_current(image, p.ptr)));
                readable |= has;
                continue;
            }
            kept = kept.saturating_add(1);
            there = there.saturating_add(u32::from(has));
            let rebuilt = match p.counts_in {
                CountsIn::Stripe(stripe) => self.can_rebuild(stripe.idx()),
                CountsIn::Cached | CountsIn::OwnSet => false,
            };
            readable |= has || rebuilt;
        }
        Some(match (kept, readable) {
            (0, _) if cached == 0 => return None,
            (_, false) => Fate::Lost,
            (0, true) => Fate::Intact,
            _ if there == kept => Fate::Intact,
            _ => Fate::Degraded,
        })
    }

    fn can_rebuild(&self, stripe: u64) -> bool {
        self.stripes.get(&stripe).is_some_and(|s| s.missing <= u32::from(s.redundant))
    }

    pub(super) fn stripe(&self, idx: u64) -> Option<Stripe> {
        self.stripes.get(&idx).copied()
    }
}

/// Whether a pointer's bucket was not used anew since.
pub(super) fn is_current(image: &Image<'_>, ptr: ExtentPtr) -> bool {
    let Some(dev) = image.fs().device(ptr.dev()) else { return false };
    let gen_ = dev.gen_of(dev.geometry().bucket_nr(ptr.offset()));
    gen_.is_some_and(|g| ptr_stale(g, ptr.gen_()) == 0)
}
