// SPDX-License-Identifier: GPL-2.0-only
//! What is wrong with a node, in four classes.

use crate::fs::Fs;
use crate::key::Key;
use crate::key_text::KeyText;
use crate::report::{Found, NodePlace, Place, Reading, Reporter, cut};
use gc_core::finding::Answer;
use gc_core::layout::BtreeId;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Repaired in memory.
    Fixable,
    /// Another copy may be better; without one it is taken as it is.
    WantRetry,
    /// Another copy is needed.
    MustRetry,
    /// No copy will be better.
    Fatal,
}

/// Why a copy is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Try the next copy.
    Retry,
    /// There is no use in trying.
    Failed,
}

/// Where messages about a node go.
pub(super) struct Errors<'a, 'r> {
    pub(super) fs: &'a Fs,
    pub(super) key: &'a Key,
    pub(super) btree: BtreeId,
    pub(super) level: u8,
    /// Index of the copy among the pointers of the key.
    pub(super) replica: Option<u8>,
    pub(super) can_retry: bool,
    pub(super) reporter: &'r mut dyn Reporter,
}

impl Errors<'_, '_> {
    /// Reports. `Ok`: go on, after a repair if it is fixable.
    pub(super) fn raise(
        &mut self,
        class: Class,
        written: u16,
        bset_u64s: Option<u16>,
        what: &str,
    ) -> Result<(), Stop> {
        let (id, level, root) = (self.btree.0, self.level, self.fs.root_level(self.btree));
        let key = KeyText::new(self.fs, self.key.as_ref());
        let mut text = format!(
            "error validating btree node at btree {id} level {level}/{root}\n\
             pos {key} node offset {written}"
        );
        if let Some(u64s) = bset_u64s {
            text.push_str(&format!(" bset u64s {u64s}"));
        }
        text.push_str(": ");
        text.push_str(what);
        cut(&mut text, 300);
        if class == Class::Fixable {
            let at = Place {
                position: Some(self.key.k.p),
                node: NodePlace::first_of(self.key.as_ref()),
                replica: self.replica,
                ..Place::btree(self.btree, self.level)
            };
            let node = Reading::Node { at, text: &text };
            return match self.reporter.found(Found::reading(self.fs, &node)) {
                Answer::Exit => Err(Stop::Failed),
                _ => Ok(()),
            };
        }
        self.reporter.error(&text);
        match class {
            Class::WantRetry if !self.can_retry => Ok(()),
            Class::WantRetry | Class::MustRetry => Err(Stop::Retry),
            Class::Fixable | Class::Fatal => Err(Stop::Failed),
        }
    }
}
