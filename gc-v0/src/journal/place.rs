// SPDX-License-Identifier: GPL-2.0-only
//! Where a journal entry lies and what puts it in order: all that is kept of it until it
//! is known that it counts.

use super::entry::{Head, last_seq_of, set_last_seq, sum_is_right};
use crate::fs::Fs;
use crate::report::{self, Holds, Reporter};
use gc_core::layout::Jset;
use gc_disk::checksum::{decrypt, valid};

/// Where a copy of an entry lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copy {
    /// Index of the device.
    pub(super) dev: u8,
    /// Sector of 512 bytes.
    pub(super) sector: u64,
}

impl Copy {
    /// Where a finding about this copy is; the entry has this number.
    pub(super) fn at(self, fs: &Fs, seq: u64) -> report::Place {
        let bucket = fs.device(self.dev).map(|dev| dev.geometry().bucket_nr(self.sector));
        let (device, sector) = (Some(self.dev.into()), Some(self.sector));
        report::Place { device, bucket, sector, ..report::Place::journal(seq) }
    }
}

/// A journal entry that was verified, and is read again when it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Its number.
    pub(super) seq: u64,
    /// Number of the oldest entry that was still needed when it was written, not beyond
    /// its own.
    pub(super) last_seq: u64,
    /// Words of its items.
    u64s: u32,
    /// The copy that counts.
    pub(super) copy: Copy,
    /// Copies on further devices, in the order in which they were met, and whether each
    /// is the same as that one.
    others: Vec<(Copy, bool)>,
}

impl Place {
    pub(super) fn new(head: &Head, last_seq: u64, copy: Copy) -> Self {
        let last_seq = last_seq.min(head.seq);
        Self { seq: head.seq, last_seq, u64s: head.u64s, copy, others: Vec::new() }
    }

    /// Its length in bytes.
    pub(super) fn bytes(&self) -> usize {
        let words = usize::try_from(self.u64s).unwrap_or(usize::MAX);
        words.saturating_mul(8).saturating_add(super::entry::HEAD)
    }

    /// Its length in sectors.
    fn sectors(&self) -> u64 {
        gc_disk::bytes::number(self.bytes().div_ceil(512))
    }

    /// Devices that have it, in the order in which they were met.
    pub(super) fn devices(&self) -> impl Iterator<Item = u8> + '_ {
        core::iter::once(self.copy.dev).chain(self.others.iter().map(|(copy, _)| copy.dev))
    }

    /// Notes a copy; `false` if its device is noted already.
    pub(super) fn note(&mut self, copy: Copy, same: bool) -> bool {
        let new = self.devices().all(|dev| dev != copy.dev);
        if new {
            self.others.push((copy, same));
        }
        new
    }

    /// Takes another copy for the one that counts, which cannot be read any more; `false`
    /// if its device is noted already.
    pub(super) fn replace(&mut self, new: Self) -> bool {
        let old = core::mem::replace(self, new);
        let seen = old.devices().any(|dev| dev == self.copy.dev);
        self.others = core::iter::once(old.copy)
            .chain(old.others.into_iter().map(|(copy, _)| copy))
            .filter(|copy| copy.dev != self.copy.dev)
            .map(|copy| (copy, false))
            .collect();
        !seen
    }

    /// Copies that are the same as the one that counts, that one first.
    fn copies(&self) -> impl Iterator<Item = Copy> + '_ {
        let same = self.others.iter().filter(|(_, same)| *same).map(|(copy, _)| *copy);
        core::iter::once(self.copy).chain(same)
    }

    /// The whole entry, decrypted, in `room`: from the first copy that can be read. Those
    /// that cannot are told.
    pub(super) fn read_again<'r>(
        &self,
        fs: &Fs,
        room: &'r mut Vec<u8>,
        reporter: &mut dyn Reporter,
    ) -> Option<&'r [u8]> {
        let read = self.copies().any(|copy| self.read_copy(fs, copy, room, reporter));
        read.then_some(room.as_slice())
    }

    fn read_copy(
        &self,
        fs: &Fs,
        copy: Copy,
        room: &mut Vec<u8>,
        reporter: &mut dyn Reporter,
    ) -> bool {
        let device = fs.device(copy.dev).and_then(|d| Some((d, d.online.as_ref()?)));
        let Some((device, online)) = device else { return false };
        let file = &online.file;
        // What the room holds is written over.
        room.resize(self.bytes(), 0);
        let (name, sector) = (file.path().display(), copy.sector);
        let (size, end) = (device.member.bucket_size, sector.saturating_add(self.sectors()));
        let bad = if file.read(sector, room).is_err() {
            reporter.error(&format!("IO error on {name} for journal read from sector {sector}"));
            file.unreadable(sector..end, size, Holds::Journal)
        } else if self.open(fs, room).is_none() {
            reporter.error(&format!(
                "{name}: the journal entry at sector {sector} changed while it was read"
            ));
            Vec::new()
        } else {
            return true;
        };
        // What does not give the same twice does not give it.
        let all = || vec![file.lost(sector..end, size, Holds::Journal)];
        for bad in if bad.is_empty() { all() } else { bad } {
            reporter.unreadable(bad);
        }
        false
    }

    /// Decrypts and repairs what was read; `None` if it is not what it was before.
    fn open(&self, fs: &Fs, bytes: &mut [u8]) -> Option<()> {
        let (head, key) = (Head::of(bytes)?, fs.key.as_ref());
        let is = (head.magic, head.seq, head.u64s);
        if is != (fs.jset_magic(), self.seq, self.u64s) || !valid(head.csum_type(), key) {
            return None;
        }
        if !sum_is_right(bytes, &head, key) {
            return None;
        }
        let last_seq = last_seq_of(bytes, &head, key).min(self.seq);
        decrypt(head.csum_type(), key, head.nonce(), bytes.get_mut(Jset::ENCRYPTED_FROM..)?);
        set_last_seq(bytes, last_seq);
        (last_seq == self.last_seq).then_some(())
    }
}
