// SPDX-License-Identifier: GPL-2.0-only
//! Tests over several modules, and what they share.

pub(crate) mod fake;

use crate::bkey::KeyRef;
use crate::error::Error;
use crate::gc::topology::Topology;
use crate::gc::{Args, gc};

use crate::host::{DeviceHost as _, Devices, GcWrite};
use crate::layout::{Bpos, KeyType};
use fake::{Asked, Fake, leaves};
use std::vec;
use std::vec::Vec;

fn with(members: &[u32], bare: &[u32]) -> Fake {
    Fake { members: members.to_vec(), bare: bare.to_vec(), ..leaves(1) }
}

// Oracle: a pointer has a byte for its device; each reference taken is given back once.
#[test]
fn members_are_those_that_pointers_can_name() {
    let f = with(&[0, 3, 255], &[]);
    let gc = GcWrite::lock(&f);
    let devices = Devices::collect(&f, &*gc).map_err(|e| e.code()).unwrap();
    let named: Vec<u32> = (0..=255).filter_map(|i| Some(devices.get(i)?.idx)).collect();
    assert_eq!(named, f.members);
    assert_eq!(devices.iter().map(|d| d.idx).collect::<Vec<_>>(), f.members);
    assert!(f.take().is_empty());
    drop(devices);
    assert_eq!(f.take(), [0, 3, 255].map(Asked::Put));
    for (members, bare) in
        [(vec![0, 256], vec![]), (vec![0, u32::MAX], vec![]), (vec![0, 9], vec![9])]
    {
        let f = with(&members, &bare);
        let gc = GcWrite::lock(&f);
        assert_eq!(Devices::collect(&f, &*gc).err(), Some(Error::INVAL));
        let mut put = f.take();
        put.sort_by_key(|a| if let Asked::Put(i) = a { *i } else { 0 });
        assert_eq!(put, [members[0], members[1]].map(Asked::Put));
    }
}

// Oracle: a member is there if the host finds it, and not the next one, among those that
// are.
#[test]
fn members_are_there_or_away() {
    for away in [vec![], vec![2], vec![5], vec![2, 5]] {
        let f = Fake { away, ..with(&[2, 5], &[]) };
        let gc = GcWrite::lock(&f);
        let devices = Devices::collect(&f, &*gc).map_err(|e| e.code()).unwrap();
        let online: Vec<u32> = devices.iter().filter(|d| d.online).map(|d| d.idx).collect();
        let want: Vec<u32> = [2, 5].into_iter().filter(|idx| !f.away.contains(idx)).collect();
        assert_eq!(online, want);
    }
}

// Oracle: division by hand, buckets 1 to 3 of 16 sectors, and of 12.
#[test]
fn sectors_of_members_lie_in_buckets() {
    let f = with(&[2], &[]);
    let gc = GcWrite::lock(&f);
    let devices = Devices::collect(&f, &*gc).map_err(|e| e.code()).unwrap();
    let dev = devices.get(2).unwrap();
    for sector in (0..80).chain([u64::MAX]) {
        let want = (16..64).contains(&sector).then_some(sector / 16);
        assert_eq!(dev.bucket_of(sector), want, "{sector}");
        assert_eq!(f.dev_geometry(2).bucket_of(sector), want, "{sector}");
    }
}

// Oracle: the line of docs/facts/gc.md; the trace and the wake-up come all the same.
#[test]
fn a_run_without_its_members_says_so() {
    let f = with(&[256], &[]);
    assert_eq!(gc(&f, Args { initial: true, metadata_only: false }), Err(Error::INVAL));
    assert_eq!(f.take(), [Asked::Put(256), Asked::Log("error listing members for gc".into())]);
}

// Oracle: docs/design.md: alone, a run looks at the buckets that it touched, unless the
// host has a list of them already; beside others at all.
#[test]
fn a_run_alone_looks_at_what_it_touched() {
    for (numbers, alone, want) in [
        (None, true, vec![]),
        (None, false, vec![0]),
        (Some([4, 70, 71, 900]), true, vec![4, 70, 71, 900]),
        (Some([4, 70, 71, 900]), false, vec![4, 70, 71, 900]),
    ] {
        let f = Fake { numbers, ..with(&[2], &[]) };
        let gc = GcWrite::lock(&f);
        let mut devices = Devices::collect(&f, &*gc).map_err(|e| e.code()).unwrap();
        devices.gc_alloc(&*gc, alone).map_err(|(_, e)| e.code()).unwrap();
        let stretches = |devices: &Devices<'_, Fake>| {
            devices.iter().flat_map(|d| d.stretches()).map(|s| s.first).collect::<Vec<_>>()
        };
        assert_eq!(stretches(&devices), want);
        if numbers.is_none() {
            devices.iter().for_each(|d| d.touched.bucket(3));
            assert_eq!(stretches(&devices), [0]);
        }
    }
}

// Oracle: a pointer of the older type does not say where its node begins; where the last
// one ends is judged all the same, and a host that fixes that has no repair.
#[test]
fn older_pointers_say_where_they_end() {
    let f = leaves(2);
    let topology = |bend: fn(&mut fake::OwnKey)| {
        let mut topology = Topology::of(&f.nodes[f.root()].info);
        f.nodes[f.root()].keys.iter().enumerate().try_for_each(|(i, own)| {
            let mut own = own.clone();
            bend(&mut own);
            topology.child(&f, KeyRef::new(&own.0, &own.1), i == 1)
        })
    };
    assert_eq!(topology(|_| {}), Ok(()));
    assert_eq!(topology(|own| own.1[3] += 1), Err(Error::RepairUnimplemented));
    assert_eq!(topology(|own| own.0.type_ = KeyType::BTREE_PTR), Ok(()));
    let shorter = |own: &mut fake::OwnKey| {
        own.0.type_ = KeyType::BTREE_PTR;
        own.0.p = Bpos::new(0, 7);
    };
    assert_eq!(topology(shorter), Err(Error::RepairUnimplemented));
}
