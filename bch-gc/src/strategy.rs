// SPDX-License-Identifier: GPL-2.0-only
//! What a run does and how: made once, from the command line, before anything is
//! opened.

use crate::exit::Exit;
use bch_gc::cli::Source;
use gc_v0::memory::Size;

/// In which order references are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// In any order, by several threads. What is unusual has all references followed in
    /// their order after that.
    Any,
    /// One after another in the order in which mark and sweep follows them, which is the
    /// order of findings.
    References,
}

/// How a run goes about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strategy {
    /// Order of the references.
    pub(crate) order: Order,
    /// Not all buckets need be in memory at once: the answer does not tell of every one.
    /// In any order they are counted in as many walks as memory asks for; in the order of
    /// references, those are left out of which nothing can be found.
    pub(crate) in_parts: bool,
    /// Threads that read journal and nodes.
    pub(crate) threads: usize,
    /// Bytes that may be taken; `None` for no limit.
    pub(crate) memory: Option<Size>,
    /// The journal is read after a clean shutdown too, as fsck does.
    pub(crate) needs_journal: bool,
    /// Findings that may be repaired or ignored are repaired, in memory.
    pub(crate) fix: bool,
    /// Compat bits taken as if they were clear.
    pub(crate) clear_compat: u64,
    /// Go on with whatever is there, though recovery would need more.
    pub(crate) incomplete: bool,
    /// Documents in memory at once that tell of every bucket.
    pub(crate) documents: u64,
    /// How the program ends where recovery does not get to the command.
    pub(crate) unrecovered: Exit,
    /// Only what is wrong is said.
    pub(crate) quiet: bool,
    /// It is said why the slow way is taken, and how long each phase took.
    pub(crate) explain: bool,
}

impl Strategy {
    /// As `fsck -n`, in order, by one thread; a file system that cannot be recovered is
    /// a damaged one.
    pub(crate) const fn new(source: &Source) -> Self {
        Self {
            order: Order::References,
            in_parts: false,
            threads: 1,
            memory: source.memory,
            needs_journal: true,
            fix: false,
            clear_compat: 0,
            incomplete: false,
            documents: 0,
            unrecovered: Exit::Found,
            quiet: source.talk.quiet,
            explain: false,
        }
    }

    /// Threads that count buckets in any order, in parts; `None` where that is not done.
    pub(crate) fn threads_in_parts(&self) -> Option<usize> {
        (self.in_parts && self.order == Order::Any).then_some(self.threads)
    }
}
