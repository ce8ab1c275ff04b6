// SPDX-License-Identifier: GPL-2.0-only
//! The journal: reading it, checking it, and the keys it still has to give to
//! the btrees (facts: docs/facts/journal.md).

mod bucket;
mod check;
mod entry;
mod items;
mod keys;
mod list;
mod place;
mod read;
mod room;
mod scan;
#[cfg(test)]
mod tests;

pub use items::{Item, Said, items};
pub use keys::{JournalKey, JournalKeys};
pub use read::{Journal, Newest, read};
