// SPDX-License-Identifier: GPL-2.0-only
//! What the references to a bucket say it holds. Regions of buckets that nothing refers to
//! take no memory.

use crate::alloc::Alloc;
use crate::superblock::Member;
use crate::tables::DataType;
use gc_disk::bytes::index;

/// Buckets of a region.
const REGION: u64 = 256;

/// A bucket as recounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// Sectors of data, or of metadata.
    pub dirty: u32,
    /// Sectors of which there are other copies.
    pub cached: u32,
    /// Sectors of data that lie in stripes.
    pub stripe: u32,
    /// Blocks of stripes in it.
    pub stripe_refs: u16,
    /// Generation.
    pub gen_: u8,
    /// What it holds; the highest bit says that the generation is known.
    type_and_known: u8,
}

const KNOWN: u8 = 0x80;

const _: () = assert!(size_of::<Bucket>() == 16);

impl Bucket {
    /// What it holds.
    #[must_use]
    pub const fn data_type(&self) -> DataType {
        DataType(self.type_and_known & !KNOWN)
    }

    /// Says what it holds.
    pub const fn set_data_type(&mut self, data_type: DataType) {
        self.type_and_known = (self.type_and_known & KNOWN) | (data_type.0 & !KNOWN);
    }

    /// Whether the generation is known.
    #[must_use]
    pub const fn gen_known(&self) -> bool {
        self.type_and_known & KNOWN != 0
    }

    /// Says what the generation is.
    pub const fn set_gen(&mut self, gen_: u8) {
        self.gen_ = gen_;
        self.type_and_known |= KNOWN;
    }

    /// Whether anything is known of it.
    #[must_use]
    pub fn is_touched(&self) -> bool {
        *self != Self::default()
    }

    /// The counts as fields of an alloc key, for the rule that gives the state; refcount and
    /// oldest generation are those of `had`.
    #[must_use]
    pub const fn as_alloc(&self, had: &Alloc) -> Alloc {
        Alloc {
            gen_: self.gen_,
            data_type: self.data_type(),
            dirty_sectors: self.dirty,
            cached_sectors: self.cached,
            stripe_sectors: self.stripe,
            ..*had
        }
    }
}

/// The buckets of a member.
#[derive(Debug)]
pub struct Table {
    nbuckets: u64,
    regions: Vec<Option<Box<[Bucket]>>>,
}

impl Table {
    /// All buckets of a member, untouched.
    #[must_use]
    pub fn new(member: &Member) -> Self {
        let mut regions = Vec::new();
        regions.resize_with(index(member.nbuckets.div_ceil(REGION)), || None);
        Self { nbuckets: member.nbuckets, regions }
    }

    /// A bucket; one that nothing is known of is all zero.
    #[must_use]
    pub fn get(&self, bucket: u64) -> Bucket {
        let region = self.regions.get(index(bucket / REGION)).and_then(Option::as_ref);
        region.and_then(|r| r.get(index(bucket % REGION))).copied().unwrap_or_default()
    }

    /// A bucket to be changed; `None` beyond the end.
    pub fn at(&mut self, bucket: u64) -> Option<&mut Bucket> {
        if bucket >= self.nbuckets {
            return None;
        }
        let region = self.regions.get_mut(index(bucket / REGION))?;
        let region =
            region.get_or_insert_with(|| vec![Bucket::default(); index(REGION)].into_boxed_slice());
        region.get_mut(index(bucket % REGION))
    }

    /// Buckets of which something is known, in order.
    pub fn touched(&self) -> impl Iterator<Item = (u64, &Bucket)> {
        (0_u64..).zip(&self.regions).flat_map(|(n, region)| {
            let first = n.saturating_mul(REGION);
            let buckets = region.iter().flat_map(|r| r.iter());
            (first..).zip(buckets).filter(|(_, b)| b.is_touched())
        })
    }
}
