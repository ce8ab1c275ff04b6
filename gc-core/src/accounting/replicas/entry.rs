// SPDX-License-Identifier: GPL-2.0-only
//! One entry: which devices hold the same data, and how many of them are needed. As
//! bytes it is a [`ReplicasEntry`] with the device indexes behind it.

use crate::layout::replicas::EC_STRIPE_MAX;
use crate::layout::{DataType, ReplicasEntry, ReplicasPadded};
use core::fmt;
use zerocopy::{FromBytes, IntoBytes};

/// Bytes before the device indexes.
pub const HEAD_BYTES: usize = size_of::<ReplicasEntry>();
/// Bytes of the longest entry that a key or a stripe can make.
pub const PADDED_BYTES: usize = size_of::<ReplicasPadded>();

/// Length of an entry of `nr` devices.
#[inline]
#[must_use]
pub fn entry_bytes(nr: u8) -> usize {
    usize::from(nr).wrapping_add(HEAD_BYTES)
}

/// An entry somewhere in memory; exactly its own length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryRef<'a>(&'a [u8]);

impl<'a> EntryRef<'a> {
    /// The entry at the start of `bytes`; `None` if they end before it does.
    #[inline]
    #[must_use]
    pub fn first_of(bytes: &'a [u8]) -> Option<Self> {
        let (head, _) = ReplicasEntry::ref_from_prefix(bytes).ok()?;
        bytes.get(..entry_bytes(head.nr_devs)).map(Self)
    }

    /// The bytes, [`HEAD_BYTES`] and one a device.
    #[inline]
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// What lies before the device indexes.
    #[inline]
    #[must_use]
    pub fn head(&self) -> ReplicasEntry {
        const NOTHING: ReplicasEntry =
            ReplicasEntry { data_type: DataType::NONE, nr_devs: 0, nr_required: 0, devs: [] };
        // Only [`Entry::get`] could make one shorter than that, and does not.
        ReplicasEntry::read_from_prefix(self.0).map_or(NOTHING, |(head, _)| head)
    }

    /// What is stored there.
    #[inline]
    #[must_use]
    pub fn data_type(&self) -> DataType {
        self.head().data_type
    }

    /// Devices needed to read it.
    #[inline]
    #[must_use]
    pub fn nr_required(&self) -> u8 {
        self.head().nr_required
    }

    /// The device indexes.
    #[inline]
    #[must_use]
    pub fn devs(&self) -> &'a [u8] {
        self.0.get(HEAD_BYTES..).unwrap_or(&[])
    }
}

impl fmt::Display for EntryRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.data_type().name().unwrap_or("(null)");
        write!(f, "{name}: {}/{} [", self.nr_required(), self.devs().len())?;
        for (i, dev) in self.devs().iter().enumerate() {
            let space = if i == 0 { "" } else { " " };
            write!(f, "{space}{dev}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Debug for EntryRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An entry being made, with room for the devices of a whole stripe.
///
/// The number of devices in it never exceeds that room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry(ReplicasPadded);

/// A key names more devices than an entry has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyDevices;

impl Entry {
    /// An entry without devices.
    #[inline]
    #[must_use]
    pub const fn new(data_type: DataType, nr_required: u8) -> Self {
        let e = ReplicasEntry { data_type, nr_devs: 0, nr_required, devs: [] };
        Self(ReplicasPadded { e, pad: [0; EC_STRIPE_MAX] })
    }

    /// The entry of cached data on one device (source: `bch2_replicas_entry_cached`).
    #[inline]
    #[must_use]
    pub const fn cached(dev: u8) -> Self {
        let mut e = Self::new(DataType::CACHED, 1);
        e.0.e.nr_devs = 1;
        e.0.pad[0] = dev;
        e
    }

    /// Number of devices.
    #[inline]
    #[must_use]
    pub const fn nr_devs(&self) -> u8 {
        self.0.e.nr_devs
    }

    /// Adds a device at the end.
    ///
    /// # Errors
    /// When [`EC_STRIPE_MAX`] devices are in it.
    #[inline]
    pub fn push(&mut self, dev: u8) -> Result<(), TooManyDevices> {
        let ReplicasPadded { e, pad } = &mut self.0;
        *pad.get_mut(usize::from(e.nr_devs)).ok_or(TooManyDevices)? = dev;
        e.nr_devs = e.nr_devs.wrapping_add(1);
        Ok(())
    }

    /// Sorts the devices; duplicates stay.
    #[inline]
    pub fn sort(&mut self) {
        let nr = usize::from(self.nr_devs());
        self.0.pad.get_mut(..nr).unwrap_or_default().sort_unstable();
    }

    /// Says how many devices are needed.
    #[inline]
    pub const fn set_required(&mut self, nr: u8) {
        self.0.e.nr_required = nr;
    }

    /// The entry at its own length.
    #[inline]
    #[must_use]
    pub fn get(&self) -> EntryRef<'_> {
        EntryRef::first_of(self.0.as_bytes()).unwrap_or(EntryRef(&[]))
    }

    /// From the form in a stripe; `None` if it claims more devices than fit.
    #[inline]
    #[must_use]
    pub fn from_padded(p: &ReplicasPadded) -> Option<Self> {
        EntryRef::first_of(p.as_bytes()).is_some().then_some(Self(*p))
    }

    /// To the form in a stripe.
    #[inline]
    #[must_use]
    pub const fn to_padded(self) -> ReplicasPadded {
        self.0
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.get(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    // Oracle: texts of the corpus (data kept 3 of 4, cached copies on device 2).
    #[test]
    fn text() {
        let e = EntryRef::first_of(&[4, 4, 3, 0, 1, 2, 3, 9]).unwrap();
        assert_eq!(e.to_string(), "data: 3/4 [0 1 2 3]");
        assert_eq!(Entry::cached(2).get().to_string(), "cached: 1/1 [2]");
        assert_eq!(Entry::new(DataType::BTREE, 1).get().to_string(), "btree: 1/0 []");
    }

    // Oracle: the bytes written out by hand.
    #[test]
    fn grows_sorts_and_refuses() {
        let mut e = Entry::new(DataType::USER, 1);
        for dev in [3, 1, 2, 1] {
            e.push(dev).unwrap();
        }
        e.sort();
        e.set_required(0);
        assert_eq!(e.get().as_bytes(), [4, 4, 0, 1, 1, 2, 3]);
        assert_eq!(Entry::from_padded(&e.to_padded()), Some(e));
        for dev in 4..16 {
            e.push(dev).unwrap();
        }
        assert_eq!(e.push(0), Err(TooManyDevices));
        assert_eq!(e.get().devs().len(), 16);
        let mut p = e.to_padded();
        p.e.nr_devs = 17;
        assert_eq!(Entry::from_padded(&p), None);
    }

    // Oracle: the length rule, 3 + devices, over every cut of an entry.
    #[test]
    fn cut_entries_are_refused() {
        let whole = [4, 2, 1, 0, 1];
        for len in 0..whole.len() {
            assert_eq!(EntryRef::first_of(&whole[..len]), None);
        }
        assert_eq!(EntryRef::first_of(&whole).unwrap().as_bytes(), whole);
    }
}
