// SPDX-License-Identifier: GPL-2.0-only
//! Sums of what keys count in the usage, for one thread; added up in the end.

use gc_core::accounting::Usage;
use gc_core::accounting::replicas::{Entry, View};
use gc_core::layout::DataType;

/// Devices a pointer can name.
const DEVS: usize = 256;
/// Devices a file system can have.
const MEMBERS: usize = 64;
/// Dirty pointers of a key that is counted here.
pub(super) const PTRS: usize = 7;

/// Sectors of the keys on one device, by device.
#[derive(Debug, Clone)]
struct Lone {
    /// Whether the table has the entry.
    known: [bool; DEVS],
    sectors: [u64; DEVS],
}

/// Sectors of keys on several.
#[derive(Debug, Clone, Copy)]
struct Set {
    /// The data type, then the devices in order, each plus one.
    name: u64,
    known: bool,
    sectors: u64,
}

/// Sums by entry of the replicas table, without looking for it again and again.
#[derive(Debug, Clone)]
pub(super) struct Sums<'a> {
    table: View<'a>,
    /// Of nodes, of data, of cached data.
    lone: [Lone; 3],
    /// The one used last comes first.
    sets: Vec<Set>,
    /// Everything else.
    pub(super) usage: Usage,
}

const fn slot(t: DataType) -> usize {
    match t {
        DataType::BTREE => 0,
        DataType::USER => 1,
        _ => 2,
    }
}

fn entry(t: DataType, devs: &[u8]) -> Option<Entry> {
    let mut e = Entry::new(t, 1);
    for dev in devs {
        e.push(*dev).ok()?;
    }
    e.sort();
    Some(e)
}

impl<'a> Sums<'a> {
    /// Nothing counted yet.
    pub(super) fn new(table: View<'a>) -> Option<Self> {
        let lone = [DataType::BTREE, DataType::USER, DataType::CACHED].map(|t| {
            let mut known = [false; DEVS];
            for (dev, known) in (0..=u8::MAX).zip(&mut known).take(MEMBERS) {
                *known = entry(t, &[dev]).is_some_and(|e| table.find(e.get()).is_some());
            }
            Lone { known, sectors: [0; DEVS] }
        });
        Some(Self { table, lone, sets: Vec::new(), usage: Usage::zeroed(table.len()).ok()? })
    }

    /// Counts data on one device; `false`: the table lacks its entry.
    #[inline]
    pub(super) fn on_one(&mut self, t: DataType, dev: u8, sectors: u64) -> bool {
        let Some(lone) = self.lone.get_mut(slot(t)) else { return false };
        let dev = usize::from(dev);
        if lone.known.get(dev) != Some(&true) {
            return false;
        }
        if let Some(sum) = lone.sectors.get_mut(dev) {
            *sum = sum.wrapping_add(sectors);
        }
        true
    }

    /// Counts data on some devices, at most [`PTRS`]; `false`: the table lacks
    /// their entry.
    #[inline]
    pub(super) fn on(&mut self, t: DataType, devs: &mut [u8], sectors: u64) -> bool {
        match devs {
            [] => return true,
            [dev] => return self.on_one(t, *dev, sectors),
            _ => devs.sort_unstable(),
        }
        let name = devs
            .iter()
            .fold(u64::from(t.0), |name, dev| (name << 8) | u64::from(dev.wrapping_add(1)));
        if let Some(i) = self.sets.iter().position(|s| s.name == name) {
            if let Some(set) = self.sets.get_mut(i) {
                set.sectors = set.sectors.wrapping_add(sectors);
                let known = set.known;
                self.sets.swap(0, i);
                return known;
            }
        }
        let known = entry(t, devs).is_some_and(|e| self.table.find(e.get()).is_some());
        self.sets.push(Set { name, known, sectors });
        known
    }

    /// Everything as usage.
    pub(super) fn into_usage(mut self) -> Usage {
        for (t, lone) in [DataType::BTREE, DataType::USER, DataType::CACHED].iter().zip(&self.lone)
        {
            for (dev, sectors) in (0..=u8::MAX).zip(lone.sectors).filter(|(_, n)| *n != 0) {
                if let Some(e) = entry(*t, &[dev]) {
                    self.usage.count(self.table, e.get(), signed(sectors));
                }
            }
        }
        for set in &self.sets {
            let bytes = set.name.to_be_bytes();
            let mut name = bytes.into_iter().skip_while(|b| *b == 0);
            let Some(t) = name.next() else { continue };
            let devs: Vec<u8> = name.map(|d| d.wrapping_sub(1)).collect();
            if let Some(e) = entry(DataType(t), &devs) {
                self.usage.count(self.table, e.get(), signed(set.sectors));
            }
        }
        self.usage
    }
}

/// The bits of a sum as the signed number that counting takes.
fn signed(sectors: u64) -> i64 {
    i64::from_le_bytes(sectors.to_le_bytes())
}
