// SPDX-License-Identifier: GPL-2.0-only
//! Mark and sweep (`bch2_gc`): walks every reference to a bucket, counts anew what
//! the buckets hold, and takes it over.
//!
//! The order of the walk is the order of [`position`]; why it matters is in
//! `docs/design.md`. Rules and texts: `docs/facts/gc.md`.

mod allocator;
mod ask;
mod concurrent;
mod done;
mod initial;
pub mod mark;
pub mod metadata;
mod plain;
pub mod position;
mod start;
pub(crate) mod topology;

use crate::error::{Error, Result};
use crate::host::{
    Devices, Flag, GcWrite, Held, Host, InitialPass, Level, Lock, MarkWrite, Param, Trace,
};
use crate::layout::{BtreeId, BtreeNodeType};
use mark::Marker;
use position::{BTREES, Position};

/// Restarts after a repaired generation, at most.
const RESTARTS: u32 = 3;

/// What a run walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Args {
    /// Before the journal is replayed: its keys are laid over the nodes, nobody
    /// else is there, and generations are checked and repaired.
    pub initial: bool,
    /// Pointers to btree nodes only.
    pub metadata_only: bool,
}

/// One mark and sweep. The caller holds the state lock.
///
/// # Errors
/// [`Error::NotFixed`] when a finding was answered "stop",
/// [`Error::RepairUnimplemented`] when the tree itself would have to be repaired,
/// or an errno. The file system's own counts are then as they were, but for what
/// was taken over before the stop; the gc side is gone and all locks are free.
pub fn gc<H: Host>(host: &H, args: Args) -> Result<()> {
    let start = host.clock();
    host.assert_held(Lock::StateRead);
    host.trace(Trace::GcStart, 0);

    let ret = locked(host, args);

    host.trace(Trace::GcEnd, ret.map_or_else(Error::code, |()| 0));
    host.gc_time(start);
    // Also after a failure: allocators may wait for generations that only a gc
    // lets them increment, or have met the gc lock.
    host.wake_allocators();
    ret
}

fn locked<H: Host>(host: &H, args: Args) -> Result<()> {
    let gc = GcWrite::lock(host);
    host.wait_interior_updates(&gc);
    let mut devices = Devices::collect(host, &*gc).inspect_err(|_| {
        host.log(Level::Err, format_args!("error listing members for gc"));
    })?;
    let mut position = Position::new(host, &gc)?;

    let mut ret = passes(host, &gc, args, &mut devices, &mut position);

    let blocked = ret.is_ok();
    if blocked {
        if !args.initial && host.param(Param::UpdatesBesideGc) {
            // Those of nodes that the run itself rewrote: the file system's own
            // counts change when they finish, and must have before they are
            // compared.
            host.wait_interior_updates(&gc);
        }
        host.journal_block();
    }
    {
        let mark = MarkWrite::lock(host);
        if blocked {
            let mode = done::Mode::of(host, args.initial, args.metadata_only);
            ret = done::done(host, &mark, &devices, mode);
            host.journal_unblock();
        }
        position.reset();
        start::free(host, &mark, &mut devices);
    }
    ret
}

/// Passes until one repairs no generation.
fn passes<'h, H: Host>(
    host: &'h H,
    gc: &'h Held<GcWrite>,
    args: Args,
    devices: &mut Devices<'h, H>,
    position: &mut Position<'h, H>,
) -> Result<()> {
    let mut restarts = 0;
    loop {
        pass(host, gc, args, devices, position)?;
        let forced = restarts == 0 && host.param(Param::TestRestartGc);
        if !host.flag(Flag::FixedGens) && !forced {
            return Ok(());
        }
        if restarts == RESTARTS {
            host.log(Level::Info, format_args!("Unable to fix bucket gens, looping"));
            return Err(Error::INVAL);
        }
        restarts = restarts.saturating_add(1);
        host.log(Level::Info, format_args!("Fixed gens, restarting mark and sweep:"));
        host.set_flag(Flag::FixedGens, false);
        position.reset();
        {
            let mark = MarkWrite::lock(host);
            start::free(host, &mark, devices);
        }
        host.flush_findings();
    }
}

/// One walk over all references, in their order.
fn pass<'h, H: Host>(
    host: &'h H,
    gc: &'h Held<GcWrite>,
    args: Args,
    devices: &mut Devices<'h, H>,
    position: &mut Position<'h, H>,
) -> Result<()> {
    start::start(host, gc, devices, position, args)?;
    metadata::mark_superblocks(host, devices, position)?;
    let mut marker = Marker::new(host, devices, args.initial)?;
    for (id, phase) in BTREES {
        let target = target_level(host, id, args.metadata_only);
        if args.initial {
            initial::btree(host, &InitialPass::new(gc), &mut marker, id, target)?;
        } else {
            concurrent::btree(host, gc, &mut marker, position, (id, phase), target)?;
        }
    }
    allocator::mark(host, devices, position)?;
    host.gc_count_inc();
    Ok(())
}

/// The lowest level whose nodes are walked.
fn target_level<H: Host>(host: &H, id: BtreeId, metadata_only: bool) -> u8 {
    let leaves = host.param(Param::ExpensiveDebugChecks) || BtreeNodeType::of(0, id).needs_gc();
    u8::from(metadata_only || !leaves)
}
