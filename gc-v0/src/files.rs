// SPDX-License-Identifier: GPL-2.0-only
//! From extents to parts of files: plain extents by their position, shared ones
//! by whoever points to them.

use crate::host::{Image, Met};
use crate::paths::FileName;
use core::ops::ControlFlow;
use gc_core::bkey::KeyRef;
use gc_core::layout::{Bpos, BtreeId, KeyType, POS_MAX, POS_MIN, ReflinkP};
use std::collections::BTreeMap;

/// Files named for one shared extent.
const SHARERS: usize = 4;

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePart {
    /// Inode.
    pub inode: u64,
    /// What the inode says; `None` if there is none.
    pub info: Option<Inode>,
    /// First sector within the file.
    pub start: u64,
    /// Sectors.
    pub sectors: u64,
    /// What the file is called.
    pub name: FileName,
}

/// What matters of an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inode {
    /// Size of the file in bytes.
    pub size: u64,
    /// It has no name any more and waits to be deleted.
    pub unlinked: bool,
}

impl FilePart {
    /// Whether the part lies behind the end of the file.
    #[must_use]
    pub fn beyond(&self) -> bool {
        self.info.is_some_and(|i| self.start >= i.size.div_ceil(512))
    }
}

/// First sector of an extent, and the one after its last.
#[must_use]
pub fn span(key: KeyRef<'_>) -> (u64, u64) {
    let end = { key.k.p }.offset;
    (end.saturating_sub(u64::from(key.k.size)), end)
}

/// Inode, first sector in the file, sectors.
pub type Range = (u64, u64, u64);

/// Who points to a range of shared data.
#[derive(Debug, Default)]
struct Shared {
    by: Vec<Range>,
    nr: usize,
}

/// Files that shared data belongs to.
#[derive(Debug, Default)]
pub struct Sharers {
    /// By start and end in the reflink btree.
    shared: BTreeMap<(u64, u64), Shared>,
}

impl Sharers {
    /// Walks all extents once and finds out who points to these ranges of the
    /// reflink btree, which do not overlap.
    #[must_use]
    pub fn of(image: &Image<'_>, ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let shared = ranges.into_iter().map(|r| (r, Shared::default())).collect();
        let mut this = Self { shared };
        if this.shared.is_empty() {
            return this;
        }
        let _whole = image.survey(BtreeId::EXTENTS, POS_MIN..=POS_MAX, &mut |met| {
            if let Met::Key { level: 0, key, .. } = met {
                this.look(key);
            }
            ControlFlow::Continue(())
        });
        this
    }

    fn look(&mut self, key: KeyRef<'_>) {
        let (KeyType::REFLINK_P, Some(idx)) = (key.k.type_, ReflinkP::idx_of(key.v)) else {
            return;
        };
        let p = key.k.p;
        let start = span(key).0;
        let end = idx.saturating_add(u64::from(key.k.size));
        // Backwards from the last that begins before the end.
        for (range, s) in self.shared.range_mut(..(end, 0)).rev() {
            let (from, to) = (range.0.max(idx), range.1.min(end));
            if from >= to {
                break;
            }
            s.nr = s.nr.saturating_add(1);
            if s.by.len() < SHARERS {
                let at = start.saturating_add(from.saturating_sub(idx));
                s.by.push((p.inode, at, to.saturating_sub(from)));
            }
        }
    }

    /// The first few who point to a range, and how many there are.
    #[must_use]
    pub fn get(&self, range: (u64, u64)) -> (&[Range], usize) {
        self.shared.get(&range).map_or((&[], 0), |s| (&s.by, s.nr))
    }

    /// Inodes of all files named.
    pub fn inodes(&self) -> impl Iterator<Item = u64> + '_ {
        self.shared.values().flat_map(|s| s.by.iter().map(|(inode, ..)| *inode))
    }
}

/// What matters of an inode; `None` if there is none.
#[must_use]
pub fn inode(image: &Image<'_>, inode: u64) -> Option<Inode> {
    let pos = Bpos::new(0, inode);
    let mut found = None;
    let _whole = image.survey(BtreeId::INODES, pos..=pos, &mut |met| {
        if let Met::Key { level: 0, key, .. } = met {
            if key.k.type_ == KeyType::INODE {
                let (size, unlinked) = crate::key::inode::size_and_unlinked(key.v);
                found = Some(Inode { size, unlinked });
            }
        }
        ControlFlow::Continue(())
    });
    found
}
