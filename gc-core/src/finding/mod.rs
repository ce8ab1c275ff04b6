// SPDX-License-Identifier: GPL-2.0-only
//! Everything that can be found wrong: data with a stable code, a severity, a place and
//! typed values.
//!
//! [`Code`] is the table of all findings, those of programs that read images included.
//! [`Finding`] is what the engine finds. Its text is made here and nowhere else, and
//! equals the original's where the original has one.

mod code;
mod field;
mod marking;
mod place;

pub use code::{Answer, Code, Flags, Severity};
pub use field::{BucketField, FsField, StripeField};
pub use marking::{BadReference, Marking, Refusal};
pub use place::{NodePlace, Place, Value};

use crate::layout::{Bpos, BucketMark, DataType, KeyType, POS_MAX, POS_MIN};
use core::fmt;

/// A bucket of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketPlace {
    /// Index of the device.
    pub dev: u32,
    /// Number of the bucket on it.
    pub bucket: u64,
}

impl fmt::Display for BucketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.dev, self.bucket)
    }
}

/// One thing found wrong, where it is, what is there and what should be.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Finding<'a> {
    /// The root of a btree does not begin at the least position.
    RootMinKey {
        /// Where it begins.
        got: Bpos,
    },
    /// The root of a btree does not end at the greatest position.
    RootMaxKey {
        /// Where it ends.
        got: Bpos,
    },
    /// A child does not begin where the child before it ends.
    NodeMinKey {
        /// Where it begins.
        got: Bpos,
        /// Where the one before ends, plus one.
        want: Bpos,
    },
    /// The last child does not end where its parent ends.
    NodeMaxKey {
        /// Where it ends.
        got: Bpos,
        /// Where the parent ends.
        want: Bpos,
    },
    /// A key has a version that was never handed out.
    KeyVersion {
        /// Version of the key.
        got: u64,
        /// Highest version recorded.
        recorded: u64,
    },
    /// The superblock does not list the set of devices of a key.
    ReplicasUnmarked {
        /// Type of the key.
        key_type: KeyType,
    },
    /// A pointer into a bucket whose generation nobody recorded.
    GenMissing {
        /// The bucket.
        place: BucketPlace,
        /// What the pointer says the bucket holds.
        data_type: DataType,
        /// Generation of the pointer.
        ptr_gen: u8,
    },
    /// A pointer with a generation the bucket has not reached.
    GenFuture {
        /// The bucket.
        place: BucketPlace,
        /// What the pointer says the bucket holds.
        data_type: DataType,
        /// Generation of the pointer.
        ptr_gen: u8,
        /// Generation of the bucket.
        bucket_gen: u8,
    },
    /// A field of a stripe differs from what its references add up to.
    Stripe {
        /// Index of the stripe.
        idx: u64,
        /// Which field.
        field: StripeField,
        /// What is recorded.
        got: u32,
        /// What was counted.
        want: u32,
    },
    /// A field of a bucket differs from what its references add up to.
    Bucket {
        /// The bucket.
        place: BucketPlace,
        /// The bucket as recorded, earlier repairs included.
        mark: BucketMark,
        /// Which field.
        field: BucketField,
        /// What is recorded.
        got: u32,
        /// What was counted.
        want: u32,
    },
    /// A counter of the file system's usage is wrong.
    Fs {
        /// Which counter.
        field: FsField,
        /// Recorded, in sectors (inodes: their number).
        got: u64,
        /// Counted.
        want: u64,
    },
    /// Usage of a set of devices is wrong.
    FsReplicas {
        /// The set as the original prints it, at most 79 bytes.
        entry: &'a str,
        /// Recorded, in sectors.
        got: u64,
        /// Counted.
        want: u64,
    },
    /// A reference that could not be counted as it is.
    Marking(Marking<'a>),
}

/// Positions are printed by inode and offset.
struct Pos(Bpos);

impl fmt::Display for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bpos { inode, offset, .. } = self.0;
        write!(f, "{inode}:{offset}")
    }
}

/// A data type that is no data type has no name.
struct TypeName(DataType);

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.name() {
            Some(name) => f.write_str(name),
            // 6 and 7, of three bits. For 6 the original prints this, for 7 what lies
            // behind its table of names.
            None => f.write_str("(null)"),
        }
    }
}

impl Finding<'_> {
    /// Its stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            // One code: the original knows the two by one format.
            Self::RootMinKey { .. } | Self::RootMaxKey { .. } => Code::RootKey,
            Self::NodeMinKey { .. } => Code::NodeMinKey,
            Self::NodeMaxKey { .. } => Code::NodeMaxKey,
            Self::KeyVersion { .. } => Code::KeyVersion,
            Self::ReplicasUnmarked { .. } => Code::ReplicasUnmarked,
            Self::GenMissing { .. } => Code::GenMissing,
            Self::GenFuture { .. } => Code::GenFuture,
            Self::Stripe { field, .. } => field.code(),
            Self::Bucket { field, .. } => field.code(),
            Self::Fs { field, .. } => field.code(),
            Self::FsReplicas { .. } => Code::FsReplicas,
            Self::Marking(m) => m.code(),
        }
    }

    /// What may be answered.
    #[must_use]
    pub const fn flags(&self) -> Flags {
        match self {
            Self::GenMissing { .. } | Self::GenFuture { .. } => Flags::MUST_FIX,
            Self::Marking(m) => m.flags(),
            _ => Flags::FIX_OR_IGNORE,
        }
    }

    /// How bad it is: that of its code, but for a bucket that is in use and recorded as
    /// free. Whoever writes to the file system before it is repaired overwrites it.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Bucket {
                field: BucketField::DataType | BucketField::DirtySectors | BucketField::Stripe,
                got: 0,
                ..
            } => Severity::Error,
            _ => self.code().severity(),
        }
    }

    /// Where it is, as far as the finding itself says. Who raised it may know more: the
    /// key that was counted, and the node that holds it.
    #[must_use]
    pub fn place(&self) -> Place {
        match *self {
            Self::GenMissing { place, .. }
            | Self::GenFuture { place, .. }
            | Self::Bucket { place, .. } => Place::bucket(place),
            Self::Stripe { idx, field, .. } => {
                let block = if let StripeField::BlockSectors(i) = field { Some(i) } else { None };
                Place { block, ..Place::stripe(idx) }
            }
            Self::Marking(m) => m.place(),
            Self::RootMinKey { .. }
            | Self::RootMaxKey { .. }
            | Self::NodeMinKey { .. }
            | Self::NodeMaxKey { .. }
            | Self::KeyVersion { .. }
            | Self::ReplicasUnmarked { .. }
            | Self::Fs { .. }
            | Self::FsReplicas { .. } => Place::UNKNOWN,
        }
    }

    /// What was found: what is recorded, or what a key says; `None` if the finding is not
    /// about a value.
    #[must_use]
    pub fn got(&self) -> Option<Value> {
        Some(match *self {
            Self::RootMinKey { got }
            | Self::RootMaxKey { got }
            | Self::NodeMinKey { got, .. }
            | Self::NodeMaxKey { got, .. } => Value::Position(got),
            Self::KeyVersion { got, .. } | Self::Fs { got, .. } | Self::FsReplicas { got, .. } => {
                Value::Number(got)
            }
            Self::GenMissing { ptr_gen, .. } | Self::GenFuture { ptr_gen, .. } => {
                Value::Number(ptr_gen.into())
            }
            Self::Stripe { field, got, .. } => field.value(got),
            Self::Bucket { field, got, .. } => field.value(got),
            Self::ReplicasUnmarked { .. } => return None,
            Self::Marking(m) => return m.got(),
        })
    }

    /// What should be there: what was counted, or what is recorded where a key disagrees;
    /// `None` if that is not known.
    #[must_use]
    pub fn want(&self) -> Option<Value> {
        Some(match *self {
            Self::RootMinKey { .. } => Value::Position(POS_MIN),
            Self::RootMaxKey { .. } => Value::Position(POS_MAX),
            Self::NodeMinKey { want, .. } | Self::NodeMaxKey { want, .. } => Value::Position(want),
            Self::KeyVersion { recorded, .. } => Value::Number(recorded),
            Self::Fs { want, .. } | Self::FsReplicas { want, .. } => Value::Number(want),
            Self::GenFuture { bucket_gen, .. } => Value::Number(bucket_gen.into()),
            Self::Stripe { field, want, .. } => field.value(want),
            Self::Bucket { field, want, .. } => field.value(want),
            Self::GenMissing { .. } | Self::ReplicasUnmarked { .. } => return None,
            Self::Marking(m) => return m.want(),
        })
    }
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            // "min_key" for both: the text is the original's.
            Self::RootMinKey { got } | Self::RootMaxKey { got } => {
                write!(f, "btree root with incorrect min_key: {}", Pos(got))
            }
            Self::NodeMinKey { got, want } => {
                let (got, want) = (Pos(got), Pos(want));
                write!(f, "btree node with incorrect min_key: got {got}, should be {want}")
            }
            Self::NodeMaxKey { got, want } => {
                let (got, want) = (Pos(got), Pos(want));
                write!(f, "btree node with incorrect max_key: got {got}, should be {want}")
            }
            Self::KeyVersion { got, recorded } => {
                write!(f, "key version number higher than recorded: {got} > {recorded}")
            }
            Self::ReplicasUnmarked { key_type } => {
                write!(f, "superblock not marked as containing replicas (type {})", key_type.0)
            }
            Self::GenMissing { place, data_type, ptr_gen } => {
                let t = TypeName(data_type);
                write!(f, "bucket {place} data type {t} ptr gen {ptr_gen} missing in alloc btree")
            }
            Self::GenFuture { place, data_type, ptr_gen, bucket_gen } => {
                let t = TypeName(data_type);
                write!(
                    f,
                    "bucket {place} data type {t} ptr gen in the future: {ptr_gen} > {bucket_gen}"
                )
            }
            Self::Stripe { idx, field, got, want } => {
                write!(f, "stripe {idx} has wrong {field}: got {got}, should be {want}")
            }
            Self::Bucket { place, mark, field, got, want } => {
                let (gen_, t) = (mark.gen_(), TypeName(mark.data_type()));
                write!(
                    f,
                    "bucket {place} gen {gen_} data type {t} has wrong {field}: \
                     got {got}, should be {want}"
                )
            }
            Self::Fs { field, got, want } => {
                write!(f, "fs has wrong {field}: got {got}, should be {want}")
            }
            Self::FsReplicas { entry, got, want } => {
                write!(f, "fs has wrong {entry}: got {got}, should be {want}")
            }
            Self::Marking(m) => m.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    // Oracle: texts as the original prints them (docs/facts/gc.md; corpus goldens).
    #[test]
    fn texts() {
        let place = BucketPlace { dev: 1, bucket: 34 };
        let p = Bpos::new(4096, 7);
        let cases: [(Finding<'_>, &str, u32); 9] = [
            (Finding::RootMaxKey { got: p }, "btree root with incorrect min_key: 4096:7", 3),
            (
                Finding::NodeMinKey { got: p, want: Bpos::new(0, u64::MAX) },
                "btree node with incorrect min_key: got 4096:7, should be 0:18446744073709551615",
                3,
            ),
            (
                Finding::KeyVersion { got: 9, recorded: 8 },
                "key version number higher than recorded: 9 > 8",
                3,
            ),
            (
                Finding::ReplicasUnmarked { key_type: KeyType::EXTENT },
                "superblock not marked as containing replicas (type 6)",
                3,
            ),
            (
                Finding::GenMissing { place, data_type: DataType::USER, ptr_gen: 3 },
                "bucket 1:34 data type data ptr gen 3 missing in alloc btree",
                1,
            ),
            (
                Finding::GenFuture { place, data_type: DataType::BTREE, ptr_gen: 3, bucket_gen: 2 },
                "bucket 1:34 data type btree ptr gen in the future: 3 > 2",
                1,
            ),
            (
                Finding::Stripe { idx: 2, field: StripeField::BlockSectors(4), got: 1, want: 0 },
                "stripe 2 has wrong block_sectors[4]: got 1, should be 0",
                3,
            ),
            (
                Finding::Bucket {
                    place,
                    mark: BucketMark(0).with_gen(5).with_data_type(DataType::SB),
                    field: BucketField::DirtySectors,
                    got: 1,
                    want: 512,
                },
                "bucket 1:34 gen 5 data type sb has wrong dirty_sectors: got 1, should be 512",
                3,
            ),
            (
                Finding::Fs { field: FsField::PersistentReserved(2), got: 1, want: 0 },
                "fs has wrong persistent_reserved[2]: got 1, should be 0",
                3,
            ),
        ];
        for (finding, text, flags) in cases {
            assert_eq!(finding.to_string(), text);
            assert_eq!(finding.flags().bits(), flags, "{text}");
        }
    }

    // Oracle: by hand, from the fields that each finding is made of.
    #[test]
    fn fields() {
        let place = BucketPlace { dev: 1, bucket: 34 };
        let bucket = |field, got, want| {
            let mark = BucketMark(0);
            Finding::Bucket { place, mark, field, got, want }
        };
        let f = bucket(BucketField::DirtySectors, 1, 512);
        assert_eq!(f.place(), Place::bucket(place));
        assert_eq!((f.got(), f.want()), (Some(Value::Number(1)), Some(Value::Number(512))));
        assert_eq!(f.severity(), Severity::Warning);
        assert_eq!(bucket(BucketField::DirtySectors, 0, 512).severity(), Severity::Error);
        assert_eq!(bucket(BucketField::CachedSectors, 0, 512).severity(), Severity::Warning);
        let f = bucket(BucketField::DataType, 3, 0);
        let types = [DataType::BTREE, DataType::NONE].map(|t| Some(Value::DataType(t)));
        assert_eq!([f.got(), f.want()], types);
        let f = bucket(BucketField::OwnedByAllocator, 1, 0);
        assert_eq!([f.got(), f.want()], [true, false].map(|b| Some(Value::Flag(b))));
        let f = Finding::Stripe { idx: 2, field: StripeField::BlockSectors(4), got: 1, want: 0 };
        assert_eq!(f.place(), Place { block: Some(4), ..Place::stripe(2) });
        let f = Finding::RootMinKey { got: POS_MAX };
        assert_eq!((f.place(), f.want()), (Place::UNKNOWN, Some(Value::Position(POS_MIN))));
    }
}
