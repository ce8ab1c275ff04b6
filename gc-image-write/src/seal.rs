// SPDX-License-Identifier: GPL-2.0-only
//! Encrypting structures and putting their checksums in, and the way back.
//!
//! Everything needed is read from the structure itself, so that it works for one
//! that was just made and for one that was changed.

use gc_core::layout::CsumType;
use gc_core::layout::bits::low8;
use gc_disk::checksum::{Key, NONCE_BTREE, NONCE_JOURNAL, Nonce, checksum, encrypts};

fn u32_at(b: &[u8], at: usize) -> u32 {
    b.get(at..).and_then(|b| b.first_chunk::<4>()).copied().map_or(0, u32::from_le_bytes)
}

/// What of a structure is encrypted, by which nonces, and what is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    csum: CsumType,
    nonce: Nonce,
    /// Start and end, and how much further on the nonce is.
    crypt: [(usize, usize, u32); 2],
}

/// A structure with a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A superblock.
    Superblock,
    /// A journal entry.
    Journal,
    /// The start of a node with its first bset.
    Node,
    /// A later bset, this many bytes into its node.
    Bset(u32),
}

fn plan(kind: Kind, b: &[u8]) -> Plan {
    let end = b.len();
    let type_of = |flags| CsumType(low8(u64::from(u32_at(b, flags) & 0xf)));
    let bset = |at: usize, offset: u32| {
        Nonce([offset, u32_at(b, at), u32_at(b, at + 4), u32_at(b, at + 8) ^ NONCE_BTREE])
    };
    match kind {
        Kind::Superblock => Plan {
            csum: CsumType(low8(u64::from((u32_at(b, 144) >> 2) & 0x3f))),
            nonce: Nonce::default(),
            crypt: [(0, 0, 0); 2],
        },
        Kind::Journal => Plan {
            csum: type_of(36),
            nonce: Nonce([0, u32_at(b, 24), u32_at(b, 28), NONCE_JOURNAL]),
            crypt: [(44, end, 0), (0, 0, 0)],
        },
        Kind::Node => {
            Plan { csum: type_of(152), nonce: bset(136, 0), crypt: [(24, 136, 0), (160, end, 128)] }
        }
        Kind::Bset(offset) => {
            Plan { csum: type_of(32), nonce: bset(16, offset), crypt: [(40, end, 0), (0, 0, 0)] }
        }
    }
}

fn crypt(p: &Plan, key: Option<&Key>, b: &mut [u8]) {
    let (true, Some(key)) = (encrypts(p.csum), key) else { return };
    for (start, end, skip) in p.crypt {
        if let Some(part) = b.get_mut(start..end) {
            key.apply(p.nonce.skip(skip), part);
        }
    }
}

/// Encrypts `b`, a whole structure without what follows its keys, if its type says
/// so, and sums it. A type that is not known leaves the checksum as it is.
pub fn seal(kind: Kind, key: Option<&Key>, b: &mut [u8]) {
    let p = plan(kind, b);
    if kind != Kind::Superblock {
        crypt(&p, key, b);
    }
    let sum = b.get(16..).and_then(|body| checksum(p.csum, key, p.nonce, body));
    if let (Some(sum), Some(to)) = (sum, b.first_chunk_mut::<16>()) {
        *to = sum;
    }
}

/// Decrypts `b`; its checksum is not looked at.
pub fn open(kind: Kind, key: Option<&Key>, b: &mut [u8]) {
    let p = plan(kind, b);
    if kind != Kind::Superblock {
        crypt(&p, key, b);
    }
}
