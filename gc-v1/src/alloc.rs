// SPDX-License-Identifier: GPL-2.0-only
//! What alloc keys of all four forms say of a bucket (facts: docs/facts/v1/layout.md 5).

use crate::tables::{ALLOC, ALLOC_V2, ALLOC_V3, ALLOC_V4, DataType};
use gc_core::bkey::KeyRef;
use gc_core::layout::bits::{low8, low32};

/// Distance of a generation from the oldest one at which it may not be raised any more.
const GENS_MAX: u8 = 96;

/// A bucket as an alloc key has it; all zero where there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Alloc {
    /// Generation.
    pub gen_: u8,
    /// Oldest generation of a pointer into it.
    pub oldest_gen: u8,
    /// What it holds.
    pub data_type: DataType,
    /// Sectors of data, or of metadata.
    pub dirty_sectors: u32,
    /// Sectors of which there are other copies.
    pub cached_sectors: u32,
    /// Sectors of data that lie in stripes.
    pub stripe_sectors: u32,
    /// Stripes with a block in it.
    pub stripe_refcount: u32,
    /// Flags.
    pub flags: u32,
    /// Journal sequence that filled it.
    pub journal_seq_nonempty: u64,
    /// Journal sequence that emptied it.
    pub journal_seq_empty: u64,
    /// When it was read and written.
    pub io_time: [u64; 2],
    /// Not in use.
    pub nr_external_backpointers: u32,
    /// Type of the key.
    pub key_type: u8,
}

/// Why a value is none of an alloc key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadAlloc {
    /// Its fields do not fit it.
    Unpack,
}

impl Alloc {
    /// From a key of one of the four types.
    ///
    /// # Errors
    /// Fields of an old form that do not fit.
    pub fn of(key: KeyRef<'_>) -> Result<Self, BadAlloc> {
        let type_ = key.k.type_.0;
        let v = key.v;
        let mut alloc = match type_ {
            ALLOC_V4 => v4(v),
            ALLOC_V3 => v3(v)?,
            ALLOC_V2 => v2(v)?,
            ALLOC => v1(v)?,
            _ => Self::default(),
        };
        alloc.key_type = type_;
        Ok(alloc)
    }

    /// The state that follows from these counts, with a hint what the bucket holds.
    #[must_use]
    pub fn state(&self, hint: DataType) -> DataType {
        if hint == DataType::MULTIPLE {
            return hint;
        }
        if self.stripe_refcount != 0 {
            return if hint == DataType::PARITY { hint } else { DataType::STRIPE };
        }
        if self.dirty_sectors != 0 || self.stripe_sectors != 0 {
            return hint.in_bucket();
        }
        if self.cached_sectors != 0 {
            return DataType::CACHED;
        }
        if hint == DataType::NEED_DISCARD {
            return hint;
        }
        if self.gen_.wrapping_sub(self.oldest_gen) >= GENS_MAX {
            return DataType::NEED_GC_GENS;
        }
        DataType::FREE
    }

    /// Sectors of data that are not cached.
    #[must_use]
    pub const fn sectors(&self) -> u64 {
        match self.data_type {
            DataType::CACHED => widen(self.cached_sectors),
            _ => widen(self.dirty_sectors).saturating_add(widen(self.stripe_sectors)),
        }
    }
}

const fn widen(n: u32) -> u64 {
    gc_core::layout::bits::from32(n)
}

/// Where fields of the newest form end, in u64s, and how many inline backpointers follow.
#[must_use]
pub fn v4_backpointers(v: &[u64]) -> (u64, u64) {
    let flags = v.get(1).copied().unwrap_or(0) & 0xffff_ffff;
    ((flags >> 2) & 0x3f, (flags >> 8) & 0x3f)
}

fn v4(v: &[u64]) -> Alloc {
    let (start, _) = v4_backpointers(v);
    let fields = match start {
        0 => 6,
        n => n.min(8),
    };
    let word = |at: u64| match at < fields {
        true => usize::try_from(at).ok().and_then(|at| v.get(at)).copied().unwrap_or(0),
        false => 0,
    };
    let [f0, f1, f2, f3, gen_, oldest_gen, data_type, _] = word(1).to_le_bytes();
    Alloc {
        gen_,
        oldest_gen,
        data_type: DataType(data_type),
        dirty_sectors: low32(word(2)),
        cached_sectors: low32(word(2) >> 32),
        stripe_sectors: low32(word(7)),
        stripe_refcount: low32(word(5)),
        flags: u32::from_le_bytes([f0, f1, f2, f3]),
        journal_seq_nonempty: word(0),
        journal_seq_empty: word(6),
        io_time: [word(3), word(4)],
        nr_external_backpointers: low32(word(5) >> 32),
        key_type: ALLOC_V4,
    }
}

/// Bytes of a value.
fn bytes_of(v: &[u64]) -> Vec<u8> {
    v.iter().flat_map(|w| w.to_le_bytes()).collect()
}

/// Fields of an older form, behind its head.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn varint(&mut self) -> Result<u64, BadAlloc> {
        let &first = self.0.first().ok_or(BadAlloc::Unpack)?;
        let ones = first.trailing_ones();
        let len = usize::try_from(ones).map_err(|_| BadAlloc::Unpack)?.saturating_add(1);
        let whole = match ones {
            8 => {
                let bytes = self.0.get(1..9).and_then(|b| b.first_chunk::<8>());
                u64::from_le_bytes(*bytes.ok_or(BadAlloc::Unpack)?)
            }
            _ => {
                let mut word = [0; 8];
                for (to, from) in word.iter_mut().zip(self.0.get(..len).ok_or(BadAlloc::Unpack)?) {
                    *to = *from;
                }
                u64::from_le_bytes(word) >> len
            }
        };
        self.0 = self.0.get(len..).ok_or(BadAlloc::Unpack)?;
        Ok(whole)
    }

    /// read_time, write_time, dirty, cached, stripe, redundancy, so far as they are there.
    fn all(mut self, nr: u8) -> Result<[u64; 6], BadAlloc> {
        const U32: u64 = 0xffff_ffff;
        const MOST: [u64; 6] = [u64::MAX, u64::MAX, U32, U32, U32, 0xff];
        let mut fields = [0; 6];
        for (field, most) in fields.iter_mut().zip(MOST).take(usize::from(nr)) {
            *field = self.varint()?;
            if *field > most {
                return Err(BadAlloc::Unpack);
            }
        }
        Ok(fields)
    }
}

fn from_fields(fields: [u64; 6]) -> Alloc {
    let [read, write, dirty, cached, stripe, _] = fields;
    Alloc {
        dirty_sectors: low32(dirty),
        cached_sectors: low32(cached),
        stripe_refcount: u32::from(stripe != 0),
        io_time: [read, write],
        ..Alloc::default()
    }
}

fn v3(v: &[u64]) -> Result<Alloc, BadAlloc> {
    let [&seq, &head] = [v.first(), v.get(1)].map(|w| w.unwrap_or(&0));
    let [f0, f1, f2, f3, nr_fields, gen_, oldest_gen, data_type] = head.to_le_bytes();
    let bytes = bytes_of(v.get(2..).unwrap_or(&[]));
    let flags = u32::from_le_bytes([f0, f1, f2, f3]);
    let data_type = DataType(data_type);
    let base = from_fields(Fields(&bytes).all(nr_fields)?);
    Ok(Alloc { gen_, oldest_gen, data_type, flags, journal_seq_nonempty: seq, ..base })
}

fn v2(v: &[u64]) -> Result<Alloc, BadAlloc> {
    let bytes = bytes_of(v);
    let Some(([nr_fields, gen_, oldest_gen, data_type], rest)) = bytes.split_first_chunk() else {
        return Err(BadAlloc::Unpack);
    };
    let base = from_fields(Fields(rest).all(*nr_fields)?);
    let (gen_, oldest_gen, data_type) = (*gen_, *oldest_gen, DataType(*data_type));
    Ok(Alloc { gen_, oldest_gen, data_type, ..base })
}

/// The first form: a mask of fields of fixed lengths.
fn v1(v: &[u64]) -> Result<Alloc, BadAlloc> {
    const LENGTHS: [usize; 8] = [2, 2, 1, 2, 2, 1, 4, 1];
    let bytes = bytes_of(v);
    let Some(([mask, gen_], mut rest)) = bytes.split_first_chunk() else {
        return Err(BadAlloc::Unpack);
    };
    let mut fields = [0_u64; 8];
    for (i, (field, len)) in (0_u32..).zip(fields.iter_mut().zip(LENGTHS)) {
        if mask.wrapping_shr(i) & 1 == 0 {
            continue;
        }
        let (this, next) = rest.split_at_checked(len).ok_or(BadAlloc::Unpack)?;
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(this) {
            *to = *from;
        }
        *field = u64::from_le_bytes(word);
        rest = next;
    }
    let [read, write, data_type, dirty, cached, oldest_gen, stripe, _] = fields;
    let base = from_fields([read, write, dirty, cached, stripe, 0]);
    let (oldest_gen, data_type) = (low8(oldest_gen), DataType(low8(data_type)));
    Ok(Alloc { gen_: *gen_, oldest_gen, data_type, ..base })
}
