// SPDX-License-Identifier: GPL-2.0-only
//! Keys: reading their values, formats, packing, comparing, walking a node.

mod entries;
mod key_buf;
mod key_ref;

pub use entries::{DecodedPointers, Entries, Entry, Pointers, no_crc};
pub use key_buf::{KEY_BUF_VAL_U64S, KeyBuf};
pub use key_ref::{KeyRef, entry_range};
