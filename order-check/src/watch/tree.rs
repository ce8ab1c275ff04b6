// SPDX-License-Identifier: GPL-2.0-only
//! Small btrees: two leaves of two keys below a root, each key with a bucket of
//! its own.

use gc_core::bkey::{KeyBuf, KeyRef};
use gc_core::host::NodeInfo;
use gc_core::layout::{Bkey, Bpos, BtreeId, ExtentPtr, KeyType, POS_MAX, POS_MIN};

/// Sectors of a bucket.
pub const BUCKET_SIZE: u32 = 16;

/// A node.
pub struct Node {
    pub info: NodeInfo,
    pub keys: Vec<KeyBuf>,
    /// Pointer to it.
    pub own: KeyBuf,
}

/// Hands out buckets, each once.
pub struct Buckets(pub u64);

impl Buckets {
    /// The next.
    pub fn take(&mut self) -> u64 {
        self.0 += 1;
        self.0 - 1
    }
}

/// Bucket of a key's only pointer.
pub fn bucket(key: KeyRef<'_>) -> u64 {
    let offset = key.pointers().next().expect("every key here has a pointer").offset();
    offset / u64::from(BUCKET_SIZE)
}

fn key(type_: KeyType, p: Bpos, bucket: u64) -> KeyBuf {
    let size = if type_ == KeyType::EXTENT { 1 } else { 0 };
    let k = Bkey { u64s: 6, type_, ..Bkey::new(p, size) };
    let v = [ExtentPtr::new(0, bucket * u64::from(BUCKET_SIZE), 0).0];
    KeyBuf::copy_of(KeyRef::new(&k, &v)).expect("one word fits")
}

/// Two leaves and their root.
pub fn tree(id: BtreeId, buckets: &mut Buckets) -> [Node; 3] {
    let border = Bpos::new(1, 10);
    let leaf = |min_key, max_key, before: Bpos, buckets: &mut Buckets| Node {
        info: NodeInfo { min_key, max_key, level: 0, btree_id: id, fake: false },
        keys: [before, max_key].map(|p| key(KeyType::EXTENT, p, buckets.take())).into(),
        own: key(KeyType::BTREE_PTR, max_key, buckets.take()),
    };
    let left = leaf(POS_MIN, border, Bpos::new(1, 5), buckets);
    let right = leaf(Bpos::new(1, 11), POS_MAX, Bpos::new(2, 0), buckets);
    let (min_key, max_key) = (POS_MIN, POS_MAX);
    let root = Node {
        info: NodeInfo { min_key, max_key, level: 1, btree_id: id, fake: false },
        keys: vec![left.own, right.own],
        own: key(KeyType::BTREE_PTR, POS_MAX, buckets.take()),
    };
    [left, right, root]
}
