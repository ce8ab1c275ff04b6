// SPDX-License-Identifier: GPL-2.0-only
//! Where the copies of a superblock lie.

use super::is_magic;
use gc_disk::bytes::{array, u8_at, u64_at};

/// Most copies.
const COPIES_MAX: u8 = 61;

/// A layout, 512 bytes as on disk.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    bytes: &'a [u8],
}

impl<'a> Layout<'a> {
    /// From its bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// A superblock takes `2^n` sectors at most.
    #[must_use]
    pub fn sb_max_size_bits(&self) -> u8 {
        u8_at(self.bytes, 17).unwrap_or(0)
    }

    /// Number of copies, as stored.
    #[must_use]
    pub fn nr_superblocks(&self) -> u8 {
        u8_at(self.bytes, 18).unwrap_or(0)
    }

    /// Sectors that a superblock may take; the width is cut as the original's
    /// shift of a 32-bit number is.
    #[must_use]
    pub fn max_sectors(&self) -> u64 {
        u64::from(1_u32.wrapping_shl(u32::from(self.sb_max_size_bits())))
    }

    /// First sectors of the copies.
    pub fn offsets(&self) -> impl Iterator<Item = u64> + use<'a> {
        let bytes = self.bytes;
        (0..self.nr_superblocks().min(COPIES_MAX))
            .map_while(move |i| u64_at(bytes, usize::from(i).saturating_mul(8).saturating_add(24)))
    }

    /// Whether it is one at all.
    #[must_use]
    pub fn has_magic(&self) -> bool {
        array(self.bytes, 0).is_some_and(|m| is_magic(&m))
    }

    /// # Errors
    /// The original's reason.
    pub fn validate(&self) -> Result<(), &'static str> {
        if !self.has_magic() {
            return Err("Not a bcachefs superblock layout");
        }
        if u8_at(self.bytes, 16) != Some(0) {
            return Err("Invalid superblock layout type");
        }
        if self.nr_superblocks() == 0 {
            return Err("Invalid superblock layout: no superblocks");
        }
        if self.nr_superblocks() > COPIES_MAX {
            return Err("Invalid superblock layout: too many superblocks");
        }
        let mut copies = self.offsets();
        let mut prev = copies.next().unwrap_or(0);
        for offset in copies {
            if offset < prev.wrapping_add(self.max_sectors()) {
                return Err("Invalid superblock layout: superblocks overlap");
            }
            prev = offset;
        }
        Ok(())
    }
}
