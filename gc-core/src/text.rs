// SPDX-License-Identifier: GPL-2.0-only
//! Message text in a buffer of fixed size, cut where it is full.

use core::ffi::CStr;
use core::fmt;

/// Longest message, its final NUL included (source: `struct fsck_err_state`).
pub const MESSAGE_MAX: usize = 512;

/// A message as the host receives it.
pub type Message = Text<MESSAGE_MAX>;

/// Text of at most `N - 1` bytes; what does not fit is dropped.
#[derive(Clone, Copy)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    /// The empty text.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    /// `value` as text.
    #[must_use]
    pub fn of(value: &impl fmt::Display) -> Self {
        let mut text = Self::new();
        text.push(format_args!("{value}"));
        text
    }

    /// Appends; what does not fit is dropped.
    pub fn push(&mut self, args: fmt::Arguments<'_>) {
        // Writing fails only where it is cut, and that is wanted.
        let _cut = fmt::write(self, args);
    }

    /// The bytes so far, without a final NUL.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    /// The text so far; empty when a cut went through a character.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match core::str::from_utf8(self.as_bytes()) {
            Ok(s) => s,
            Err(e) => self
                .as_bytes()
                .get(..e.valid_up_to())
                .and_then(|b| core::str::from_utf8(b).ok())
                .unwrap_or(""),
        }
    }

    /// The text as C reads it, up to a NUL within it.
    #[must_use]
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let room = N.saturating_sub(1).saturating_sub(self.len);
        let take = s.len().min(room);
        let end = self.len.saturating_add(take);
        let free = self.bytes.get_mut(self.len..end).unwrap_or_default();
        // Equally long; a copy that asserts it would leave a panic in the archive.
        for (to, from) in free.iter_mut().zip(s.as_bytes()) {
            *to = *from;
        }
        self.len = end;
        if take == s.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the first N - 1 bytes of what std formats, for every N up to past its end.
    #[test]
    fn cuts_like_a_bounded_print() {
        fn check<const N: usize>(want: &str) {
            let text = Text::<N>::of(&format_args!("{}:{} {}", 12, 345, "bucket"));
            let cut = &want.as_bytes()[..want.len().min(N - 1)];
            assert_eq!(text.as_bytes(), cut);
            assert_eq!(text.as_c_str().to_bytes(), cut);
        }
        let want = "12:345 bucket";
        check::<1>(want);
        check::<3>(want);
        check::<4>(want);
        check::<13>(want);
        check::<14>(want);
        check::<64>(want);
    }

    // Oracle: a cut within a character leaves the characters before it.
    #[test]
    fn a_cut_character_is_left_out() {
        let text = Text::<3>::of(&"aé");
        assert_eq!(text.as_str(), "a");
        assert_eq!(text.as_bytes().len(), 2);
    }
}
