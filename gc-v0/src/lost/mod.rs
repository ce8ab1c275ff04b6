// SPDX-License-Identifier: GPL-2.0-only
//! What is intact, degraded or lost with the devices at hand.
//!
//! A copy is at hand if its device is, and if its bucket was not used anew since.
//! What lies in a stripe can be rebuilt while the stripe lacks no more blocks than
//! it has redundant ones. A cached copy that is current counts: it can be read.

mod account;
mod fate;

pub use account::{FileLoss, Loss, NodeLoss, Sums, account};
pub use fate::{Away, Fate};
