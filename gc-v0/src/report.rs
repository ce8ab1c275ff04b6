// SPDX-License-Identifier: GPL-2.0-only
//! What is found wrong while reading, as data, handed over in order.

use gc_core::finding::Answer;
pub use gc_disk::unreadable::{Holds, Unreadable};

/// What may be done about a finding: bits of `FSCK_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    /// No repair, cannot be ignored.
    pub const FATAL: Self = Self(0);
    /// Always repaired.
    pub const MUST_FIX: Self = Self(1);
    /// Can only be ignored.
    pub const IGNORE: Self = Self(2);
    /// Repaired or ignored.
    pub const FIX_OR_IGNORE: Self = Self(3);
    /// Noted; a full check is needed.
    pub const NEED_FSCK: Self = Self(6);
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Kinds of findings; names never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $name,)*
            /// What mark and sweep finds.
            Counted(gc_core::finding::Code),
        }

        impl Code {
            /// Those of reading; mark and sweep has its own.
            pub const OF_READING: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Counted(code) => code.name(),
                }
            }
        }
    };
}

codes! {
    /// The clean section is missing.
    CleanMissing = "clean-missing";
    /// Marked clean, but the journal has keys.
    CleanJournalNotEmpty = "clean-journal-not-empty";
    /// Sequence of clean section and journal differ.
    CleanSeq = "clean-seq";
    /// Clocks of clean section and journal differ.
    CleanClock = "clean-clock";
    /// A root of clean section and journal differ.
    CleanRoot = "clean-root";
    /// A journal entry does not fit its bucket.
    JournalTooBig = "journal-too-big";
    /// A journal entry has an unknown checksum type.
    JournalCsumType = "journal-csum-type";
    /// A journal entry's checksum is wrong.
    JournalCsum = "journal-csum";
    /// A journal entry's last_seq is beyond itself.
    JournalLastSeq = "journal-last-seq";
    /// Two copies of a journal entry differ.
    JournalDuplicate = "journal-duplicate";
    /// A journal entry is twice on a device.
    JournalSameDevice = "journal-same-device";
    /// An item of a journal entry is malformed.
    JournalItem = "journal-item";
    /// A key in the journal is invalid.
    JournalKey = "journal-key";
    /// The devices of a journal entry are not in the replicas table.
    JournalReplicas = "journal-replicas";
    /// Journal entries are missing.
    JournalMissing = "journal-missing";
    /// A journal entry is blacklisted.
    JournalBlacklisted = "journal-blacklisted";
    /// A node is wrong in a way that can be repaired in memory.
    Node = "node";
    /// A root is recorded as bad.
    RootInvalid = "root-invalid";
    /// A root cannot be read.
    RootRead = "root-read";
    /// A stripe points to a bucket of another generation.
    StripeStale = "stripe-stale";
}

/// One finding: its kind, what may be answered, the original's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Kind.
    pub code: Code,
    /// What may be answered.
    pub flags: Flags,
    /// Text, at most 511 bytes.
    pub text: String,
}

impl Found {
    pub(crate) fn new(code: Code, flags: Flags, text: impl Into<String>) -> Self {
        let mut text = text.into();
        cut(&mut text, 512);
        Self { code, flags, text }
    }
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
    match flags.0 & 3 {
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
