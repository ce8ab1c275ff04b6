// SPDX-License-Identifier: GPL-2.0-only
//! Buckets of the journal by several threads, as long as nothing about them is unusual.
//!
//! A bucket of which something would have to be said, or whose bytes cannot be read, is
//! left to [`super::bucket`], in its turn. So what is said, and its order, does not
//! depend on the number of threads.

use super::bucket::is_known_version;
use super::entry::{HEAD, Head, MAX, last_seq_of, sum_is_right};
use super::place::{Copy, Place};
use crate::fs::Fs;
use gc_disk::bytes::{index, number};
use gc_disk::checksum::valid;
use gc_disk::io::{DeviceFile, SECTOR};
use gc_disk::threads::share;
use std::convert::Infallible;

/// Bytes read to see what comes next.
const PEEK: usize = 4096;
/// Bytes read at once where entries are short.
const CHUNK: usize = 64 << 10;
/// Buckets for each thread before the next ones are begun.
const AT_ONCE: usize = 64;

/// A bucket of the journal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) file: &'a DeviceFile,
    pub(super) dev: u8,
    pub(super) bucket: u64,
    /// Sectors of a bucket.
    pub(super) size: u64,
}

impl Job<'_> {
    /// Its first sector.
    pub(super) const fn start(&self) -> u64 {
        self.bucket.saturating_mul(self.size)
    }

    /// The sector behind it.
    pub(super) const fn end(&self) -> u64 {
        self.start().saturating_add(self.size)
    }
}

/// What a bucket holds, in order.
#[derive(Debug, Default)]
pub(super) struct Plain {
    pub(super) places: Vec<Place>,
    /// Bytes of the longest entry that was looked at.
    pub(super) longest: usize,
}

/// A bucket in a buffer, as far as it has been read.
struct Window<'a> {
    job: Job<'a>,
    buf: &'a mut Vec<u8>,
    /// What was read and not yet stepped over.
    at: usize,
    filled: usize,
    /// The next sector to be read.
    next: u64,
}

impl Window<'_> {
    /// At least `n` bytes from here on; with what is read so much more that there are
    /// `ahead`, if the bucket has them.
    fn need(&mut self, n: usize, ahead: usize) -> Option<&[u8]> {
        let rest = self.filled.checked_sub(self.at)?;
        if rest < n {
            self.buf.copy_within(self.at..self.filled, 0);
            let left = index(self.job.end().checked_sub(self.next)?).saturating_mul(SECTOR);
            let more = n.max(ahead).saturating_sub(rest).next_multiple_of(PEEK).min(left);
            let filled = rest.saturating_add(more);
            if self.buf.len() < filled {
                self.buf.resize(filled, 0);
            }
            self.job.file.read(self.next, self.buf.get_mut(rest..filled)?).ok()?;
            self.next = self.next.saturating_add(number(more / SECTOR));
            (self.at, self.filled) = (0, filled);
        }
        self.buf.get(self.at..self.filled).filter(|b| b.len() >= n)
    }

    fn step(&mut self, bytes: usize) {
        // What lies behind the last entry need not have been read.
        let rest = self.filled.saturating_sub(self.at);
        let beyond = bytes.saturating_sub(rest).div_ceil(SECTOR);
        self.at = self.at.saturating_add(bytes).min(self.filled);
        self.next = self.next.saturating_add(number(beyond));
    }
}

/// Looks through a bucket; `None` where something is not as it should be.
fn scan(fs: &Fs, job: Job<'_>, buf: &mut Vec<u8>) -> Option<Plain> {
    let block = u64::from(fs.block_sectors()).max(1);
    let key = fs.key.as_ref();
    let mut window = Window { job, buf, at: 0, filled: 0, next: job.start() };
    let (mut plain, mut seen, mut ahead) = (Plain::default(), 0, PEEK);
    let (mut offset, end) = (job.start(), job.end());
    while offset < end {
        let head = Head::of(window.need(HEAD, ahead)?)?;
        if head.magic != fs.jset_magic() {
            break;
        }
        let len = head.bytes();
        let bytes = end.checked_sub(offset)?.saturating_mul(number(SECTOR));
        let possible = len <= bytes && len <= number(MAX) && is_known_version(head.version);
        if !possible || head.big_endian() || !valid(head.csum_type(), key) {
            return None;
        }
        let len = index(len);
        let bytes = window.need(len, 0)?.get(..len)?;
        let last_seq = last_seq_of(bytes, &head, key);
        if !sum_is_right(bytes, &head, key) || last_seq > head.seq {
            return None;
        }
        plain.longest = plain.longest.max(len);
        if head.seq < seen {
            break;
        }
        if seen == 0 {
            // Buckets that hold entries are full of them but for the last.
            job.file.will_read(offset, end.saturating_sub(offset));
        }
        seen = head.seq;
        plain.places.push(Place::new(&head, last_seq, Copy { dev: job.dev, sector: offset }));
        let sectors = number(len.div_ceil(SECTOR)).next_multiple_of(block);
        window.step(index(sectors).saturating_mul(SECTOR));
        offset = offset.saturating_add(sectors);
        ahead = if len < CHUNK / 2 { CHUNK } else { PEEK };
    }
    Some(plain)
}

/// Looks through all buckets; `each` is handed them in their order.
pub(super) fn each(
    fs: &Fs,
    jobs: &[Job<'_>],
    threads: usize,
    each: &mut dyn FnMut(Job<'_>, Option<Plain>),
) {
    let threads = threads.clamp(1, jobs.len().max(1));
    // So much waits for its turn at most; one thread looks at nothing before its turn.
    let at_once = if threads == 1 { 1 } else { threads.saturating_mul(AT_ONCE) };
    let mut workers: Vec<Worker> = (0..threads).map(|_| Worker::default()).collect();
    for jobs in jobs.chunks(at_once) {
        for (job, plain) in jobs.iter().zip(together(fs, jobs, &mut workers)) {
            each(*job, plain);
        }
    }
}

/// What a thread has for itself: room for bytes, and what it found by index of the job.
#[derive(Default)]
struct Worker {
    buf: Vec<u8>,
    found: Vec<(usize, Option<Plain>)>,
}

/// Looks through some buckets, with a thread for each worker.
fn together(fs: &Fs, jobs: &[Job<'_>], workers: &mut [Worker]) -> Vec<Option<Plain>> {
    let Ok(()) = share(jobs, workers, &mut |_| {}, |worker, i, job| {
        worker.found.push((i, scan(fs, *job, &mut worker.buf)));
        Ok::<_, Infallible>(())
    });
    let mut found: Vec<Option<Plain>> = jobs.iter().map(|_| None).collect();
    for (i, plain) in workers.iter_mut().flat_map(|w| w.found.drain(..)) {
        if let Some(to) = found.get_mut(i) {
            *to = plain;
        }
    }
    found
}
