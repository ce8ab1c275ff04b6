// SPDX-License-Identifier: GPL-2.0-only
//! What is found wrong while reading, as data, handed over in order.

mod reading;

use crate::fs::Fs;
use gc_core::finding::{Answer, Finding};
pub use gc_core::finding::{Code, Flags, NodePlace, Place, Severity, Value};
pub use gc_disk::unreadable::{Holds, Unreadable};
pub(crate) use reading::{JournalKeyPlace, Reading, RecordedRoot};
use std::path::Path;
use std::sync::Arc;

/// One finding: what it is, where it is, and what may be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What may be answered.
    pub flags: Flags,
    /// The original's text where it has one, at most 511 bytes.
    pub text: String,
    /// Where it is.
    pub place: Place,
    /// File of the device that `place` names; `None` if it names none, or the device is
    /// missing.
    pub image: Option<Arc<Path>>,
    /// What was found.
    pub got: Option<Value>,
    /// What should be there.
    pub want: Option<Value>,
}

impl Found {
    /// What reading superblock, journal or nodes has found.
    pub(crate) fn reading(fs: &Fs, found: &Reading<'_>) -> Self {
        let mut text = found.to_string();
        cut(&mut text, 512);
        let (code, place) = (found.code(), found.place());
        Self {
            code,
            severity: code.severity(),
            flags: found.flags(),
            text,
            place,
            image: image_of(fs, &place),
            got: found.got(),
            want: found.want(),
        }
    }

    /// What the engine has found. `at` says where the key is that was being counted, or
    /// nothing.
    pub(crate) fn counted(fs: &Fs, found: &Finding<'_>, at: Place) -> Self {
        Self::of_engine(found, at).in_image(fs)
    }

    /// A finding of the engine, without the file of the device.
    pub(crate) fn of_engine(found: &Finding<'_>, at: Place) -> Self {
        let mut text = found.to_string();
        cut(&mut text, 512);
        let own = found.place();
        let place = Place {
            btree: own.btree.or(at.btree),
            level: own.level.or(at.level),
            position: own.position.or(at.position),
            node: own.node.or(at.node),
            ..own
        };
        Self {
            code: found.code(),
            severity: found.severity(),
            flags: found.flags(),
            text,
            place,
            image: None,
            got: found.got(),
            want: found.want(),
        }
    }

    /// Fills in the file of the device.
    pub(crate) fn in_image(self, fs: &Fs) -> Self {
        Self { image: image_of(fs, &self.place), ..self }
    }
}

/// The file of the device that a place is on.
fn image_of(fs: &Fs, place: &Place) -> Option<Arc<Path>> {
    let dev = place.device.or_else(|| Some(place.node?.device))?;
    let dev = fs.device(u8::try_from(dev).ok()?)?;
    Some(dev.online.as_ref()?.file.shared_path())
}

/// Cuts to what a buffer of `size` bytes holds besides its NUL, at a character.
pub(crate) fn cut(text: &mut String, size: usize) {
    let mut end = size.saturating_sub(1).min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.truncate(end);
}

/// Parts of the work whose progress can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Buckets of the journal.
    Journal,
    /// Nodes of the btrees.
    Nodes,
}

/// Who is told what is found, and says what to do.
pub trait Reporter {
    /// A finding, in the order the original raises it.
    fn found(&mut self, found: Found) -> Answer;
    /// A line for the log: no finding.
    fn log(&mut self, line: &str);
    /// A line that says what went wrong: no finding either.
    fn error(&mut self, line: &str) {
        self.log(line);
    }
    /// Sectors cannot be read.
    fn unreadable(&mut self, _what: Unreadable) {}
    /// A part of the work begins; `estimate` steps are expected, 0 for unknown.
    fn phase(&mut self, _phase: Phase, _estimate: u64) {}
    /// A pass of mark and sweep begins; the first is 1.
    fn pass(&mut self, _pass: u32) {}
    /// A bucket of the journal was read.
    fn bucket_read(&mut self) {}
    /// A node was read.
    fn node_read(&mut self) {}
}

/// The answers the original gives without asking: a repair where nothing else is
/// allowed, else a repair only if `fix`; noted ones are ignored.
#[must_use]
pub const fn answer(flags: Flags, fix: bool) -> Answer {
    match flags.bits() & 3 {
        1 => Answer::Fix,
        3 if fix => Answer::Fix,
        2 | 3 => Answer::Ignore,
        _ => Answer::Exit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: by hand; a buffer of n bytes holds n - 1 and a NUL.
    #[test]
    fn texts() {
        let cut_to = |text: &str, size: usize| {
            let mut text = text.to_string();
            cut(&mut text, size);
            text
        };
        assert_eq!(cut_to("abc", 4), "abc");
        assert_eq!(cut_to("abc", 3), "ab");
        assert_eq!(cut_to("abc", 0), "");
        // Between characters.
        assert_eq!(cut_to("a\u{e4}", 3), "a");
    }

    // Oracle: docs/facts/journal.md, flags: what is answered without asking.
    #[test]
    fn answers() {
        for (flags, no, yes) in [
            (Flags::FATAL, Answer::Exit, Answer::Exit),
            (Flags::MUST_FIX, Answer::Fix, Answer::Fix),
            (Flags::IGNORE, Answer::Ignore, Answer::Ignore),
            (Flags::FIX_OR_IGNORE, Answer::Ignore, Answer::Fix),
            (Flags::NEED_FSCK, Answer::Ignore, Answer::Ignore),
        ] {
            assert_eq!((answer(flags, false), answer(flags, true)), (no, yes), "{flags:?}");
        }
    }
}
