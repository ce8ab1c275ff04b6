// SPDX-License-Identifier: GPL-2.0-only
//! Random file systems from a seed: valid, and odd in every way that is allowed.

mod content;
mod journal;
mod presets;
mod settings;

pub use presets::{Preset, presets};
pub use settings::{settings, small_settings};

use crate::error::Result;
use crate::rng::Rng;
use crate::spec::FsSpec;
use crate::writer::{ImageWriter, Summary};
use std::path::Path;

/// Writes the file system of a seed; as many paths as [`settings`] has devices.
///
/// # Errors
/// The system's; a description that turns out too small for its content.
pub fn generate(seed: u64, paths: &[impl AsRef<Path>]) -> Result<Summary> {
    fill(settings(seed), seed, content::USUAL, paths)
}

/// A small one, to be read a million times; as many paths as [`small_settings`] has
/// devices.
///
/// # Errors
/// As [`generate`].
pub fn generate_small(seed: u64, paths: &[impl AsRef<Path>]) -> Result<Summary> {
    generate_as(small_settings(seed), seed, paths)
}

/// A small one with these settings instead of those of its seed.
///
/// # Errors
/// As [`generate`].
pub fn generate_as(spec: FsSpec, seed: u64, paths: &[impl AsRef<Path>]) -> Result<Summary> {
    fill(spec, seed, content::LITTLE, paths)
}

fn fill(
    spec: FsSpec,
    seed: u64,
    amount: content::Amount,
    paths: &[impl AsRef<Path>],
) -> Result<Summary> {
    let mut rng = Rng::new(seed ^ 0x00c0_ffee);
    let mut w = ImageWriter::create(spec, paths)?;
    content::fill(&mut w, &mut rng, amount)?;
    w.finish()
}
