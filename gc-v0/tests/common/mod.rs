// SPDX-License-Identifier: GPL-2.0-only
//! Who listens to a run, and the digest of keys that the goldens have.
#![allow(dead_code, reason = "each test uses a part of it")]

mod keep;

use gc_core::bkey::KeyRef;
pub(crate) use keep::Keep;
use sha2::{Digest, Sha256};

/// Digest of the leaf keys of a btree, as in the goldens.
#[derive(Default)]
pub(crate) struct KeyDigest {
    pub(crate) keys: u64,
    sha: Sha256,
}

impl KeyDigest {
    pub(crate) fn add(&mut self, key: KeyRef<'_>) {
        self.keys += 1;
        let (k, p, version) = (key.k, key.k.p, key.k.version);
        self.sha.update([k.type_.0]);
        self.sha.update(k.size.to_le_bytes());
        self.sha.update({ p.inode }.to_le_bytes());
        self.sha.update({ p.offset }.to_le_bytes());
        self.sha.update({ p.snapshot }.to_le_bytes());
        self.sha.update({ version.hi }.to_le_bytes());
        self.sha.update({ version.lo }.to_le_bytes());
        self.sha.update(u32::try_from(key.v.len() * 8).unwrap().to_le_bytes());
        key.v.iter().for_each(|w| self.sha.update(w.to_le_bytes()));
    }

    pub(crate) fn finish(self) -> String {
        self.sha.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }
}
