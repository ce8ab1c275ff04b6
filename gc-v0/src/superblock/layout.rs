// SPDX-License-Identifier: GPL-2.0-only
//! Whether the list of a superblock's copies makes sense.

use gc_core::layout::SbLayout;

/// # Errors
/// The original's reason.
pub(super) fn validate(layout: &SbLayout) -> Result<(), &'static str> {
    if !layout.is_magic() {
        return Err("Not a bcachefs superblock layout");
    }
    if layout.layout_type != 0 {
        return Err("Invalid superblock layout type");
    }
    if layout.nr_superblocks == 0 {
        return Err("Invalid superblock layout: no superblocks");
    }
    if usize::from(layout.nr_superblocks) > layout.sb_offset.len() {
        return Err("Invalid superblock layout: too many superblocks");
    }
    let mut copies = layout.offsets();
    let mut prev = copies.next().unwrap_or(0);
    for offset in copies {
        if offset < prev.wrapping_add(layout.max_sectors()) {
            return Err("Invalid superblock layout: superblocks overlap");
        }
        prev = offset;
    }
    Ok(())
}
