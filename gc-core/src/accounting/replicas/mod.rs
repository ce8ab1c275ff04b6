// SPDX-License-Identifier: GPL-2.0-only
//! Which sets of devices hold data together, and how much each holds.
//!
//! Facts: `docs/facts/replicas.md`.

pub mod entry;
mod key;
pub mod section;
pub mod table;

pub use entry::{Entry, EntryRef, TooManyDevices, entry_bytes};
pub use key::{
    AddError, add_entry, add_key_entries, key_entries, key_entry, key_marked, set_usage,
    stripe_entry,
};
pub use table::{Table, View};
