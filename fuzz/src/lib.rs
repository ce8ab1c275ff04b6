// SPDX-License-Identifier: GPL-2.0-only
//! What the fuzz targets share: small file systems in memory, and a reader of them.

pub mod disk;
pub mod edit;
pub mod run;
