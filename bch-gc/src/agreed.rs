// SPDX-License-Identifier: GPL-2.0-only
//! The unordered check: buckets counted in any order, which ends without a result as
//! soon as something is unusual. Where everything agrees, what a mark and sweep in order
//! would come to is known without it.

use crate::failure::Failure;
use crate::progress::Progress;
use crate::run::Session;
use crate::strategy::Order;
use gc_core::error::Result as Swept;
use gc_core::gc::{Args, gc};
use gc_v0::host::Image;
use gc_v0::plain::{self, Agreed, Observer, Options, Part, Step};
use gc_v0::reason::{Reason, Rule};
use gc_v0::recovery::{ALLOC_INFO, ALLOC_METADATA, Begun};

/// Shows nodes and steps as progress.
struct Shown<'p>(&'p Progress);

impl Observer for Shown<'_> {
    fn nodes(&mut self, nodes: u64) {
        self.0.add(nodes);
    }

    fn step(&mut self, step: Step) {
        self.0.time(match step {
            Step::AllocKeys => "reading alloc keys",
            Step::Counting => "counting",
            Step::Comparing => "comparing",
        });
    }
}

/// Counts in as many walks as memory asks for; `None`: the references have to be
/// followed in their order.
pub(crate) fn in_parts(
    session: &Session<'_, '_>,
    begun: &Begun,
) -> Result<Option<Agreed>, Failure> {
    let progress = session.progress;
    let options = Options { threads: session.strategy.threads };
    let parts = session.budget.parts(begun, options, progress)?;
    let agreed = parts.and_then(|parts| plain::check(begun, options, &parts, &mut Shown(progress)));
    Ok(agreed.map_err(|reason| take_slow_way(session, begun, reason)).ok())
}

/// What a whole mark and sweep would come to, if it would find nothing, and change
/// nothing that is not known; `None`: it must be made.
pub(crate) fn whole(session: &Session<'_, '_>, begun: &Begun) -> Option<Agreed> {
    if session.strategy.order != Order::Any {
        return None;
    }
    match try_whole(session, begun) {
        Ok(agreed) => {
            session.progress.phase("reading the buckets", "nodes", 0);
            Some(agreed)
        }
        Err(reason) => {
            take_slow_way(session, begun, reason);
            None
        }
    }
}

fn try_whole(session: &Session<'_, '_>, begun: &Begun) -> Result<Agreed, Reason> {
    let fs = &begun.fs;
    let told = ALLOC_INFO | ALLOC_METADATA;
    if fs.flags.compat & told != told {
        return Err(Rule::CompatClear.into());
    }
    if fs.members().any(|(_, dev)| dev.online.is_none()) {
        return Err(Rule::DeviceMissing.into());
    }
    if session.budget.is_limited() {
        return Err(Rule::MemoryLimited.into());
    }
    let options = Options { threads: session.strategy.threads };
    let whole = [Part::whole(fs)];
    let agreed = plain::check(begun, options, &whole, &mut Shown(session.progress))?;
    if agreed.current { Ok(agreed) } else { Err(Rule::StalePointer.into()) }
}

/// All of it again, in the order in which findings are raised; says why if that is
/// wanted.
fn take_slow_way(session: &Session<'_, '_>, begun: &Begun, reason: Reason) {
    if session.strategy.explain {
        session.progress.say(&format!("bch-gc: following references in their order: {reason}"));
    }
    session.progress.phase("reading nodes in order", "nodes", begun.fs.recorded_nodes());
}

/// Mark and sweep, or what is known of it.
pub(crate) fn sweep(image: &Image<'_>, agreed: Option<&Agreed>, args: Args) -> Swept<()> {
    match agreed {
        Some(agreed) => {
            image.settle(agreed);
            Ok(())
        }
        None => gc(image, args),
    }
}
