// SPDX-License-Identifier: GPL-2.0-only
//! Changes of fields, behind right checksums, and the way back.

use crate::disk::Base;
use arbitrary::Arbitrary;
use gc_image_write::damage::{Change, Mend, What, fields};

/// How a field changes.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum How {
    /// All bits 0.
    Zero,
    /// All bits 1.
    Ones,
    /// One more.
    Plus,
    /// One less.
    Minus,
    /// The lowest bit flipped.
    First,
    /// The highest bit flipped.
    Last,
    /// This value.
    Set(u64),
    /// A small value.
    Small(u8),
    /// What another field of the same place has.
    Copy(u16),
}

/// One change.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Edit {
    /// Which structure, modulo their number.
    pub place: u16,
    /// Which of its fields, modulo their number.
    pub field: u16,
    /// How.
    pub how: How,
    /// In all copies.
    pub all: bool,
    /// The checksum stays as it was.
    pub broken: bool,
}

/// Makes the changes; what they touched is restored when this is dropped.
pub struct Edited<'a> {
    base: &'a Base,
    /// Device, sector, bytes, in the order in which they were changed.
    before: Vec<(usize, u64, Vec<u8>)>,
}

impl<'a> Edited<'a> {
    /// Makes them, in structures of some kinds.
    #[must_use]
    pub fn new(base: &'a Base, edits: &[Edit], kinds: impl Fn(What) -> bool) -> Self {
        let mut this = Self { base, before: Vec::new() };
        let chosen: Vec<_> = base.places.iter().filter(|p| kinds(p.what)).collect();
        for e in edits {
            let Some(place) = pick(&chosen, e.place) else { return this };
            let Ok(bytes) = base.images.read(place) else { continue };
            let list = fields(place, &bytes);
            let Some(field) = pick(&list, e.field) else { continue };
            let change = match e.how {
                How::Zero => Change::Zero,
                How::Ones => Change::Ones,
                How::Plus => Change::Plus,
                How::Minus => Change::Minus,
                How::First => Change::First,
                How::Last => Change::Last,
                How::Set(v) => Change::Set(v),
                How::Small(v) => Change::Set(v.into()),
                How::Copy(n) => Change::Set(pick(&list, n).map_or(0, |f| f.get(&bytes))),
            };
            let mend = if e.broken { Mend::No } else { Mend::Yes };
            let same = |p: &&&gc_image_write::damage::Place| {
                **p == *place || (e.all && p.group == place.group)
            };
            for p in chosen.iter().filter(same) {
                let dev = usize::from(p.dev);
                let keep = base.disks.read(dev, p.sector, base.reach(p));
                this.before.push((dev, p.sector, keep));
                let made = base.images.edit(p, mend, |b| {
                    let new = change.apply(field.get(b), field.bits);
                    field.set(b, new);
                });
                made.expect("an image in memory can be written");
            }
        }
        this
    }
}

/// One of a list, whatever the number.
pub fn pick<T>(list: &[T], n: u16) -> Option<&T> {
    list.get(usize::from(n).checked_rem(list.len())?)
}

impl Drop for Edited<'_> {
    fn drop(&mut self) {
        // Places may overlap: what was read first is put back last.
        for (dev, sector, bytes) in self.before.iter().rev() {
            self.base.disks.write(*dev, *sector, bytes);
        }
    }
}
