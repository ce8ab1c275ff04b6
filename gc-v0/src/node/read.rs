// SPDX-License-Identifier: GPL-2.0-only
//! Reading a node: its copies in turn.

use super::Node;
use super::err::{Errors, Stop};
use super::parse::Parser;
use crate::fs::Fs;
use crate::key::Key;
use crate::report::{Holds, Reporter};
use gc_core::accounting::ptr_stale;
use gc_core::layout::{BtreeId, ExtentPtr};

/// Reads the node a key points to; `None` when no copy of it can be used.
pub fn read(
    fs: &Fs,
    key: &Key,
    btree: BtreeId,
    level: u8,
    reporter: &mut dyn Reporter,
) -> Option<Node> {
    let mut tried = Vec::new();
    let Some(mut pick) = next_copy(fs, key, &tried) else {
        reporter.error("btree node read error: no device to read from");
        return None;
    };
    let mut parser = Parser::new();
    loop {
        let bytes = read_copy(fs, pick, Holds::Node(btree, level), reporter);
        tried.push(pick.dev());
        let other = next_copy(fs, key, &tried);
        if let Some(bytes) = bytes {
            let can_retry = other.is_some();
            let replica = (0..).zip(key.as_ref().pointers()).find(|(_, p)| *p == pick);
            let replica = replica.map(|(i, _)| i);
            let mut errors = Errors { fs, key, btree, level, replica, can_retry, reporter };
            match parser.parse(bytes, &mut errors) {
                Ok(node) => return Some(node),
                Err(Stop::Failed) => return None,
                Err(Stop::Retry) => {}
            }
        }
        pick = other?;
        reporter.log("retrying read");
    }
}

/// The first copy on a device that was not tried.
pub(crate) fn next_copy(fs: &Fs, key: &Key, tried: &[u8]) -> Option<ExtentPtr> {
    key.as_ref().pointers().find(|p| {
        let Some(dev) = fs.device(p.dev()) else { return false };
        let gen_ = dev.gen_of(dev.geometry().bucket_nr(p.offset()));
        let stale = p.cached() && gen_.is_some_and(|g| ptr_stale(g, p.gen_()) != 0);
        !stale && !tried.contains(&p.dev()) && dev.readable()
    })
}

fn read_copy(
    fs: &Fs,
    ptr: ExtentPtr,
    holds: Holds,
    reporter: &mut dyn Reporter,
) -> Option<Vec<u8>> {
    let dev = fs.device(ptr.dev())?;
    let len = usize::from(fs.btree_node_sectors()).saturating_mul(512);
    let read = dev.file().and_then(|f| f.read_vec(ptr.offset(), len).ok());
    if read.is_none() {
        let name = dev
            .online
            .as_ref()
            .map_or_else(|| format!("dev-{}", ptr.dev()), |o| o.file.path().display().to_string());
        reporter.error(&format!("IO error on {name} for btree read"));
        if let Some(file) = dev.file() {
            let end = ptr.offset().saturating_add(u64::from(fs.btree_node_sectors()));
            for bad in file.unreadable(ptr.offset()..end, dev.member.bucket_size, holds) {
                reporter.unreadable(bad);
            }
        }
    }
    read
}
