// SPDX-License-Identifier: GPL-2.0-only
//! Stripes: fields compared and copied, the heap filled anew.

use super::Mode;
use crate::error::Result;
use crate::finding::{Finding, StripeField};
use crate::gc::ask;
use crate::host::{Held, Host, MarkWrite};
use crate::layout::Stripe;

/// Compares each stripe; one that was not counted at all counts as zero.
///
/// # Errors
/// A finding was answered "stop".
pub(super) fn done<H: Host + ?Sized>(host: &H, mark: &Held<MarkWrite>, mode: Mode) -> Result<()> {
    host.stripes_heap_reset(mark);
    host.for_each_stripe(mark, &mut |idx, live, counted| {
        take_over(host, mode, idx, live, counted.unwrap_or(&Stripe::ZERO))?;
        Ok(live.alive())
    })
}

fn take_over<H: Host + ?Sized>(
    host: &H,
    mode: Mode,
    idx: u64,
    live: &mut Stripe,
    counted: &Stripe,
) -> Result<()> {
    let compare = |field, got: u32, want: u32| -> Result<bool> {
        if got == want {
            return Ok(false);
        }
        if mode.verify {
            // Copied whatever the answer: only "stop" keeps it.
            ask::fix(host, &Finding::Stripe { idx, field, got, want })?;
        }
        Ok(true)
    };
    // Each field on its own: "stop" must leave the later ones as they are.
    if compare(StripeField::Alive, live.alive().into(), counted.alive().into())? {
        live.set_alive(counted.alive());
        live.set_dirty(true);
    }
    if compare(StripeField::Sectors, live.sectors.into(), counted.sectors.into())? {
        live.sectors = counted.sectors;
        live.set_dirty(true);
    }
    if compare(StripeField::Algorithm, live.algorithm.into(), counted.algorithm.into())? {
        live.algorithm = counted.algorithm;
        live.set_dirty(true);
    }
    if compare(StripeField::NrBlocks, live.nr_blocks.into(), counted.nr_blocks.into())? {
        live.nr_blocks = counted.nr_blocks;
        live.set_dirty(true);
    }
    if compare(StripeField::NrRedundant, live.nr_redundant.into(), counted.nr_redundant.into())? {
        live.nr_redundant = counted.nr_redundant;
        live.set_dirty(true);
    }
    let nonempty = (live.blocks_nonempty.into(), counted.blocks_nonempty.into());
    if compare(StripeField::BlocksNonempty, nonempty.0, nonempty.1)? {
        live.blocks_nonempty = counted.blocks_nonempty;
        live.set_dirty(true);
    }
    let mut sectors = live.block_sectors;
    let result = sectors.iter_mut().zip(counted.block_sectors).zip(0_u8..).try_for_each(
        |((got, want), i)| {
            if compare(StripeField::BlockSectors(i), (*got).into(), want.into())? {
                *got = want;
                live.set_dirty(true);
            }
            Ok(())
        },
    );
    live.block_sectors = sectors;
    result
}
