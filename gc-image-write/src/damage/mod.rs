// SPDX-License-Identifier: GPL-2.0-only
//! Damage that checksums do not show: opens an image, addresses a structure,
//! changes bits of it and mends the checksum.
//!
//! [`Images::places`] lists every structure with a checksum, each copy by itself;
//! [`fields::fields`] names every field of one, down to the values of keys.

mod catalog;
pub mod fields;
mod tables;

pub use catalog::{Images, Mend, Place, What};
pub use fields::{Field, fields};

use crate::error::Result;
use crate::rng::Rng;
use std::path::Path;

/// What is done to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// All bits 0.
    Zero,
    /// All bits 1.
    Ones,
    /// One more, wrapping.
    Plus,
    /// One less, wrapping.
    Minus,
    /// The lowest bit flipped.
    First,
    /// The highest bit flipped.
    Last,
    /// This value, cut to the field.
    Set(u64),
}

impl Change {
    /// All changes that need no value.
    pub const FIXED: [Self; 6] =
        [Self::Zero, Self::Ones, Self::Plus, Self::Minus, Self::First, Self::Last];

    /// The new value of a field of `bits` bits.
    #[must_use]
    pub const fn apply(self, old: u64, bits: u32) -> u64 {
        let mask = if bits >= 64 { u64::MAX } else { (1_u64 << bits).wrapping_sub(1) };
        let v = match self {
            Self::Zero => 0,
            Self::Ones => u64::MAX,
            Self::Plus => old.wrapping_add(1),
            Self::Minus => old.wrapping_sub(1),
            Self::First => old ^ 1,
            Self::Last => old ^ (1_u64 << (bits.saturating_sub(1) & 63)),
            Self::Set(v) => v,
        };
        v & mask
    }

    /// One of all kinds.
    pub fn random(rng: &mut Rng) -> Self {
        match rng.pick(&Self::FIXED).copied() {
            Some(c) if !rng.one_in(4) => c,
            _ => {
                let bits = rng.below(64);
                Self::Set(rng.next_u64() >> bits)
            }
        }
    }
}

/// What was damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// Where.
    pub place: Place,
    /// Which field.
    pub field: Field,
    /// How.
    pub change: Change,
    /// In every copy, or in this one.
    pub all_copies: bool,
}

/// Changes one field of one structure, in every copy if asked for.
///
/// # Errors
/// The system's.
pub fn plant(images: &Images, all: &[Place], planted: &Planted, mend: Mend) -> Result<()> {
    let same =
        |p: &&Place| **p == planted.place || (planted.all_copies && p.group == planted.place.group);
    for p in all.iter().filter(same) {
        images.edit(p, mend, |b| {
            let old = planted.field.get(b);
            planted.field.set(b, planted.change.apply(old, planted.field.bits));
        })?;
    }
    Ok(())
}

/// Damages `n` random fields, checksums mended; tells which.
///
/// # Errors
/// The system's; an image that cannot be opened.
pub fn damage(seed: u64, n: u32, paths: &[impl AsRef<Path>]) -> Result<Vec<Planted>> {
    let mut rng = Rng::new(seed ^ 0xdead);
    let mut out = Vec::new();
    let images = Images::open(paths)?;
    let all = images.places();
    for _ in 0..n {
        // Nodes first of all: there is most to find.
        let of =
            |w: fn(&What) -> bool| -> Vec<&Place> { all.iter().filter(|p| w(&p.what)).collect() };
        let chosen = match rng.below(10) {
            0 => of(|w| matches!(w, What::Superblock)),
            1 | 2 => of(|w| matches!(w, What::Journal)),
            _ => of(|w| matches!(w, What::Node | What::Bset)),
        };
        let Some(&place) = rng.pick(&chosen) else { continue };
        let bytes = images.read(place)?;
        let list = fields(place, &bytes);
        let Some(field) = rng.pick(&list).copied() else { continue };
        let change = Change::random(&mut rng);
        let planted = Planted { place: place.clone(), field, change, all_copies: !rng.one_in(4) };
        plant(&images, &all, &planted, Mend::Yes)?;
        out.push(planted);
    }
    Ok(out)
}
