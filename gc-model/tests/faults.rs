// SPDX-License-Identifier: GPL-2.0-only
//! Every call of the host that can fail, failing at every index.

mod common;

use common::{Op, Spec, To, assert_no_violation, build, run, take_findings};
use gc_core::error::Errno;
use gc_core::gens::gc_gens;
use gc_core::host::Param;
use gc_model::{Call, Model, Options};

/// Two devices, several levels, stripes in btree and journal, things in the reserves.
fn spec() -> Spec {
    let mut ops = Vec::new();
    for i in 0..24_u8 {
        let copies = vec![(i, i % 5 == 4, 3), (i + 1, true, 0)];
        let to = if i % 7 == 6 { To::Journal } else { To::Btree };
        ops.push(Op::Extent { size: 8, copies, crc: None, to });
        ops.push(Op::Inode { to });
    }
    ops.push(Op::Stripe { sectors: 16, redundant: 1 });
    ops.push(Op::InStripe { stripe: 0, block: 0, size: 4, crc: None });
    ops.push(Op::Dirent);
    ops.push(Op::Reserve { dev: 1, fifo: 2 });
    ops.push(Op::Open { dev: 0 });
    let options = Options {
        nr_devices: 2,
        bucket_size: 64,
        nbuckets: 160,
        btree_node_size: 64,
        node_keys: 3,
        metadata_replicas: 2,
        ..Options::default()
    };
    Spec { options, gens: vec![3, 200, 0], ops, lends: false }
}

/// Marking is retried by nobody and its error is dropped, as in the original: what
/// was not counted shows as findings of that run and is repaired by the next.
fn dropped(call: Call) -> bool {
    matches!(call, Call::MarkKey | Call::WalkRewrite)
}

/// Lets call `n` of one function fail during `run`; false when there was no such call.
fn fail_at(model: &Model, call: Call, n: usize, run: impl Fn() -> Result<(), i32>) -> bool {
    assert!(model.fail(Some(call), n, Errno::EIO));
    let ret = run();
    if !model.failed() {
        assert_eq!(ret, Ok(()));
        return false;
    }
    let name = call.name();
    if dropped(call) {
        assert_eq!(ret, Ok(()), "{name} {n}");
    } else {
        assert!(ret == Err(-5) || ret == Err(-12), "{name} {n}: {ret:?}");
        // Before anything was compared: the live side is as it was.
        assert_eq!(model.differences(), Vec::<String>::new(), "{name} {n}");
        assert_eq!(take_findings(model), Vec::<String>::new(), "{name} {n}");
    }
    true
}

fn every_failure(model: &Model, run: impl Fn() -> Result<(), i32>) -> usize {
    let mut failures = 0;
    for call in Call::ALL.iter().copied().filter(|c| c.fallible()) {
        let mut n = 0;
        while fail_at(model, call, n, &run) {
            failures += 1;
            n += 1;
            assert_eq!(run(), Ok(()), "after {} {n}", call.name());
            assert_eq!(model.differences(), Vec::<String>::new(), "after {} {n}", call.name());
            model.clear_messages();
            assert_eq!(run(), Ok(()));
            assert_eq!(take_findings(model), Vec::<String>::new());
        }
    }
    failures
}

// Oracle: the error that was asked for comes back (or -ENOMEM for NULL), nothing is
// left held, the live side is untouched, and the next run finds what it should.
#[test]
fn initial_pass_survives_every_failure() {
    let model = build(&spec());
    let failures = every_failure(&model, || run(&model, true, false).map_err(|e| e.code()));
    // At least: the six allocations, every child read, every key marked.
    assert!(failures > 100, "{failures}");
}

// Oracle: as above, where plain keys are counted without the host: fewer calls of it can
// fail.
#[test]
fn counting_plain_keys_survives_every_failure() {
    let model = build(&Spec { lends: true, ..spec() });
    let failures = every_failure(&model, || run(&model, true, false).map_err(|e| e.code()));
    assert!((20..100).contains(&failures), "{failures}");
}

// Oracle: as above.
#[test]
fn concurrent_pass_survives_every_failure() {
    let mut spec = spec();
    for op in &mut spec.ops {
        if let Op::Extent { to, .. } | Op::Inode { to } = op {
            *to = To::Btree;
        }
    }
    let model = build(&spec);
    model.set_param(Param::UpdatesBesideGc, true);
    model.set_param(Param::AlwaysRewrite, true);
    // The first run drops stale pointers, the second sees the generations without them.
    for _ in 0..2 {
        assert_eq!(run(&model, false, false), Ok(()));
    }
    let failures = every_failure(&model, || run(&model, false, false).map_err(|e| e.code()));
    assert!(failures > 100, "{failures}");
}

// Oracle: as above; an error of ending a walk comes back too (D11), and a pass that
// failed does not count as one.
#[test]
fn generations_survive_every_failure() {
    let mut spec = spec();
    spec.ops.retain(|op| !matches!(op, Op::Extent { to: To::Journal, .. }));
    let model = build(&spec);
    let gens = || {
        let count = model.gc_count();
        let ret = gc_gens(&model).map_err(|e| e.code());
        assert_no_violation(&model);
        assert_eq!(model.gc_count() - count, u64::from(ret.is_ok()));
        ret
    };
    let failures = every_failure(&model, gens);
    assert!(failures > 10, "{failures}");
    // Asked of all that can fail, counted together: the ends of the three walks too.
    assert!(model.fail(Some(Call::WalkClose), 2, Errno::EIO));
    assert_eq!(gens(), Err(-5));
    assert!(model.failed());
}

// Oracle: the failing call is the one with this number among all that can fail, so the
// number of failures is the number of such calls in a run without any.
#[test]
fn failures_are_counted_over_all_functions() {
    let model = build(&spec());
    model.clear_events();
    assert_eq!(run(&model, true, true), Ok(()));
    let calls: usize = Call::ALL.iter().filter(|c| c.fallible()).map(|c| model.count(*c)).sum();
    let mut n = 0;
    while {
        assert!(model.fail(None, n, Errno::ENOMEM));
        let _ret = run(&model, true, true);
        model.failed()
    } {
        n += 1;
        model.settle();
    }
    assert_eq!(n, calls);
}
