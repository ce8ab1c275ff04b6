// SPDX-License-Identifier: GPL-2.0-only
//! A check in the order of references where not all buckets fit in memory: those alone
//! of which something may be found.

use super::report;
use crate::budget::Lists;
use crate::failure::Failure;
use crate::run::{self, Session};
use bch_gc::cli::CheckOptions;
use gc_core::gc::{Args, gc};
use gc_v0::host::Image;
use gc_v0::plain::suspect_buckets;
use gc_v0::recovery::Begun;

pub(super) fn check(
    options: CheckOptions,
    session: &Session<'_, '_>,
    mut begun: Begun,
    lists: &Lists,
) -> Result<bool, Failure> {
    let progress = session.progress;
    progress.phase("looking for suspect buckets", "nodes", 0);
    let mut read = |nodes| progress.add(nodes);
    let mut suspect = suspect_buckets(&begun, &lists.parts, (lists.most, lists.kept), &mut read)
        .map_err(|_| lists.failure())?;
    begun.nodes.keep_at_most(lists.kept);
    let before = session.recorder.borrow_mut().hold();
    loop {
        session.budget.say_suspect(progress, suspect.len());
        progress.phase("reading nodes in order", "nodes", begun.fs.recorded_nodes());
        suspect.list(&mut begun.fs);
        let again = begun.kept();
        let mut reporter = session.reporter();
        let recovered = begun.read_marks(&mut reporter);
        let image = match recovered.and_then(|recovered| Image::new(recovered, &mut reporter)) {
            Ok(image) => image,
            Err(e) => {
                session.recorder.borrow_mut().release();
                return Err(e.into());
            }
        };
        let result = gc(&image, Args { initial: true, metadata_only: false });
        let missed = image.missed();
        if missed.is_empty() {
            session.recorder.borrow_mut().release();
            let clean = report(options, session, &image, result);
            run::say_changes(image.fs(), progress);
            return clean;
        }
        // A key that was refused counts in other buckets otherwise than was thought.
        suspect.add(missed);
        if suspect.len() > lists.most {
            session.recorder.borrow_mut().release();
            return Err(lists.failure());
        }
        let (fs, journal) = image.into_parts();
        begun = again.with(fs, journal);
        session.recorder.borrow_mut().back_to(before);
    }
}
