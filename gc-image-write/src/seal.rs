// SPDX-License-Identifier: GPL-2.0-only
//! Encrypting structures and putting their checksums in, and the way back.
//!
//! Everything needed is read from the structure itself, so that it works for one
//! that was just made and for one that was changed.

use gc_core::layout::bits::low32;
use gc_core::layout::{Bset, BtreeNode, BtreeNodeEntry, Csum, CsumType, Jset, Sb};
use gc_disk::checksum::{Key, NONCE_BTREE, NONCE_JOURNAL, Nonce, checksum, encrypts};
use zerocopy::FromBytes;

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

/// The structure at the start of `b`; all zero if that is too short.
pub(crate) fn head<T: FromBytes>(b: &[u8]) -> T {
    T::read_from_prefix(b).map_or_else(|_| T::new_zeroed(), |(head, _)| head)
}

fn plan(kind: Kind, b: &[u8]) -> Plan {
    let end = b.len();
    let halves = |v: u64| [low32(v), low32(v >> 32)];
    let of_set = |set: &Bset, offset: u32| {
        let ([low, high], [journal, _]) = (halves(set.seq.get()), halves(set.journal_seq.get()));
        (CsumType(set.flag_bits().csum_type()), Nonce([offset, low, high, journal ^ NONCE_BTREE]))
    };
    match kind {
        Kind::Superblock => Plan {
            csum: CsumType(head::<Sb>(b).flags0().csum_type()),
            nonce: Nonce::default(),
            crypt: [(0, 0, 0); 2],
        },
        Kind::Journal => {
            let jset: Jset = head(b);
            let [low, high] = halves(jset.seq.get());
            Plan {
                csum: CsumType(jset.flag_bits().csum_type()),
                nonce: Nonce([0, low, high, NONCE_JOURNAL]),
                crypt: [(Jset::ENCRYPTED_FROM, end, 0), (0, 0, 0)],
            }
        }
        Kind::Node => {
            let (csum, nonce) = of_set(&head::<BtreeNode>(b).keys, 0);
            let fields = BtreeNode::ENCRYPTED_HEAD;
            let keys = (size_of::<BtreeNode>(), end, BtreeNode::NONCE_OF_KEYS);
            Plan { csum, nonce, crypt: [(fields.start, fields.end, 0), keys] }
        }
        Kind::Bset(offset) => {
            let (csum, nonce) = of_set(&head::<BtreeNodeEntry>(b).keys, offset);
            Plan { csum, nonce, crypt: [(size_of::<BtreeNodeEntry>(), end, 0), (0, 0, 0)] }
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
    // Each structure begins with its checksum.
    let Some((csum, summed)) = b.split_first_chunk_mut::<{ size_of::<Csum>() }>() else { return };
    if let Some(sum) = checksum(p.csum, key, p.nonce, summed) {
        *csum = sum;
    }
}

/// Decrypts `b`; its checksum is not looked at.
pub fn open(kind: Kind, key: Option<&Key>, b: &mut [u8]) {
    let p = plan(kind, b);
    if kind != Kind::Superblock {
        crypt(&p, key, b);
    }
}
