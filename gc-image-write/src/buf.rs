// SPDX-License-Identifier: GPL-2.0-only
//! Little endian integers into growing bytes.

use gc_core::layout::Bpos;

/// Bytes that grow, with zeros, to hold what is put into them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buf(pub(crate) Vec<u8>);

impl Buf {
    pub(crate) fn zeroed(len: usize) -> Self {
        Self(vec![0; len])
    }

    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) {
        let end = at + bytes.len();
        if self.0.len() < end {
            self.0.resize(end, 0);
        }
        if let Some(to) = self.0.get_mut(at..end) {
            to.copy_from_slice(bytes);
        }
    }

    pub(crate) fn u8(&mut self, at: usize, v: u8) {
        self.put(at, &[v]);
    }

    pub(crate) fn u16(&mut self, at: usize, v: u16) {
        self.put(at, &v.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, at: usize, v: u32) {
        self.put(at, &v.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, at: usize, v: u64) {
        self.put(at, &v.to_le_bytes());
    }

    pub(crate) fn pos(&mut self, at: usize, p: Bpos) {
        self.u32(at, p.snapshot);
        self.u64(at + 4, p.offset);
        self.u64(at + 12, p.inode);
    }

    pub(crate) fn push_u64(&mut self, v: u64) {
        self.0.extend_from_slice(&v.to_le_bytes());
    }

    /// Zeros up to the next multiple of `n`.
    pub(crate) fn pad(&mut self, n: usize) {
        self.0.resize(self.0.len().next_multiple_of(n), 0);
    }
}

/// Bytes as words, the last one filled with zeros.
pub(crate) fn words(bytes: &[u8]) -> Vec<u64> {
    bytes
        .chunks(8)
        .map(|c| {
            let mut w = [0; 8];
            for (to, from) in w.iter_mut().zip(c) {
                *to = *from;
            }
            u64::from_le_bytes(w)
        })
        .collect()
}

/// Sectors in bytes.
pub(crate) fn bytes_of(sectors: u64) -> usize {
    usize::try_from(sectors.saturating_mul(512)).unwrap_or(usize::MAX)
}

/// A length as a number.
pub(crate) fn number(v: usize) -> u64 {
    u64::try_from(v).unwrap_or(u64::MAX)
}

/// Low bits of a number.
pub(crate) fn low8(v: u64) -> u8 {
    gc_core::layout::bits::low8(v)
}
