// SPDX-License-Identifier: GPL-2.0-only
//! Comparing what was counted with what is stored (facts:
//! docs/facts/v1/check-allocations.md 7 to 10).

use crate::alloc::Alloc;
use crate::counter::{Counter, Values, kind};
use crate::error_ids::ErrorId;
use crate::fs::{Device, Fs};
use crate::recount::Recount;
use crate::recount::buckets::Bucket;
use crate::report::{Outcome, Report};
use crate::tables::DataType;
use crate::text::Printer;
use std::collections::BTreeMap;

/// A bucket after the comparison.
#[derive(Debug, Clone, Copy)]
pub struct Final {
    /// Number of the bucket.
    pub bucket: u64,
    /// As recounted, the states of empty buckets settled.
    pub counted: Bucket,
    /// As stored.
    pub had: Alloc,
}

/// What the comparison leaves.
#[derive(Debug, Default)]
pub struct Compared {
    /// Buckets of which anything is known, by member.
    pub buckets: BTreeMap<u8, Vec<Final>>,
    /// All counters that should be, those of devices and data types among them.
    pub counters: BTreeMap<Counter, Values>,
}

/// Compares, and adds what differs to the report.
pub fn compare(fs: &Fs, recount: &Recount, report: &mut Report) -> Compared {
    let mut compared = Compared::default();
    for (counter, values) in &recount.counters {
        compared.counters.insert(*counter, *values);
    }
    for (dev, device) in fs.members() {
        buckets(dev, device, recount, report, &mut compared);
    }
    counters(fs, recount, report, &compared);
    let printer = Printer { fs, gens: &recount.stored.gens };
    stripes(recount, printer, report);
    reflink(recount, printer, report);
    compared
}

fn buckets(
    dev: u8,
    device: &Device,
    recount: &Recount,
    report: &mut Report,
    compared: &mut Compared,
) {
    let member = &device.member;
    let idx = u64::from(dev);
    let none = Vec::new();
    let touched: Vec<(u64, Bucket)> = recount
        .tables
        .get(usize::from(dev))
        .and_then(Option::as_ref)
        .map_or(none, |t| t.touched().map(|(n, b)| (n, *b)).collect());
    let mut all: BTreeMap<u64, Final> = BTreeMap::new();
    for (bucket, counted) in touched {
        all.insert(bucket, Final { bucket, counted, had: Alloc::default() });
    }
    let keys = recount.stored.alloc.range((idx, 0)..=(idx, u64::MAX));
    for ((_, bucket), had) in keys.filter(|((_, b), _)| member.has(*b)) {
        let counted = Bucket::default();
        let at = all.entry(*bucket).or_insert(Final { bucket: *bucket, counted, had: *had });
        at.had = *had;
    }
    let mut sums: BTreeMap<DataType, Values> = BTreeMap::new();
    let mut seen = 0_i64;
    for one in all.values_mut() {
        if !member.has(one.bucket) {
            continue;
        }
        one_bucket(dev, device.online.is_some(), one, report);
        let size = u64::from(member.bucket_size);
        seen = seen.saturating_add(1);
        for (data_type, values) in of_device(one, size) {
            crate::recount::add(sums.entry(data_type).or_default(), values);
        }
    }
    let nbuckets = member.nbuckets.saturating_sub(member.first_bucket);
    let free = i64::try_from(nbuckets).unwrap_or(i64::MAX).saturating_sub(seen);
    crate::recount::add(sums.entry(DataType::FREE).or_default(), [free, 0, 0]);
    for (data_type, values) in sums {
        compared.counters.insert(Counter::dev_data_type(dev, data_type), values);
    }
    compared.buckets.insert(dev, all.into_values().collect());
}

/// Settles what a bucket holds, and tells what differs.
fn one_bucket(dev: u8, online: bool, one: &mut Final, report: &mut Report) {
    let had = one.had;
    let counted = &mut one.counted;
    if !online && matches!(had.data_type, DataType::SB | DataType::JOURNAL) {
        counted.set_data_type(had.data_type);
        counted.dirty = had.dirty_sectors;
    }
    let hint = match counted.data_type() {
        t if t.is_empty() => had.data_type,
        t => t,
    };
    let state = counted.as_alloc(&had).state(hint);
    counted.set_data_type(state);
    let (bucket, gen_, t) = (one.bucket, counted.gen_, state.name());
    let mut tell = |id, what: &str, got: String, want: String| {
        let text = format!("bucket {dev}:{bucket} gen {gen_}{what}: got {got}, should be {want}");
        report.add(id, Outcome::Fixed, text);
    };
    if had.data_type != state {
        let (got, want) = (had.data_type.name().into(), t.into());
        tell(ErrorId::ALLOC_KEY_DATA_TYPE_WRONG, " has wrong data_type", got, want);
    }
    let numbers = [
        (ErrorId::ALLOC_KEY_GEN_WRONG, "gen", u32::from(had.gen_), u32::from(counted.gen_)),
        (ErrorId::ALLOC_KEY_DIRTY_SECTORS_WRONG, "dirty_sectors", had.dirty_sectors, counted.dirty),
        (
            ErrorId::ALLOC_KEY_STRIPE_SECTORS_WRONG,
            "stripe_sectors",
            had.stripe_sectors,
            counted.stripe,
        ),
        (
            ErrorId::ALLOC_KEY_CACHED_SECTORS_WRONG,
            "cached_sectors",
            had.cached_sectors,
            counted.cached,
        ),
    ];
    for (id, field, got, want) in numbers {
        if got != want {
            let field = if field == "gen" { "generation" } else { field };
            let what = format!(" data type {t} has wrong {field}");
            tell(id, &what, got.to_string(), want.to_string());
        }
    }
}

/// What a bucket adds to the counters of its device.
fn of_device(one: &Final, size: u64) -> Vec<(DataType, Values)> {
    let alloc = one.counted.as_alloc(&one.had);
    let data_type = alloc.data_type;
    let sectors = alloc.sectors();
    let fragmented = match sectors {
        0 if data_type.is_empty() => 0,
        0 => size,
        n => size.saturating_sub(n),
    };
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut all = vec![(data_type, [1, signed(sectors), signed(fragmented)])];
    if data_type == DataType::STRIPE && alloc.dirty_sectors != 0 {
        all.push((DataType::UNSTRIPED, [1, i64::from(alloc.dirty_sectors), 0]));
    }
    all
}

fn counters(fs: &Fs, recount: &Recount, report: &mut Report, compared: &Compared) {
    let stored = &recount.stored.counters;
    let mut all: Vec<Counter> = stored.keys().chain(compared.counters.keys()).copied().collect();
    all.sort_unstable();
    all.dedup();
    for counter in all.into_iter().filter(|c| c.kind() < kind::NR && c.kind() != kind::INUM) {
        let nr = counter.values();
        let of = |values: Option<&Values>| {
            let values = values.copied().unwrap_or_default();
            values.get(..nr).unwrap_or(&[]).to_vec()
        };
        let (got, want) = (of(stored.get(&counter)), of(compared.counters.get(&counter)));
        if got == want {
            continue;
        }
        // Counters are printed without a sign.
        let list = |values: &[i64]| {
            let all: Vec<String> =
                values.iter().map(|v| u64::from_le_bytes(v.to_le_bytes()).to_string()).collect();
            all.join(" ")
        };
        let text = format!(
            "accounting mismatch for {}:\n      got {}\nshould be {}",
            counter.name(&|dev| device_name(fs, dev)),
            list(&got),
            list(&want)
        );
        report.add(ErrorId::ACCOUNTING_MISMATCH, Outcome::Fixed, text);
    }
}

/// What a device is called: the name of its file, or its number.
#[must_use]
pub fn device_name(fs: &Fs, dev: u32) -> String {
    let device = u8::try_from(dev).ok().and_then(|dev| fs.device(dev));
    let path = device.and_then(|d| d.online.as_ref()).map(|o| o.file.path());
    match path.and_then(|p| p.file_name()) {
        Some(name) => name.to_string_lossy().into_owned(),
        None => dev.to_string(),
    }
}

fn stripes(recount: &Recount, printer: Printer<'_>, report: &mut Report) {
    for counted in recount.stripes.values() {
        let mut lines = Vec::new();
        let mut parity = false;
        let both = counted.stripe.counts.iter().zip(&counted.counts);
        for (n, (got, want)) in (0_u8..).zip(both) {
            parity |= n >= counted.stripe.nr_data() && *got != 0;
            if u64::from(*got) != *want {
                lines.push(format!(
                    "stripe block {n} has wrong sector count: got {got}, should be {want}"
                ));
            }
        }
        if lines.is_empty() && !parity {
            continue;
        }
        lines.push(printer.key(counted.key.as_ref()));
        // Of a stripe with both the tool asks twice, as the first is left as it is.
        if parity {
            let id = ErrorId::STRIPE_PARITY_BLOCK_SECTOR_COUNT_WRONG;
            let first = "stripe parity block with nonzero sector count";
            report.add(id, Outcome::Ignored, format!("{first}\n{}", lines.join("\n")));
        }
        if lines.len() > 1 {
            report.add(ErrorId::STRIPE_SECTOR_COUNT_WRONG, Outcome::Ignored, lines.join("\n"));
        }
    }
}

fn reflink(recount: &Recount, printer: Printer<'_>, report: &mut Report) {
    for indirect in recount.reflink.all().iter().filter(|i| i.had != i.counted_by_tool) {
        let text = format!(
            "reflink key has wrong refcount:\n{}\nshould be {}",
            printer.key(indirect.key.as_ref()),
            indirect.counted_by_tool
        );
        report.add(ErrorId::REFLINK_V_REFCOUNT_WRONG, Outcome::Fixed, text);
    }
}
