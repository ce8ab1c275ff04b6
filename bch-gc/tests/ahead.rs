// SPDX-License-Identifier: GPL-2.0-only
//! What the system is told that will be read.
//!
//! Oracle: what is read then.

mod images;

use gc_disk::io::{DeviceFile, Medium};
use gc_v0::fs::{Options, open_devices};
use gc_v0::plain::{self, Part};
use gc_v0::recovery::{RecoveryArgs, begin};
use gc_v0::report::{Found, Reporter, answer};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// Bytes from, to.
    Told(u64, u64),
    Read(u64, u64),
}

/// A file that notes what it is asked.
#[derive(Debug)]
struct Noting {
    file: File,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Medium for Noting {
    fn read_exact_at(&self, buf: &mut [u8], at: u64) -> io::Result<()> {
        let end = at + u64::try_from(buf.len()).unwrap();
        self.events.lock().unwrap().push(Event::Read(at, end));
        FileExt::read_exact_at(&self.file, buf, at)
    }
    fn will_read(&self, at: u64, len: u64) {
        self.events.lock().unwrap().push(Event::Told(at, at + len));
    }
}

struct Silent;

impl Reporter for Silent {
    fn found(&mut self, found: Found) -> gc_core::finding::Answer {
        answer(found.flags, false)
    }
    fn log(&mut self, _line: &str) {}
}

/// Nodes that are told and not yet read at most: what one thread has under way.
const AHEAD: usize = 16;

#[test]
fn what_is_told_is_read_next() {
    let name = "clean/deep-l2";
    let image = images::all().into_iter().find(|i| i.name == name).unwrap();
    let path = &image.unpack().devices[0];
    let file = File::open(path).unwrap();
    let bytes = file.metadata().unwrap().len();
    let events = Arc::new(Mutex::new(Vec::new()));
    let medium = Noting { file, events: Arc::clone(&events) };
    let device = DeviceFile::over(Box::new(medium), path, bytes);
    let fs = open_devices(vec![device], &Options::default(), &mut Silent).unwrap();
    let begun = begin(fs, RecoveryArgs::new(true), &mut Silent).unwrap();

    // Of the journal: a bucket, from where its first entry was read.
    let dev = begun.fs.device(0).unwrap();
    let size = u64::from(dev.member.bucket_size) * 512;
    let journal = &dev.online.as_ref().unwrap().journal;
    let mut before = None;
    let mut told = 0;
    for event in core::mem::take(&mut *events.lock().unwrap()) {
        if let Event::Told(from, to) = event {
            let bucket = from / size;
            assert!(journal.contains(&bucket), "{event:?}");
            assert_eq!((from % size, to), (0, (bucket + 1) * size));
            let read =
                before.is_some_and(|b| matches!(b, Event::Read(at, _) if at / size == bucket));
            assert!(read, "{before:?} {event:?}");
            told += 1;
        }
        before = Some(event);
    }
    assert!(told >= 1);

    // Of nodes: whole ones, which are read in the order in which they were told.
    let whole = [Part::whole(&begun.fs)];
    let how = plain::Options { threads: 1 };
    plain::check(&begun, how, &whole, &mut |_| {}).unwrap();
    let node = u64::from(begun.fs.btree_node_sectors()) * 512;
    let mut waiting = std::collections::VecDeque::new();
    let (mut told, mut most) = (0, 0);
    for event in core::mem::take(&mut *events.lock().unwrap()) {
        match event {
            Event::Told(from, to) => {
                assert!(to - from == node && to <= bytes, "{event:?}");
                waiting.push_back(from..to);
                told += 1;
                most = most.max(waiting.len());
            }
            // Only the used part of a node is read, in one piece or several.
            Event::Read(from, to) => {
                while waiting.front().is_some_and(|w| !w.contains(&from)) && !waiting.is_empty() {
                    let next: &std::ops::Range<u64> = waiting.get(1).unwrap_or_else(|| {
                        panic!("{event:?} was not told; {waiting:?}");
                    });
                    assert!(next.contains(&from), "{event:?} comes before {waiting:?}");
                    waiting.pop_front();
                }
                assert!(waiting.front().is_some_and(|w| to <= w.end), "{event:?} {waiting:?}");
            }
        }
    }
    assert!(waiting.len() <= 1, "told and not read: {waiting:?}");
    assert!(told >= 10 && most <= AHEAD + 2, "{told} told, {most} at once");
}
