// SPDX-License-Identifier: GPL-2.0-only
//! Which entries count, by ascending sequence.

use super::place::Place;
use crate::error::RecoveryError;
use crate::fs::Fs;
use crate::report::{Found, Reading, Reporter};
use gc_core::finding::Answer;
use std::collections::VecDeque;

/// Places of entries by ascending sequence.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) places: VecDeque<Place>,
    /// A copy of an entry could not be read a second time.
    pub(super) unreadable: bool,
    /// Room for two copies that are compared.
    rooms: [Vec<u8>; 2],
}

impl List {
    /// Adds an entry, or a copy of one.
    pub(super) fn add(
        &mut self,
        fs: &Fs,
        new: Place,
        reporter: &mut dyn Reporter,
    ) -> Result<(), RecoveryError> {
        if new.seq < self.places.back().map_or(0, |p| p.last_seq) {
            return Ok(());
        }
        while self.places.front().is_some_and(|p| p.seq < new.last_seq) {
            self.places.pop_front();
        }
        let at = self.places.partition_point(|p| p.seq < new.seq);
        let Some(old) = self.places.get_mut(at).filter(|p| p.seq == new.seq) else {
            self.places.insert(at, new);
            return Ok(());
        };
        let compared = compare(fs, old, &new, &mut self.rooms, reporter);
        let (at, seq) = (new.copy.at(fs, new.seq), new.seq);
        let mut ask = |found: &Reading<'_>| match reporter.found(Found::reading(fs, found)) {
            Answer::Exit => Err(RecoveryError::halted()),
            _ => Ok(()),
        };
        self.unreadable |= !matches!(compared, Compared::Same | Compared::Different);
        if compared == Compared::Different {
            ask(&Reading::JournalDuplicate { at, seq })?;
        }
        let noted = match compared {
            Compared::OldLost => old.replace(new),
            other => old.note(new.copy, other == Compared::Same),
        };
        if !noted {
            ask(&Reading::JournalSameDevice { at })?;
        }
        Ok(())
    }
}

/// What is known of two copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    Same,
    Different,
    /// The first cannot be read any more.
    OldLost,
    /// The second cannot.
    NewLost,
}

/// Compares two entries of one number byte for byte.
fn compare(
    fs: &Fs,
    old: &Place,
    new: &Place,
    [a, b]: &mut [Vec<u8>; 2],
    reporter: &mut dyn Reporter,
) -> Compared {
    if old.bytes() != new.bytes() {
        return Compared::Different;
    }
    let Some(a) = old.read_again(fs, a, reporter) else { return Compared::OldLost };
    match new.read_again(fs, b, reporter) {
        None => Compared::NewLost,
        Some(b) if a == b => Compared::Same,
        Some(_) => Compared::Different,
    }
}
