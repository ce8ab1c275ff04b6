// SPDX-License-Identifier: GPL-2.0-only
//! Formats, packed keys, sets of keys: unpacked, packed again, compared, merged.
#![no_main]

use gc_core::bkey::{BsetKeys, NodeFormat, merge_keys, merge_old_extents};
use gc_core::layout::{BkeyFormat, Le64};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, arbitrary::Arbitrary)]
struct Fmt {
    /// Fields as wide as they may be.
    widths: [u8; 6],
    offsets: [u64; 6],
    key_u64s: Option<u8>,
    nr_fields: Option<u8>,
}

#[derive(Debug, arbitrary::Arbitrary)]
struct Input {
    formats: [Fmt; 2],
    /// Lengths of the keys are set to fit where the input says.
    fit: Vec<bool>,
    sets: [Vec<u64>; 3],
    /// The value is merged as of extents that overlap.
    old_extents: bool,
}

fn format(f: &Fmt) -> BkeyFormat {
    let most = [64_u8, 64, 32, 32, 32, 64];
    let bits_per_field: [u8; 6] = std::array::from_fn(|i| f.widths[i] % (most[i] + 1));
    let bits: u32 = 24 + bits_per_field.iter().map(|w| u32::from(*w)).sum::<u32>();
    let offset = |i: usize| {
        // Offset and width together hold what an unpacked field can.
        let top = if most[i] == 64 { u64::MAX } else { u64::from(u32::MAX) };
        let width = bits_per_field[i];
        let covered = if width == 64 { u64::MAX } else { (1 << width) - 1 };
        let room = top.saturating_sub(covered);
        Le64::new(if room == u64::MAX { f.offsets[i] } else { f.offsets[i] % (room + 1) })
    };
    BkeyFormat {
        key_u64s: f.key_u64s.unwrap_or(bits.div_ceil(64) as u8),
        nr_fields: f.nr_fields.unwrap_or(6),
        bits_per_field,
        field_offset: std::array::from_fn(offset),
    }
}

/// Gives keys the lengths and formats they should have.
fn fitted(words: &[u64], f: &NodeFormat, fit: &[bool]) -> Vec<u64> {
    let mut words: Vec<u64> = words.iter().copied().take(64).collect();
    let mut at = 0;
    let mut fit = fit.iter().cycle();
    while let Some(head) = words.get(at).copied() {
        if *fit.next().unwrap_or(&true) {
            let packed = head >> 8 & 1 == 0;
            let key = if packed { u64::from(f.key_u64s()) } else { 5 };
            let u64s = key + head % 4;
            words[at] = head & !0x7fff | u64s | u64::from(!packed) << 8;
        }
        at += ((words[at] & 0xff) as usize).max(1);
    }
    words
}

fuzz_target!(|input: Input| {
    let [Ok(f), Ok(g)] = input.formats.each_ref().map(|f| NodeFormat::new(&format(f))) else {
        return;
    };
    let sets = input.sets.each_ref().map(|s| fitted(s, &f, &input.fit));
    let mut last = None;
    for key in sets.iter().flat_map(|s| BsetKeys::new(&f, s)).flatten() {
        let k = f.unpack(key);
        assert_eq!(f.unpack_pos(key), k.p);
        assert_eq!(key.val_u64s(), k.val_u64s());
        assert_eq!(key.value().len(), usize::from(key.val_u64s()));
        if let Some((other, p)) = last {
            assert_eq!(f.cmp(key, other), { k.p }.cmp(&p), "packed and unpacked order agree");
            assert_eq!(f.cmp_pos(key, p), { k.p }.cmp(&p));
        }
        last = Some((key, k.p));
        for to in [&f, &g] {
            let Some(packed) = to.pack(&k) else { continue };
            let mut whole = packed.words().to_vec();
            whole.extend_from_slice(key.value());
            let again = BsetKeys::new(to, &whole).next().and_then(Result::ok);
            let again = again.expect("what was packed is a key");
            assert_eq!(to.unpack(again), k, "packing loses nothing");
        }
        let _repacked = g.repack(&f, key);
        let _packed = g.pack_pos(k.p);
    }
    let views: Vec<&[u64]> = sets.iter().map(Vec::as_slice).collect();
    let mut out = Vec::new();
    let merged = if input.old_extents {
        merge_old_extents(&f, &views, &mut out)
    } else {
        merge_keys(&f, &views, &mut out)
    };
    if let Ok(nr) = merged {
        assert_eq!(usize::from(nr.live_u64s), out.len(), "keys are counted");
        assert!(BsetKeys::new(&f, &out).all(|k| k.is_ok()), "what was merged are keys");
    }
});
