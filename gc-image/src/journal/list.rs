// SPDX-License-Identifier: GPL-2.0-only
//! All entries of all devices, in order.

use super::bucket::BucketReader;
use super::check;
use super::entry::{Bytes, Entry, Head, last_seq_of};
use super::items::items;
use crate::error::RecoveryError;
use crate::fs::Fs;
use crate::report::{Code, Flags, Found, Phase, Reporter, cut};
use crate::superblock::MemberState;
use gc_core::accounting::replicas::Entry as ReplicasEntry;
use gc_core::finding::Answer;
use gc_core::layout::DataType;

/// Bytes read at once in the beginning.
const CHUNK: usize = 4096;

/// Entries by ascending sequence.
#[derive(Debug, Default)]
pub(super) struct List {
    entries: Vec<Entry>,
    /// Room of those that were dropped.
    spare: Vec<Vec<u8>>,
}

impl List {
    /// Room for `size` bytes, which may hold anything.
    pub(super) fn room(&mut self, size: usize) -> Vec<u8> {
        match self.spare.pop() {
            Some(mut room) => {
                room.resize(size, 0);
                room
            }
            None => vec![0; size],
        }
    }

    pub(super) fn add(
        &mut self,
        dev: u8,
        bytes: Bytes,
        reporter: &mut dyn Reporter,
    ) -> Result<(), RecoveryError> {
        let Some(head) = Head::of(bytes.get()) else { return Ok(()) };
        let seq = head.seq;
        if seq < self.entries.last().map_or(0, Entry::last_seq) {
            return Ok(());
        }
        let needed_from = last_seq_of(bytes.get());
        let drop = self.entries.iter().take_while(|e| e.seq() < needed_from).count();
        self.spare.extend(self.entries.drain(..drop).map(|e| e.into_bytes().into_room()));

        let mut ask =
            |code, text: &str| match reporter.found(Found::new(code, Flags::FIX_OR_IGNORE, text)) {
                Answer::Exit => Err(RecoveryError::halted()),
                _ => Ok(()),
            };
        let at = self.entries.partition_point(|e| e.seq() <= seq);
        let place = match at.checked_sub(1) {
            Some(i) if self.entries.get(i).is_some_and(|e| e.seq() == seq) => {
                let same = self.entries.get(i).is_some_and(|e| e.same_bytes(&bytes));
                if !same {
                    ask(
                        Code::JournalDuplicate,
                        &format!("found duplicate but non identical journal entries (seq {seq})"),
                    )?;
                }
                i
            }
            _ => {
                self.entries.insert(at, Entry::new(bytes));
                at
            }
        };
        let new = self.entries.get_mut(place).is_none_or(|e| e.note_device(dev));
        if !new {
            ask(Code::JournalSameDevice, "duplicate journal entries on same device")?;
        }
        Ok(())
    }
}

/// What was read of the journal.
#[derive(Debug)]
pub struct Journal {
    /// Entries by ascending sequence, checked and repaired.
    pub entries: Vec<Entry>,
    /// Some of it could not be read.
    pub unreadable: bool,
}

/// Reads the journal of all devices.
///
/// # Errors
/// What ends recovery here.
pub fn read(fs: &mut Fs, reporter: &mut dyn Reporter) -> Result<Journal, RecoveryError> {
    let mut list = List::default();
    let mut degraded = false;
    let mut unreadable = false;
    let mut failed = None;
    let buckets = fs.members().filter_map(|(_, d)| d.online.as_ref().map(|o| o.journal.len()));
    reporter.phase(Phase::Journal, crate::bytes::number(buckets.sum()));
    for (idx, dev) in fs.members() {
        let named = fs.replicas.table.view().iter();
        let has_journal =
            named.filter(|e| e.data_type() == DataType::JOURNAL).any(|e| e.devs().contains(&idx));
        if !fs.replicas.rebuild && !has_journal {
            continue;
        }
        let live = matches!(dev.member.state, MemberState::Rw | MemberState::Ro);
        let Some(online) = dev.online.as_ref().filter(|_| live) else {
            degraded = true;
            continue;
        };
        let (file, buf) = (&online.file, vec![0; CHUNK]);
        let mut reader = BucketReader { fs, file, dev: idx, buf, unreadable: false };
        for bucket in &online.journal {
            if let Err(e) = reader.read(*bucket, &mut list, reporter) {
                failed = Some(e);
                break;
            }
            reporter.bucket_read();
        }
        unreadable |= reader.unreadable;
    }
    if let Some(e) = failed {
        return Err(e);
    }
    let mut entries = list.entries;
    let mut keys = 0_usize;
    for entry in &mut entries {
        entry.take_apart();
        check::items(&fs.rules(), entry, fs, reporter)?;
        // Of an entry that could not be read everywhere the devices are not known.
        if !degraded && !unreadable {
            check_replicas(fs, entry, reporter)?;
        }
        keys = keys.saturating_add(items(entry.words()).map(|i| i.keys().count()).sum::<usize>());
    }
    if let Some(last) = entries.last() {
        reporter.log(&format!(
            "journal read done, {keys} keys in {} entries, seq {}",
            entries.len(),
            last.seq()
        ));
    }
    Ok(Journal { entries, unreadable })
}

fn check_replicas(
    fs: &mut Fs,
    entry: &Entry,
    reporter: &mut dyn Reporter,
) -> Result<(), RecoveryError> {
    let mut set = ReplicasEntry::new(DataType::JOURNAL, 1);
    for dev in &entry.devs {
        // An entry has at most as many copies as there are replicas.
        if set.push(*dev).is_err() {
            return Err(RecoveryError::new(-22, "journal entry on too many devices"));
        }
    }
    set.sort();
    if fs.replicas.table.view().find(set.get()).is_some() {
        return Ok(());
    }
    if !fs.replicas.rebuild {
        let mut text = set.get().to_string();
        cut(&mut text, 80);
        let text = format!("superblock not marked as containing replicas {text}");
        match reporter.found(Found::new(Code::JournalReplicas, Flags::FIX_OR_IGNORE, text)) {
            Answer::Fix => {}
            Answer::Ignore => return Ok(()),
            Answer::Exit => return Err(RecoveryError::halted()),
        }
    }
    fs.replicas.table = fs
        .replicas
        .table
        .with(set.get())
        .map_err(|_| RecoveryError::new(-12, "cannot allocate memory"))?;
    fs.superblock_written();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::checksum;
    use crate::journal::JournalKeys;
    use crate::testing::{BUCKET, Keep, fs, put};
    use gc_core::layout::{Bkey, Bpos, BtreeId, CsumType, KeyType};

    /// A key of type cookie.
    fn key(offset: u64, v: u64) -> Vec<u64> {
        let mut k = Bkey::new(Bpos::new(0, offset), 0);
        k.type_ = KeyType::COOKIE;
        k.u64s = 6;
        let mut words = k.to_words().to_vec();
        words.push(v);
        words
    }

    fn item(type_: u8, btree: u8, level: u8, words: &[u64]) -> Vec<u64> {
        let head = [words.len() as u8, (words.len() >> 8) as u8, btree, level, type_, 0, 0, 0];
        let mut item = vec![u64::from_le_bytes(head)];
        item.extend(words);
        item
    }

    /// A journal entry, sealed.
    fn entry(seq: u64, last: u64, items: &[Vec<u64>]) -> Vec<u8> {
        let words = items.concat();
        let mut b = vec![0; 56];
        put(&mut b, 16, &(0x0101_0101_0101_0101_u64 ^ 0x2452_35c1_a362_5032).to_le_bytes());
        put(&mut b, 24, &seq.to_le_bytes());
        put(&mut b, 32, &11_u32.to_le_bytes());
        put(&mut b, 36, &1_u32.to_le_bytes());
        put(&mut b, 40, &(words.len() as u32).to_le_bytes());
        put(&mut b, 48, &last.to_le_bytes());
        b.extend(words.iter().flat_map(|w| w.to_le_bytes()));
        let sum = checksum(CsumType::CRC32C_NONZERO, None, Default::default(), &b[16..]).unwrap();
        put(&mut b, 0, &sum);
        b
    }

    /// Reads a journal with `bytes` at sectors counted from bucket 4 on.
    fn journal(contents: &[(u64, Vec<u8>)]) -> (Vec<Entry>, Keep) {
        let contents: Vec<(u64, &[u8])> =
            contents.iter().map(|(s, b)| (4 * BUCKET + s, b.as_slice())).collect();
        let (_temp, mut fs) = fs(&contents);
        let mut keep = Keep::default();
        (read(&mut fs, &mut keep).unwrap().entries, keep)
    }

    fn seqs(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(Entry::seq).collect()
    }

    // Oracle: rules of docs/facts/journal.md, one bucket at a time.
    #[test]
    fn buckets() {
        // Several entries in a bucket, a bucket that wrapped, an empty one.
        let (e, keep) = journal(&[
            (0, entry(7, 5, &[])),
            (1, entry(8, 5, &[])),
            (2, entry(3, 1, &[])),
            (BUCKET, entry(5, 2, &[])),
            (BUCKET + 1, entry(6, 5, &[])),
            (2 * BUCKET + 1, entry(9, 5, &[])),
        ]);
        assert_eq!((seqs(&e), keep.found.len()), (vec![5, 6, 7, 8], 0));
        // A bad entry does not hide those behind it.
        let mut bad = entry(6, 5, &[]);
        bad[50] ^= 1;
        let (e, keep) = journal(&[(0, entry(5, 5, &[])), (1, bad), (3, entry(7, 5, &[]))]);
        assert_eq!(seqs(&e), [5, 7]);
        assert_eq!(keep.found, ["journal checksum bad, sector 65"]);
        // Older than needed, by the newest entry seen so far and by later ones.
        let (e, _) = journal(&[
            (0, entry(9, 8, &[])),
            (BUCKET, entry(5, 1, &[])),
            (2 * BUCKET, entry(8, 3, &[])),
            (3 * BUCKET, entry(10, 9, &[])),
        ]);
        assert_eq!(seqs(&e), [9, 10]);
    }

    // Oracle: texts of docs/facts/journal.md.
    #[test]
    fn bad_entries() {
        let big = entry(5, 5, &[item(9, 0, 0, &vec![0; 1100])]);
        let (e, keep) = journal(&[(0, big.clone())]);
        assert!(e.is_empty());
        assert_eq!(
            keep.found,
            [format!("journal entry too big ({} bytes), sector 64u", big.len())]
        );
        let (e, keep) = journal(&[(0, entry(5, 6, &[]))]);
        assert_eq!(keep.found, ["invalid journal entry: last_seq > seq"]);
        assert_eq!(e[0].last_seq(), 5);
        // Longer than one read, and across the end of what is buffered.
        let long = || item(9, 0, 0, &vec![7; 700]);
        let (e, keep) = journal(&[(0, entry(5, 5, &[])), (1, entry(6, 5, &[long()]))]);
        assert_eq!((seqs(&e), keep.found.len()), (vec![5, 6], 0));
        // Twice, with another content.
        let (_, keep) =
            journal(&[(0, entry(5, 5, &[])), (BUCKET, entry(5, 5, &[item(9, 0, 0, &[1])]))]);
        assert_eq!(
            keep.found,
            [
                "found duplicate but non identical journal entries (seq 5)",
                "duplicate journal entries on same device"
            ]
        );
    }

    // Oracle: texts and repairs of docs/facts/journal.md.
    #[test]
    fn items_are_checked_and_repaired() {
        let bad = |at: usize, v: u64| {
            let mut k = key(1, 2);
            k[at] = v;
            k
        };
        let text = |items: &[Vec<u64>]| {
            let (e, keep) = journal(&[(0, entry(5, 5, items))]);
            (keep.found, JournalKeys::collect(&e).len())
        };
        let keys = |k: &[Vec<u64>]| item(0, 3, 0, &k.concat());
        assert_eq!(text(&[keys(&[key(1, 2), key(2, 2)])]), (vec![], 2));
        let one = |s: &str| vec![s.to_string()];
        let head = key(1, 2)[0];
        assert_eq!(
            text(&[keys(&[key(5, 2), bad(0, head & !0xff)]), keys(&[key(6, 2)])]),
            (one("invalid key in journal: k->u64s 0"), 2)
        );
        assert_eq!(
            text(&[keys(&[key(5, 2), bad(0, (head & !0xff) | 9)])]),
            (one("invalid key in journal: extends past end of journal entry"), 1)
        );
        assert_eq!(
            text(&[keys(&[bad(0, head & !0xff00), key(5, 2)])]),
            (one("invalid key in journal: bad format 0"), 1)
        );
        // The key behind a removed one is not looked at.
        let (found, nr) = text(&[keys(&[bad(2, 9), bad(2, 8), bad(2, 7)])]);
        assert_eq!(nr, 1);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0],
            "invalid key in journal: nonzero size field\n\
             u64s 6 type cookie 0:1 snap 0 len 9 ver 0: "
        );
        // One without a length is looked at all the same, and what it begins is gone.
        let (found, nr) = text(&[keys(&[bad(0, head & !0xff00), vec![0], key(5, 2)])]);
        assert_eq!(nr, 0);
        let none = "invalid key in journal: k->u64s 0";
        assert_eq!(found, ["invalid key in journal: bad format 0", none]);
        let wrong = |items| text(&[items]).0;
        let bl = "invalid journal seq blacklist entry: bad size";
        assert_eq!(wrong(item(3, 0, 0, &[1, 2])), [bl]);
        assert_eq!(wrong(item(4, 0, 0, &[1])), [bl]);
        assert_eq!(
            wrong(item(4, 0, 0, &[2, 1])),
            ["invalid journal seq blacklist entry: start > end"]
        );
        let usage = "invalid journal entry usage: bad size";
        assert_eq!(wrong(item(5, 0, 0, &[])), [usage]);
        assert_eq!(wrong(item(6, 0, 0, &[1])), [usage]);
        assert_eq!(wrong(item(6, 0, 0, &[1, 4 | 9 << 8])), [usage]);
        assert!(wrong(item(6, 0, 0, &[1, 4 | 1 << 8 | 1 << 16])).is_empty());
        assert_eq!(
            wrong(item(1, 0, 0, &[])),
            ["invalid btree root journal entry: wrong number of keys"]
        );
        let mut past = item(0, 0, 0, &key(1, 2));
        past[0] += 1;
        assert_eq!(wrong(past), ["journal entry extends past end of jset"]);
    }

    // Oracle: the newest key of a place, from entries that are still needed.
    #[test]
    fn newest_key_of_a_place() {
        let keys = |b, l, k: &[Vec<u64>]| item(0, b, l, &k.concat());
        let (e, _) = journal(&[
            (0, entry(5, 5, &[keys(3, 0, &[key(1, 10), key(2, 20), key(1, 11)])])),
            (1, entry(6, 5, &[keys(3, 1, &[key(0, 1)]), keys(3, 0, &[key(2, 21), key(3, 30)])])),
        ]);
        let keys = JournalKeys::collect(&e);
        let at = |l, from| {
            let k = keys.from(BtreeId(3), l, Bpos::new(0, from));
            k.iter().map(|k| ({ k.key.k.p }.offset, k.key.v[0])).collect::<Vec<_>>()
        };
        assert_eq!(at(0, 0), [(1, 11), (2, 21), (3, 30)]);
        assert_eq!(at(0, 2), [(2, 21), (3, 30)]);
        assert_eq!(at(0, 4), []);
        assert_eq!(keys.from(BtreeId(2), 0, Bpos::default()).len(), 0);
        assert_eq!(keys.len(), 4, "one of level 1");
        let (e, _) =
            journal(&[(0, entry(5, 5, &[keys_item(1)])), (1, entry(6, 6, &[keys_item(2)]))]);
        assert_eq!(JournalKeys::collect(&e).len(), 1);
    }

    fn keys_item(offset: u64) -> Vec<u64> {
        item(0, 3, 0, &key(offset, 1))
    }
}
