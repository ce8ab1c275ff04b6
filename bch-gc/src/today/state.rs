// SPDX-License-Identifier: GPL-2.0-only
//! `bch-gc state` of a file system of today: JSON lines with everything that was counted.

use gc_v1::compare::{Compared, compare};
use gc_v1::counter::{Counter, Values, kind};
use gc_v1::fs::Fs;
use gc_v1::journal::{Recovered, recover};
use gc_v1::recount::buckets::Bucket;
use gc_v1::recount::{Recount, recount};
use gc_v1::report::{Outcome, Report};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// Writes all lines.
///
/// # Errors
/// Those of writing.
pub(crate) fn state(fs: &Fs, out: &mut dyn Write) -> io::Result<bool> {
    let mut report = Report::default();
    let recovered = recover(fs, &mut report);
    let counted = recount(fs, &recovered, &mut report);
    let compared = counted.ended.is_none().then(|| {
        report.in_pass = true;
        let compared = compare(fs, &counted, &mut report);
        report.in_pass = false;
        compared
    });
    let mut lines = Lines { out, fs };
    lines.head(&recovered)?;
    lines.walked(&counted)?;
    if let Some(compared) = &compared {
        lines.compared(&counted, compared)?;
    }
    lines.errors(&report)?;
    Ok(report.found.is_empty())
}

struct Lines<'a> {
    out: &'a mut dyn Write,
    fs: &'a Fs,
}

impl Lines<'_> {
    fn line(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.out, "{value}")
    }

    fn head(&mut self, recovered: &Recovered) -> io::Result<()> {
        let (fs, sb) = (self.fs, self.fs.sb.head());
        self.line(&json!({
            "kind": "fs",
            "version": sb.version.get(),
            "version_min": sb.version_min.get(),
            "clean": fs.is_clean(),
            "nr_devices": sb.nr_devices,
            "block_size": sb.block_size.get(),
            "btree_node_size": fs.node_sectors(),
            "compat": fs.sb.compat(),
            "features": fs.sb.features(),
            "journal_keys": recovered.overlay.len(),
            "key_version": recovered.key_version,
            "encrypted": fs.key.is_some(),
            "devs_removed": fs.removed,
        }))
    }

    fn walked(&mut self, counted: &Recount) -> io::Result<()> {
        let ended = counted.ended.as_ref().map_or("", |e| &e.0);
        self.line(&json!({"kind": "walked", "ret": 0, "err": ended}))?;
        let rows: Vec<Value> = counted
            .levels
            .iter()
            .map(|((btree, level), l)| {
                let types: BTreeMap<String, u64> =
                    l.types.iter().map(|(t, n)| (t.to_string(), *n)).collect();
                json!([btree, level, l.keys, l.u64s, format!("{:016x}", l.digest), types])
            })
            .collect();
        self.line(&json!({"kind": "btrees", "rows": rows}))?;
        for (dev, _) in self.fs.members() {
            let idx = u64::from(dev);
            let keys = counted.stored.alloc.range((idx, 0)..=(idx, u64::MAX));
            let rows: Vec<Value> = keys
                .map(|((_, bucket), a)| {
                    json!([
                        bucket,
                        a.gen_,
                        a.oldest_gen,
                        a.data_type.0,
                        a.dirty_sectors,
                        a.cached_sectors,
                        a.stripe_sectors,
                        a.stripe_refcount,
                        a.flags,
                        a.journal_seq_nonempty,
                        a.journal_seq_empty,
                        a.io_time[0],
                        a.io_time[1],
                        a.nr_external_backpointers,
                        a.key_type
                    ])
                })
                .collect();
            self.device("alloc_had", "had", dev, rows)?;
        }
        for (dev, _) in self.fs.members() {
            let table = counted.tables.get(usize::from(dev)).and_then(Option::as_ref);
            let rows: Vec<Value> =
                table.into_iter().flat_map(|t| t.touched()).map(|(n, b)| row(n, b)).collect();
            self.device("alloc_gc", "walked", dev, rows)?;
        }
        Ok(())
    }

    fn device(&mut self, kind: &str, stage: &str, dev: u8, rows: Vec<Value>) -> io::Result<()> {
        let Some(device) = self.fs.device(dev) else { return Ok(()) };
        let m = &device.member;
        let line = json!({
            "kind": kind,
            "stage": stage,
            "dev": dev,
            "online": device.online.is_some(),
            "nbuckets": m.nbuckets,
            "first_bucket": m.first_bucket,
            "bucket_size": m.bucket_size,
            "rows": rows,
        });
        self.line(&line)
    }

    fn compared(&mut self, counted: &Recount, compared: &Compared) -> io::Result<()> {
        let rows: Vec<Value> = counted
            .stored
            .gens
            .iter()
            .map(|((dev, bucket), gen_)| json!([dev, bucket, gen_]))
            .collect();
        self.line(&json!({"kind": "bucket_gens", "rows": rows}))?;
        let rows: Vec<Value> = counted
            .stripes
            .iter()
            .map(|(idx, c)| {
                let s = &c.stripe;
                let ptrs: Vec<Value> =
                    s.ptrs.iter().map(|p| json!([p.dev(), p.offset(), p.gen_()])).collect();
                json!([
                    idx,
                    s.sectors,
                    s.algorithm,
                    s.nr_blocks,
                    s.nr_redundant,
                    s.disk_label,
                    ptrs,
                    s.counts,
                    c.counts,
                    1
                ])
            })
            .collect();
        self.line(&json!({"kind": "stripes", "rows": rows}))?;
        let rows: Vec<Value> = counted
            .reflink
            .all()
            .iter()
            .map(|i| json!([i.end, i.size, i.key_type, i.had, i.counted_by_tool]))
            .collect();
        self.line(&json!({"kind": "reflink", "rows": rows}))?;
        for (dev, finals) in &compared.buckets {
            let rows: Vec<Value> = finals
                .iter()
                .filter(|f| f.counted.is_touched())
                .map(|f| row(f.bucket, &f.counted))
                .collect();
            self.device("alloc_gc", "final", *dev, rows)?;
        }
        self.counters(counted, compared)
    }

    fn counters(&mut self, counted: &Recount, compared: &Compared) -> io::Result<()> {
        let stored = &counted.stored;
        let all: BTreeSet<Counter> =
            stored.counters.keys().chain(compared.counters.keys()).copied().collect();
        let of = |values: Option<&Values>, nr: usize| {
            let values = values.copied().unwrap_or_default();
            values.get(..nr).map(<[i64]>::to_vec).unwrap_or_default()
        };
        let rows: Vec<Value> = all
            .into_iter()
            .filter(|c| c.kind() != kind::INUM)
            .map(|c| {
                let name = c.name(&|dev| gc_v1::compare::device_name(self.fs, dev));
                let had = of(stored.counters.get(&c), c.values());
                let want = of(compared.counters.get(&c), c.values());
                json!([name, c.hex(), had, want])
            })
            .collect();
        self.line(&json!({"kind": "accounting", "stage": "final", "rows": rows}))?;
        let inodes = |map: &BTreeMap<u64, Values>| -> Vec<Value> {
            map.iter().map(|(i, [a, b, c])| json!([i, a, b, c])).collect()
        };
        // In the order of their keys: the number's bytes from the lowest on.
        let mut had: Vec<(&u64, &Values)> = stored.inodes.iter().collect();
        had.sort_by_key(|(i, _)| Counter::inum(**i));
        let rows: Vec<Value> = had.iter().map(|(i, [a, b, c])| json!([i, a, b, c])).collect();
        self.line(&json!({"kind": "inum_had", "rows": rows}))?;
        let rows = inodes(&counted.inodes);
        self.line(&json!({"kind": "inum_gc", "rows": rows}))
    }

    fn errors(&mut self, report: &Report) -> io::Result<()> {
        for found in &report.found {
            let ret = match found.outcome {
                Outcome::Fixed => "fsck_fix",
                Outcome::Ignored => "fsck_ignore",
                Outcome::Counted => "counted",
                Outcome::Silent => "silent",
            };
            let silent = found.outcome == Outcome::Silent;
            let text = if silent { "" } else { found.text.as_str() };
            self.line(&json!({
                "kind": "error",
                "in_gc": found.in_pass,
                "id": found.id.name(),
                "nr": found.id.0,
                "ret": ret,
                "text": text,
                "truth": silent.then_some(&found.text),
            }))?;
        }
        Ok(())
    }
}

fn row(bucket: u64, b: &Bucket) -> Value {
    json!([
        bucket,
        b.gen_,
        u8::from(b.gen_known()),
        b.data_type().0,
        b.dirty,
        b.cached,
        b.stripe,
        b.stripe_refs
    ])
}
