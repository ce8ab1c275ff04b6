// SPDX-License-Identifier: GPL-2.0-only
//! One row a key type: its name, and what its keys refer to. Facts: `docs/facts/bkey.md`.

use crate::layout::value::{BTREE_PTR_V2_HEAD_U64S, REFLINK_V_HEAD_U64S};
use crate::layout::{DataType, KeyType};

/// What keys of a type refer to; [`references`](super::references()) reads it out of a
/// value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefersTo {
    /// Nothing that mark and sweep counts.
    Nothing,
    /// Nothing: the value records the state of a bucket, which the key does not use.
    BucketState,
    /// The key is an inode, and counts as one.
    Inode,
    /// Sectors that are promised to later writes, on no device yet.
    Reservation,
    /// Buckets, by the pointers among the extent entries behind the head of the value.
    Pointers {
        /// Words of the value in front of the first entry.
        head: usize,
        /// What the buckets hold: [`DataType::BTREE`] or [`DataType::USER`].
        holds: DataType,
    },
    /// Buckets, one a block of the stripe.
    Stripe,
    /// The type is not known.
    Unknown,
}

macro_rules! key_types {
    ($($type_:ident $name:literal $rule:expr;)*) => {
        impl RefersTo {
            /// That of a type.
            #[inline(always)]
            #[must_use]
            pub const fn of(t: KeyType) -> Self {
                match t {
                    $(KeyType::$type_ => $rule,)*
                    _ => Self::Unknown,
                }
            }
        }

        /// Name of a key type as the original prints it (source: `bch2_bkey_types`);
        /// `None` for a number that is none.
        #[must_use]
        pub const fn key_type_name(t: KeyType) -> Option<&'static str> {
            match t {
                $(KeyType::$type_ => Some($name),)*
                _ => None,
            }
        }
    };
}

const fn pointers(head: usize, holds: DataType) -> RefersTo {
    RefersTo::Pointers { head, holds }
}

key_types! {
    DELETED          "deleted"          RefersTo::Nothing;
    DISCARD          "discard"          RefersTo::Nothing;
    ERROR            "error"            RefersTo::Nothing;
    COOKIE           "cookie"           RefersTo::Nothing;
    WHITEOUT         "whiteout"         RefersTo::Nothing;
    BTREE_PTR        "btree_ptr"        pointers(0, DataType::BTREE);
    EXTENT           "extent"           pointers(0, DataType::USER);
    RESERVATION      "reservation"      RefersTo::Reservation;
    INODE            "inode"            RefersTo::Inode;
    INODE_GENERATION "inode_generation" RefersTo::Nothing;
    DIRENT           "dirent"           RefersTo::Nothing;
    XATTR            "xattr"            RefersTo::Nothing;
    ALLOC            "alloc"            RefersTo::BucketState;
    QUOTA            "quota"            RefersTo::Nothing;
    STRIPE           "stripe"           RefersTo::Stripe;
    REFLINK_P        "reflink_p"        RefersTo::Nothing;
    REFLINK_V        "reflink_v"        pointers(REFLINK_V_HEAD_U64S, DataType::USER);
    INLINE_DATA      "inline_data"      RefersTo::Nothing;
    BTREE_PTR_V2     "btree_ptr_v2"     pointers(BTREE_PTR_V2_HEAD_U64S, DataType::BTREE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::bkey::KEY_TYPES;

    // Oracle: the numbers and C names of the layout: each known type has a row, and no
    // other number has one.
    #[test]
    fn every_type_has_a_row() {
        for t in 0..=u8::MAX {
            let c_name = KEY_TYPES.iter().find(|n| n.value == i64::from(t));
            let name = c_name.and_then(|n| n.c_name.strip_prefix("KEY_TYPE_"));
            let name = name.filter(|n| *n != "MAX");
            assert_eq!(key_type_name(KeyType(t)), name);
            assert_eq!(RefersTo::of(KeyType(t)) == RefersTo::Unknown, name.is_none());
        }
    }
}
