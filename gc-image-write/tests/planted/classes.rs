// SPDX-License-Identifier: GPL-2.0-only
//! Kinds of damage, and what each is called in the report.

use crate::common::Outcome;
use gc_core::bkey::{BsetKeys, NodeFormat, stripe_key};
use gc_core::layout::{Bkey, DataType, ExtentPtr};
use gc_image_write::count::Count;
use gc_image_write::damage::{Change, Field, Images, Mend, Place, Planted, What, fields};
use gc_image_write::rng::Rng;

/// What the report must say.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    /// These texts and no other.
    Exactly(Vec<String>),
    /// One finding of a kind, with these words in it, before any other.
    First(&'static str, String),
    /// First that the key here is invalid, and why, as far as the text reaches.
    Invalid(String, String),
    /// No finding; a line of the log has these words.
    Log(&'static str),
}

/// Return code of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// 0, twice.
    Done,
    /// The run or recovery gave up.
    GivenUp,
}

/// A damaged key or structure, and what is known of it.
pub(crate) struct Context<'a> {
    pub(crate) count: &'a Count,
    pub(crate) key: Option<(Bkey, Vec<u64>)>,
    pub(crate) old: u64,
    pub(crate) new: u64,
    /// The structure before and after.
    pub(crate) bytes: [&'a [u8]; 2],
    pub(crate) field: Field,
    pub(crate) place: &'a Place,
}

/// A kind of damage.
pub(crate) struct Class {
    pub(crate) name: &'static str,
    /// Only on file systems shut down cleanly, or only on others.
    pub(crate) clean: Option<bool>,
    pub(crate) fits: fn(&Place) -> bool,
    pub(crate) field: (&'static str, &'static str),
    pub(crate) change: Change,
    /// The checksum is mended.
    pub(crate) mend: Mend,
    pub(crate) all_copies: bool,
    /// What is said, `None` where this place is not one for it.
    pub(crate) said: fn(&Context<'_>) -> Option<Said>,
    pub(crate) end: End,
    /// Repaired, everything is as it was counted.
    pub(crate) as_before: bool,
}

fn leaf_of<const BTREE: u8>(p: &Place) -> bool {
    p.format.is_some() && p.tree == (BTREE, 0)
}

fn node_of<const BTREE: u8>(p: &Place) -> bool {
    p.what == What::Node && p.tree == (BTREE, 0)
}

fn superblock(p: &Place) -> bool {
    p.what == What::Superblock
}

fn type_name(t: u8) -> &'static str {
    DataType(t).name().unwrap_or("(null)")
}

fn bucket(c: &Context<'_>, shown: Option<u8>, field: &str) -> Option<Said> {
    let (k, _) = c.key.as_ref()?;
    let (dev, nr) = ({ k.p }.inode, { k.p }.offset);
    let (.., b) = c.count.buckets().find(|(d, n, _)| (u64::from(*d), *n) == (dev, nr))?;
    let t = type_name(shown.unwrap_or(b.data_type.0));
    let (gen_, old, new) = (b.gen_, c.old, c.new);
    let text = format!(
        "bucket {dev}:{nr} gen {gen_} data type {t} has wrong {field}: got {new}, should be {old}"
    );
    Some(Said::Exactly(vec![text]))
}

fn block_sectors(c: &Context<'_>) -> Option<Said> {
    let (k, v) = c.key.as_ref()?;
    let nr = stripe_key::head(v)?.nr_blocks;
    let after = key_at(c.place, c.bytes[1], c.field)?.1;
    let at = |v: &[u64], b| stripe_key::block_sectors(v, b);
    let block = (0..nr).find(|b| at(v, *b) != at(&after, *b))?;
    let full = |v: &[u64]| (0..nr).filter(|b| at(v, *b).is_some_and(|n| n != 0)).count();
    let (old, new) = (at(v, block)?, at(&after, block)?);
    let idx = { k.p }.offset;
    let mut texts = Vec::new();
    if full(v) != full(&after) {
        texts.push(format!(
            "stripe {idx} has wrong blocks_nonempty: got {}, should be {}",
            full(&after),
            full(v)
        ));
    }
    texts
        .push(format!("stripe {idx} has wrong block_sectors[{block}]: got {new}, should be {old}"));
    Some(Said::Exactly(texts))
}

/// Whether this copy of a node is the one that is read first.
fn first_copy(p: &Place) -> bool {
    let first = ExtentPtr(p.group ^ (1 << 63));
    (first.dev(), first.offset()) == (p.dev, p.sector)
}

fn invalid(c: &Context<'_>, why: &str) -> Option<Said> {
    let p = c.key.as_ref()?.0.p;
    let place = match ({ p.inode }, { p.offset }) {
        (0, 0) => "POS_MIN".to_string(),
        (inode, offset) => format!("{inode}:{offset}"),
    };
    Some(Said::Invalid(format!(" {place} snap "), format!(": {why}")))
}

/// The counter that a `jset_entry` of usage holds.
fn usage(c: &Context<'_>, kind: u8) -> Option<(u64, u64, u8)> {
    // The head of the entry lies before its word: length, what, index, type.
    let at = (c.field.bit / 8).checked_sub(8)?;
    let head = c.bytes[0].get(at..at + 8)?;
    let (1, what, index, 5) = (head[0], head[2], head[3], head[4]) else { return None };
    (what == kind).then_some((c.old, c.new, index))
}

fn name_of_set(c: &Context<'_>) -> Option<(String, &'static str)> {
    let at = c.field.bit / 8 + 8;
    let set = gc_core::accounting::replicas::EntryRef::first_of(c.bytes[0].get(at..)?)?;
    let sum = match set.data_type() {
        DataType::BTREE => "btree",
        DataType::USER => "data",
        DataType::CACHED => "cached",
        _ => return None,
    };
    Some((set.to_string(), sum))
}

const NONE: Class = Class {
    name: "",
    clean: None,
    fits: leaf_of::<4>,
    field: ("", ""),
    change: Change::Plus,
    mend: Mend::Yes,
    all_copies: true,
    said: |_| None,
    end: End::Done,
    as_before: true,
};

/// All kinds.
pub(crate) const CLASSES: &[Class] = &[
    Class {
        name: "sectors in use of a bucket",
        field: ("bch_alloc", "dirty_sectors"),
        said: |c| bucket(c, None, "dirty_sectors"),
        ..NONE
    },
    Class {
        name: "cached sectors of a bucket",
        field: ("bch_alloc", "cached_sectors"),
        said: |c| bucket(c, None, "cached_sectors"),
        ..NONE
    },
    Class {
        name: "type of a bucket",
        field: ("bch_alloc", "data_type"),
        change: Change::Set(2),
        // A bucket of the journal that is none would be no damage.
        said: |c| (c.old != 2).then(|| bucket(c, Some(2), "data_type")).flatten(),
        ..NONE
    },
    Class {
        name: "sectors of a block of a stripe",
        fits: leaf_of::<6>,
        field: ("bch_stripe", "counts"),
        said: block_sectors,
        ..NONE
    },
    Class {
        name: "number of inodes",
        clean: Some(true),
        fits: superblock,
        field: ("jset_entry", "word"),
        said: |c| {
            let (old, new, _) = usage(c, 1)?;
            let text = format!("fs has wrong nr_inodes: got {new}, should be {old}");
            Some(Said::Exactly(vec![text]))
        },
        ..NONE
    },
    Class {
        name: "reserved sectors",
        clean: Some(true),
        fits: superblock,
        field: ("jset_entry", "word"),
        said: |c| {
            let (old, new, index) = usage(c, 0)?;
            let others: u64 = c.count.reserved.iter().sum();
            let sum = others + new - old;
            Some(Said::Exactly(vec![
                format!("fs has wrong reserved: got {sum}, should be {others}"),
                format!("fs has wrong persistent_reserved[{index}]: got {new}, should be {old}"),
            ]))
        },
        ..NONE
    },
    Class {
        name: "highest key version",
        clean: Some(true),
        fits: superblock,
        field: ("jset_entry", "word"),
        change: Change::Zero,
        said: |c| {
            usage(c, 2)?;
            (c.count.key_version > 0).then(|| {
                Said::First("key-version", "key version number higher than recorded".into())
            })
        },
        ..NONE
    },
    Class {
        name: "sectors of a set of devices",
        clean: Some(true),
        fits: superblock,
        field: ("jset_entry_data_usage", "v"),
        said: |c| {
            let (set, sum) = name_of_set(c)?;
            let (old, new) = (c.old, c.new);
            let kind = match sum {
                "btree" => DataType::BTREE,
                "data" => DataType::USER,
                _ => DataType::CACHED,
            };
            let all: u64 = c
                .count
                .replicas
                .iter()
                .filter(|(e, _)| e.first() == Some(&kind.0))
                .map(|(_, n)| n)
                .sum();
            Some(Said::Exactly(vec![
                format!("fs has wrong {sum}: got {}, should be {all}", all + 1),
                format!("fs has wrong {set}: got {new}, should be {old}"),
            ]))
        },
        ..NONE
    },
    Class {
        name: "type of an attribute's key",
        fits: leaf_of::<3>,
        field: ("bkey", "type"),
        change: Change::Set(21),
        said: |c| invalid(c, "invalid type"),
        ..NONE
    },
    Class {
        name: "length of an attribute's name",
        fits: leaf_of::<3>,
        field: ("bch_xattr", "x_name_len"),
        change: Change::Ones,
        said: |c| invalid(c, "value too small"),
        ..NONE
    },
    Class {
        name: "name in a directory",
        fits: leaf_of::<2>,
        field: ("bch_dirent", "d_name"),
        change: Change::Zero,
        said: |c| invalid(c, "empty name"),
        ..NONE
    },
    Class {
        name: "device of a pointer to data",
        fits: leaf_of::<0>,
        field: ("bch_extent_ptr", "dev"),
        change: Change::Ones,
        said: |c| invalid(c, "pointer to invalid device"),
        as_before: false,
        ..NONE
    },
    Class {
        name: "sector of a pointer to data",
        fits: leaf_of::<0>,
        field: ("bch_extent_ptr", "offset"),
        change: Change::Ones,
        said: |c| invalid(c, "offset past end of device"),
        as_before: false,
        ..NONE
    },
    Class {
        name: "type of a bucket's key",
        field: ("bkey", "type"),
        change: Change::Set(21),
        said: |c| invalid(c, "invalid type"),
        // Its generation is lost with it.
        as_before: false,
        ..NONE
    },
    Class {
        name: "checksum of a node, its first copy",
        fits: node_of::<2>,
        field: ("btree_node", "csum"),
        mend: Mend::No,
        all_copies: false,
        said: |c| first_copy(c.place).then_some(Said::Log("invalid checksum")),
        ..NONE
    },
    Class {
        name: "magic of a node, all copies",
        fits: node_of::<5>,
        field: ("btree_node", "magic"),
        said: |c| (c.place.tree.1 == 0).then_some(Said::Log("bad magic")),
        end: End::GivenUp,
        as_before: false,
        ..NONE
    },
    Class {
        name: "version of a set, all copies",
        fits: node_of::<5>,
        field: ("bset", "version"),
        change: Change::Ones,
        said: |_| Some(Said::Log("unsupported bset version")),
        end: End::GivenUp,
        as_before: false,
        ..NONE
    },
    Class {
        name: "checksum of a superblock, one copy",
        fits: |p| superblock(p) && p.sector == 8,
        field: ("bch_sb", "csum"),
        mend: Mend::No,
        all_copies: false,
        said: |_| Some(Said::Log("error reading default superblock")),
        ..NONE
    },
    Class {
        name: "checksum of a journal entry, all copies",
        clean: Some(false),
        fits: |p| p.what == What::Journal,
        field: ("jset", "csum"),
        mend: Mend::No,
        said: |_| Some(Said::First("journal-csum", "journal checksum bad".into())),
        end: End::GivenUp,
        as_before: false,
        ..NONE
    },
];

/// The key that a field belongs to.
fn key_at(place: &Place, bytes: &[u8], field: Field) -> Option<(Bkey, Vec<u64>)> {
    let head = if place.what == What::Node { 160 } else { 40 };
    let format = NodeFormat::new(place.format.as_ref()?).ok()?;
    let words: Vec<u64> = bytes
        .get(head..)?
        .chunks_exact(8)
        .map(|c| u64::from_le_bytes(*c.first_chunk().unwrap()))
        .collect();
    let mut end = head;
    for key in BsetKeys::new(&format, &words) {
        let key = key.ok()?;
        end += 8 * usize::from(key.u64s());
        if field.bit / 8 < end {
            return Some((format.unpack(key), key.value().to_vec()));
        }
    }
    None
}

/// Damage that is about to be planted.
pub(crate) struct Target {
    pub(crate) planted: Planted,
    pub(crate) mend: Mend,
    said: Said,
    end: End,
}

impl Target {
    /// A place for a kind of damage, if there is one.
    pub(crate) fn choose(
        class: &Class,
        images: &Images,
        all: &[Place],
        count: &Count,
        rng: &mut Rng,
    ) -> Option<Self> {
        let mut found = Vec::new();
        // Leaves of btrees without references to buckets are read only if they are roots.
        let unread = |p: &Place| {
            let below = |q: &Place| q.tree.0 == p.tree.0 && q.tree.1 > p.tree.1;
            matches!(p.tree.0, 2 | 3 | 5) && all.iter().any(|q| q.format.is_some() && below(q))
        };
        for place in all.iter().filter(|p| (class.fits)(p) && !unread(p)) {
            let bytes = images.read(place).ok()?;
            let (structure, name) = class.field;
            for field in fields(place, &bytes) {
                if (field.structure, field.name) != (structure, name) {
                    continue;
                }
                let old = field.get(&bytes);
                let new = class.change.apply(old, field.bits);
                if new == old {
                    continue;
                }
                let mut after = bytes.clone();
                field.set(&mut after, new);
                let key = key_at(place, &bytes, field);
                let c = Context { count, key, old, new, bytes: [&bytes, &after], field, place };
                if let Some(said) = (class.said)(&c) {
                    found.push((place.clone(), field, said));
                }
            }
        }
        let (place, field, said) = rng.pick(&found)?.clone();
        let planted = Planted { place, field, change: class.change, all_copies: class.all_copies };
        Some(Self { planted, mend: class.mend, said, end: class.end })
    }

    /// Whether the report says what it must.
    pub(crate) fn judge(&self, got: &Outcome, what: &str) {
        match &self.said {
            Said::Exactly(texts) => assert_eq!(got.texts(), *texts, "{what}"),
            Said::First(code, words) => {
                let (c, text) = got.found.first().unwrap_or(&("nothing", String::new())).clone();
                assert!(c == *code && text.contains(words.as_str()), "{c} {text}: {what}");
            }
            Said::Invalid(place, why) => {
                let (c, text) = got.found.first().unwrap_or(&("nothing", String::new())).clone();
                let cut = text.len() >= 299;
                let right = c == "node" && text.contains(": invalid bkey ");
                let right = right && (cut || text.contains(place)) && (cut || text.ends_with(why));
                assert!(right, "{c} {text}: {what}");
            }
            Said::Log(words) => {
                assert!(got.log.iter().any(|l| l.contains(words)), "{what}");
            }
        }
        match self.end {
            End::Done => {
                assert_eq!(got.ret, [0, 0], "{what}");
                assert_eq!(got.again, [""; 0], "{what}");
            }
            End::GivenUp => assert_ne!(got.ret.first(), Some(&0), "{what}"),
        }
    }
}
