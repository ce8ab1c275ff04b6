// SPDX-License-Identifier: GPL-2.0-only
//! What is found while a reference is counted.

use super::{BucketPlace, Code, Flags, Place, TypeName, Value};
use crate::layout::{BucketMark, DataType, ExtentPtr};
use core::fmt;

/// Why a pointer is not counted in its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its generation is ahead of the bucket's.
    Newer,
    /// Its generation is so far behind that it may be ahead.
    TooStale,
    /// The bucket was reused, yet the data is not a cached copy.
    StaleDirty,
    /// The bucket holds another type of data.
    OtherType,
    /// The bucket's counter cannot take the sectors.
    Overflow {
        /// Sectors to be added; negative when they go.
        sectors: i64,
    },
}

/// A reference that cannot be followed. The original stops the program at these
/// or writes beyond its arrays; none has a text there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadReference {
    /// A device that is no member.
    NoDevice {
        /// Its index.
        dev: u64,
    },
    /// A bucket that is none of those in use.
    NoBucket(
        /// Where it would be.
        BucketPlace,
    ),
    /// A key with pointers that covers no sectors.
    NoSectors,
    /// A checksum entry or a stripe with a size of zero where it is a divisor.
    ZeroSize,
    /// More sectors go than the key has.
    PastEnd,
    /// More devices in one set than fit.
    TooManyDevices,
    /// A stripe pointer whose stripe holds another type of data, or whose set
    /// of devices is broken.
    StripeType {
        /// Index of the stripe.
        idx: u64,
    },
    /// A block that no stripe has.
    StripeBlock {
        /// Index of the stripe.
        idx: u64,
        /// The block, or the number of blocks.
        block: u8,
    },
    /// A value shorter than it says, or with an entry that is not understood.
    Value,
    /// A bucket given back that the allocator did not have, or reused although
    /// it is in use.
    NotOwned(
        /// The bucket.
        BucketPlace,
    ),
    /// A bucket that came into use although the allocator did not have it.
    NotReserved(
        /// The bucket.
        BucketPlace,
    ),
}

impl fmt::Display for BadReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDevice { dev } => write!(f, "no device {dev}"),
            Self::NoBucket(place) => write!(f, "bucket {place} out of range"),
            Self::NoSectors => f.write_str("no sectors"),
            Self::ZeroSize => f.write_str("size of zero"),
            Self::PastEnd => f.write_str("more sectors than the key has"),
            Self::TooManyDevices => f.write_str("too many devices"),
            Self::StripeType { idx } => write!(f, "stripe {idx} of another type"),
            Self::StripeBlock { idx, block } => write!(f, "stripe {idx} block {block}"),
            Self::Value => f.write_str("value not understood"),
            Self::NotOwned(place) => write!(f, "bucket {place} not the allocator's"),
            Self::NotReserved(place) => write!(f, "bucket {place} in use without reservation"),
        }
    }
}

/// One thing found while a reference is counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Marking<'a> {
    /// A pointer that is not counted; nor is the rest of its key.
    Pointer {
        /// The bucket it points into.
        place: BucketPlace,
        /// Why not.
        why: Refusal,
        /// The bucket as counted so far.
        mark: BucketMark,
        /// The pointer.
        ptr: ExtentPtr,
        /// Type of data it brings.
        data_type: DataType,
        /// The key as the original prints it, at most 199 bytes.
        key: &'a str,
    },
    /// A block of a stripe whose bucket has another generation.
    StaleStripe {
        /// Index of the stripe.
        idx: u64,
        /// Its block.
        block: u8,
        /// The bucket.
        place: BucketPlace,
        /// The bucket before it was counted.
        mark: BucketMark,
        /// The pointer.
        ptr: ExtentPtr,
    },
    /// A superblock or journal in a bucket that holds another type of data. Not
    /// a question: it is logged.
    MetadataType {
        /// The bucket.
        place: BucketPlace,
        /// What it held.
        got: DataType,
        /// What it holds now.
        now: DataType,
    },
    /// A superblock or journal in a bucket whose counter is full. Logged.
    MetadataOverflow {
        /// The bucket.
        place: BucketPlace,
        /// The bucket before.
        mark: BucketMark,
        /// What it holds now.
        now: DataType,
        /// Sectors added.
        sectors: u32,
    },
    /// A pointer into a stripe that is not there. The original's line is never
    /// printed outside of the kernel.
    NoStripe {
        /// Index of the stripe.
        idx: u64,
    },
    /// A stripe to be counted or dropped that is not there; likewise.
    StripeNotThere {
        /// Index of the stripe.
        idx: u64,
    },
    /// A reference that cannot be followed.
    Bad {
        /// What is wrong with it.
        what: BadReference,
        /// The key as the original prints it; empty where there is no key.
        key: &'a str,
    },
}

impl Marking<'_> {
    pub(super) const fn code(&self) -> Code {
        match self {
            Self::Pointer { why, .. } => why.code(),
            Self::StaleStripe { .. } => Code::StripeStalePtr,
            Self::MetadataType { .. } => Code::MetadataMixedTypes,
            Self::MetadataOverflow { .. } => Code::MetadataOverflow,
            Self::NoStripe { .. } => Code::StripeMissing,
            Self::StripeNotThere { .. } => Code::StripeNotThere,
            Self::Bad { .. } => Code::BadReference,
        }
    }

    pub(super) const fn flags(&self) -> Flags {
        match self {
            Self::Pointer { .. } | Self::StaleStripe { .. } => Flags::NEED_FSCK,
            _ => Flags::LOG,
        }
    }

    pub(super) fn place(&self) -> Place {
        match *self {
            Self::Pointer { place, .. }
            | Self::MetadataType { place, .. }
            | Self::MetadataOverflow { place, .. } => Place::bucket(place),
            Self::StaleStripe { idx, block, place, .. } => {
                Place { stripe: Some(idx), block: Some(block), ..Place::bucket(place) }
            }
            Self::NoStripe { idx } | Self::StripeNotThere { idx } => Place::stripe(idx),
            Self::Bad { what, .. } => what.place(),
        }
    }

    /// What the reference says.
    pub(super) fn got(&self) -> Option<Value> {
        Some(match *self {
            Self::Pointer { why, ptr, data_type, mark, .. } => match why {
                Refusal::Newer | Refusal::TooStale | Refusal::StaleDirty => {
                    Value::Number(ptr.gen_().into())
                }
                Refusal::OtherType => Value::DataType(data_type),
                Refusal::Overflow { sectors } => {
                    Value::Signed(i64::from(counter(mark, ptr)).saturating_add(sectors))
                }
            },
            Self::StaleStripe { ptr, .. } => Value::Number(ptr.gen_().into()),
            Self::MetadataType { now, .. } => Value::DataType(now),
            Self::MetadataOverflow { mark, sectors, .. } => {
                Value::Number(u64::from(mark.dirty_sectors()).saturating_add(sectors.into()))
            }
            Self::NoStripe { .. } | Self::StripeNotThere { .. } | Self::Bad { .. } => return None,
        })
    }

    /// What the bucket says; of a full counter, the most that it holds.
    pub(super) fn want(&self) -> Option<Value> {
        Some(match *self {
            Self::Pointer { why, mark, .. } => match why {
                Refusal::Newer | Refusal::TooStale | Refusal::StaleDirty => {
                    Value::Number(mark.gen_().into())
                }
                Refusal::OtherType => Value::DataType(mark.data_type()),
                Refusal::Overflow { .. } => Value::Number(u16::MAX.into()),
            },
            Self::StaleStripe { mark, .. } => Value::Number(mark.gen_().into()),
            Self::MetadataType { got, .. } => Value::DataType(got),
            Self::MetadataOverflow { .. } => Value::Number(u16::MAX.into()),
            Self::NoStripe { .. } | Self::StripeNotThere { .. } | Self::Bad { .. } => return None,
        })
    }
}

impl BadReference {
    fn place(self) -> Place {
        match self {
            Self::NoDevice { dev } => Place { device: u32::try_from(dev).ok(), ..Place::UNKNOWN },
            Self::NoBucket(place) | Self::NotOwned(place) | Self::NotReserved(place) => {
                Place::bucket(place)
            }
            Self::StripeType { idx } => Place::stripe(idx),
            Self::StripeBlock { idx, block } => Place { block: Some(block), ..Place::stripe(idx) },
            Self::NoSectors
            | Self::ZeroSize
            | Self::PastEnd
            | Self::TooManyDevices
            | Self::Value => Place::UNKNOWN,
        }
    }
}

impl Refusal {
    /// The code of the finding that a refused pointer is.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Newer => Code::PtrNewer,
            Self::TooStale => Code::PtrTooStale,
            Self::StaleDirty => Code::PtrStaleDirty,
            Self::OtherType => Code::BucketMixedTypes,
            Self::Overflow { .. } => Code::BucketOverflow,
        }
    }
}

/// The counter of a bucket that a pointer adds its sectors to.
fn counter(mark: BucketMark, ptr: ExtentPtr) -> u16 {
    if ptr.cached() { mark.cached_sectors() } else { mark.dirty_sectors() }
}

/// The bucket's type, or what it is about to hold if it is empty.
fn type_or(mark: BucketMark, other: DataType) -> TypeName {
    let t = mark.data_type();
    TypeName(if t == DataType::NONE { other } else { t })
}

impl fmt::Display for Marking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Pointer { place, why, mark, ptr, data_type, key } => {
                let t = type_or(mark, data_type);
                let p = ptr.gen_();
                write!(f, "bucket {place} gen {}", mark.gen_())?;
                match why {
                    Refusal::Newer => {
                        write!(f, " data type {t}: ptr gen {p} newer than bucket gen")
                    }
                    Refusal::TooStale => write!(f, " data type {t}: ptr gen {p} too stale"),
                    Refusal::StaleDirty => write!(f, " data type {t}: stale dirty ptr (gen {p})"),
                    Refusal::OtherType => {
                        let (got, ptr) = (TypeName(mark.data_type()), TypeName(data_type));
                        write!(f, " different types of data in same bucket: {got}, {ptr}")
                    }
                    Refusal::Overflow { sectors } => {
                        let old = counter(mark, ptr);
                        write!(
                            f,
                            " data type {t} sector count overflow: {old} + {sectors} > U16_MAX"
                        )
                    }
                }?;
                write!(f, "\nwhile marking {key}")
            }
            Self::StaleStripe { .. } => f.write_str("stripe with stale pointer"),
            Self::MetadataType { got, now, .. } => {
                let (got, now) = (TypeName(got), TypeName(now));
                write!(f, "different types of data in same bucket: {got}, {now}")
            }
            Self::MetadataOverflow { place, mark, now, sectors } => {
                let (gen_, t, old) = (mark.gen_(), type_or(mark, now), mark.dirty_sectors());
                write!(
                    f,
                    "bucket {place} gen {gen_} data type {t} sector count overflow: \
                     {old} + {sectors} > U16_MAX"
                )
            }
            Self::NoStripe { idx } => write!(f, "pointer to nonexistent stripe {idx}"),
            Self::StripeNotThere { idx } => write!(f, "error marking nonexistent stripe {idx}"),
            Self::Bad { what, key: "" } => write!(f, "reference cannot be counted: {what}"),
            Self::Bad { what, key } => {
                write!(f, "reference cannot be counted: {what}\nwhile marking {key}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;
    use std::string::ToString;

    // Oracle: texts written out from docs/facts/marking.md, sections 4, 7 and 8;
    // the first is a line of the corpus.
    #[test]
    fn texts() {
        let place = BucketPlace { dev: 0, bucket: 38 };
        let ptr = ExtentPtr::new(0, 4864, 1);
        let mark = BucketMark(0).with_gen(51).with_dirty_sectors(3).with_cached_sectors(4);
        let user = mark.with_data_type(DataType::USER);
        let case = |why, mark, ptr| Marking::Pointer {
            place,
            why,
            mark,
            ptr,
            data_type: DataType::USER,
            key: "K",
        };
        let over = Refusal::Overflow { sectors: -9 };
        let cases = [
            (
                case(Refusal::StaleDirty, mark, ptr),
                "bucket 0:38 gen 51 data type data: stale dirty ptr (gen 1)\nwhile marking K",
                6,
            ),
            (
                case(Refusal::Newer, mark.with_data_type(DataType::BTREE), ptr),
                "bucket 0:38 gen 51 data type btree: ptr gen 1 newer than bucket gen\n\
                 while marking K",
                6,
            ),
            (
                case(Refusal::TooStale, mark, ptr),
                "bucket 0:38 gen 51 data type data: ptr gen 1 too stale\nwhile marking K",
                6,
            ),
            (
                case(Refusal::OtherType, mark.with_data_type(DataType::CACHED), ptr),
                "bucket 0:38 gen 51 different types of data in same bucket: cached, data\n\
                 while marking K",
                6,
            ),
            (
                case(over, user, ptr),
                "bucket 0:38 gen 51 data type data sector count overflow: 3 + -9 > U16_MAX\n\
                 while marking K",
                6,
            ),
            (
                case(over, user, ptr.with_cached(true)),
                "bucket 0:38 gen 51 data type data sector count overflow: 4 + -9 > U16_MAX\n\
                 while marking K",
                6,
            ),
            (
                Marking::StaleStripe { idx: 1, block: 2, place, mark, ptr },
                "stripe with stale pointer",
                6,
            ),
            (
                Marking::MetadataType { place, got: DataType::USER, now: DataType::SB },
                "different types of data in same bucket: data, sb",
                0,
            ),
            (
                Marking::MetadataOverflow { place, mark, now: DataType::JOURNAL, sectors: 70000 },
                "bucket 0:38 gen 51 data type journal sector count overflow: 3 + 70000 > U16_MAX",
                0,
            ),
            (Marking::NoStripe { idx: 7 }, "pointer to nonexistent stripe 7", 0),
            (Marking::StripeNotThere { idx: 7 }, "error marking nonexistent stripe 7", 0),
        ];
        for (m, text, flags) in cases {
            let finding = Finding::Marking(m);
            assert_eq!(finding.to_string(), text);
            assert_eq!(finding.flags().bits(), flags, "{text}");
        }
    }
}
