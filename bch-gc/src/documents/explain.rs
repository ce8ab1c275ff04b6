// SPDX-License-Identifier: GPL-2.0-only
//! The document of `bch-gc explain --json`.

use super::{
    Code, Copy, DataType, FilePart, FindingName, FindingPlace, Format, Severity, Value, document,
};
use gc_core::bkey::key_type_name;
use gc_core::layout::BucketMark;
use gc_v0::explain::{Explained, Noted};
use gc_v0::host::observer;
use gc_v0::report::{self, Found};

document! {
    /// Buckets, what is recorded of them, what refers to them, and what that means.
    pub struct Explain {
        /// Version of the document.
        pub format: Format<2>,
        /// What mark and sweep returned.
        pub ret: i32,
        /// Number of buckets with findings that are not here (--max).
        pub left_out: usize,
        /// The buckets.
        pub buckets: Vec<ExplainedBucket>,
    }

    /// A bucket explained.
    pub struct ExplainedBucket {
        /// Index of the device.
        pub device: u8,
        /// Number of the bucket.
        pub bucket: u64,
        /// Its first sector on the device.
        pub first_sector: u64,
        /// Number of its sectors.
        pub sectors: u16,
        /// What the alloc key says; null where there is none.
        pub recorded: Option<Alloc>,
        /// What the references add up to.
        pub counted: Mark,
        /// Whether nothing was found.
        pub agrees: bool,
        /// Findings that name the bucket.
        pub findings: Vec<Remark>,
        /// What follows from all references.
        pub remarks: Vec<Remark>,
        /// The references, in the order of the walk.
        pub references: Vec<Reference>,
    }

    /// What is counted of a bucket.
    pub struct Mark {
        /// Generation.
        #[serde(rename = "gen")]
        pub gen_: u8,
        /// Type of data.
        pub data_type: DataType,
        /// Sectors of data that must be kept.
        pub dirty_sectors: u16,
        /// Sectors of cached copies.
        pub cached_sectors: u16,
        /// Whether a stripe holds it.
        pub stripe: bool,
    }

    /// What is recorded of a bucket.
    pub struct Alloc {
        /// Generation.
        #[serde(rename = "gen")]
        pub gen_: u8,
        /// Type of data.
        pub data_type: DataType,
        /// Sectors of data that must be kept.
        pub dirty_sectors: u16,
        /// Sectors of cached copies.
        pub cached_sectors: u16,
        /// Whether a stripe holds it.
        pub stripe: bool,
        /// Whether the alloc key lies in the journal only.
        pub journal: bool,
        /// Oldest generation of a pointer into it; null where the key is malformed.
        pub oldest_gen: Option<u8>,
    }

    /// A finding about the bucket, or something that follows from its references.
    pub struct Remark {
        /// Its stable number.
        pub code: Code,
        /// Its stable name.
        pub name: FindingName,
        /// How bad it is.
        pub severity: Severity,
        /// It in words.
        pub text: String,
        /// Where it is.
        pub place: FindingPlace,
        /// What was found, or is recorded; null where it is about no value.
        pub got: Option<Value>,
        /// What should be there, or was counted; null where that is not known.
        pub want: Option<Value>,
    }

    /// A reference to the bucket.
    pub struct Reference {
        /// Who refers to it.
        pub by: Referrer,
        /// What the reference says the bucket holds.
        pub data_type: DataType,
        /// What became of it.
        pub outcome: Outcome,
        /// Name of the finding that a refused reference is; null where it is not refused.
        pub finding: Option<FindingName>,
        /// Dirty sectors that it added.
        pub dirty_sectors: u64,
        /// Cached sectors that it added.
        pub cached_sectors: u64,
        /// Parts of files that it belongs to.
        pub files: Vec<FilePart>,
        /// Number of parts of files that share the data, those left out included.
        pub sharers: usize,
        /// Where the key is; not there for superblock and journal.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub key: Option<KeyPlace>,
    }

    /// Who refers to a bucket.
    #[serde(rename_all = "lowercase")]
    pub enum Referrer {
        /// A copy of the superblock.
        Superblock,
        /// The journal.
        Journal,
        /// A pointer of a key.
        Key,
    }

    /// What became of a reference.
    #[serde(rename_all = "kebab-case")]
    pub enum Outcome {
        /// It counts.
        Counted,
        /// A cached pointer into a bucket that was used anew: it counts nothing.
        Stale,
        /// It was refused.
        Refused,
        /// Its key was given up before it.
        NotReached,
    }

    /// A key and its pointer into the bucket.
    pub struct KeyPlace {
        /// Name of its btree.
        pub btree: Option<&'static str>,
        /// Level of the node that holds it; one above the root's for the root's own key.
        pub level: u8,
        /// Whether it is the root's own key.
        pub root: bool,
        /// Whether it lies in the journal only.
        pub journal: bool,
        /// Name of its type.
        #[serde(rename = "type")]
        pub type_: Option<&'static str>,
        /// Inode, device or other major part of its position.
        pub inode: u64,
        /// Offset of its position; of an extent the end in sectors.
        pub offset: u64,
        /// Its size in sectors.
        pub size: u32,
        /// Sectors on disk that the pointer stands for.
        pub sectors: u64,
        /// Block of the stripe that the pointer is, for a stripe.
        pub block: Option<u8>,
        /// The pointer.
        pub ptr: Pointer,
        /// Copies of the node that holds it.
        pub node: Vec<NodeCopy>,
    }

    /// A pointer into the bucket.
    pub struct Pointer {
        /// Its sector on the device.
        pub sector: u64,
        /// Its generation.
        #[serde(rename = "gen")]
        pub gen_: u8,
        /// Whether it is a cached copy.
        pub cached: bool,
    }

    /// A copy of a node.
    pub struct NodeCopy {
        /// Where it lies.
        pub at: Copy,
        /// Generation of the pointer to it.
        #[serde(rename = "gen")]
        pub gen_: u8,
    }
}

impl From<BucketMark> for Mark {
    fn from(m: BucketMark) -> Self {
        Self {
            gen_: m.gen_(),
            data_type: m.data_type().into(),
            dirty_sectors: m.dirty_sectors(),
            cached_sectors: m.cached_sectors(),
            stripe: m.stripe(),
        }
    }
}

impl From<&Found> for Remark {
    fn from(found: &Found) -> Self {
        Self {
            code: Code(found.code),
            name: FindingName(found.code),
            severity: found.severity.into(),
            text: found.text.clone(),
            place: FindingPlace::of(&found.place, found.image.as_deref()),
            got: found.got.map(Value::from),
            want: found.want.map(Value::from),
        }
    }
}

impl ExplainedBucket {
    fn remark(e: &Explained, remark: &gc_v0::explain::Remark) -> Remark {
        let (code, (got, want)) = (remark.code(), remark.got_and_want());
        let place = report::Place {
            device: Some(e.dev.into()),
            bucket: Some(e.bucket),
            sector: remark.sector(),
            ..report::Place::UNKNOWN
        };
        Remark {
            code: Code(code),
            name: FindingName(code),
            severity: code.severity().into(),
            text: remark.to_string(),
            place: FindingPlace::of(&place, None),
            got: got.map(Value::from),
            want: want.map(Value::from),
        }
    }
}

impl From<&Explained> for ExplainedBucket {
    fn from(e: &Explained) -> Self {
        let recorded = e.recorded.key.as_ref().map(|key| {
            let m = Mark::from(e.recorded.mark);
            Alloc {
                gen_: m.gen_,
                data_type: m.data_type,
                dirty_sectors: m.dirty_sectors,
                cached_sectors: m.cached_sectors,
                stripe: m.stripe,
                journal: key.journal,
                oldest_gen: key.fields.map(|f| f.oldest_gen),
            }
        });
        Self {
            device: e.dev,
            bucket: e.bucket,
            first_sector: e.bucket.saturating_mul(u64::from(e.geometry.bucket_size)),
            sectors: e.geometry.bucket_size,
            recorded,
            counted: e.counted.into(),
            agrees: e.agrees(),
            findings: e.findings.iter().map(Remark::from).collect(),
            remarks: e.remarks.iter().map(|r| Self::remark(e, r)).collect(),
            references: e.references.iter().map(Reference::from).collect(),
        }
    }
}

impl From<&Noted> for Reference {
    fn from(n: &Noted) -> Self {
        let r = &n.reference;
        let (by, key) = match &r.by {
            observer::By::Superblock => (Referrer::Superblock, None),
            observer::By::Journal => (Referrer::Journal, None),
            observer::By::Key(key) => (Referrer::Key, Some(KeyPlace::from(&**key))),
        };
        let (outcome, finding, dirty_sectors, cached_sectors) = match r.outcome {
            observer::Outcome::Counted { dirty, cached } => (Outcome::Counted, None, dirty, cached),
            observer::Outcome::Stale => (Outcome::Stale, None, 0, 0),
            observer::Outcome::NotReached => (Outcome::NotReached, None, 0, 0),
            observer::Outcome::Refused(why) => {
                (Outcome::Refused, Some(FindingName(why.code())), 0, 0)
            }
        };
        Self {
            by,
            data_type: r.data_type.into(),
            outcome,
            finding,
            dirty_sectors,
            cached_sectors,
            files: n.files.iter().map(FilePart::from).collect(),
            sharers: n.sharers,
            key,
        }
    }
}

impl From<&observer::KeyPlace> for KeyPlace {
    fn from(k: &observer::KeyPlace) -> Self {
        let p = k.key.k.p;
        let copy = |p: gc_core::layout::ExtentPtr| NodeCopy { at: p.into(), gen_: p.gen_() };
        Self {
            btree: k.btree.name(),
            level: k.level,
            root: k.root,
            journal: k.journal,
            type_: key_type_name(k.key.k.type_),
            inode: p.inode,
            offset: p.offset,
            size: k.key.k.size,
            sectors: k.sectors,
            block: k.block,
            ptr: Pointer { sector: k.ptr.offset(), gen_: k.ptr.gen_(), cached: k.ptr.cached() },
            node: k.node.as_ref().pointers().map(copy).collect(),
        }
    }
}
