// SPDX-License-Identifier: GPL-2.0-only
//! Recomputes every allocation of a bcachefs image and says what is wrong, without
//! writing to it and without bcachefs-tools.
#![forbid(unsafe_code)]

mod check;
mod document;
mod gens;
mod recorder;
mod source;
mod state;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// Errors were found, or the file system's content ended the run.
const FOUND: u8 = 4;
/// No answer could be made.
const OPERATIONAL: u8 = 8;
/// The command line makes no sense.
const USAGE: u8 = 16;
/// Ended by the user.
const CANCELLED: i32 = 32;

#[derive(Debug, Parser)]
#[command(name = "bch-gc", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Recompute everything and compare it with what the image says
    Check {
        #[command(flatten)]
        options: check::Options,
        #[command(flatten)]
        source: Source,
    },
    /// Print the whole result as JSON lines
    State {
        /// How findings are answered, and which compat bits count
        #[arg(long, value_enum, default_value = "n")]
        mode: Mode,
        #[command(flatten)]
        source: Source,
    },
    /// Recompute the oldest generation of each bucket
    Gens {
        /// Print JSON lines
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        source: Source,
    },
}

/// How a run answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Repair nothing that may be ignored
    N,
    /// Repair in memory what can be repaired
    Y,
    /// Like n, as if metadata had not been accounted for: two documents
    M,
    /// Like n, as if nothing had been accounted for
    A,
}

/// Where the file system is.
#[derive(Debug, Clone, Args)]
struct Source {
    /// Image files or block devices of one file system, in any order
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// Read block devices that are in use
    #[arg(long)]
    in_use: bool,
    /// Refuse a file system that is not complete
    #[arg(long)]
    require_all: bool,
    /// Read the passphrase from this file descriptor
    #[arg(long, value_name = "FD")]
    passphrase_fd: Option<u32>,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are no errors.
            let code = if e.use_stderr() { USAGE } else { 0 };
            let _printed = e.print();
            return ExitCode::from(code);
        }
    };
    // Nothing is ever written, so that a run may end anywhere.
    if ctrlc::set_handler(|| std::process::exit(CANCELLED)).is_err() {
        eprintln!("bch-gc: warning: an interrupt will not be noticed");
    }
    match cli.command {
        Command::Check { options, source } => check::run(options, &source),
        Command::State { mode, source } => state::run(mode, &source),
        Command::Gens { json, source } => gens::run(json, &source),
    }
}
