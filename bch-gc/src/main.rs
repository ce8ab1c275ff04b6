// SPDX-License-Identifier: GPL-2.0-only
//! Recomputes every allocation of a bcachefs image and says what is wrong, without
//! writing to it and without bcachefs-tools.
//!
//! The command line is in `bch_gc::cli`; what commands have in common is in
//! [`run`]; each command has a module of its own.
#![deny(unsafe_code)]

mod agreed;
mod budget;
mod check;
mod coalesce;
mod document;
mod exit;
mod explain;
mod failure;
mod fields;
mod generation;
mod gens;
mod interrupt;
mod lost;
mod map;
#[expect(unsafe_code, reason = "an allocator")]
mod memory;
mod plan;
mod progress;
mod recorder;
mod run;
mod source;
mod state;
mod strategy;
mod style;
mod today;

use crate::exit::Exit;
use bch_gc::cli::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

/// What a panic says has been printed; it is no answer, and no signal either.
fn main() -> ExitCode {
    std::panic::catch_unwind(run_command).unwrap_or_else(|_| Exit::Operational.into())
}

fn run_command() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are no errors.
            let exit = if e.use_stderr() { Exit::Usage } else { Exit::Agrees };
            let _printed = e.print();
            return exit.into();
        }
    };
    if !interrupt::heed() {
        progress::say("bch-gc: warning: an interrupt will not be noticed");
    }
    match cli.command {
        Command::Check { options, source } => check::run(options, &source),
        Command::Explain { options, source } => explain::run(options, source),
        Command::Lost { options, source } => lost::run(&options, &source),
        Command::Plan { options, source } => plan::run(options, &source),
        Command::Coalesce { json, source } => coalesce::run(json, &source),
        Command::Map { options, source } => map::run(&options, &source),
        Command::State { mode, source } => state::run(mode, &source),
        Command::Gens { options, source } => gens::run(options, &source),
    }
}
