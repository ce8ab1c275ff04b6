// SPDX-License-Identifier: GPL-2.0-only
//! The members of a file system, with references held as long as the table lives.

use super::{Buckets, Geometry, Host, Side};
use crate::error::{Error, Result};
use alloc::vec::Vec;

/// A member.
pub struct DevEntry<'h, H: Host + ?Sized> {
    /// The device.
    pub dev: H::Dev,
    /// Its index, as pointers name it.
    pub idx: u32,
    /// Its geometry.
    pub geometry: Geometry,
    /// Whether it is there, or only remembered by the superblock.
    pub online: bool,
    /// Its buckets as the file system uses them.
    pub live: Buckets<'h>,
    /// Its buckets as gc counts them; the same as `live` outside of a gc.
    pub gc: Buckets<'h>,
}

/// Pointers name devices by one byte.
const DEV_IDX_MAX: u32 = 255;

/// All members in the order of their index.
pub struct Devices<'h, H: Host + ?Sized> {
    host: &'h H,
    entries: Vec<DevEntry<'h, H>>,
    /// Index of a device to its place in `entries`, plus one; 0: none.
    slots: [u16; 256],
}

impl<'h, H: Host + ?Sized> Devices<'h, H> {
    /// Takes a reference to every member. Buckets stay valid while the caller
    /// holds a lock that [`Host::dev_buckets`] names.
    ///
    /// # Errors
    /// `ENOMEM`; `EINVAL` for an index that no pointer can name, or a member
    /// without buckets.
    pub fn collect(host: &'h H) -> Result<Self> {
        let mut table = Self { host, entries: Vec::new(), slots: [0; 256] };
        let mut from = 0;
        while let Some((idx, dev)) = host.dev_next(from, false) {
            let added = table.add(idx, dev);
            if added.is_err() {
                host.dev_put(dev, false);
            }
            added?;
            from = idx.saturating_add(1);
        }
        Ok(table)
    }

    fn add(&mut self, idx: u32, dev: H::Dev) -> Result<()> {
        if idx > DEV_IDX_MAX {
            return Err(Error::INVAL);
        }
        let live = self.host.dev_buckets(dev, Side::Live).ok_or(Error::INVAL)?;
        let geometry = self.host.dev_geometry(dev);
        let online = match self.host.dev_next(idx, true) {
            Some((found, io)) => {
                self.host.dev_put(io, true);
                found == idx
            }
            None => false,
        };
        self.entries.try_reserve(1)?;
        let slot = self.slots.get_mut(usize::try_from(idx).map_err(|_| Error::INVAL)?);
        if let Some(slot) = slot {
            *slot = u16::try_from(self.entries.len().saturating_add(1)).unwrap_or(0);
        }
        #[expect(clippy::disallowed_methods, reason = "room was reserved above")]
        self.entries.push(DevEntry { dev, idx, geometry, online, live, gc: live });
        Ok(())
    }

    /// The members, in the order of their index.
    pub fn iter(&self) -> core::slice::Iter<'_, DevEntry<'h, H>> {
        self.entries.iter()
    }

    /// Makes the second buckets and usage of each member.
    ///
    /// # Errors
    /// What failed, and the host's error; what was made is for
    /// [`Devices::gc_free`] to free.
    pub fn gc_alloc(&mut self) -> core::result::Result<(), (GcArray, Error)> {
        for e in &mut self.entries {
            self.host.dev_gc_alloc_buckets(e.dev).map_err(|err| (GcArray::Buckets, err))?;
            e.gc =
                self.host.dev_buckets(e.dev, Side::Gc).ok_or((GcArray::Buckets, Error::NOMEM))?;
            self.host.dev_gc_alloc_usage(e.dev).map_err(|err| (GcArray::Usage, err))?;
        }
        Ok(())
    }

    /// Frees the second buckets and usage of each member.
    pub fn gc_free(&mut self) {
        for e in &mut self.entries {
            e.gc = e.live;
            self.host.dev_gc_free(e.dev);
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

impl<H: Host + ?Sized> Drop for Devices<'_, H> {
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
