// SPDX-License-Identifier: GPL-2.0-only
//! Commands on file systems of today (1.x).

mod state;

use crate::exit::Exit;
use crate::progress;
use crate::source::read_passphrase;
use bch_gc::cli::Source;
use gc_disk::io::DeviceFile;
use gc_v1::fs::{Fs, Options, open};
use std::io::Write;
use std::process::ExitCode;

/// `bch-gc state`.
pub(crate) fn run_state(source: &Source) -> ExitCode {
    let fs = match open_source(source) {
        Ok(fs) => fs,
        Err(e) => {
            progress::say(&format!("bch-gc: {e}"));
            return Exit::Operational.into();
        }
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match state::state(&fs, &mut out).and_then(|clean| out.flush().map(|()| clean)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => Exit::Found.into(),
        Err(e) => {
            progress::say(&format!("bch-gc: writing the result: {e}"));
            Exit::Operational.into()
        }
    }
}

/// Opens the devices that the command line names.
fn open_source(source: &Source) -> Result<Fs, String> {
    let passphrase = match source.passphrase_fd {
        Some(fd) => Some(read_passphrase(fd).map_err(|e| e.to_string())?),
        None => None,
    };
    let mut files = Vec::new();
    for path in &source.images {
        let file = DeviceFile::open(path, source.in_use)
            .map_err(|e| format!("{}: {e}", path.display()))?;
        files.push(file);
    }
    open(files, &Options { passphrase }).map_err(|e| e.to_string())
}
