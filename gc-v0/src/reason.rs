// SPDX-License-Identifier: GPL-2.0-only
//! Why a file system is not checked in the order of the disk: the rule of the fast
//! path that does not hold, and where.

use gc_core::bkey::{PosText, key_type_name};
use gc_core::layout::{Bkey, Bpos, BtreeId, KeyType};
use std::fmt;

/// Declares the rules with their names and texts.
macro_rules! rules {
    ($($variant:ident $name:literal $text:literal,)*) => {
        /// A rule of the fast path that does not hold.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = concat!($text, ".")] $variant,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// A short name that does not change.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What is the case, in words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

rules! {
    // The file system.
    ReplicasRebuilt "replicas-rebuilt" "the table of device sets is made anew",
    NotRecovered "not-recovered" "the file system was opened without all that recovery needs",
    CompatClear "compat-clear" "allocations are not marked as written (compat bits)",
    DeviceMissing "device-missing" "a member is missing, and the result tells of every bucket",
    MemoryLimited "memory-limited" "memory is limited, and the result tells of every bucket",
    NoMemory "no-memory" "there is not enough memory for the fast path",
    Metadata "metadata" "a bucket of superblock or journal is not as its alloc key says",
    BucketUntyped "bucket-untyped" "an alloc key has sectors without a data type",
    BucketLeft "bucket-left" "an alloc key has more sectors than refer to the bucket, or flags",
    Counters "counters" "the counters of usage are not the sums of the keys",
    StalePointer "stale-pointer" "a cached pointer is stale, and the result tells of every bucket",
    // Nodes.
    RootRange "root-range" "the root does not cover all positions, or is too high",
    NodeCached "node-cached" "a copy of the node is marked as cached",
    NodeNoCopy "node-no-copy" "no copy of the node is at hand",
    NodeUnreadable "node-unreadable" "the sectors of the node cannot be read",
    NodeInvalid "node-invalid" "reading the node in order has something to say of it",
    NodeBlacklisted "node-blacklisted" "the node's first set has a blacklisted journal sequence",
    NodeOldVersion "node-old-version" "the node has keys of an older format version",
    NodeTwice "node-twice" "two pointers lead to the same node",
    ChildRange "child-range" "the child does not begin where the one before it ends",
    ChildMissing "child-missing" "the last child does not end where the node ends",
    // Keys.
    KeyInvalid "key-invalid" "the key is not valid",
    KeyOrder "key-order" "the key is out of order, or outside of its node",
    KeyVersion "key-version" "the key's version is higher than any that was handed out",
    KeyStripe "key-stripe" "stripes are counted in order",
    KeyManyPointers "key-many-pointers" "the key has more pointers than the fast path counts",
    KeyNoSectors "key-no-sectors" "the key's sectors on disk are none, or too many",
    KeyDevices "key-devices" "the table of device sets lacks the key's devices",
    KeyBucket "key-bucket" "the bucket has another generation or type, too few sectors, or no alloc key",
    KeyCount "key-count" "counting the key has something to say of it",
    AllocKey "alloc-key" "the key is no alloc key, or of no bucket",
}

/// The rule that did not hold, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The rule.
    pub rule: Rule,
    /// Btree and level of the node, where it is about one.
    pub node: Option<(BtreeId, u8)>,
    /// Where the node ends: the position of the pointer to it.
    pub node_end: Option<Bpos>,
    /// Position and type of the key, where it is about one.
    pub key: Option<(Bpos, KeyType)>,
    /// Member and number of the bucket, where it is about one.
    pub bucket: Option<(u8, u64)>,
}

impl From<Rule> for Reason {
    fn from(rule: Rule) -> Self {
        Self { rule, node: None, node_end: None, key: None, bucket: None }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((btree, level)) = self.node {
            match btree.name() {
                Some(name) => write!(f, "btree {name} level {level}")?,
                None => write!(f, "btree {} level {level}", btree.0)?,
            }
            if let Some(end) = self.node_end {
                write!(f, ", node that ends at {}", PosText(end))?;
            }
            if self.key.is_none() {
                f.write_str(": ")?;
            }
        }
        if let Some((p, type_)) = self.key {
            let comma = if self.node.is_some() { ", " } else { "" };
            let type_ = key_type_name(type_).unwrap_or("unknown");
            write!(f, "{comma}key {} of type {type_}: ", PosText(p))?;
        }
        if let Some((dev, bucket)) = self.bucket {
            write!(f, "bucket {dev}:{bucket}: ")?;
        }
        write!(f, "{} ({})", self.rule.text(), self.rule.name())
    }
}

/// The fast path ends here: whoever reads in order must look at it. As small as a
/// pointer, since it is returned for every key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unusual(Box<Reason>);

impl Unusual {
    /// The reason.
    pub(crate) fn into_reason(self) -> Reason {
        *self.0
    }

    /// It is about this key, unless another is known already.
    #[cold]
    pub(crate) fn of_key(mut self, k: &Bkey) -> Self {
        self.0.key.get_or_insert((k.p, k.type_));
        self
    }

    /// It is about a node that the pointer `end` leads to, or a key there.
    #[cold]
    pub(crate) fn in_node(mut self, btree: BtreeId, level: u8, end: Bpos) -> Self {
        self.0.node.get_or_insert((btree, level));
        self.0.node_end.get_or_insert(end);
        self
    }

    /// It is about a bucket.
    #[cold]
    pub(crate) fn of_bucket(mut self, dev: u8, bucket: u64) -> Self {
        self.0.bucket = Some((dev, bucket));
        self
    }
}

impl From<Rule> for Unusual {
    #[cold]
    fn from(rule: Rule) -> Self {
        Self(Box::new(Reason::from(rule)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    // Oracle: written by hand.
    #[test]
    fn what_is_said() {
        let p = Bpos::new(4096, 24);
        let k = Bkey { p, type_: KeyType::EXTENT, ..Bkey::default() };
        let end = Bpos::new(4096, 128);
        let of_key = Unusual::from(Rule::KeyVersion).of_key(&k).in_node(BtreeId::EXTENTS, 0, end);
        assert_eq!(
            of_key.into_reason().to_string(),
            "btree extents level 0, node that ends at 4096:128, key 4096:24 of type extent: the \
             key's version is higher than any that was handed out (key-version)"
        );
        let of_node = Unusual::from(Rule::NodeCached).in_node(BtreeId::INODES, 1, end);
        assert_eq!(
            of_node.into_reason().to_string(),
            "btree inodes level 1, node that ends at 4096:128: a copy of the node is marked as \
             cached (node-cached)"
        );
        let of_bucket = Unusual::from(Rule::BucketLeft).of_bucket(1, 38).into_reason().to_string();
        assert!(of_bucket.starts_with("bucket 1:38: an alloc key has"), "{of_bucket}");
    }

    // Oracle: a name stands for one rule.
    #[test]
    fn names_differ() {
        let names: HashSet<_> = Rule::ALL.iter().map(|r| r.name()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
    }
}
