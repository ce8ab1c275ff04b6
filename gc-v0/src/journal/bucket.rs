// SPDX-License-Identifier: GPL-2.0-only
//! Entries of one journal bucket.

use super::entry::{Head, MAX, checksums, last_seq_of};
use super::list::List;
use super::place::{Copy, Place};
use super::scan::Job;
use crate::error::RecoveryError;
use crate::fs::Fs;
use crate::report::{self, Found, Holds, Reading, Reporter};
use crate::superblock::{VERSION_MAX, VERSION_MIN};
use gc_core::finding::Answer;
use gc_disk::checksum::valid;
use gc_disk::io::DeviceFile;

/// Bytes read at once in the beginning.
const CHUNK: usize = 4096;
/// Version of entries before versions were shared by all structures.
const VERSION_OLD: u32 = 2;

pub(super) fn is_known_version(version: u32) -> bool {
    version == VERSION_OLD || (u32::from(VERSION_MIN)..u32::from(VERSION_MAX)).contains(&version)
}

/// What is at an offset.
enum At {
    /// No entry.
    None,
    /// Something that is none.
    Bad,
    /// An entry that needs more bytes than were read.
    Longer(usize),
    /// An entry of so many bytes with a right checksum.
    Entry(Head, usize),
}

/// Reads buckets of one device.
pub(super) struct BucketReader<'a> {
    pub(super) fs: &'a Fs,
    pub(super) file: &'a DeviceFile,
    pub(super) dev: u8,
    /// Bytes that are read at once; they grow with the longest entry met.
    pub(super) chunk: usize,
    pub(super) buf: Vec<u8>,
    /// Something could not be read.
    pub(super) unreadable: bool,
}

/// What a read has given.
struct Filled {
    /// Bytes of the buffer from the offset on.
    bytes: usize,
    /// Sectors behind them that cannot be read; 0 where nothing stopped the read.
    bad: u64,
}

impl<'a> BucketReader<'a> {
    pub(super) fn new(fs: &'a Fs, file: &'a DeviceFile, dev: u8) -> Self {
        Self { fs, file, dev, chunk: CHUNK, buf: Vec::new(), unreadable: false }
    }

    /// An entry of so many bytes was met.
    pub(super) fn met(&mut self, bytes: usize) {
        if bytes > self.chunk {
            self.chunk = bytes.checked_next_power_of_two().unwrap_or(MAX);
        }
    }

    /// Adds the entries of a bucket to the list.
    pub(super) fn read(
        &mut self,
        job: Job<'_>,
        list: &mut List,
        reporter: &mut dyn Reporter,
    ) -> Result<(), RecoveryError> {
        let block = u64::from(self.fs.block_sectors());
        let (mut offset, end) = (job.start(), job.end());
        self.buf.resize(self.chunk, 0);
        // The part of the buffer that holds what lies from the offset on.
        let mut at = 0_usize;
        let mut filled = Filled { bytes: 0, bad: 0 };
        let (mut seen, mut bad) = (0, false);
        while offset < end {
            if at >= filled.bytes {
                filled = self.fill(offset, end, reporter);
                at = 0;
                if filled.bytes == 0 {
                    bad = true;
                    offset = offset.saturating_add(filled.bad.next_multiple_of(block.max(1)));
                    continue;
                }
            }
            let rest = self.buf.get(at..filled.bytes).unwrap_or(&[]);
            let sectors = match self.at(rest, offset, end.saturating_sub(offset), reporter)? {
                At::None if !bad => return Ok(()),
                At::None => block,
                At::Bad => {
                    bad = true;
                    block
                }
                // The rest of it cannot be read.
                At::Longer(bytes) if at == 0 && filled.bad != 0 && bytes <= self.buf.len() => {
                    bad = true;
                    block
                }
                At::Longer(bytes) => {
                    if bytes > self.buf.len() {
                        if bytes > MAX {
                            return Err(RecoveryError::new(-12, "cannot allocate memory"));
                        }
                        self.met(bytes);
                        self.buf.resize(self.chunk, 0);
                    }
                    filled.bytes = 0;
                    continue;
                }
                At::Entry(head, len) => {
                    let place = self.place(&head, rest, offset, reporter)?;
                    if head.seq < seen {
                        return Ok(());
                    }
                    if seen == 0 {
                        // Buckets that hold entries are full of them but for the last.
                        self.file.will_read(offset, end.saturating_sub(offset));
                    }
                    seen = head.seq;
                    let blocks =
                        gc_disk::bytes::number(len).div_ceil(block.saturating_mul(512).max(1));
                    list.add(self.fs, place, reporter)?;
                    blocks.saturating_mul(block)
                }
            };
            offset = offset.saturating_add(sectors.max(1));
            at = at.saturating_add(gc_disk::bytes::index(sectors.saturating_mul(512)));
        }
        Ok(())
    }

    /// Reads from a sector on, as far as sectors can be read.
    fn fill(&mut self, offset: u64, end: u64, reporter: &mut dyn Reporter) -> Filled {
        let left = gc_disk::bytes::index(end.saturating_sub(offset).saturating_mul(512));
        let len = left.min(self.buf.len());
        if self.give(offset, len) {
            return Filled { bytes: len, bad: 0 };
        }
        // Here the original gives up.
        self.unreadable = true;
        let sectors = gc_disk::bytes::number(len.div_ceil(512));
        let range = offset..offset.saturating_add(sectors);
        let size = self.fs.device(self.dev).map_or(0, |d| d.member.bucket_size);
        let told = self.file.unreadable(range.clone(), size, Holds::Journal);
        let first = told.first().map_or(range.end, |bad| bad.sector);
        let bad = told.first().map_or(sectors, |bad| bad.sectors);
        if first == offset {
            let name = self.file.path().display();
            reporter.error(&format!("IO error on {name} for journal read from sector {offset}"));
        }
        for bad in told {
            reporter.unreadable(bad);
        }
        let bytes = gc_disk::bytes::index(first.saturating_sub(offset).saturating_mul(512));
        if bytes != 0 && self.give(offset, bytes.min(len)) {
            return Filled { bytes: bytes.min(len), bad };
        }
        Filled { bytes: 0, bad: bad.max(1) }
    }

    /// Fills the beginning of the buffer.
    fn give(&mut self, offset: u64, len: usize) -> bool {
        self.buf.get_mut(..len).is_none_or(|b| self.file.read(offset, b).is_ok())
    }

    fn at(
        &self,
        rest: &[u8],
        sector: u64,
        sectors_left: u64,
        reporter: &mut dyn Reporter,
    ) -> Result<At, RecoveryError> {
        let Some(head) = Head::of(rest) else { return Ok(At::None) };
        if head.magic != self.fs.jset_magic() {
            return Ok(At::None);
        }
        if !is_known_version(head.version) {
            reporter.error(&format!("unknown journal entry version {}", head.version));
            return Err(RecoveryError::new(4, "unknown metadata version"));
        }
        let len = head.bytes();
        let at = self.location(head.seq, sector);
        let mut must_fix =
            |found: &Reading<'_>| match reporter.found(Found::reading(self.fs, found)) {
                Answer::Exit => Err(RecoveryError::halted()),
                _ => Ok(()),
            };
        let room = sectors_left.saturating_mul(512);
        if len > room {
            must_fix(&Reading::JournalTooBig { at, sector, bytes: len, room })?;
            return Ok(At::Bad);
        }
        let len = gc_disk::bytes::index(len);
        let Some(bytes) = rest.get(..len) else { return Ok(At::Longer(len)) };
        let (type_, key) = (head.csum_type(), self.fs.key.as_ref());
        if !valid(type_, key) {
            let unknown = Reading::JournalCsumType { at, sector, csum_type: type_.0 };
            return match reporter.found(Found::reading(self.fs, &unknown)) {
                Answer::Fix => Ok(At::Bad),
                Answer::Exit => Err(RecoveryError::halted()),
                // The original stops the program here.
                Answer::Ignore => {
                    Err(RecoveryError::new(-22, "journal entry with unknown csum type"))
                }
            };
        }
        let (computed, stored) = checksums(bytes, &head, key);
        if computed != stored {
            must_fix(&Reading::JournalCsum { at, sector, stored, computed })?;
            return Ok(At::Bad);
        }
        if head.big_endian() {
            return Err(RecoveryError::new(-22, "big endian metadata is not supported"));
        }
        Ok(At::Entry(head, len))
    }

    /// Where an entry is, for findings.
    fn location(&self, seq: u64, sector: u64) -> report::Place {
        Copy { dev: self.dev, sector }.at(self.fs, seq)
    }

    /// What is kept of an entry.
    fn place(
        &self,
        head: &Head,
        bytes: &[u8],
        sector: u64,
        reporter: &mut dyn Reporter,
    ) -> Result<Place, RecoveryError> {
        let last_seq = last_seq_of(bytes, head, self.fs.key.as_ref());
        if last_seq > head.seq {
            let (at, seq) = (self.location(head.seq, sector), head.seq);
            let found = Reading::JournalLastSeq { at, seq, last_seq };
            if reporter.found(Found::reading(self.fs, &found)) == Answer::Exit {
                return Err(RecoveryError::halted());
            }
        }
        Ok(Place::new(head, last_seq, Copy { dev: self.dev, sector }))
    }
}
