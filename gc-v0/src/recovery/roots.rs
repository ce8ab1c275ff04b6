// SPDX-License-Identifier: GPL-2.0-only
//! Reading the roots.

use super::{ALLOC_INFO, RootRecord, ask, btrees};
use crate::error::RecoveryError;
use crate::fs::Fs;
use crate::node::Node;
use crate::report::{Code, Flags, Reporter};
use crate::superblock::btree_name;
use crate::tree::Nodes;
use gc_core::layout::BtreeId;
use std::rc::Rc;

/// All roots; a made up one where none is recorded.
pub(super) fn read(
    fs: &mut Fs,
    records: &[Option<RootRecord>; 8],
    nodes: &mut Nodes,
    reporter: &mut dyn Reporter,
) -> Result<[Rc<Node>; 8], RecoveryError> {
    let mut roots = btrees().map(|id| Rc::new(Node::fake(id))).collect::<Vec<_>>();
    for (level, record) in fs.root_levels.iter_mut().zip(records) {
        *level = record.as_ref().map_or(0, |r| r.level);
    }
    let mut failed = false;
    for (id, record) in btrees().zip(records) {
        let Some(record) = record else { continue };
        let flags = if id == BtreeId::ALLOC { Flags::IGNORE } else { Flags::FATAL };
        let node = match &record.key {
            Some(key) => nodes.get(fs, key, id, record.level, reporter),
            None => {
                let text = format!("invalid btree root {}", btree_name(id));
                go_on(fs, ask(reporter, Code::RootInvalid, flags, text))?;
                fs.flags.compat &= !ALLOC_INFO;
                reporter.error("btree node read error: no device to read from");
                None
            }
        };
        // Only the last root that is read decides whether recovery goes on.
        failed = node.is_none();
        match node {
            Some(node) => {
                if let Some(slot) = roots.get_mut(usize::from(id.0)) {
                    *slot = node;
                }
            }
            None => {
                let text = format!("error reading btree root {}", btree_name(id));
                go_on(fs, ask(reporter, Code::RootRead, flags, text))?;
                if let Some(key) = record.key.clone() {
                    fs.unread_roots.push((id, record.level, key));
                }
                fs.flags.compat &= !ALLOC_INFO;
            }
        }
    }
    if failed && !fs.incomplete {
        return Err(RecoveryError::new(-5, "IO error"));
    }
    roots.try_into().map_err(|_| RecoveryError::new(-22, "Invalid argument"))
}

/// Whether to go on where an answer says no.
fn go_on(fs: &Fs, answer: Result<bool, RecoveryError>) -> Result<(), RecoveryError> {
    match answer {
        Err(_) if fs.incomplete => Ok(()),
        other => other.map(|_| ()),
    }
}
