// SPDX-License-Identifier: GPL-2.0-only
//! An interrupt ends the run at once: nothing is ever written, so it may end anywhere.

use crate::exit::Exit;
use crate::progress;
use console::Term;
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long it may take to say how far the run was.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// The terminal as it was before it was told to hide what is typed.
static TERMINAL: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// Heeds interrupts from now on; `false` where that cannot be.
pub(crate) fn heed() -> bool {
    ctrlc::set_handler(|| {
        // Where nobody takes the words, the run ends all the same.
        let _watch = std::thread::Builder::new().spawn(|| {
            std::thread::sleep(LAST_WORDS);
            std::process::exit(Exit::Cancelled.code().into());
        });
        let terminal = TERMINAL.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((tty, modes)) = terminal {
            let _restored = tcsetattr(&tty, SetArg::TCSANOW, &modes);
        }
        progress::interrupted();
        std::process::exit(Exit::Cancelled.code().into());
    })
    .is_ok()
}

/// Whether somebody is there to be asked.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && Term::stderr().is_term()
}

/// Asks for a line that is not shown while it is typed; the terminal is put right
/// if the question is answered by an interrupt.
pub(crate) fn ask_hidden(prompt: &str) -> std::io::Result<String> {
    let before = File::open("/dev/tty").ok().and_then(|tty| {
        let modes = tcgetattr(&tty).ok()?;
        Some((tty, modes))
    });
    let keep = |modes| *TERMINAL.lock().unwrap_or_else(PoisonError::into_inner) = modes;
    keep(before);
    let term = Term::stderr();
    let line = term.write_str(prompt).and_then(|()| term.read_secure_line());
    keep(None);
    line
}
