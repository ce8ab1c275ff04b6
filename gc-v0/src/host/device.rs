// SPDX-License-Identifier: GPL-2.0-only
//! What a member tells of itself.

use crate::fs::Fs;
use gc_core::host::{Geometry, SB_OFFSETS, SbCopies};

pub(crate) fn geometry(fs: &Fs, dev: u8) -> Geometry {
    fs.device(dev).map_or_else(Geometry::default, |d| Geometry {
        nbuckets: d.member.nbuckets,
        bucket_size: u32::from(d.member.bucket_size),
        first_bucket: u32::from(d.member.first_bucket),
        dev_idx: u32::from(dev),
    })
}

pub(crate) fn superblocks(fs: &Fs, dev: u8) -> SbCopies {
    let mut copies = SbCopies { offset: [0; SB_OFFSETS], nr: 0, max_size_bits: 0 };
    if let Some(online) = fs.device(dev).and_then(|d| d.online.as_ref()) {
        let layout = online.sb.layout();
        copies.max_size_bits = u32::from(layout.sb_max_size_bits);
        for (to, from) in copies.offset.iter_mut().zip(layout.offsets()) {
            *to = from;
            copies.nr = copies.nr.saturating_add(1);
        }
    }
    copies
}

pub(crate) fn journal_bucket(fs: &Fs, dev: u8, n: usize) -> Option<u64> {
    fs.device(dev)?.online.as_ref()?.journal.get(n).copied()
}
