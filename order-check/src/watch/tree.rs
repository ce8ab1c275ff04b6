// SPDX-License-Identifier: GPL-2.0-only
//! Small btrees of three levels, each key with a bucket of its own.

use gc_core::bkey::{KeyBuf, KeyRef};
use gc_core::host::NodeInfo;
use gc_core::layout::position::bkey_successor;
use gc_core::layout::{Bkey, Bpos, BtreeId, ExtentPtr, KeyType, POS_MAX, POS_MIN};

/// Sectors of a bucket.
pub const BUCKET_SIZE: u32 = 16;

/// Level of a root.
pub const ROOT_LEVEL: u8 = 2;

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

/// A node below its parent, or the root.
fn node(id: BtreeId, level: u8, range: (Bpos, Bpos), keys: Vec<KeyBuf>, own: u64) -> Node {
    let (min_key, max_key) = range;
    Node {
        info: NodeInfo { min_key, max_key, level, btree_id: id, fake: false },
        keys,
        own: key(KeyType::BTREE_PTR, max_key, own),
    }
}

/// Four leaves, two parents and their root, in the order of their places: children
/// before their parent, left before right.
pub fn tree(id: BtreeId, buckets: &mut Buckets) -> Vec<Node> {
    let ends = [Bpos::new(1, 10), Bpos::new(2, 10), Bpos::new(3, 10), POS_MAX];
    let mut begin = POS_MIN;
    let mut nodes: Vec<Node> = Vec::new();
    let mut parents: Vec<KeyBuf> = Vec::new();
    for pair in ends.chunks(2) {
        let first = begin;
        let mut children = Vec::new();
        for &end in pair {
            let inside = Bpos::new(begin.inode + 1, 1);
            let keys = [inside, end].map(|p| key(KeyType::EXTENT, p, buckets.take())).into();
            let leaf = node(id, 0, (begin, end), keys, buckets.take());
            children.push(leaf.own);
            nodes.push(leaf);
            begin = bkey_successor(end).unwrap_or(POS_MAX);
        }
        let end = pair[pair.len() - 1];
        let parent = node(id, 1, (first, end), children, buckets.take());
        parents.push(parent.own);
        nodes.push(parent);
    }
    nodes.push(node(id, ROOT_LEVEL, (POS_MIN, POS_MAX), parents, buckets.take()));
    nodes
}
