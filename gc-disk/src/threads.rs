// SPDX-License-Identifier: GPL-2.0-only
//! Work on many items by several threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

/// Works on each of `items` once, by as many threads as there are `workers`, this one
/// among them: each thread has the worker's state for itself, and items are begun in
/// their order. `begun` is told the index of items that this thread begins.
///
/// A thread that the system does not give is done without: the others do its work.
///
/// # Errors
/// That of the first item in order for which `work` fails. Items behind one that
/// failed may not have been worked on, all before it have.
pub fn share<T, W, E>(
    items: &[T],
    workers: &mut [W],
    begun: &mut dyn FnMut(usize),
    work: impl Fn(&mut W, usize, &T) -> Result<(), E> + Sync,
) -> Result<(), E>
where
    T: Sync,
    W: Send,
    E: Send,
{
    let next = AtomicUsize::new(0);
    let failed = AtomicUsize::new(usize::MAX);
    let run = |worker: &mut W, begun: &mut dyn FnMut(usize)| loop {
        let i = next.fetch_add(1, Ordering::Relaxed);
        let item = items.get(i).filter(|_| i < failed.load(Ordering::Relaxed))?;
        begun(i);
        if let Err(e) = work(worker, i, item) {
            failed.fetch_min(i, Ordering::Relaxed);
            return Some((i, e));
        }
    };
    let Some((own, others)) = workers.split_first_mut() else { return Ok(()) };
    let first = std::thread::scope(|scope| {
        let start = |worker| Builder::new().spawn_scoped(scope, || run(worker, &mut |_| {})).ok();
        let enough = items.len().saturating_sub(1);
        let handles: Vec<_> = others.iter_mut().take(enough).filter_map(start).collect();
        let mut failures = Vec::from_iter(run(own, begun));
        for handle in handles {
            match handle.join() {
                Ok(failure) => failures.extend(failure),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        failures.into_iter().min_by_key(|(i, _)| *i)
    });
    first.map_or(Ok(()), |(_, e)| Err(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: each item is in one worker's list, and each list is in order.
    #[test]
    fn every_item_once() {
        for (items, threads) in [(0, 1), (1, 4), (1000, 1), (1000, 4)] {
            let items: Vec<usize> = (0..items).collect();
            let mut lists = vec![Vec::new(); threads];
            let mut here = Vec::new();
            let all: Result<(), ()> =
                share(&items, &mut lists, &mut |i| here.push(i), |list: &mut Vec<_>, i, item| {
                    assert_eq!(i, *item);
                    list.push(i);
                    Ok(())
                });
            assert_eq!(all, Ok(()));
            assert_eq!(here, lists[0]);
            assert!(lists.iter().all(|l| l.is_sorted()));
            let mut got = lists.concat();
            got.sort_unstable();
            assert_eq!(got, items);
        }
    }

    // Oracle: the least of the items that fail, whichever thread comes to it first.
    #[test]
    fn the_first_failure_counts() {
        let items: Vec<usize> = (0..1000).collect();
        for threads in 1..4 {
            let mut workers = vec![(); threads];
            let ended = share(&items, &mut workers, &mut |_| {}, |(), i, _| {
                if i % 100 == 99 { Err(i) } else { Ok(()) }
            });
            assert_eq!(ended, Err(99));
        }
    }
}
