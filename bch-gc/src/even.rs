// SPDX-License-Identifier: GPL-2.0-only
//! Documents tell of every bucket. Where everything agrees, what they tell is known
//! without following the references in their order.

use crate::run::Session;
use gc_core::error::Result;
use gc_core::gc::{Args, gc};
use gc_v0::host::Image;
use gc_v0::plain::{self, Even, Options, Part};
use gc_v0::recovery::{ALLOC_INFO, ALLOC_METADATA, Begun};

/// What a whole mark and sweep would come to, if it would find nothing, and change
/// nothing that is not known; `None`: it must be made.
pub(crate) fn before(session: &Session<'_, '_>, begun: &Begun, threads: usize) -> Option<Even> {
    let fs = &begun.fs;
    let told = ALLOC_INFO | ALLOC_METADATA;
    let here = fs.members().all(|(_, dev)| dev.online.is_some());
    if fs.flags.compat & told != told || !here || session.budget.is_limited() {
        return None;
    }
    let progress = session.progress;
    let whole = [Part::whole(fs)];
    let even = plain::check(begun, Options { threads }, &whole, &mut |n| progress.add(n));
    let even = even.filter(|even| even.current);
    match even {
        Some(_) => progress.phase("reading the buckets", "nodes", 0),
        None => progress.phase("reading nodes in order", "nodes", fs.recorded_nodes()),
    }
    even
}

/// Mark and sweep, or what is known of it.
pub(crate) fn sweep(image: &Image<'_>, even: Option<&Even>, args: Args) -> Result<()> {
    match even {
        Some(even) => {
            image.settle(even);
            Ok(())
        }
        None => gc(image, args),
    }
}
