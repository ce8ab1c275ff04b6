// SPDX-License-Identifier: GPL-2.0-only
//! Why a bucket's counts are what they are: what the alloc key says, every
//! reference that counts towards it or was refused, and what that means.

mod bucket;
mod observer;
mod place;
mod remark;

pub use bucket::{AllocKey, Explained, Explainer, Noted, Recorded};
pub use place::{Place, PlaceError};
pub use remark::{Fields, Gens, Remark};
