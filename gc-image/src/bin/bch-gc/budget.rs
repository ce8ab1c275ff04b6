// SPDX-License-Identifier: GPL-2.0-only
//! `--memory`: what a run needs is said before it begins, what does not fit is refused,
//! and what fits in parts only is done in parts.

use crate::memory;
use crate::progress::Progress;
use crate::run::Failure;
use crate::style::count;
use gc_image::memory::{self as needs, Size};
use gc_image::plain::{Held, Options, Part};
use gc_image::recovery::Begun;

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
        Failure::Memory(IN_ORDER, self.need)
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

impl Budget {
    /// From now on the process keeps within `limit`.
    pub(crate) fn keep(limit: Option<Size>, quiet: bool) -> Result<Self, Failure> {
        if let Some(limit) = limit {
            let now = needs::resident().unwrap_or(0).saturating_add(needs::REST);
            match limit.0.checked_sub(now) {
                Some(left) if left > 0 => memory::allow(left),
                _ => return Err(Failure::Memory("the program itself", Size(now + (1 << 20)))),
            }
        }
        Ok(Self { limit, quiet })
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

    /// The parts in which buckets are counted in any order; `None` where they cannot.
    pub(crate) fn parts(
        self,
        begun: &Begun,
        options: Options,
        progress: &Progress,
    ) -> Result<Option<Vec<Part>>, Failure> {
        let Some(limit) = self.limit else { return Ok(Some(vec![Part::whole(&begun.fs)])) };
        memory::settle();
        let besides = needs::besides_buckets(begun, options.threads);
        let room = limit.0.saturating_sub(besides);
        let full = Held::full(&begun.fs);
        let need = |held: &Held| Size(besides.saturating_add(held.bytes()));
        if full.bytes() <= room {
            self.say(progress, &format!("at most {}, in one walk", need(&full)));
            return Ok(Some(vec![Part::whole(&begun.fs)]));
        }
        progress.phase("counting buckets", "nodes", 0);
        let Some(held) = Held::count(begun, options, &mut |n| progress.add(n)) else {
            return Ok(None);
        };
        let Some(parts) = held.parts(room) else {
            let least = Size(besides.saturating_add(held.least()));
            return Err(Failure::Memory("the check", least));
        };
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
        Ok(Some(parts))
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
        memory::settle();
        let need = Size(needs::in_order(begun));
        if need <= limit {
            return Ok(None);
        }
        let refuse = || Failure::Memory(IN_ORDER, need);
        let room = limit.0.checked_sub(needs::without_buckets(begun)).ok_or_else(refuse)?;
        let held = Held::count(begun, options, &mut |n| progress.add(n));
        let held = held.unwrap_or_else(|| Held::full(&begun.fs));
        // An eighth for nodes; of the rest a quarter for what is noted meanwhile.
        let (kept, rest) = (room / 8, room - room / 8);
        let parts = held.parts(rest / 4 * 3).ok_or_else(refuse)?;
        let most = usize::try_from(rest / LISTED).unwrap_or(usize::MAX);
        Ok(Some(Lists { parts, most, kept, need }))
    }

    /// How many buckets are listed.
    pub(crate) fn say_odd(self, progress: &Progress, odd: usize) {
        let n = count(u64::try_from(odd).unwrap_or(u64::MAX), "bucket");
        self.say(progress, &format!("in order of references for {n}, the others agree"));
    }

    /// Whether references can be followed in their order.
    pub(crate) fn in_order(self, mut begun: Begun, progress: &Progress) -> Result<Begun, Failure> {
        let Some(limit) = self.limit else { return Ok(begun) };
        memory::settle();
        let need = needs::in_order(&begun);
        let Some(room) = limit.0.checked_sub(need) else {
            return Err(Failure::Memory(IN_ORDER, Size(need)));
        };
        begun.nodes.keep_at_most(room);
        let buckets = begun.fs.members().map(|(_, d)| d.member.nbuckets).sum();
        let buckets = count(buckets, "bucket");
        self.say(progress, &format!("{} for {buckets} in order of references", Size(need)));
        Ok(begun)
    }
}
