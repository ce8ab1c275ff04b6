// SPDX-License-Identifier: GPL-2.0-only
//! Keys: reading their values, formats, packing, comparing, walking a node.

pub mod alloc_key;
mod entries;
mod key_ref;
pub mod stripe_key;
mod text;

pub use entries::{DecodedPointers, Entries, Entry, Pointers, no_crc};
pub use key_ref::{KeyRef, entry_range};
pub use text::{KeyDisplay, KeyText, PosText, key_type_name};
