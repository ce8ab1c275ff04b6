// SPDX-License-Identifier: GPL-2.0-only
//! The members of a file system, with references held as long as the table lives.

use super::touched::{STRETCH, Touched};
use super::{Buckets, DeviceHost, Geometry, Held, KeepsBuckets, MarkWrite, Members, Side};
use crate::accounting::BucketSize;
use crate::error::{Error, Result};
use crate::layout::{Bucket, DevUsage};
use alloc::vec::Vec;
use core::cell::Cell;

/// A member.
pub struct DevEntry<'h, H: DeviceHost + ?Sized> {
    /// The device.
    pub dev: H::Dev,
    /// Its index, as pointers name it.
    pub idx: u32,
    /// Its geometry.
    pub geometry: Geometry,
    /// The size of its buckets, by which sectors are divided.
    bucket_size: BucketSize,
    /// Whether it is there, or only remembered by the superblock.
    pub online: bool,
    /// Its buckets as the file system uses them.
    pub live: Buckets<'h>,
    /// Its buckets as gc counts them; the same as `live` outside of a gc.
    pub gc: Buckets<'h>,
    /// Which of the buckets this gc has to look at.
    pub touched: Touched,
    /// Its usage and what it adds to `hidden`, by the buckets as gc left them.
    pub usage: Cell<(DevUsage, u64)>,
}

/// Buckets of a device that gc has to look at.
pub struct Stretch<'h> {
    /// Number of the first one.
    pub first: u64,
    /// As the file system uses them.
    pub live: &'h [Bucket],
    /// As gc counts them.
    pub gc: &'h [Bucket],
}

impl<'h, H: DeviceHost + ?Sized> DevEntry<'h, H> {
    /// [`Geometry::bucket_of`], without a division where that can be.
    #[inline]
    #[must_use]
    pub fn bucket_of(&self, sector: u64) -> Option<u64> {
        let b = self.bucket_size.bucket_nr(sector);
        (b >= u64::from(self.geometry.first_bucket) && b < self.geometry.nbuckets).then_some(b)
    }

    /// All stretches, with what tells them apart.
    fn numbered(&self) -> impl Iterator<Item = (usize, Stretch<'h>)> + use<'h, H> {
        // Of those of a list none need be next to another.
        let numbers = self.live.numbers();
        let len = if numbers.is_some() { 1 } else { STRETCH };
        let both = self.live.as_slice().chunks(len).zip(self.gc.as_slice().chunks(len));
        let first = (0_u64..).step_by(STRETCH);
        both.zip(first).enumerate().map(move |(i, ((live, gc), first))| {
            let first = numbers.map_or(first, |n| n.get(i).copied().unwrap_or(u64::MAX));
            (i, Stretch { first, live, gc })
        })
    }

    /// Adds those stretches that are not left out, and shows them to `f`.
    pub fn touch_unless(&self, left_out: impl Fn(&[Bucket]) -> bool, f: impl Fn(Stretch<'h>)) {
        for (i, stretch) in self.numbered() {
            if !left_out(stretch.live) {
                self.touched.set(i);
                f(stretch);
            }
        }
    }

    /// The stretches that gc has to look at, in order.
    pub fn stretches(&self) -> impl Iterator<Item = Stretch<'h>> {
        self.numbered().filter(|(i, _)| self.touched.has(*i)).map(|(_, stretch)| stretch)
    }
}

/// All members in the order of their index.
pub struct Devices<'h, H: Members + ?Sized> {
    host: &'h H,
    entries: Vec<DevEntry<'h, H>>,
    /// Index of a device to its place in `entries`, plus one; 0: none.
    slots: [u16; 256],
}

impl<'h, H: Members + ?Sized> Devices<'h, H> {
    /// Takes a reference to every member, whose buckets are lent as long as the lock is
    /// held.
    ///
    /// # Errors
    /// `ENOMEM`; `EINVAL` for an index that no pointer can name, or a member
    /// without buckets.
    pub fn collect(host: &'h H, held: &'h impl KeepsBuckets) -> Result<Self> {
        let mut table = Self { host, entries: Vec::new(), slots: [0; 256] };
        let mut from = 0;
        while let Some((idx, dev)) = host.dev_next(from, false) {
            table.add(held, idx, dev).inspect_err(|_| host.dev_put(dev, false))?;
            from = idx.saturating_add(1);
        }
        Ok(table)
    }

    fn add(&mut self, held: &'h impl KeepsBuckets, idx: u32, dev: H::Dev) -> Result<()> {
        let live = self.host.dev_buckets(held, dev, Side::Live).ok_or(Error::INVAL)?;
        let geometry = self.host.dev_geometry(dev);
        let online = match self.host.dev_next(idx, true) {
            Some((found, io)) => {
                self.host.dev_put(io, true);
                found == idx
            }
            None => false,
        };
        // Pointers name devices by one byte.
        let slot = usize::try_from(idx).ok().and_then(|i| self.slots.get_mut(i));
        let slot = slot.ok_or(Error::INVAL)?;
        let entry = DevEntry {
            dev,
            idx,
            geometry,
            bucket_size: BucketSize::new(u64::from(geometry.bucket_size)),
            online,
            live,
            gc: live,
            touched: Touched::all(),
            usage: Cell::default(),
        };
        self.entries.try_reserve(1)?;
        // This is known, but some compilers do not see it, and keep the branch in which `push`
        // makes room by itself, which may panic.
        (self.entries.len() < self.entries.capacity()).then_some(()).ok_or(Error::NOMEM)?;
        #[expect(clippy::disallowed_methods, reason = "room was reserved above")]
        self.entries.push(entry);
        *slot = u16::try_from(self.entries.len()).unwrap_or(0);
        Ok(())
    }

    /// The members, in the order of their index.
    pub fn iter(&self) -> core::slice::Iter<'_, DevEntry<'h, H>> {
        self.entries.iter()
    }

    /// Makes the second buckets and usage of each member. `alone`: nobody else
    /// writes them, so that what gc has not touched is as it was made.
    ///
    /// # Errors
    /// What failed, and the host's error; what was made is for
    /// [`Devices::gc_free`] to free.
    pub fn gc_alloc(
        &mut self,
        held: &'h impl KeepsBuckets,
        alone: bool,
    ) -> core::result::Result<(), (GcArray, Error)> {
        for e in &mut self.entries {
            self.host.dev_gc_alloc_buckets(e.dev).map_err(|err| (GcArray::Buckets, err))?;
            e.gc = self
                .host
                .dev_buckets(held, e.dev, Side::Gc)
                .ok_or((GcArray::Buckets, Error::NOMEM))?;
            e.touched = if alone && e.gc.numbers().is_none() {
                Touched::none_of(e.gc.as_slice().len())
                    .map_err(|err| (GcArray::Buckets, err.into()))?
            } else {
                Touched::all()
            };
            self.host.dev_gc_alloc_usage(e.dev).map_err(|err| (GcArray::Usage, err))?;
        }
        Ok(())
    }

    /// Frees the second buckets and usage of each member.
    pub fn gc_free(&mut self, mark: &Held<MarkWrite>) {
        for e in &mut self.entries {
            e.gc = e.live;
            self.host.dev_gc_free(mark, e.dev);
        }
    }

    /// The device a pointer names.
    #[inline]
    #[must_use]
    pub fn get(&self, idx: u8) -> Option<&DevEntry<'h, H>> {
        let slot = self.slots.get(usize::from(idx)).copied().unwrap_or(0);
        self.entries.get(usize::from(slot).checked_sub(1)?)
    }
}

impl<H: Members + ?Sized> Drop for Devices<'_, H> {
    fn drop(&mut self) {
        for e in &self.entries {
            self.host.dev_put(e.dev, false);
        }
    }
}

/// Which of a device's second arrays could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GcArray {
    /// The buckets.
    Buckets,
    /// The usage.
    Usage,
}
