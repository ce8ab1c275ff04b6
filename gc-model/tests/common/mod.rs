// SPDX-License-Identifier: GPL-2.0-only
//! Random file systems, and what to expect of a run on them.
#![allow(dead_code, reason = "each test program uses its part")]

use gc_core::error::Result;
use gc_core::gc::{self, Args};
use gc_core::host::Param;
use gc_core::layout::{BtreeId, DataType, ExtentPtr};
use gc_model::{Crc, Key, Model, Options, Ptr, Recount, Where};
use proptest::prelude::*;

/// One thing put into a file system. Numbers that choose are taken modulo what there
/// is.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// Copies: device, whether cached, generations the pointer is behind if cached.
    Extent {
        size: u32,
        copies: Vec<(u8, bool, u8)>,
        crc: Option<(u32, u32)>,
        to: To,
    },
    Reservation {
        size: u32,
        replicas: u8,
        to: To,
    },
    Inode {
        to: To,
    },
    Dirent,
    ReflinkP,
    Stripe {
        sectors: u16,
        redundant: u8,
    },
    /// An extent in a block of a stripe made before.
    InStripe {
        stripe: u8,
        block: u8,
        size: u32,
        crc: Option<(u32, u32)>,
    },
    Reserve {
        dev: u8,
        fifo: usize,
    },
    Open {
        dev: u8,
    },
    /// An earlier extent is hidden by a deletion in the journal.
    Hide {
        earlier: u8,
    },
}

/// Where a key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    Btree,
    Journal,
    Reflink,
}

impl To {
    fn place(self) -> Where {
        if self == Self::Journal { Where::Journal } else { Where::Btree }
    }
}

/// A file system to be made.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) options: Options,
    pub(crate) gens: Vec<u8>,
    pub(crate) ops: Vec<Op>,
    /// The engine counts plain keys itself, or the host counts all.
    pub(crate) lends: bool,
}

const NBUCKETS: u64 = 160;

fn to(journal: bool) -> BoxedStrategy<To> {
    if journal {
        prop_oneof![3 => Just(To::Btree), 1 => Just(To::Journal), 1 => Just(To::Reflink)].boxed()
    } else {
        prop_oneof![3 => Just(To::Btree), 1 => Just(To::Reflink)].boxed()
    }
}

fn op(journal: bool) -> impl Strategy<Value = Op> {
    let crc = || prop::option::of((1..16_u32, 1..16_u32));
    let copies = prop::collection::vec((any::<u8>(), any::<bool>(), 0..20_u8), 1..4);
    prop_oneof![
        6 => (1..17_u32, copies, crc(), to(journal))
            .prop_map(|(size, copies, crc, to)| Op::Extent { size, copies, crc, to }),
        1 => (1..9_u32, 0..6_u8, to(journal))
            .prop_map(|(size, replicas, to)| Op::Reservation { size, replicas, to }),
        2 => to(journal).prop_map(|to| Op::Inode { to }),
        1 => Just(Op::Dirent),
        1 => Just(Op::ReflinkP),
        1 => (1..64_u16, 1..3_u8).prop_map(|(sectors, redundant)| Op::Stripe { sectors, redundant }),
        2 => (any::<u8>(), any::<u8>(), 1..9_u32, crc())
            .prop_map(|(stripe, block, size, crc)| Op::InStripe { stripe, block, size, crc }),
        1 => (any::<u8>(), 0..4_usize).prop_map(|(dev, fifo)| Op::Reserve { dev, fifo }),
        1 => any::<u8>().prop_map(|dev| Op::Open { dev }),
        1 => any::<u8>().prop_map(move |earlier| {
            if journal { Op::Hide { earlier } } else { Op::Inode { to: To::Btree } }
        }),
    ]
}

/// Random file systems, with keys in the journal or without.
pub(crate) fn spec(journal: bool) -> impl Strategy<Value = Spec> {
    let options = (1..4_u32, 0..3_usize, 2..7_usize, 1..3_u32, 0..6_u32);
    let gens = prop::collection::vec(any::<u8>(), 1..8);
    (options, gens, prop::collection::vec(op(journal), 0..60), any::<bool>()).prop_map(
        |((nr_devices, size, node_keys, metadata_replicas, journal_buckets), gens, ops, lends)| {
            let (bucket_size, btree_node_size) = [(64, 64), (128, 32), (48, 16)][size];
            let options = Options {
                nr_devices,
                bucket_size,
                nbuckets: NBUCKETS,
                btree_node_size,
                node_keys,
                metadata_replicas,
                journal_buckets,
                ..Options::default()
            };
            Spec { options, gens, ops, lends }
        },
    )
}

/// Puts data one behind the other.
struct Writer<'m> {
    model: &'m Model,
    gens: &'m [u8],
    /// Bucket being filled, by device: number, sectors used, generation.
    open: Vec<Option<(u64, u32, u8)>>,
    made: usize,
}

impl Writer<'_> {
    fn new_bucket(&mut self, dev: u8) -> Option<(u64, u8)> {
        let bucket = self.model.alloc_bucket(u32::from(dev)).ok()?;
        let gen_ = self.gens[self.made % self.gens.len()];
        self.made += 1;
        let device = self.model.member(u32::from(dev)).unwrap();
        let mut state = device.bucket(bucket).unwrap();
        state.mark = state.mark.with_gen(gen_);
        assert!(device.set_bucket(bucket, state));
        Some((bucket, gen_))
    }

    /// Room for so many sectors; bucket, first sector, generation.
    fn room(&mut self, dev: u8, sectors: u32) -> Option<Ptr> {
        let size = self.model.options().bucket_size;
        let at = usize::from(dev);
        let fits = self.open[at].filter(|(_, used, _)| used + sectors <= size);
        let (bucket, used, gen_) = match fits {
            Some(open) => open,
            None => {
                let (bucket, gen_) = self.new_bucket(dev)?;
                (bucket, 0, gen_)
            }
        };
        self.open[at] = Some((bucket, used + sectors, gen_));
        Some(Ptr::new(dev, bucket * u64::from(size) + u64::from(used), gen_))
    }
}

fn crc(c: Option<(u32, u32)>, size: u32) -> Option<Crc> {
    c.map(|(n, d)| Crc {
        compressed_size: n.min(d),
        uncompressed_size: d.max(size),
        offset: 0,
        csum_type: 5,
        compression_type: 1,
    })
}

/// Makes the file system, settled.
pub(crate) fn build(spec: &Spec) -> Model {
    let model = Model::new(&spec.options).unwrap();
    model.set_param(Param::Lends, spec.lends);
    let nr = u8::try_from(spec.options.nr_devices).unwrap();
    let mut w = Writer { model: &model, gens: &spec.gens, open: vec![None; nr.into()], made: 0 };
    let mut offset = 0_u64;
    let mut extents = Vec::new();
    let mut stripes: Vec<Vec<Ptr>> = Vec::new();
    let mut open_slot = 1;
    for (i, op) in (0_u64..).zip(&spec.ops) {
        match op {
            Op::Extent { size, copies, crc: c, to } => {
                let mut ptrs: Vec<Ptr> = Vec::new();
                for (dev, cached, behind) in copies {
                    let dev = dev % nr;
                    if ptrs.iter().any(|p| p.dev == dev) {
                        continue;
                    }
                    let Some(p) = w.room(dev, 32) else { continue };
                    ptrs.push(if *cached {
                        Ptr { gen_: p.gen_.wrapping_sub(*behind), ..p.cached() }
                    } else {
                        p
                    });
                }
                offset += u64::from(*size);
                let crc = crc(*c, *size);
                let (id, key) = if *to == To::Reflink {
                    let end = gc_core::layout::Bpos::new(0, offset);
                    (BtreeId::REFLINK, Key::reflink_v(end, *size, 1, crc, &ptrs))
                } else {
                    let end = gc_core::layout::Bpos::new(4096 + i % 3, offset);
                    extents.push(end);
                    (BtreeId::EXTENTS, Key::extent(end, *size, crc, &ptrs))
                };
                if !ptrs.is_empty() {
                    // Without room for a node the rest is left out.
                    let _full = model.insert(to.place(), id, key.unwrap());
                }
            }
            Op::Reservation { size, replicas, to } => {
                offset += u64::from(*size);
                let end = gc_core::layout::Bpos::new(4096 + i % 3, offset);
                let key = Key::reservation(end, *size, *replicas).unwrap();
                let _full = model.insert(to.place(), BtreeId::EXTENTS, key);
            }
            Op::Inode { to } => {
                let _full =
                    model.insert(to.place(), BtreeId::INODES, Key::inode(4096 + i).unwrap());
            }
            Op::Dirent => {
                let key = Key::dirent(4096, i, 4097).unwrap();
                let _full = model.insert(Where::Btree, BtreeId::DIRENTS, key);
            }
            Op::ReflinkP => {
                offset += 8;
                let end = gc_core::layout::Bpos::new(4096, offset);
                let key = Key::reflink_p(end, 8, 0).unwrap();
                let _full = model.insert(Where::Btree, BtreeId::EXTENTS, key);
            }
            Op::Stripe { sectors, redundant } => {
                // One block a device at least, one of them parity at most.
                let blocks: Option<Vec<Ptr>> = (0..nr.max(2))
                    .map(|b| {
                        let (bucket, gen_) = w.new_bucket(b % nr)?;
                        let sector = bucket * u64::from(spec.options.bucket_size);
                        Some(Ptr::new(b % nr, sector, gen_))
                    })
                    .collect();
                if let Some(blocks) = blocks {
                    let redundant = (*redundant).min(nr.max(2) - 1);
                    let idx = u64::try_from(stripes.len()).unwrap();
                    let key = Key::stripe(idx, *sectors, redundant, &blocks).unwrap();
                    if model.insert(Where::Btree, BtreeId::EC, key).is_ok() {
                        stripes.push(blocks);
                    }
                }
            }
            Op::InStripe { stripe, block, size, crc: c } => {
                if stripes.is_empty() {
                    continue;
                }
                let at = usize::from(*stripe) % stripes.len();
                let b = usize::from(*block) % stripes[at].len();
                let p = stripes[at][b].in_stripe(at as u64, u8::try_from(b).unwrap());
                offset += u64::from(*size);
                let end = gc_core::layout::Bpos::new(4096, offset);
                let key = Key::extent(end, *size, crc(*c, *size), &[p]).unwrap();
                let _full = model.insert(Where::Btree, BtreeId::EXTENTS, key);
            }
            Op::Reserve { dev, fifo } => {
                if let Some((bucket, _)) = w.new_bucket(dev % nr) {
                    model.push_reserve(u32::from(dev % nr), *fifo, bucket).unwrap();
                }
            }
            Op::Open { dev } => {
                if let Some(p) = w.room(dev % nr, 1) {
                    let ptr = ExtentPtr::new(p.dev, p.sector, p.gen_);
                    model.set_open_bucket(open_slot, Some(ptr)).unwrap();
                    open_slot += 1;
                }
            }
            Op::Hide { earlier } => {
                if !extents.is_empty() {
                    let end = extents[usize::from(*earlier) % extents.len()];
                    model.insert(Where::Journal, BtreeId::EXTENTS, Key::deleted(end)).unwrap();
                }
            }
        }
    }
    // What could not be counted would be found in each run anew.
    assert_eq!(Recount::of(&model).refused, 0);
    model.settle();
    assert_eq!(model.differences(), Vec::<String>::new());
    model
}

/// A full gc under the state lock; what was broken by it.
pub(crate) fn run(model: &Model, initial: bool, metadata_only: bool) -> Result<()> {
    let state = model.state_write();
    let ret = gc::gc(model, Args { initial, metadata_only });
    drop(state);
    assert_no_violation(model);
    ret
}

/// Everything was kept, and nothing is left behind.
pub(crate) fn assert_no_violation(model: &Model) {
    model.check_quiescent();
    assert_eq!(model.violations(), Vec::<String>::new());
}

/// Texts of the findings; they are forgotten.
pub(crate) fn take_findings(model: &Model) -> Vec<String> {
    let found = model.findings().into_iter().map(|(_, text)| text).collect();
    model.clear_messages();
    found
}

/// Everything a run may change, as text.
pub(crate) fn snapshot(model: &Model) -> Vec<String> {
    snapshot_with_ages(model, |_| true)
}

/// What a pass over metadata alone may change, as text. The pass does not see pointers to data: the
/// oldest generation counts where there is data (docs/differences.md, D8).
pub(crate) fn snapshot_of_metadata(model: &Model) -> Vec<String> {
    snapshot_with_ages(model, |t| matches!(t, DataType::USER | DataType::CACHED))
}

fn snapshot_with_ages(model: &Model, aged: impl Fn(DataType) -> bool) -> Vec<String> {
    let mut out = Vec::new();
    for dev in model.members() {
        for b in 0..dev.geometry().nbuckets {
            // The scratch of a pass over generations is no state.
            let mut state = dev.bucket(b).unwrap();
            state.gc_gen = 0;
            if !aged(state.mark.data_type()) {
                state.oldest_gen = 0;
            }
            out.push(format!("{}:{b} {state:?}", dev.idx()));
        }
        out.push(format!("{:?}", model.dev_usage_words(dev.idx())));
    }
    out.push(format!("{:?} {:?}", model.usage_words(), model.replicas()));
    for idx in model.stripe_indexes() {
        out.push(format!("{idx} {:?}", model.stripe(idx)));
    }
    out.push(format!("{}", model.recorded_key_version()));
    out
}
