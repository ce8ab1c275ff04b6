// SPDX-License-Identifier: GPL-2.0-only
//! `--memory`: what a run needs is said before it begins, what does not fit is refused,
//! and what fits in parts only is done in parts.

use crate::failure::Failure;
use crate::memory;
use crate::progress::Progress;
use crate::style::count;
use gc_v0::error::RecoveryError;
use gc_v0::fs::Fs;
use gc_v0::memory::{self as needs, Size};
use gc_v0::plain::{Held, Options, Part};
use gc_v0::reason::Reason;
use gc_v0::recovery::Begun;

/// How buckets are listed of which something may be found.
#[derive(Debug)]
pub(crate) struct Lists {
    /// One walk each.
    pub(crate) parts: Vec<Part>,
    /// Buckets at most.
    pub(crate) most: usize,
    /// Bytes of nodes that are kept.
    pub(crate) kept: u64,
    /// What all buckets would take.
    need: Size,
}

impl Lists {
    /// There are more.
    pub(crate) fn failure(&self) -> Failure {
        too_little(IN_ORDER, self.need.0)
    }
}

const IN_ORDER: &str = "following the references in their order";

/// For each bucket that is listed: two of `struct bucket`, its number twice, and lists
/// that grow.
const LISTED: u64 = 64;

/// What may be taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    limit: Option<Size>,
    quiet: bool,
}

/// What the same run takes more one time than another, at most.
const SPREAD: u64 = 512 << 10;
/// The journal may always take so much: before that is known, the least that would do is
/// not.
const JOURNAL: u64 = 4 << 20;

/// So many bytes would do.
fn too_little(what: &'static str, bytes: u64) -> Failure {
    Failure::Memory(what, Size(bytes.saturating_add(SPREAD)))
}

/// What may be taken by the journal, and what would do for the rest, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) journal: u64,
    rest: u64,
}

impl Room {
    /// Why the journal was not read.
    pub(crate) fn failure(self, e: RecoveryError) -> Failure {
        match e.needs {
            Some(needs) => too_little("reading the journal", self.rest.saturating_add(needs)),
            None => Failure::Recovery(e),
        }
    }
}

impl Budget {
    pub(crate) fn new(limit: Option<Size>, quiet: bool) -> Self {
        if limit.is_some() {
            memory::be_frugal();
        }
        Self { limit, quiet }
    }

    /// What of the limit is left for the journal. `in_parts`: so many threads count
    /// buckets in any order afterwards.
    pub(crate) fn room(self, fs: &Fs, in_parts: Option<usize>) -> Option<Room> {
        let limit = self.limit?;
        let now = needs::now();
        let journal = limit.0.saturating_sub(now).max(JOURNAL);
        Some(Room { journal, rest: now.saturating_add(needs::after_the_journal(fs, in_parts)) })
    }

    /// From now on what is taken is counted. The process keeps within the limit from the
    /// first estimate on that fits in; what is too low is refused as soon as it is known
    /// what would do.
    pub(crate) fn count(self) {
        memory::settle();
        if let Some(limit) = self.limit {
            memory::count(limit.0.saturating_sub(needs::now()));
        }
    }

    /// Whether there is a limit.
    pub(crate) const fn is_limited(self) -> bool {
        self.limit.is_some()
    }

    fn say(self, progress: &Progress, line: &str) {
        if !self.quiet {
            progress.say(&format!("bch-gc: memory: {line}"));
        }
    }

    /// The parts in which buckets are counted in any order; inside, why they cannot.
    pub(crate) fn parts(
        self,
        begun: &Begun,
        options: Options,
        progress: &Progress,
    ) -> Result<Result<Vec<Part>, Reason>, Failure> {
        let Some(limit) = self.limit else { return Ok(Ok(vec![Part::whole(&begun.fs)])) };
        memory::settle();
        let besides = needs::besides_buckets(&begun.fs, options.threads);
        let room = limit.0.saturating_sub(besides);
        let full = Held::full(&begun.fs);
        let need = |held: &Held| Size(besides.saturating_add(held.bytes()));
        if full.bytes() <= room {
            memory::keep(true);
            self.say(progress, &format!("at most {}, in one walk", need(&full)));
            return Ok(Ok(vec![Part::whole(&begun.fs)]));
        }
        progress.phase("counting buckets", "nodes", 0);
        let held = match Held::count(begun, options, &mut |n| progress.add(n)) {
            Ok(held) => held,
            Err(reason) => return Ok(Err(reason)),
        };
        let Some(parts) = held.parts(room) else {
            return Err(too_little("the check", besides.saturating_add(held.least())));
        };
        memory::keep(true);
        let (walks, all) = (parts.len(), need(&held));
        let nodes = begun.fs.recorded_nodes();
        let in_all = nodes.saturating_mul(u64::try_from(walks).unwrap_or(u64::MAX));
        progress.phase("reading nodes", "nodes", in_all);
        self.say(
            progress,
            &match walks {
                1 => format!("{all}, in one walk"),
                n => format!("{all} in one walk; within {limit}, in {n} walks"),
            },
        );
        Ok(Ok(parts))
    }

    /// How references can be followed in their order without all buckets; `None` where
    /// that need not be.
    pub(crate) fn lists(
        self,
        begun: &Begun,
        options: Options,
        progress: &Progress,
    ) -> Result<Option<Lists>, Failure> {
        let Some(limit) = self.limit else { return Ok(None) };
        memory::keep(false);
        memory::settle();
        let need = Size(needs::in_order(&begun.fs));
        if need <= limit {
            return Ok(None);
        }
        let refuse = || too_little(IN_ORDER, need.0);
        let room = limit.0.checked_sub(needs::without_buckets(&begun.fs)).ok_or_else(refuse)?;
        let held = Held::count(begun, options, &mut |n| progress.add(n));
        let held = held.unwrap_or_else(|_| Held::full(&begun.fs));
        // An eighth for nodes; of the rest a quarter for what is noted meanwhile.
        let (kept, rest) = (room / 8, room - room / 8);
        let parts = held.parts(rest / 4 * 3).ok_or_else(refuse)?;
        let most = usize::try_from(rest / LISTED).unwrap_or(usize::MAX);
        memory::keep(true);
        Ok(Some(Lists { parts, most, kept, need }))
    }

    /// How many buckets are listed.
    pub(crate) fn say_suspect(self, progress: &Progress, suspect: usize) {
        let n = count(u64::try_from(suspect).unwrap_or(u64::MAX), "bucket");
        self.say(progress, &format!("in order of references for {n}, the others agree"));
    }

    /// Whether references can be followed in their order, and so many documents printed
    /// that tell of every bucket.
    pub(crate) fn in_order(
        self,
        mut begun: Begun,
        documents: u64,
        progress: &Progress,
    ) -> Result<Begun, Failure> {
        let Some(limit) = self.limit else { return Ok(begun) };
        memory::keep(false);
        memory::settle();
        let fs = &begun.fs;
        let mut need = needs::in_order(fs);
        let at_most = documents.saturating_mul(needs::documents(fs, None));
        if need.saturating_add(at_most) <= limit.0 {
            need = need.saturating_add(at_most);
        } else if documents != 0 {
            let one = Options { threads: 1 };
            let held = Held::count(&begun, one, &mut |n| progress.add(n));
            // Where it is not plain, how many there are would show too late.
            let told = needs::documents(fs, held.ok().map(|held| held.buckets()));
            need = need.saturating_add(documents.saturating_mul(told));
        }
        let Some(room) = limit.0.checked_sub(need) else {
            return Err(too_little(IN_ORDER, need));
        };
        memory::keep(true);
        let buckets = fs.members().map(|(_, d)| d.member.nbuckets).sum();
        // Nodes take more than their keys.
        begun.nodes.keep_at_most(room / 2);
        let buckets = count(buckets, "bucket");
        self.say(progress, &format!("{} for {buckets} in order of references", Size(need)));
        Ok(begun)
    }
}
