// SPDX-License-Identifier: GPL-2.0-only
//! Reading the roots.

use super::{ALLOC_INFO, RootRecord, ask, btrees};
use crate::error::RecoveryError;
use crate::fs::Fs;
use crate::node::Node;
use crate::report::{Found, NodePlace, Reading, Reporter};
use crate::tree::Nodes;
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
        let (btree, level) = (id, record.level);
        let node = match &record.key {
            Some(key) => nodes.get(fs, key, id, record.level, reporter),
            None => {
                let invalid = Reading::RootInvalid { btree, level };
                go_on(fs, ask(reporter, Found::reading(fs, &invalid)))?;
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
                let node = record.key.as_ref().and_then(|key| NodePlace::first_of(key.as_ref()));
                let unread = Reading::RootRead { btree, level, node };
                go_on(fs, ask(reporter, Found::reading(fs, &unread)))?;
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
