// SPDX-License-Identifier: GPL-2.0-only
//! Names and properties of key types, btrees and data types (facts: docs/facts/v1/layout.md
//! 3, 5 and 8). A new one is a new row.

/// What is known of a type of keys.
#[derive(Debug, Clone, Copy)]
pub struct KeyRow {
    /// Its name in the tool's output.
    pub name: &'static str,
    /// Least bytes of its value.
    pub least: u16,
    /// The value must be empty.
    pub empty: bool,
    /// In a btree that is known it is only allowed where the btree lists it.
    pub strict: bool,
}

macro_rules! key_types {
    ($($(#[$doc:meta])* $number:literal $constant:ident $name:literal $least:literal $kind:ident;)*) => {
        $($(#[$doc])* pub const $constant: u8 = $number;)*
        const KEY_ROWS: &[KeyRow] = &[$(key_types!(@row $name $least $kind),)*];
        const _: () = {
            let numbers: &[u8] = &[$($number),*];
            assert!(numbers.len() == KEY_ROWS.len());
        };
    };
    (@row $name:literal $least:literal strict) => {
        KeyRow { name: $name, least: $least, empty: false, strict: true }
    };
    (@row $name:literal $least:literal any) => {
        KeyRow { name: $name, least: $least, empty: false, strict: false }
    };
    (@row $name:literal $least:literal empty) => {
        KeyRow { name: $name, least: $least, empty: true, strict: false }
    };
    (@row $name:literal $least:literal empty_strict) => {
        KeyRow { name: $name, least: $least, empty: true, strict: true }
    };
}

key_types! {
    /// A deleted key.
    0 DELETED "deleted" 0 any;
    /// Hides the keys of older snapshots.
    1 WHITEOUT "whiteout" 0 any;
    /// Data that is lost.
    2 ERROR "error" 0 any;
    /// A number.
    3 COOKIE "cookie" 8 any;
    /// A place in a hash table that was in use.
    4 HASH_WHITEOUT "hash_whiteout" 0 empty_strict;
    /// Pointer to a node, old form.
    5 BTREE_PTR "btree_ptr" 0 strict;
    /// Data.
    6 EXTENT "extent" 0 strict;
    /// Reserved space.
    7 RESERVATION "reservation" 8 strict;
    /// An inode, first form.
    8 INODE "inode" 16 strict;
    /// Generation of an inode number.
    9 INODE_GENERATION "inode_generation" 8 strict;
    /// A name in a directory.
    10 DIRENT "dirent" 16 strict;
    /// An extended attribute.
    11 XATTR "xattr" 8 strict;
    /// A bucket, first form.
    12 ALLOC "alloc" 8 strict;
    /// Quota limits.
    13 QUOTA "quota" 32 strict;
    /// A stripe.
    14 STRIPE "stripe" 8 strict;
    /// Pointer to indirect extents.
    15 REFLINK_P "reflink_p" 16 strict;
    /// An indirect extent.
    16 REFLINK_V "reflink_v" 8 strict;
    /// Data within the key.
    17 INLINE_DATA "inline_data" 0 strict;
    /// Pointer to a node.
    18 BTREE_PTR_V2 "btree_ptr_v2" 40 strict;
    /// An indirect extent with its data.
    19 INDIRECT_INLINE_DATA "indirect_inline_data" 8 strict;
    /// A bucket, second form.
    20 ALLOC_V2 "alloc_v2" 8 strict;
    /// A subvolume.
    21 SUBVOLUME "subvolume" 16 strict;
    /// A snapshot.
    22 SNAPSHOT "snapshot" 24 strict;
    /// An inode, second form.
    23 INODE_V2 "inode_v2" 32 strict;
    /// A bucket, third form.
    24 ALLOC_V3 "alloc_v3" 16 strict;
    /// A position that is in a set.
    25 SET "set" 0 empty;
    /// An entry of the lru btree, old form.
    26 LRU "lru" 8 strict;
    /// A bucket.
    27 ALLOC_V4 "alloc_v4" 48 strict;
    /// From a place on disk to the key that points there.
    28 BACKPOINTER "backpointer" 32 strict;
    /// An inode.
    29 INODE_V3 "inode_v3" 48 strict;
    /// Generations of 256 buckets.
    30 BUCKET_GENS "bucket_gens" 256 strict;
    /// A tree of snapshots.
    31 SNAPSHOT_TREE "snapshot_tree" 8 strict;
    /// An operation to be finished: cutting a file short.
    32 LOGGED_OP_TRUNCATE "logged_op_truncate" 24 strict;
    /// An operation to be finished: collapsing or inserting a range.
    33 LOGGED_OP_FINSERT "logged_op_finsert" 24 strict;
    /// Counters.
    34 ACCOUNTING "accounting" 8 strict;
    /// Where the next inode number is looked for.
    35 INODE_ALLOC_CURSOR "inode_alloc_cursor" 16 strict;
    /// Hides extents of older snapshots.
    36 EXTENT_WHITEOUT "extent_whiteout" 0 strict;
    /// An operation to be finished: updating a stripe.
    37 LOGGED_OP_STRIPE_UPDATE "logged_op_stripe_update" 40 strict;
    /// Errors of an inode.
    38 DAMAGE "damage" 16 strict;
}

/// What is known of a type of keys; `None` for one that is not known.
#[must_use]
pub fn key_row(type_: u8) -> Option<&'static KeyRow> {
    KEY_ROWS.get(usize::from(type_))
}

/// What is known of a btree.
#[derive(Debug, Clone, Copy)]
pub struct BtreeRow {
    /// Its name in the tool's output.
    pub name: &'static str,
    /// Keys have a size, and end at their position.
    pub extents: bool,
    /// Keys belong to snapshots.
    pub snapshots: bool,
    /// Positions use the snapshot field, though keys do not belong to snapshots.
    pub snapshot_field: bool,
    /// It can be dropped and built anew from others ("alloc" btrees).
    pub alloc: bool,
    /// Its leaves are read by the pass without fsck, too.
    pub triggers: bool,
    /// Types of keys its leaves hold, besides deleted ones.
    pub types: &'static [u8],
}

const NO_FLAGS: BtreeRow = BtreeRow {
    name: "",
    extents: false,
    snapshots: false,
    snapshot_field: false,
    alloc: false,
    triggers: false,
    types: &[],
};

macro_rules! btrees {
    ($($(#[$doc:meta])* $number:literal $constant:ident $name:literal [$($flag:ident)*] [$($type_:literal)*];)*) => {
        $($(#[$doc])* pub const $constant: u8 = $number;)*
        const BTREE_ROWS: &[BtreeRow] = &[$(
            BtreeRow { name: $name, $($flag: true,)* types: &[$($type_),*], ..NO_FLAGS },
        )*];
        const _: () = {
            let numbers: &[u8] = &[$($number),*];
            assert!(numbers.len() == BTREE_ROWS.len());
        };
    };
}

btrees! {
    /// Extents of files.
    0 EXTENTS "extents" [extents snapshots triggers] [1 36 2 3 6 7 15 17];
    /// Inodes.
    1 INODES "inodes" [snapshots triggers] [1 8 23 29 9];
    /// Names.
    2 DIRENTS "dirents" [snapshots triggers] [1 4 10];
    /// Extended attributes.
    3 XATTRS "xattrs" [snapshots triggers] [1 3 4 11];
    /// Buckets.
    4 ALLOC_BTREE "alloc" [alloc triggers] [12 20 24 27];
    /// Quota limits.
    5 QUOTAS "quotas" [] [13];
    /// Stripes.
    6 STRIPES "stripes" [triggers] [14];
    /// Indirect extents.
    7 REFLINK "reflink" [extents triggers] [16 19 2];
    /// Subvolumes.
    8 SUBVOLUMES "subvolumes" [triggers] [21];
    /// Snapshots.
    9 SNAPSHOTS "snapshots" [triggers] [22];
    /// Buckets and stripes by age or fill.
    10 LRU_BTREE "lru" [alloc] [25];
    /// Free buckets.
    11 FREESPACE "freespace" [extents alloc] [25];
    /// Buckets that wait to be discarded.
    12 NEED_DISCARD "need_discard" [alloc] [25];
    /// From places on disk to keys.
    13 BACKPOINTERS "backpointers" [alloc] [28];
    /// Generations of buckets.
    14 BUCKET_GENS_BTREE "bucket_gens" [alloc] [30];
    /// Trees of snapshots.
    15 SNAPSHOT_TREES "snapshot_trees" [] [31];
    /// Inodes that are to be deleted.
    16 DELETED_INODES "deleted_inodes" [snapshot_field] [25];
    /// Operations to be finished.
    17 LOGGED_OPS "logged_ops" [] [32 33 37 35];
    /// Data that is to be moved or rewritten.
    18 RECONCILE_WORK "reconcile_work" [snapshot_field alloc] [25 3];
    /// Subvolumes below others.
    19 SUBVOLUME_CHILDREN "subvolume_children" [] [25];
    /// Counters.
    20 ACCOUNTING_BTREE "accounting" [snapshot_field alloc] [34];
    /// Data to be moved first.
    21 RECONCILE_HIPRI "reconcile_hipri" [snapshot_field alloc] [25];
    /// Data that cannot be moved now.
    22 RECONCILE_PENDING "reconcile_pending" [snapshot_field alloc] [25];
    /// What is to be looked through for data to be moved.
    23 RECONCILE_SCAN "reconcile_scan" [alloc] [3 28];
    /// Data to be moved by its place on disk.
    24 RECONCILE_WORK_PHYS "reconcile_work_phys" [] [25];
    /// Data to be moved first by its place on disk.
    25 RECONCILE_HIPRI_PHYS "reconcile_hipri_phys" [] [25];
    /// From buckets to their stripes.
    26 BUCKET_TO_STRIPE "bucket_to_stripe" [] [25];
    /// From blocks of stripes that are gone to keys.
    27 STRIPE_BACKPOINTERS "stripe_backpointers" [alloc] [28];
    /// Errors of inodes.
    28 DAMAGE_BTREE "damage" [snapshots triggers] [1 38];
}

/// Number of known btrees.
pub const BTREES: u8 = 29;
/// First number that no btree may have.
pub const BTREE_IDS: u8 = 63;
/// Most levels of a btree.
pub const MAX_DEPTH: u8 = 4;

/// What is known of a btree; `None` for one that is not known.
#[must_use]
pub fn btree_row(id: u8) -> Option<&'static BtreeRow> {
    BTREE_ROWS.get(usize::from(id))
}

/// Name of a btree, as the tool prints it.
#[must_use]
pub fn btree_name(id: u32) -> String {
    match usize::try_from(id).ok().and_then(|id| BTREE_ROWS.get(id)) {
        Some(row) => row.name.into(),
        None => format!("(unknown btree {id})"),
    }
}

/// Number of known data types, and their names in order.
const DATA_TYPES: [&str; 12] = [
    "free",
    "sb",
    "journal",
    "btree",
    "user",
    "cached",
    "parity",
    "stripe",
    "need_gc_gens",
    "need_discard",
    "unstriped",
    "multiple",
];

/// What a bucket holds, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub struct DataType(pub u8);

impl DataType {
    /// Nothing.
    pub const FREE: Self = Self(0);
    /// Superblocks.
    pub const SB: Self = Self(1);
    /// The journal.
    pub const JOURNAL: Self = Self(2);
    /// Nodes.
    pub const BTREE: Self = Self(3);
    /// Data.
    pub const USER: Self = Self(4);
    /// Data of which there are other copies.
    pub const CACHED: Self = Self(5);
    /// Redundant blocks of a stripe.
    pub const PARITY: Self = Self(6);
    /// Data blocks of a stripe.
    pub const STRIPE: Self = Self(7);
    /// Nothing, but the generation may not be raised yet.
    pub const NEED_GC_GENS: Self = Self(8);
    /// Nothing, but not discarded yet.
    pub const NEED_DISCARD: Self = Self(9);
    /// In a counter only: what lies in buckets of stripes outside of the stripe.
    pub const UNSTRIPED: Self = Self(10);
    /// Things that do not go together.
    pub const MULTIPLE: Self = Self(11);

    /// Whether a bucket of this type holds nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        matches!(self, Self::FREE | Self::NEED_GC_GENS | Self::NEED_DISCARD)
    }

    /// The name, as the tool prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        DATA_TYPES.get(usize::from(self.0)).copied().unwrap_or("(invalid data type)")
    }

    /// The type with cached and stripe turned into user: what may lie in one bucket.
    #[must_use]
    pub const fn in_bucket(self) -> Self {
        match self {
            Self::CACHED | Self::STRIPE => Self::USER,
            other => other,
        }
    }
}
