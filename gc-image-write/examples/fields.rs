// SPDX-License-Identifier: GPL-2.0-only
//! Every field of every structure of small file systems, changed in six ways and to a
//! random value, checksums mended, through a program: no signal, no hang, and no more
//! memory than asked for.
//!
//! `fields [OPTION ...] DIR PROGRAM [ARG ...]` runs PROGRAM with ARGs and the images,
//! which it makes in DIR, best in memory. Prints how the runs ended by structure, each
//! that ended by a signal, a panic or not in time, and the most memory that a run had.
//!
//! | option | means | else |
//! | --- | --- | --- |
//! | `--every N` | each nth change | 1: all |
//! | `--only N` | the nth change alone; its images are left in DIR | |
//! | `--seeds A,B` | these file systems | 0,3,5 |
//! | `--usual` | file systems of the usual size, which the original takes too | small ones |
//! | `--kib N` | so much address space, so that a claim of the superblock shows | no limit |
//! | `--seconds N` | as long as a run may take | 20 |
use gc_image_write::damage::{Change, Field, Images, Mend, Place, Planted, fields, plant};
use gc_image_write::generate::{generate, generate_small, settings, small_settings};
use gc_image_write::rng::Rng;
use nix::sys::resource::{Resource, UsageWho, getrusage, setrlimit};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

struct Options {
    every: u64,
    only: Option<u64>,
    seeds: Vec<u64>,
    usual: bool,
    longest: Duration,
    dir: PathBuf,
    program: Vec<String>,
}

impl Options {
    fn parse() -> Fallible<Self> {
        let mut args = std::env::args().skip(1);
        let mut o = Self {
            every: 1,
            only: None,
            seeds: vec![0, 3, 5],
            usual: false,
            longest: Duration::from_secs(20),
            dir: PathBuf::new(),
            program: Vec::new(),
        };
        let usage = "usage: fields [OPTION ...] DIR PROGRAM [ARG ...]";
        loop {
            let arg = args.next().ok_or(usage)?;
            let mut value = || args.next().ok_or(usage);
            match arg.as_str() {
                "--usual" => o.usual = true,
                "--every" => o.every = value()?.parse::<u64>()?.max(1),
                "--only" => o.only = Some(value()?.parse()?),
                "--seconds" => o.longest = Duration::from_secs(value()?.parse()?),
                "--seeds" => {
                    o.seeds = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                "--kib" => {
                    // What is started has the same limit.
                    let bytes = value()?.parse::<u64>()?.saturating_mul(1024);
                    setrlimit(Resource::RLIMIT_AS, bytes, bytes)?;
                }
                _ => {
                    o.dir = arg.into();
                    o.program = args.collect();
                    break;
                }
            }
        }
        if o.program.is_empty() { Err(usage.into()) } else { Ok(o) }
    }

    fn wanted(&self, n: u64) -> bool {
        self.only.map_or(n % self.every == 0, |only| n == only)
    }

    fn paths(&self, seed: u64) -> Vec<PathBuf> {
        let spec = if self.usual { settings(seed) } else { small_settings(seed) };
        let path = |i| self.dir.join(format!("fields-{seed}.{i}"));
        (0..spec.devices.len()).map(path).collect()
    }

    fn write(&self, seed: u64, paths: &[PathBuf]) -> Fallible<()> {
        if self.usual {
            generate(seed, paths)?
        } else {
            generate_small(seed, paths)?
        };
        Ok(())
    }

    /// How the program ends.
    fn run(&self, paths: &[impl AsRef<Path>]) -> Fallible<String> {
        let (program, args) = self.program.split_first().ok_or("no program")?;
        let mut child = Command::new(program)
            .args(args)
            .args(paths.iter().map(AsRef::as_ref))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        wait(&mut child, self.longest)
    }
}

fn wait(child: &mut Child, longest: Duration) -> Fallible<String> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.to_string());
        }
        if start.elapsed() > longest {
            child.kill()?;
            child.wait()?;
            return Ok("too slow".to_string());
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Every change of every field of a place.
fn changes(
    place: &Place,
    bytes: &[u8],
    rng: &mut Rng,
) -> impl Iterator<Item = (Field, Change)> + use<> {
    let all: Vec<_> = fields(place, bytes)
        .into_iter()
        .flat_map(|field| {
            let random = Change::Set(rng.next_u64());
            Change::FIXED.into_iter().chain([random]).map(move |change| (field, change))
        })
        .collect();
    all.into_iter()
}

/// Whether the program chose to end so; 101 is a panic.
fn chosen(end: &str) -> bool {
    end.starts_with("exit status: ") && end != "exit status: 101"
}

fn main() -> Fallible<()> {
    let options = Options::parse()?;
    let mut ends: BTreeMap<&str, BTreeMap<String, u64>> = BTreeMap::new();
    let (mut n, mut bad) = (0_u64, 0_u64);
    for &seed in &options.seeds {
        let paths = options.paths(seed);
        options.write(seed, &paths)?;
        let images = Images::open(&paths)?;
        let all = images.places();
        let mut rng = Rng::new(seed);
        for place in &all {
            for (field, change) in changes(place, &images.read(place)?, &mut rng) {
                n += 1;
                if !options.wanted(n) {
                    continue;
                }
                let planted = Planted { place: place.clone(), field, change, all_copies: true };
                plant(&images, &all, &planted, Mend::Yes)?;
                let end = options.run(&paths)?;
                if options.only.is_some() {
                    println!("{end}: {planted:?}");
                    return Ok(());
                }
                if !chosen(&end) {
                    bad += 1;
                    println!("{end}: change {n}, seed {seed}: {planted:?}");
                }
                *ends.entry(field.structure).or_default().entry(end).or_default() += 1;
                // As it was.
                options.write(seed, &paths)?;
            }
        }
    }
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (structure, ends) in &ends {
        let texts: Vec<_> = ends.iter().map(|(end, n)| format!("{n} x {end}")).collect();
        println!("{structure}: {}", texts.join(", "));
        for (end, n) in ends {
            *sums.entry(end).or_default() += n;
        }
    }
    let run: u64 = sums.values().sum();
    println!("{run} of {n} changes: {sums:?}");
    println!("most memory of a run: {} KiB", getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss());
    if bad > 0 { Err(format!("{bad} runs ended otherwise").into()) } else { Ok(()) }
}
