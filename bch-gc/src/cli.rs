// SPDX-License-Identifier: GPL-2.0-only
//! The command line of `bch-gc`. It stands in the library so that the program, the
//! man pages and the completions are made of the same words.
//!
//! A new command: a variant of [`Command`], an options struct if it has options of
//! its own, and [`Source`], which brings the images and what every command
//! understands (`--quiet`, `--progress-fd` and so on).

use clap::{Args, Parser, Subcommand, ValueEnum};
use gc_v0::memory::Size;
use std::path::PathBuf;

/// What `--version` says.
const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "
reads file systems of the format of June 2020, versions 0.9 to 0.11; state reads 1.3 to 1.39, too
finds what bcachefs-tools 05408b6f8 (June 2020) finds
licence: GPL-2.0-only"
);

const EXIT_CODES: &str = "\
Exit codes, as those of fsck(8):
   0  everything agrees
   4  errors were found, something could not be read, or what the file system holds
      ended the run
   8  no answer could be made
  16  the command line makes no sense
  32  interrupted

Images and devices are opened for reading only; nothing is ever written to them.";

/// Recomputes every allocation of a bcachefs file system and says what is wrong,
/// without writing to it
#[derive(Debug, Parser)]
#[command(
    name = "bch-gc",
    version = VERSION,
    after_help = EXIT_CODES,
    max_term_width = 90
)]
pub struct Cli {
    /// What is to be done.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Recompute everything and compare it with what the image says
    ///
    /// Every key of every btree is read, as they are after the journal; what buckets,
    /// counters and sets of devices should be follows from them, and is compared with
    /// what is recorded. Findings are those of `bcachefs fsck -n`, in the same words;
    /// bch-gc-findings(7) says what they mean. Missing devices of a file system with
    /// replicas are named, and the check goes on without them; so it does past sectors
    /// that cannot be read, which are listed at the end.
    #[command(after_help = EXIT_CODES)]
    Check {
        #[command(flatten)]
        #[expect(missing_docs, reason = "would become help text")]
        options: CheckOptions,
        #[command(flatten)]
        #[expect(missing_docs, reason = "would become help text")]
        source: Source,
    },
    /// Say why a bucket's counts are what they are: every reference, down to the file
    #[command(
        override_usage = EXPLAIN_USAGE,
        after_help = format!("{EXPLAIN_EXAMPLES}\n\n{EXIT_CODES}")
    )]
    Explain {
        #[command(flatten)]
        #[expect(missing_docs, reason = "would become help text")]
        options: ExplainOptions,
        #[command(flatten)]
        #[expect(missing_docs, reason = "would become help text")]
        source: Source,
    },
    /// Say what is intact, degraded or lost with the devices at hand, down to the file
    #[command(after_help = format!("{LOST_EXAMPLES}\n\n{EXIT_CODES}"))]
    Lost {
        #[command(flatten)]
        #[expect(missing_docs, reason = "would become help text")]
        options: LostOptions,
        #[command(flatten)]
        #[expect(missing_docs, reason = "would become help text")]
        source: Source,
    },
    /// Say what `fsck -y` would change, before and after, the destructive first
    #[command(after_help = format!("{PLAN_EXAMPLES}\n\n{EXIT_CODES}"))]
    Plan {
        #[command(flatten)]
        #[expect(missing_docs, reason = "would become help text")]
        options: PlanOptions,
        #[command(flatten)]
        #[expect(missing_docs, reason = "would become help text")]
        source: Source,
    },
    /// Show how full each btree is, and what merging of nodes would save
    #[command(after_help = format!("{COALESCE_EXAMPLES}\n\n{EXIT_CODES}"))]
    Coalesce {
        /// Print one JSON document instead of text
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        #[expect(missing_docs, reason = "would become help text")]
        source: Source,
    },
    /// Draw each device: what its buckets hold, how full they are, where findings are
    #[command(after_help = format!("{MAP_EXAMPLES}\n\n{EXIT_CODES}"))]
    Map {
        #[command(flatten)]
        #[expect(missing_docs, reason = "would become help text")]
        options: MapOptions,
        #[command(flatten)]
        #[expect(missing_docs, reason = "would become help text")]
        source: Source,
    },
    /// Print the whole result as JSON lines
    #[command(after_help = EXIT_CODES)]
    State {
        /// How findings are answered, and which compat bits count
        #[arg(long, value_enum, default_value = "n")]
        mode: Mode,
        #[command(flatten)]
        #[expect(missing_docs, reason = "would become help text")]
        source: Source,
    },
    /// Show how near each device is to a wrap of its generations, and the oldest pointers
    #[command(after_help = format!("{GENS_EXAMPLES}\n\n{EXIT_CODES}"))]
    Gens {
        #[command(flatten)]
        #[expect(missing_docs, reason = "would become help text")]
        options: GensOptions,
        #[command(flatten)]
        #[expect(missing_docs, reason = "would become help text")]
        source: Source,
    },
}

/// Options of `check`.
#[derive(Debug, Clone, Copy, Args)]
#[non_exhaustive]
pub struct CheckOptions {
    /// Walk pointers to metadata only
    #[arg(long)]
    pub metadata_only: bool,
    /// Print one JSON document instead of text; its form is in check.schema.json, see
    /// FILES in bch-gc(8)
    #[arg(long)]
    pub json: bool,
    /// Show every finding, not the first few of each kind
    #[arg(long, short)]
    pub verbose: bool,
    /// Threads that read metadata, 1 to 1024 (as many as there are processors); the
    /// report is the same for any number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Follow the references one by one in their order, as is done anyway once anything
    /// is found
    #[arg(long)]
    pub in_order: bool,
}

const EXPLAIN_USAGE: &str = "bch-gc explain [OPTIONS] DEV:BUCKET IMAGE...
       bch-gc explain [OPTIONS] DEV:@SECTOR IMAGE...
       bch-gc explain [OPTIONS] --all-findings IMAGE...";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  bch-gc explain 0:38 disk.img              bucket 38 of member 0
  bch-gc explain 1:@4864 a.img b.img        the bucket that holds sector 4864 of member 1
  bch-gc explain --all-findings disk.img    every bucket that a finding names
  bch-gc explain --json 0:38 disk.img | jq '.buckets[0].references[].files'";

/// Options of `explain`.
#[derive(Debug, Clone, Copy, Args)]
#[non_exhaustive]
pub struct ExplainOptions {
    /// Explain every bucket that a finding names, instead of one
    #[arg(long)]
    pub all_findings: bool,
    /// With --all-findings: buckets explained at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub max: usize,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
    /// Show every reference, not the first few
    #[arg(long, short)]
    pub verbose: bool,
}

const LOST_EXAMPLES: &str = "\
Examples:
  bch-gc lost a.img b.img                   with what is here; members may be missing
  bch-gc lost --without 1 a.img b.img       if member 1 were gone
  bch-gc lost --without 0 --without 2 *.img
  bch-gc lost --json a.img | jq -r '.files[] | select(.lost > 0) | .path'

Exit code 4 here: data or btree nodes are lost. Missing copies alone are none.";

/// Options of `lost`.
#[derive(Debug, Clone, Args)]
#[non_exhaustive]
pub struct LostOptions {
    /// Say what would be lost without this member, by its index; may be given again
    #[arg(long, value_name = "DEV")]
    pub without: Vec<u8>,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
    /// Show every node and file, not the first few
    #[arg(long, short)]
    pub verbose: bool,
}

const PLAN_EXAMPLES: &str = "\
Examples:
  bch-gc plan disk.img
  bch-gc plan --json disk.img | jq '.buckets[] | select(.destructive)'

A plan covers what bch-gc counts: buckets, usage, stripes. What fsck does to files
and directories afterwards is no part of it.
Exit code 4 here: something would change, or has no repair.";

/// Options of `plan`.
#[derive(Debug, Clone, Copy, Args)]
#[non_exhaustive]
pub struct PlanOptions {
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
    /// Show every change, not the first few of each part
    #[arg(long, short)]
    pub verbose: bool,
}

const COALESCE_EXAMPLES: &str = "\
Examples:
  bch-gc coalesce disk.img
  bch-gc coalesce --json disk.img | jq '.saved_bytes'

Nodes are merged in memory, one btree at a time, by the code that merges them in a
running file system; nothing is written.";

const GENS_EXAMPLES: &str = "\
Examples:
  bch-gc gens disk.img
  bch-gc gens --json --summary disk.img | jq '.devices[].recomputed.worst'
  bch-gc gens --json disk.img               every bucket, before and after";

/// Options of `gens`.
#[derive(Debug, Clone, Copy, Args)]
#[non_exhaustive]
pub struct GensOptions {
    /// Print JSON lines: every bucket, before and after oldest generations were
    /// recomputed
    #[arg(long)]
    pub json: bool,
    /// With --json: one document with what the text says instead
    #[arg(long, requires = "json")]
    pub summary: bool,
    /// Show every stale pointer, not the oldest few
    #[arg(long, short)]
    pub verbose: bool,
}

const MAP_EXAMPLES: &str = "\
Examples:
  bch-gc map disk.img
  bch-gc map --svg disk.svg disk.img        the same as a picture
  bch-gc map --rows 4 a.img b.img           at most four rows a device";

/// Options of `map`.
#[derive(Debug, Clone, Args)]
#[non_exhaustive]
pub struct MapOptions {
    /// Rows of a device at most; a cell stands for as many buckets as that needs
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub rows: u64,
    /// Print one JSON document, with the cells, instead of text
    #[arg(long)]
    pub json: bool,
    /// Write a picture to this file, which must not exist yet, instead of drawing with
    /// characters
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

impl MapOptions {
    /// Whether nothing is to be drawn on the terminal.
    #[must_use]
    pub const fn only_file(&self) -> bool {
        if self.svg.is_some() {
            return true;
        }
        false
    }
}

/// How a run answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Repair nothing that may be ignored
    N,
    /// Repair in memory what can be repaired
    Y,
    /// Like n, as if metadata had not been accounted for: two documents
    M,
    /// Like n, as if nothing had been accounted for
    A,
}

/// Where the file system is, and what is said while it is read.
#[derive(Debug, Clone, Args)]
#[non_exhaustive]
pub struct Source {
    /// Image files or block devices of one file system, in any order
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    /// Read block devices that are in use
    #[arg(long)]
    pub in_use: bool,
    /// Refuse a file system that is not complete
    #[arg(long)]
    pub require_all: bool,
    /// Read the passphrase of an encrypted file system from this file descriptor; it
    /// is asked for on a terminal otherwise
    #[arg(long, value_name = "FD")]
    pub passphrase_fd: Option<u32>,
    /// Take no more memory than this, a number of bytes or one with K, M, G or T; what
    /// is needed is said first, and a check goes over the metadata as often as it takes
    #[arg(long, value_name = "LIMIT")]
    pub memory: Option<Size>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "would become help text")]
    pub talk: Talk,
}

/// What is said besides the result.
#[derive(Debug, Clone, Copy, Default, Args)]
#[non_exhaustive]
pub struct Talk {
    /// Say only what is wrong: warnings, errors, and of a check its findings; nothing
    /// where nothing is wrong
    #[arg(long, short)]
    pub quiet: bool,
    /// Write progress as JSON lines to this file descriptor instead of showing it
    #[arg(long, value_name = "FD")]
    pub progress_fd: Option<u32>,
}
