// SPDX-License-Identifier: GPL-2.0-only
//! Devices and options of a random file system.

use crate::rng::Rng;
use crate::spec::{DeviceSpec, Format, FsSpec, NodeSpec};
use gc_core::layout::{BkeyFormat, Le64};

fn small(rng: &mut Rng, lo: u64, hi: u64) -> u8 {
    crate::buf::low8(rng.range(lo, hi))
}

fn pick<T: Copy + Default>(rng: &mut Rng, all: &[T]) -> T {
    rng.pick(all).copied().unwrap_or_default()
}

/// A format that is valid and holds most of the keys that are made.
fn format(rng: &mut Rng) -> BkeyFormat {
    let widths = [
        pick(rng, &[32_u8, 48, 64]),
        pick(rng, &[32_u8, 63, 64]),
        pick(rng, &[0_u8, 32]),
        pick(rng, &[9_u8, 16, 32]),
        pick(rng, &[0_u8, 32]),
        pick(rng, &[0_u8, 10, 64]),
    ];
    let bits: u32 = widths.iter().map(|&w| u32::from(w)).sum::<u32>() + 24;
    let mut field_offset = [Le64::new(0); 6];
    if let ([inode, ..], [32 | 48, ..]) = (&mut field_offset, widths) {
        *inode = Le64::new(pick(rng, &[0, 1, 4096]));
    }
    let key_u64s = u8::try_from(bits.div_ceil(64)).unwrap_or(u8::MAX);
    BkeyFormat { key_u64s, nr_fields: 6, bits_per_field: widths, field_offset }
}

fn nodes(rng: &mut Rng) -> NodeSpec {
    let bsets = pick(rng, &[1_u32, 1, 2, 3, 5]);
    let every = |rng: &mut Rng| pick(rng, &[0_u32, 0, 2, 7]);
    NodeSpec {
        format: match rng.below(4) {
            0 => Format::Current,
            1 => Format::Chosen(format(rng)),
            _ => Format::Calculated,
        },
        unpacked_every: every(rng),
        fill: pick(rng, &[30, 70, 100]),
        leaf_keys: usize::try_from(pick(rng, &[3_u64, 9, 40, u64::MAX])).unwrap_or(usize::MAX),
        interior_keys: usize::try_from(pick(rng, &[6_u64, 12, u64::MAX])).unwrap_or(usize::MAX),
        levels: pick(rng, &[1_u8, 1, 1, 2, 3, 4]),
        bsets,
        shadow_every: every(rng),
        ghost_every: every(rng),
        separate_whiteouts: rng.one_in(3),
        ptr_v2: !rng.one_in(4),
        new_extent_overwrite: !rng.one_in(5),
    }
}

/// The settings of a seed.
#[must_use]
pub fn settings(seed: u64) -> FsSpec {
    let mut rng = Rng::new(seed);
    let rng = &mut rng;
    let nr_devices = small(rng, 1, 4);
    let node = pick(rng, &[16_u16, 32, 64, 128, 512]);
    let mut devices = Vec::new();
    for _ in 0..nr_devices {
        let sizes: Vec<u16> =
            [16, 32, 64, 128, 256, 512, 1024].into_iter().filter(|&s| s >= node).collect();
        let bucket_size = pick(rng, &sizes);
        // Room for superblocks, journal, and some hundred nodes and extents.
        let nbuckets =
            264 / u64::from(bucket_size) + 8192 / u64::from(bucket_size) + 3000 + rng.below(300);
        let mut d = DeviceSpec::new(nbuckets, bucket_size);
        // A small journal makes the original wait for ever when it replays one.
        let least = 8.max(8192 / u64::from(bucket_size));
        d.journal_buckets = u32::try_from(least + rng.below(12)).unwrap_or(8);
        d.scattered = rng.one_in(2);
        d.state = u8::from(rng.one_in(10));
        d.durability = pick(rng, &[1, 1, 1, 0, 2]);
        devices.push(d);
    }
    let mut spec = FsSpec::new(rng.next_u64(), devices);
    spec.block_size = pick(rng, &[1, 2, 4, 8]);
    spec.btree_node_size = node;
    spec.meta_csum = small(rng, 0, 2);
    spec.data_csum = small(rng, 0, 2);
    if rng.one_in(5) {
        spec.encryption = Some(core::array::from_fn(|_| small(rng, 0, 255)));
        spec.wide_macs = rng.one_in(2);
    }
    spec.meta_replicas = small(rng, 1, u64::from(nr_devices.min(3)));
    spec.data_replicas = small(rng, 1, u64::from(nr_devices.min(3)));
    spec.replicas_v0 = rng.one_in(2);
    spec.clean = !rng.one_in(3);
    spec.gens = rng.one_in(2);
    spec.nodes = nodes(rng);
    if !spec.clean {
        // Room for what is replayed: the original waits for ever or runs out of
        // iterators when a leaf must be split while nothing can be written.
        spec.nodes.fill = 30;
        spec.block_size = spec.block_size.min(node / 16);
    }
    // Each bset takes a block at least.
    let blocks = u32::from(node / spec.block_size);
    spec.nodes.bsets = spec.nodes.bsets.min(blocks / 2);
    spec.journal_seq = pick(rng, &[1, 10, 1000, 70_000]);
    let first = small(rng, 0, u64::from(nr_devices) - 1);
    spec.journal_devs = vec![first];
    if rng.one_in(3) {
        spec.journal_devs = (0..nr_devices).collect();
    }
    if !spec.clean && rng.one_in(2) {
        spec.alloc_in_journal = u32::from(small(rng, 2, 10));
    }
    if spec.journal_seq > 8 && rng.one_in(3) {
        spec.blacklist = vec![(2, 3), (5, 8)];
        spec.blacklisted_bsets = if blocks > 4 { u32::from(small(rng, 0, 5)) } else { 0 };
    }
    // Replaying needs a journal that can be written.
    for dev in &spec.journal_devs {
        if let Some(d) = spec.devices.get_mut(usize::from(*dev)) {
            d.state = 0;
            d.durability = 1;
        }
    }
    spec.more_sections = rng.one_in(3);
    spec
}

/// The settings of a seed, on devices as small as its content allows. Not for the
/// original, which wants a larger journal.
#[must_use]
pub fn small_settings(seed: u64) -> FsSpec {
    let mut spec = settings(seed);
    spec.btree_node_size = 16;
    spec.block_size = spec.block_size.min(2);
    if !spec.clean {
        spec.block_size = 1;
    }
    for d in &mut spec.devices {
        d.bucket_size = 16;
        d.nbuckets = 300;
        d.journal_buckets = 8;
    }
    let nodes = &mut spec.nodes;
    nodes.bsets = nodes.bsets.min(u32::from(16 / spec.block_size) / 2);
    nodes.leaf_keys = nodes.leaf_keys.max(9);
    nodes.levels = nodes.levels.min(2);
    spec
}
