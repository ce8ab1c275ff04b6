// SPDX-License-Identifier: GPL-2.0-only
//! Opening what the command line names.

use crate::interrupt;
use crate::progress::Progress;
use crate::strategy::Strategy;
use bch_gc::cli::Source;
use gc_v0::error::{KeyError, OpenError};
use gc_v0::fs::{Fs, Options, open as open_fs, uuid_text};
use gc_v0::report::Reporter;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// Opens the file system; what is missing is said on the standard error.
pub(crate) fn open(
    source: &Source,
    strategy: &Strategy,
    reporter: &mut dyn Reporter,
    progress: &Progress,
) -> Result<Fs, OpenError> {
    let passphrase = match source.passphrase_fd {
        Some(fd) => Some(read_passphrase(fd)?),
        None => None,
    };
    let mut options = Options {
        in_use: source.in_use,
        require_all: source.require_all,
        passphrase,
        clear_compat: strategy.clear_compat,
        incomplete: strategy.incomplete,
    };
    let fs = match open_fs(&source.images, &options, reporter) {
        Err(OpenError::Key(KeyError::Missing)) if interrupt::can_ask() => {
            let line = interrupt::ask_hidden("passphrase: ")
                .map_err(|e| OpenError::Io("terminal".into(), e))?;
            options.passphrase = Some(line.into_bytes());
            open_fs(&source.images, &options, reporter)?
        }
        other => other?,
    };
    for (idx, dev) in fs.members().filter(|(_, d)| d.online.is_none()) {
        let uuid = uuid_text(&dev.member.uuid);
        progress.say(&format!("bch-gc: warning: member {idx} ({uuid}) is missing"));
    }
    Ok(fs)
}

pub(crate) fn read_passphrase(fd: u32) -> Result<Vec<u8>, OpenError> {
    let path = std::path::PathBuf::from(format!("/dev/fd/{fd}"));
    let mut line = Vec::new();
    File::open(&path)
        .and_then(|f| BufReader::new(f).read_until(b'\n', &mut line))
        .map_err(|e| OpenError::Io(path, e))?;
    if line.is_empty() {
        return Err(OpenError::Key(KeyError::Missing));
    }
    Ok(line)
}
