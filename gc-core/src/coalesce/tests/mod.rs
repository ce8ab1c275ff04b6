// SPDX-License-Identifier: GPL-2.0-only
//! Each step of a merge on nodes that are bent by hand.

use super::repack::append;
use super::*;
use crate::bkey::{NodeFormat, RawKey};
use crate::host::{Marking as _, Nodes as _};
use crate::layout::Le64;
use crate::layout::{Bkey, BkeyFormat, Bpos, POS_MAX};
use crate::tests::fake::{Asked, Fake, OwnKey, inode, leaves, pointer};
use std::vec;
use std::vec::Vec;

fn p(offset: u64) -> Bpos {
    Bpos::new(0, offset)
}

/// Leaves 0 to 3, the walk at leaf 3, the others in its window.
fn locked(f: &Fake, parent: NodeInfo) -> Vec<usize> {
    let mut window = Window::EMPTY;
    (0..3).for_each(|i| window.push(i, 1));
    let siblings = Siblings::lock(f, &window, &parent, 3, &f.nodes[3].info).unwrap();
    siblings.as_slice().to_vec()
}

/// Which nodes were locked again and which of them not given back.
fn balance(asked: &[Asked]) -> Vec<usize> {
    let mut held = Vec::new();
    for one in asked {
        match *one {
            Asked::Relock(node, true) => held.push(node),
            Asked::Unlock(node) => {
                let at = held.iter().position(|n| *n == node).expect("it was locked");
                held.remove(at);
            }
            _ => {}
        }
    }
    held
}

// Oracle: docs/facts/coalesce.md: neighbours are those of the same level, btree and
// parent that end directly before the next; each one's lock is given back.
#[test]
fn neighbours_are_locked_as_far_as_they_are_some() {
    type Bend = fn(&mut Fake);
    let cases: [(Bend, &[usize]); 8] = [
        (|_| {}, &[0, 1, 2, 3]),
        (|f| f.nodes[1].info.level = 1, &[2, 3]),
        (|f| f.nodes[1].info.btree_id = BtreeId::DIRENTS, &[2, 3]),
        (|f| f.nodes[1].info.max_key = p(199), &[2, 3]),
        (|f| f.nodes[1].info.max_key = p(201), &[2, 3]),
        (|f| f.nodes[1].seq = 2, &[2, 3]),
        (|f| f.nodes[2].seq = 2, &[3]),
        (|f| f.nodes[3].info.min_key = POS_MIN, &[3]),
    ];
    for (i, (bend, want)) in cases.into_iter().enumerate() {
        let mut f = leaves(5);
        bend(&mut f);
        let root = f.nodes[f.root()].info;
        assert_eq!(locked(&f, root), want, "case {i}");
        assert_eq!(balance(&f.take()), [], "case {i}");
    }
}

// Oracle: as above: where the parent begins its first child does; one that begins
// before is another parent's.
#[test]
fn neighbours_end_where_their_parent_begins() {
    let f = leaves(5);
    let root = f.nodes[f.root()].info;
    let from = |min_key| NodeInfo { min_key, ..root };
    assert_eq!(locked(&f, from(f.nodes[1].info.min_key)), [1, 2, 3]);
    // The one before is not even looked at.
    assert!(!f.take().contains(&Asked::Relock(0, true)));
    assert_eq!(locked(&f, from(p(150))), [2, 3]);
    assert_eq!(f.take().iter().filter(|a| **a == Asked::Unlock(1)).count(), 1);
    assert_eq!(locked(&f, from(f.nodes[3].info.min_key)), [3]);
    assert_eq!(f.take(), []);
}

// Oracle: the newest three, and of them the newest so many.
#[test]
fn a_window_keeps_the_newest() {
    let mut f = leaves(6);
    for n in 0..5 {
        f.nodes[n].seq = n as u32 + 10;
    }
    let root = f.nodes[f.root()].info;
    for keep in 0..=3 {
        let mut window = Window::EMPTY;
        (0..5).for_each(|n| window.push(n, n as u32 + 10));
        window.truncate(keep);
        let siblings = Siblings::lock(&f, &window, &root, 5, &f.nodes[5].info).unwrap();
        assert_eq!(siblings.as_slice(), [2, 3, 4, 5].split_at(3 - keep).1);
    }
}

// Oracle: locks of nodes that were replaced are gone with them.
#[test]
fn what_was_replaced_is_not_unlocked() {
    let f = leaves(5);
    let mut window = Window::EMPTY;
    window.push(2, 1);
    let root = f.nodes[f.root()].info;
    Siblings::lock(&f, &window, &root, 3, &f.nodes[3].info).unwrap().replaced();
    assert_eq!(f.take(), [Asked::Relock(2, true)]);
}

// Oracle: each way in which a parent and its children can disagree, by hand.
#[test]
fn parent_and_children_agree_or_nothing_is_merged() {
    type Bend = fn(&mut Fake);
    fn parents(f: &mut Fake) -> &mut Vec<OwnKey> {
        let root = f.root();
        &mut f.nodes[root].keys
    }
    let agrees = |bend: Bend, nodes: &[usize]| {
        let mut f = leaves(5);
        bend(&mut f);
        children_match(&f, f.root(), nodes).unwrap()
    };
    for nodes in [&[0, 1][..], &[1, 2, 3], &[3, 4], &[4], &[0, 1, 2, 3, 4], &[]] {
        assert!(agrees(|_| {}, nodes), "{nodes:?}");
    }
    // What comes behind them does not count, nor pointers without a least position.
    assert!(agrees(|f| parents(f).truncate(3), &[1, 2]));
    assert!(agrees(|f| parents(f)[4].1[3] = 1, &[1, 2]));
    assert!(agrees(|f| parents(f)[0].0.type_ = crate::layout::KeyType::INODE, &[1, 2]));
    let bent: [Bend; 11] = [
        // A child is missing at the end, within, before.
        |f| parents(f).truncate(2),
        |f| drop(parents(f).remove(2)),
        |f| drop(parents(f).remove(1)),
        |f| drop(parents(f).remove(0)),
        // A key too many between them.
        |f| parents(f).insert(2, pointer(p(201), p(150), 9)),
        // The least position of a pointer, of the first one, of a child.
        |f| parents(f)[2].1[3] += 1,
        |f| parents(f)[0].1[3] += 1,
        |f| f.nodes[2].info.min_key = p(202),
        // The greatest one of a child, of the parent.
        |f| f.nodes[2].info.max_key = p(299),
        |f| {
            let root = f.root();
            f.nodes[root].info.max_key = p(299);
        },
        // Another place on disk.
        |f| parents(f)[2].1[5] += 16 << 4,
    ];
    for (i, bend) in bent.into_iter().enumerate() {
        assert!(!agrees(bend, &[1, 2]), "case {i}");
    }
}

// Oracle: a child whose range is one position is a child like others.
#[test]
fn a_child_may_have_one_position() {
    let mut f = leaves(3);
    let (root, one) = (f.root(), p(101));
    for (n, min, max) in [(1, one, one), (2, p(102), POS_MAX)] {
        (f.nodes[n].info.min_key, f.nodes[n].info.max_key) = (min, max);
        f.nodes[n].key = pointer(min, max, n as u64 + 1);
        f.nodes[root].keys[n] = f.nodes[n].key.clone();
    }
    assert!(children_match(&f, root, &[1, 2]).unwrap());
}

/// A format of one word with 8 bits of offset.
fn narrow() -> NodeFormat {
    NodeFormat::new(&BkeyFormat {
        key_u64s: 1,
        nr_fields: 6,
        bits_per_field: [0, 8, 0, 0, 0, 0],
        field_offset: [Le64::new(0); 6],
    })
    .unwrap()
}

// Oracle: the key read back: itself with its value, hiding nothing, numbered as the
// format says it is, packed if it can be.
#[test]
fn keys_are_appended_packed_or_not() {
    let format = narrow();
    let mut words = Vec::new();
    for (offset, packed) in [(200, true), (300, false)] {
        let (k, v) = inode(offset, 3);
        for ws in [false, true] {
            let key = Bkey { format_ws: 0, ..k }.with_needs_whiteout(ws);
            words.clear();
            let len = if packed { 4 } else { 8 };
            assert_eq!(append(&mut words, &format, &key, &v), Ok((len, packed)));
            let (raw, rest) = RawKey::split_first(&format, &words).unwrap();
            let raw = raw.unwrap();
            assert_eq!((raw.is_packed(), raw.words().len(), rest.len()), (packed, len, 0));
            assert_eq!((format.unpack(raw), raw.value()), (k, &v[..]));
        }
    }
}

fn repacked(f: &Fake, nodes: &[usize]) -> Result<usize, Refusal> {
    let fit = Fit::new(f.size).unwrap();
    repack(f, fit, nodes, &mut Vec::new()).map(|r| r.slices.as_slice().len())
}

// Oracle: 16 KiB are filled to 1324 u64s and hold 2027, by hand; the length of a value is
// what its key says.
#[test]
fn what_cannot_be_repacked_is_refused() {
    let mut f = leaves(3);
    assert_eq!(repacked(&f, &[0, 1]), Ok(1));
    f.nodes[0].keys[0].1.pop();
    assert_eq!(repacked(&f, &[0, 1]), Err(Refusal::Disorder));
    // Keys out of order.
    let mut f = leaves(3);
    f.nodes[0].keys = vec![inode(9, 1), inode(8, 1)];
    assert_eq!(repacked(&f, &[0, 1]), Err(Refusal::Disorder));
    // Each packs into a word: 6 and 7 values of 200 u64s.
    let full = |nr: u64, from: u64| (0..nr).map(|i| inode(from + i, 200)).collect::<Vec<_>>();
    let mut f = leaves(3);
    (f.nodes[0].keys, f.nodes[1].keys) = (full(6, 1), full(6, 101));
    assert_eq!(repacked(&f, &[0, 1]), Err(Refusal::Fail(CoalesceFail::Format)));
    // Eleven are more than a node holds.
    (f.nodes[0].keys, f.nodes[1].keys) = (full(11, 1), full(1, 101));
    assert_eq!(repacked(&f, &[0, 1]), Err(Refusal::Fail(CoalesceFail::Format)));
}

fn replaced(f: &Fake) -> Vec<Asked> {
    f.take().into_iter().filter(|a| matches!(a, Asked::Replace(..))).collect()
}

// Oracle: ten words of value and one of key each: any number of such leaves fits one; the
// walk takes each with what the one before became.
#[test]
fn leaves_gather_in_the_last() {
    let f = leaves(3);
    assert_eq!(coalesce(&f), Ok(()));
    // The fake's nodes stay as they are, so the second merge sees leaf 1 as it was.
    let want = [
        Asked::Replace(vec![0, 1], vec![(POS_MIN, p(200))]),
        Asked::Replace(vec![1, 2], vec![(p(101), POS_MAX)]),
    ];
    assert_eq!(replaced(&f), want);
}

// Oracle: docs/facts/coalesce.md: eight attempts, then the next node; asked to stop or
// without its place, the walk waits no longer.
#[test]
fn waiting_for_a_reserve_ends() {
    let short = || {
        let f = leaves(2);
        f.refusals.replace(vec![Error::Errno(Errno::EAGAIN); 100]);
        f
    };
    let waits = |asked: &[Asked]| asked.iter().filter(|a| **a == Asked::Wait).count();
    let f = short();
    assert_eq!(coalesce(&f), Ok(()));
    let asked = f.take();
    assert_eq!((waits(&asked), balance(&asked)), (8, vec![]));
    assert_eq!(asked.last(), Some(&Asked::Fail(CoalesceFail::Reserve)));

    let f = Fake { lost: true, ..short() };
    assert_eq!(coalesce(&f), Ok(()));
    let asked = f.take();
    assert_eq!((waits(&asked), balance(&asked)), (1, vec![]));
    assert!(!asked.contains(&Asked::Fail(CoalesceFail::Reserve)));

    // Once after the first leaf, then after the second wait.
    let f = short();
    f.stop_after.set(Some(2));
    assert_eq!(coalesce(&f), Err(STOP));
    assert_eq!(waits(&f.take()), 2);
}

// Oracle: as above: what is refused for other reasons is traced, and the neighbours are
// tried again with the next node.
#[test]
fn a_refusal_is_traced_and_not_the_end() {
    let f = leaves(3);
    f.refusals.replace(vec![Error::NOMEM]);
    assert_eq!(coalesce(&f), Ok(()));
    let asked = f.take();
    assert!(asked.contains(&Asked::Fail(CoalesceFail::Reserve)));
    assert_eq!(balance(&asked), [1, 0], "of the merge that was made");
    let want = vec![(POS_MIN, POS_MAX)];
    assert_eq!(asked.last(), Some(&Asked::Replace(vec![0, 1, 2], want)));
    // They say to have room for each other, and do not.
    let mut f = leaves(3);
    for n in 0..3 {
        f.nodes[n].keys = (1..=6).map(|i| inode(n as u64 * 100 + i, 200)).collect();
        f.nodes[n].live_u64s = 100;
    }
    assert_eq!(coalesce(&f), Ok(()));
    let asked = f.take();
    let fails = asked.iter().filter(|a| **a == Asked::Fail(CoalesceFail::Format)).count();
    // Leaves 0 and 1, then all three: both times as many as before.
    assert_eq!((fails, balance(&asked)), (2, vec![]));
    assert!(!asked.iter().any(|a| matches!(a, Asked::Replace(..))));
}

// Oracle: one line a btree, and nothing else happens to the nodes.
#[test]
fn disagreements_are_said_once() {
    let mut f = leaves(4);
    let root = f.root();
    f.nodes[root].keys.clear();
    assert_eq!(coalesce(&f), Ok(()));
    let said: Vec<Asked> = f.take().into_iter().filter(|a| matches!(a, Asked::Log(_))).collect();
    let line = "btree coalescing: inodes level 0 up to 0:200:0: nodes and parent do not agree, \
                left as they are";
    assert_eq!(said, [Asked::Log(line.into())]);
}

// Oracle: no level is above the fourth: such a node is left out.
#[test]
fn nodes_of_no_level_are_left() {
    let mut f = leaves(2);
    f.nodes[0].info.level = 4;
    f.nodes[1].info.level = 200;
    assert_eq!(coalesce(&f), Ok(()));
    assert_eq!(f.take(), []);
}

// Oracle: what the gc thread says of the end of a run: nothing of a stop or a success.
#[test]
fn only_failures_are_told() {
    let f = leaves(2);
    f.stop_after.set(Some(0));
    run(&f);
    assert_eq!(f.take(), []);
    let f = leaves(2);
    run(&f);
    assert!(!f.take().iter().any(|a| matches!(a, Asked::Log(_))));
    f.refusals.replace(vec![Error::Errno(Errno::EROFS)]);
    run(&f);
    assert_eq!(f.take().last(), Some(&Asked::Log("btree coalescing failed: -30".into())));
    let none = Fake { size: crate::host::NodeSize { bytes: 4096, block_bytes: 0 }, ..leaves(2) };
    assert_eq!(coalesce(&none), Err(Error::INVAL));
}

// Oracle: docs/host-interface.md: a host need not lend anything: it has nothing to lend then,
// and nothing becomes of what it is told.
#[test]
fn a_host_need_not_lend() {
    let f = leaves(1);
    assert!(f.counters().unwrap().is_none() && f.node_set(0, false).unwrap().is_none());
    let key = f.node_key(0).unwrap();
    f.read_ahead(&key);
    f.usage_add(&[1, 2]);
    assert_eq!(f.take(), []);
}
