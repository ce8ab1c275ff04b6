// SPDX-License-Identifier: GPL-2.0-only
//! How numbers, sizes and emphasis look.

use std::io::IsTerminal;

/// Colours, or none: none where the output is no terminal, where `NO_COLOR` is set,
/// or where the terminal has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    on: bool,
}

impl Style {
    /// For what is printed to the standard output.
    pub(crate) fn of_stdout() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        Self { on: std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb }
    }

    /// No colours.
    #[cfg(test)]
    pub(crate) const fn none() -> Self {
        Self { on: false }
    }

    /// With these codes of "select graphic rendition".
    pub(crate) fn sgr(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    /// What is wrong.
    pub(crate) fn bad(self, text: &str) -> String {
        self.sgr("1;31", text)
    }

    /// What is right.
    pub(crate) fn good(self, text: &str) -> String {
        self.sgr("1;32", text)
    }

    /// What leads a part of the output.
    pub(crate) fn head(self, text: &str) -> String {
        self.sgr("1", text)
    }
}

/// A number and what it counts.
pub(crate) fn count(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}

/// A number of sectors as a size.
pub(crate) fn size(sectors: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = u128::from(sectors) * 512;
    let mut rest = 0;
    let mut unit = 0;
    while value >= 1024 && unit + 1 < UNITS.len() {
        rest = value % 1024;
        value /= 1024;
        unit += 1;
    }
    let unit = UNITS.get(unit).copied().unwrap_or_default();
    match rest * 10 / 1024 {
        0 => format!("{value} {unit}"),
        tenth => format!("{value}.{tenth} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: computed by hand.
    #[test]
    fn sizes() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1), "512 B");
        assert_eq!(size(2), "1 KiB");
        assert_eq!(size(3), "1.5 KiB");
        assert_eq!(size(1 << 21), "1 GiB");
        assert_eq!(size(u64::MAX), "8388607.9 PiB");
        assert_eq!((count(1, "error"), count(2, "error")), ("1 error".into(), "2 errors".into()));
    }

    // Oracle: what terminals understand; nothing where colours are off.
    #[test]
    fn colours() {
        assert_eq!(Style { on: true }.bad("x"), "\x1b[1;31mx\x1b[0m");
        assert_eq!(Style { on: false }.bad("x"), "x");
    }
}
