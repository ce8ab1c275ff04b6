// SPDX-License-Identifier: GPL-2.0-only
//! How much memory a run may take, and what it is going to take.

use crate::fs::Fs;
use crate::plain::Held;
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// A number of bytes as people write it: plain, or with K, M, G or T for powers of
/// 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// The factor of a unit.
fn factor(unit: &str) -> Option<u64> {
    match unit {
        "" => Some(1),
        "K" | "k" => Some(KIB),
        "M" | "m" => Some(MIB),
        "G" | "g" => Some(1 << 30),
        "T" | "t" => Some(1 << 40),
        _ => None,
    }
}

impl FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let factor = factor(unit).ok_or("a number of bytes, or one with K, M, G or T");
        let number: NonZeroU64 = number.parse().map_err(|_| "a number of bytes above 0")?;
        number.get().checked_mul(factor?).map(Self).ok_or("more than any machine has")
    }
}

impl fmt::Display for Size {
    /// In whole MiB, rounded up, in the form in which sizes are given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}M", self.0.div_ceil(MIB))
    }
}

/// What code, stacks and the allocator take that is not in memory yet when a run
/// begins to count: measured, and rounded up.
pub const REST: u64 = 3 * MIB;
/// For a thread that reads nodes, besides a node.
const THREAD: u64 = 512 * KIB;
/// For a node that is going to be read: its pointer, in a list that grows.
const NODE: u64 = 448;
/// For a bucket where references are followed in their order: two of `struct bucket`.
const BUCKET: u64 = 32;
/// Of nodes in memory at least where references are followed in their order, in sizes of
/// a node: a path down a btree, and one that is read, whose keys are unpacked meanwhile.
const PATH: u64 = 24;
/// For what is found, and its texts: some thousand findings.
const FOUND: u64 = 2 * MIB;
/// For a bucket that is kept until a document is printed: 24 bytes, in a list that doubles
/// when it grows.
const ROW: u64 = 72;

/// Memory of the process at this moment, in bytes; none is known where the system
/// does not say.
#[must_use]
pub fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(KIB)
}

fn node_bytes(fs: &Fs) -> u64 {
    u64::from(fs.btree_node_sectors()).saturating_mul(512)
}

/// What a run takes from when the journal has been read, besides buckets, in bytes.
fn ahead(fs: &Fs, threads: usize) -> u64 {
    let thread = node_bytes(fs).saturating_mul(2).saturating_add(THREAD);
    let threads = gc_disk::bytes::number(threads).saturating_mul(thread);
    threads.saturating_add(fs.recorded_nodes().saturating_mul(NODE))
}

/// Of a run whose buckets are not counted yet: what it takes besides them, in bytes.
#[must_use]
pub fn besides_buckets(fs: &Fs, threads: usize) -> u64 {
    now().saturating_add(ahead(fs, threads))
}

/// What the process takes at this moment and will at least, in bytes.
#[must_use]
pub fn now() -> u64 {
    resident().unwrap_or(16 * MIB).saturating_add(REST)
}

/// What following the references in their order takes, in bytes: besides nodes kept,
/// and for each bucket.
#[must_use]
pub fn in_order(fs: &Fs) -> u64 {
    without_buckets(fs).saturating_add(all_buckets(fs))
}

/// The same but for buckets.
#[must_use]
pub fn without_buckets(fs: &Fs) -> u64 {
    besides_buckets(fs, 0).saturating_add(path(fs))
}

/// What would do for a run from when the journal has been read, in bytes, before that is
/// done: by so many threads, in as many walks as needed; or, if `None`, for following the
/// references in their order.
#[must_use]
pub fn after_the_journal(fs: &Fs, in_parts: Option<usize>) -> u64 {
    let buckets = match in_parts {
        Some(_) => Held::full(fs).least(),
        None => all_buckets(fs),
    };
    ahead(fs, in_parts.unwrap_or(0)).saturating_add(path(fs)).saturating_add(buckets)
}

/// What documents take that keep so many buckets until they are printed, in bytes; all
/// buckets if `None`.
#[must_use]
pub fn documents(fs: &Fs, buckets: Option<u64>) -> u64 {
    match buckets {
        Some(n) => n.saturating_mul(ROW),
        None => (all_buckets(fs) / BUCKET).saturating_mul(ROW),
    }
}

fn path(fs: &Fs) -> u64 {
    node_bytes(fs).saturating_mul(PATH).saturating_add(FOUND)
}

fn all_buckets(fs: &Fs) -> u64 {
    let buckets = fs.members().map(|(_, d)| d.member.nbuckets);
    buckets.fold(0, u64::saturating_add).saturating_mul(BUCKET)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: computed by hand.
    #[test]
    fn sizes() {
        let of = |text: &str| text.parse::<Size>().ok().map(|s| s.0);
        assert_eq!(of("1"), Some(1));
        assert_eq!(of("1048576"), Some(1 << 20));
        assert_eq!((of("3K"), of("512M")), (Some(3072), Some(512 << 20)));
        assert_eq!((of("2G"), of("2g"), of("7t")), (Some(2 << 30), Some(2 << 30), Some(7 << 40)));
        for bad in ["", "0", "0M", "M", "-1", "1.5G", "1MB", "1 M", "1é", "99999999999999T"] {
            assert_eq!(of(bad), None, "{bad}");
        }
        assert_eq!(Size(1).to_string(), "1M");
        assert_eq!(Size(5 << 20).to_string().parse(), Ok(Size(5 << 20)));
    }

    // Oracle: this process is there, and not larger than a machine.
    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_takes_some() {
        let now = resident().unwrap();
        assert!((100 << 10..1 << 40).contains(&now), "{now}");
    }
}
