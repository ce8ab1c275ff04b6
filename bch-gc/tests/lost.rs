// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc lost` on real images.

#[path = "../../gc-v0/tests/common/mod.rs"]
mod common;
mod images;

use common::Keep;
use gc_core::accounting::ptr_stale;
use gc_core::bkey::stripe_key;
use gc_core::layout::{Bpos, BtreeId, ExtentPtr, KeyType};
use gc_v0::fs::{Fs, Options, open};
use gc_v0::key::Key;
use gc_v0::recovery::{RecoveryArgs, recover};
use gc_v0::tree::walk;
use images::{Unpacked, all, each};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

fn lost(args: &[&str], devices: &[PathBuf]) -> Output {
    let args = [&["lost", "-q", "--json"], args].concat();
    Command::new(env!("CARGO_BIN_EXE_bch-gc")).args(args).args(devices).output().unwrap()
}

fn document(out: &Output) -> Value {
    let text = String::from_utf8_lossy(&out.stderr);
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn list(v: &Value) -> &[Value] {
    v.as_array().map_or(&[], Vec::as_slice)
}

/// Oracle: the original's usage by set of devices after it counted an undamaged
/// file system: the same sums, and with every device at hand all of it intact.
#[test]
fn sums_are_the_usage_of_the_original() {
    let compared = AtomicUsize::new(0);
    each(|image| {
        let class = image.name.split('/').next().unwrap();
        if !["clean", "unclean"].contains(&class) {
            return Vec::new();
        }
        let Some(golden) = image.documents("golden-n.jsonl.zst") else { return Vec::new() };
        let unpacked = image.unpack();
        let out = unpacked.run(&["lost", "-q", "--json"]);
        let doc = document(&out);
        let mut bad = Vec::new();
        if doc["nothing_lost"] != true || out.status.code() != Some(0) {
            bad.push("something is lost".into());
        }
        for want in list(&golden[0]["after"]["usage_base"]["replicas"]) {
            compared.fetch_add(1, Ordering::Relaxed);
            let got = list(&doc["sets"]).iter().find(|s| s["bytes"] == want["bytes"]);
            let sectors = got.map(|g| g["sectors"].clone()).unwrap_or_default();
            let all = json!({
                "intact": want["sectors"], "degraded": 0, "cut_off": 0, "lost": 0, "unknown": 0
            });
            if sectors != all {
                bad.push(format!("{}: {sectors} want {all}", want["text"]));
            }
        }
        bad
    });
    assert!(compared.into_inner() >= 30);
}

/// All keys, by btree, with their level.
fn keys(unpacked: &Unpacked) -> (Fs, Vec<(BtreeId, u8, Key)>) {
    let mut keep = Keep::default();
    let fs = open(&unpacked.devices, &Options::default(), &mut keep).unwrap();
    let mut r = recover(fs, RecoveryArgs::new(false), &mut keep).unwrap();
    let mut all = Vec::new();
    for id in (0..8).map(BtreeId) {
        let root = std::rc::Rc::clone(&r.roots[usize::from(id.0)]);
        walk(&r.fs, &mut r.nodes, &r.journal, &root, &mut keep, &mut |level, key, _| {
            all.push((id, level, key.clone()));
            Ok(())
        })
        .unwrap();
    }
    (r.fs, all)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Naive {
    /// Dirty sectors of plain keys on each device: intact, degraded, cut off, lost.
    devices: BTreeMap<u8, [u64; 4]>,
    /// Sectors of each file without a copy, and below a lost node.
    files: BTreeMap<u64, [u64; 2]>,
    nodes: usize,
}

/// The same question asked naively: over a list of all keys, with the nodes above a
/// key found by comparing positions.
fn naive(fs: &Fs, all: &[(BtreeId, u8, Key)], away: &[u8]) -> Naive {
    let there = |p: &ExtentPtr| {
        let dev = fs.device(p.dev()).unwrap();
        let bucket = p.offset() / u64::from(dev.member.bucket_size);
        !away.contains(&p.dev()) && ptr_stale(dev.gen_of(bucket).unwrap(), p.gen_()) == 0
    };
    let mut stripes = BTreeMap::new();
    for (_, _, key) in all.iter().filter(|(_, _, k)| k.k.type_ == KeyType::STRIPE) {
        let h = stripe_key::head(&key.v).unwrap();
        let gone = (0..h.nr_blocks).filter(|b| !there(&stripe_key::block_ptr(&key.v, *b).unwrap()));
        stripes.insert({ key.k.p }.offset, gone.count() <= usize::from(h.nr_redundant));
    }
    let is_lost = |key: &Key| {
        let mut found = key.as_ref().pointers_decoded();
        let any = key.as_ref().pointers().any(|p| !p.cached() || there(&p));
        any && !found
            .any(|p| there(&p.ptr) || (p.has_ec && stripes.get(&p.ec.idx()) == Some(&true)))
    };
    let is_node = |key: &Key| key.as_ref().child_min_key().is_some();
    let lost_nodes: Vec<(BtreeId, u8, Bpos, Bpos)> = all
        .iter()
        .filter(|(_, _, k)| is_node(k) && is_lost(k))
        .map(|(id, level, k)| (*id, *level, k.as_ref().child_min_key().unwrap(), k.k.p))
        .collect();
    let mut n = Naive { nodes: lost_nodes.len(), ..Naive::default() };
    for (id, level, key) in all {
        if !matches!(key.k.type_, KeyType::EXTENT | KeyType::REFLINK_V) && !is_node(key) {
            continue;
        }
        let p = key.k.p;
        // Nodes above hold it; the one it points to is no part of that.
        let cut = lost_nodes
            .iter()
            .any(|(i, l, from, to)| i == id && l > level && *from <= p && p <= *to);
        let dirty: Vec<_> = key.as_ref().pointers_decoded().filter(|p| !p.ptr.cached()).collect();
        let column = if is_lost(key) {
            3
        } else if cut {
            2
        } else {
            usize::from(!dirty.iter().all(|p| there(&p.ptr)))
        };
        for p in &dirty {
            let sectors = if is_node(key) {
                u64::from(fs.btree_node_sectors())
            } else {
                let (c, u) = (u64::from(p.crc.compressed_size), u64::from(p.crc.uncompressed_size));
                (u64::from(key.k.size) * c).div_ceil(u)
            };
            n.devices.entry(p.ptr.dev()).or_default()[column] += sectors;
        }
        if *id == BtreeId::EXTENTS && *level == 0 && column >= 2 {
            n.files.entry(p.inode).or_default()[3 - column] += u64::from(key.k.size);
        }
    }
    n
}

fn of_document(doc: &Value) -> Naive {
    let number = |v: &Value| v.as_u64().unwrap();
    let devices = list(&doc["devices"]).iter().map(|d| {
        let s = &d["sectors"];
        let sums = ["intact", "degraded", "cut_off", "lost"].map(|k| number(&s[k]));
        (u8::try_from(number(&d["device"])).unwrap(), sums)
    });
    let files = list(&doc["files"]).iter();
    Naive {
        devices: devices.filter(|(_, s)| *s != [0; 4]).collect(),
        files: files
            .map(|f| (number(&f["inode"]), [number(&f["lost"]), number(&f["cut_off"])]))
            .collect(),
        nodes: list(&doc["nodes"]).len(),
    }
}

/// Oracle: `naive`, for every set of members that is thought away.
#[test]
fn what_is_lost_without_members() {
    let (mut runs, mut lossy, mut cut) = (0, 0, 0);
    for name in ["clean/2dev-replicas2", "clean/ec-4dev", "clean/mixed-buckets-2dev"] {
        let image = all().into_iter().find(|i| i.name == name).unwrap();
        let unpacked = image.unpack();
        let (fs, keys) = keys(&unpacked);
        let nr = u8::try_from(unpacked.devices.len()).unwrap();
        for set in 0..1_u32 << nr {
            let away: Vec<u8> = (0..nr).filter(|d| set >> d & 1 == 1).collect();
            let without: Vec<String> = away.iter().map(|d| format!("--without={d}")).collect();
            let args: Vec<&str> = without.iter().map(String::as_str).collect();
            let out = lost(&args, &unpacked.devices);
            let doc = document(&out);
            let want = naive(&fs, &keys, &away);
            assert_eq!(of_document(&doc), want, "{name} without {away:?}");
            let nothing = want.nodes == 0 && want.files.is_empty();
            assert_eq!(out.status.code(), Some(if nothing { 0 } else { 4 }), "{name} {away:?}");
            runs += 1;
            lossy += u32::from(!nothing);
            cut += u32::from(want.files.values().any(|f| f[1] > 0));
            for d in &away {
                assert_eq!(doc["devices"][usize::from(*d)]["without"], true);
            }
        }
    }
    // The cases that matter have come.
    assert!(runs == 24 && lossy >= 8 && cut >= 1, "{runs} {lossy} {cut}");
}

/// Oracle: members counted by hand. Devices that are really gone are named by index
/// and identity, and what is below a node that is gone with them is not known.
#[test]
fn members_that_are_gone() {
    let image = all().into_iter().find(|i| i.name == "clean/ec-4dev").unwrap();
    let unpacked = image.unpack();
    let whole = document(&lost(&[], &unpacked.devices));
    let out = lost(&[], &unpacked.devices[..1]);
    let doc = document(&out);
    assert_eq!(out.status.code(), Some(4));
    let missing: Vec<&Value> =
        list(&doc["devices"]).iter().filter(|d| d["missing"] == true).collect();
    assert_eq!(missing.len(), 3);
    for (d, w) in missing.iter().zip(&list(&whole["devices"])[1..]) {
        assert_eq!((&d["device"], &d["uuid"]), (&w["device"], &w["uuid"]));
    }
    assert!(doc["nodes_not_read"].as_u64().unwrap() >= 1);
    // Every sector is accounted for, if only as unknown.
    for (s, w) in list(&doc["sets"]).iter().zip(list(&whole["sets"])) {
        let sum = |v: &Value| -> u64 {
            v["sectors"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum()
        };
        assert_eq!((&s["bytes"], sum(s)), (&w["bytes"], sum(w)), "{s}");
    }
    // A member that there is none of.
    assert_eq!(lost(&["--without", "9"], &unpacked.devices).status.code(), Some(16));
}
