// SPDX-License-Identifier: GPL-2.0-only
//! How much of the journal is in memory at once, and whether that is allowed.

use super::place::Place;
use crate::error::RecoveryError;
use gc_disk::bytes::number;

/// For the place of an entry, in a queue that grows.
const PLACE: u64 = 128;
/// For a bucket that is going to be looked through, and what was found in it.
const BUCKET: u64 = 128;
/// Read beyond an entry.
const BEYOND: u64 = 72 << 10;
/// Buffers that may hold the longest entry besides that of each thread: of the reader of
/// what is unusual, whose own is the next power of two; and two that are compared.
const BUFFERS: u64 = 4;

/// What was met of the journal so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    allowed: Option<u64>,
    threads: u64,
    buckets: u64,
    /// Bytes of the longest entry.
    longest: u64,
    places: u64,
    /// Bytes of entries that may count.
    bytes: u64,
    /// From now on entries are counted, not kept.
    over: bool,
}

impl Room {
    /// `allowed`: bytes; any number if `None`.
    pub(super) fn new(allowed: Option<u64>, threads: usize, buckets: usize) -> Self {
        let (threads, buckets) = (number(threads.max(1)), number(buckets));
        Self { allowed, threads, buckets, longest: 0, places: 0, bytes: 0, over: false }
    }

    /// An entry of so many bytes was looked at.
    pub(super) fn met(&mut self, bytes: usize) {
        self.longest = self.longest.max(number(bytes));
    }

    /// So many entries are kept.
    pub(super) fn keeps(&mut self, places: usize) {
        self.places = number(places);
        let takes = self.places.saturating_mul(PLACE);
        self.over = self.allowed.is_some_and(|allowed| takes > allowed);
    }

    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    /// So many more entries of so many bytes in all would be kept.
    pub(super) fn count(&mut self, places: u64, bytes: u64) {
        self.places = self.places.saturating_add(places);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Whether what these entries say fits too.
    ///
    /// # Errors
    /// It does not.
    pub(super) fn take<'p>(
        &mut self,
        places: impl Iterator<Item = &'p Place>,
    ) -> Result<(), RecoveryError> {
        let kept = places.map(|place| number(place.bytes())).fold(0, u64::saturating_add);
        self.bytes = self.bytes.saturating_add(kept);
        let needs = self.needs();
        match self.allowed {
            Some(allowed) if needs > allowed => Err(RecoveryError::more_memory(needs)),
            _ => Ok(()),
        }
    }

    /// All of it in bytes. What a key takes is at most 13 sixths of what it took on disk:
    /// one of six words 72 bytes and a block of 32.
    fn needs(&self) -> u64 {
        let buffers = self.threads.saturating_add(BUFFERS);
        let buffers = buffers.saturating_mul(self.longest.saturating_add(BEYOND));
        let places = self.places.saturating_mul(PLACE);
        let buckets = self.buckets.saturating_mul(BUCKET);
        let keys = self.bytes.saturating_mul(9) / 4;
        [buffers, places, buckets, keys].into_iter().fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::JournalKey;

    // Oracle: the size of what is kept of the keys of six, five and nine words.
    #[test]
    fn what_a_key_takes() {
        assert!(size_of::<JournalKey>() <= 72);
        for (words, block) in [(5, 0), (6, 32), (7, 32), (8, 32), (9, 48)] {
            let takes = size_of::<JournalKey>() + block;
            assert!(takes * 4 <= words * 8 * 9, "{words}");
        }
        assert!(size_of::<super::Place>() <= 64);
    }
}
