// SPDX-License-Identifier: GPL-2.0-only
//! The fields of a structure as it is: which there are depends on its sections,
//! entries, and keys.

use super::catalog::{Place, What, at, jset_entries, sections, words};
use super::tables::{self as t, Row};
use gc_core::bkey::{alloc_key, entry_range};
use gc_core::layout::bkey::{KEY_FORMAT_CURRENT, KeyHead};
use gc_core::layout::extent::ExtentEntryType;
use gc_core::layout::jset::{JsetEntry, JsetEntryDataUsage, JsetEntryType};
use gc_core::layout::section::{Member, SbClean, SbField, SbFieldType};
use gc_core::layout::value::{AllocValue, InodeValue};
use gc_core::layout::{Bkey, BkeyFormat, BtreeNode, BtreeNodeEntry, Jset, KeyType, ReflinkV};
use std::mem::offset_of;

/// A field: bits one after the other, little endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The structure it belongs to.
    pub structure: &'static str,
    /// Its name.
    pub name: &'static str,
    /// First bit, from the start of the place.
    pub bit: usize,
    /// Number of bits, 1 to 64.
    pub bits: u32,
}

impl Field {
    fn each(&self) -> impl Iterator<Item = (usize, u8, u64)> + use<> {
        let bit = self.bit;
        (0..self.bits).map(move |i| {
            let n = bit + usize::try_from(i).unwrap_or(0);
            (n / 8, 1_u8 << (n % 8), 1_u64 << i)
        })
    }

    /// Its value; bits past the end read as 0.
    #[must_use]
    pub fn get(&self, b: &[u8]) -> u64 {
        let set = |&(byte, mask, _): &(usize, u8, u64)| b.get(byte).is_some_and(|v| v & mask != 0);
        self.each().filter(set).fold(0, |v, (.., bit)| v | bit)
    }

    /// Sets it; bits past the end are left out.
    pub fn set(&self, b: &mut [u8], v: u64) {
        for (byte, mask, bit) in self.each() {
            if let Some(to) = b.get_mut(byte) {
                *to = if v & bit != 0 { *to | mask } else { *to & !mask };
            }
        }
    }
}

struct List(Vec<Field>);

impl List {
    fn rows(&mut self, structure: &'static str, byte: usize, rows: &[Row]) {
        for &(name, bit, bits) in rows {
            self.0.push(Field { structure, name, bit: 8 * byte + bit, bits });
        }
    }

    fn each(
        &mut self,
        structure: &'static str,
        name: &'static str,
        from: usize,
        to: usize,
        n: usize,
    ) {
        let bits = u32::try_from(8 * n).unwrap_or(64);
        for byte in (from..to).step_by(n).filter(|b| b + n <= to) {
            self.0.push(Field { structure, name, bit: 8 * byte, bits });
        }
    }

    fn entries(&mut self, b: &[u8], from: usize, to: usize) {
        let mut i = from;
        while i + 8 <= to {
            let Some(w) = at::<8>(b, i) else { return };
            let type_ = ExtentEntryType::of_word(u64::from_le_bytes(w));
            let (name, rows): (_, &[Row]) = match type_ {
                ExtentEntryType::PTR => ("bch_extent_ptr", t::PTR),
                ExtentEntryType::CRC32 => ("bch_extent_crc32", t::CRC32),
                ExtentEntryType::CRC64 => ("bch_extent_crc64", t::CRC64),
                ExtentEntryType::CRC128 => ("bch_extent_crc128", t::CRC128),
                ExtentEntryType::STRIPE_PTR => ("bch_extent_stripe_ptr", t::STRIPE_PTR),
                _ => return,
            };
            self.rows(name, i, rows);
            i += 8 * type_.u64s().unwrap_or(1);
        }
    }

    /// The fields that are there, by their bits in the first byte.
    fn alloc(&mut self, b: &[u8], from: usize, to: usize) {
        let present = b.get(from).copied().unwrap_or(0);
        self.rows("bch_alloc", from, t::ALLOC);
        let mut byte = from + size_of::<AllocValue>();
        for (i, (name, bytes)) in alloc_key::FIELDS.into_iter().enumerate() {
            if present & (1 << i) != 0 && byte < to {
                self.each("bch_alloc", name, byte, byte + bytes, bytes);
                byte += bytes;
            }
        }
    }

    fn value(&mut self, type_: KeyType, b: &[u8], from: usize, to: usize) {
        if from >= to {
            return;
        }
        let v = words(b.get(from..to).unwrap_or(&[]));
        let range = entry_range(type_, &v);
        match type_ {
            KeyType::BTREE_PTR_V2 => self.rows("bch_btree_ptr_v2", from, t::BTREE_PTR_V2),
            KeyType::STRIPE => {
                self.rows("bch_stripe", from, t::STRIPE);
                self.each("bch_stripe", "counts", from + 8 * range.end, to, 2);
            }
            KeyType::REFLINK_V => {
                self.each("bch_reflink_v", "refcount", from, from + size_of::<ReflinkV>(), 8);
            }
            KeyType::INODE => {
                self.rows("bch_inode", from, t::INODE);
                self.each("bch_inode", "fields", from + size_of::<InodeValue>(), to, 1);
            }
            KeyType::ALLOC => self.alloc(b, from, to),
            KeyType::DIRENT => self.rows("bch_dirent", from, t::DIRENT),
            KeyType::XATTR => self.rows("bch_xattr", from, t::XATTR),
            KeyType::REFLINK_P => self.rows("bch_reflink_p", from, t::REFLINK_P),
            KeyType::RESERVATION => self.rows("bch_reservation", from, t::RESERVATION),
            _ if range.is_empty() => self.each("value", "word", from, to, 8),
            _ => {}
        }
        self.entries(b, from + 8 * range.start, (from + 8 * range.end).min(to));
    }

    /// The keys of a bset or of a journal entry.
    fn keys(&mut self, b: &[u8], from: usize, to: usize, format: Option<&BkeyFormat>) {
        let mut i = from;
        while i < to {
            let Some(head) = at::<8>(b, i).map(|w| KeyHead(u64::from_le_bytes(w))) else { return };
            let end = i + 8 * usize::from(head.u64s());
            if head.u64s() == 0 || end > to {
                return;
            }
            self.rows("bkey", i, t::KEY_HEAD);
            let key = match format.filter(|_| head.format() != KEY_FORMAT_CURRENT) {
                Some(f) => {
                    let mut low = 64 * usize::from(f.key_u64s);
                    for (name, &bits) in t::PACKED_NAMES.iter().zip(&f.bits_per_field) {
                        low = low.saturating_sub(usize::from(bits));
                        if bits > 0 {
                            let (bit, bits) = (8 * i + low, u32::from(bits.min(64)));
                            self.0.push(Field { structure: "bkey_packed", name, bit, bits });
                        }
                    }
                    8 * usize::from(f.key_u64s)
                }
                None => {
                    self.rows("bkey", i, t::BKEY);
                    size_of::<Bkey>()
                }
            };
            self.value(head.type_(), b, i + key, end);
            i = end;
        }
    }

    fn jset_entries(&mut self, b: &[u8], from: usize) {
        for (start, entry) in jset_entries(b, from) {
            self.rows("jset_entry", start, t::JSET_ENTRY);
            let from = start + size_of::<JsetEntry>();
            let to = from + 8 * usize::from(entry.u64s);
            match entry.type_ {
                JsetEntryType::BTREE_KEYS | JsetEntryType::BTREE_ROOT => {
                    self.keys(b, from, to, None);
                }
                JsetEntryType::DATA_USAGE => {
                    let set = start + offset_of!(JsetEntryDataUsage, r);
                    self.each("jset_entry_data_usage", "v", from, set, 8);
                    self.each("jset_entry_data_usage", "r", set, to, 1);
                }
                _ => self.each("jset_entry", "word", from, to, 8),
            }
        }
    }

    fn superblock(&mut self, b: &[u8]) {
        self.rows("bch_sb", 0, t::SB);
        for (start, len, type_) in sections(b) {
            self.rows("bch_sb_field", start, t::SECTION);
            let (from, to) = (start + size_of::<SbField>(), start + len);
            match type_ {
                SbFieldType::JOURNAL => self.each("bch_sb_field_journal", "bucket", from, to, 8),
                SbFieldType::MEMBERS => {
                    let size = size_of::<Member>();
                    for member in (from..to).step_by(size).filter(|m| m + size <= to) {
                        self.rows("bch_member", member, t::MEMBER);
                    }
                }
                SbFieldType::REPLICAS_V0 | SbFieldType::REPLICAS => {
                    self.each("bch_sb_field_replicas", "byte", from, to, 1);
                }
                SbFieldType::CLEAN => {
                    self.rows("bch_sb_field_clean", start, t::CLEAN);
                    let clean = b.get(..to).unwrap_or(b);
                    self.jset_entries(clean, start + size_of::<SbClean>());
                }
                _ => self.each("bch_sb_field", "word", from, to, 8),
            }
        }
    }
}

/// Every field of a structure as [`super::Images::read`] gives it.
#[must_use]
pub fn fields(place: &Place, b: &[u8]) -> Vec<Field> {
    let mut out = List(Vec::new());
    let end = place.len_of(b).min(b.len());
    match place.what {
        What::Superblock => out.superblock(b),
        What::Journal => {
            out.rows("jset", 0, t::JSET);
            out.jset_entries(b, size_of::<Jset>());
        }
        What::Node => {
            out.rows("btree_node", 0, t::NODE);
            out.rows("bset", offset_of!(BtreeNode, keys), t::BSET);
            out.keys(b, size_of::<BtreeNode>(), end, place.format.as_ref());
        }
        What::Bset => {
            out.rows("bset", offset_of!(BtreeNodeEntry, keys), t::BSET);
            out.keys(b, size_of::<BtreeNodeEntry>(), end, place.format.as_ref());
        }
    }
    out.0
}
