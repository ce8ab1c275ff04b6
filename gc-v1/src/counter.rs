// SPDX-License-Identifier: GPL-2.0-only
//! Counters: what they are called, and where their keys lie (facts: docs/facts/v1/layout.md
//! 7).

use crate::error_ids::ErrorId;
use crate::superblock::NO_DEVICE;
use crate::tables::{DataType, btree_name};
use gc_core::bkey::KeyRef;
use gc_core::layout::Bpos;
use std::fmt::Write;

/// Kinds of counters by number.
pub mod kind {
    /// Inodes.
    pub const NR_INODES: u8 = 0;
    /// Sectors that are reserved, by number of replicas.
    pub const PERSISTENT_RESERVED: u8 = 1;
    /// Sectors, by data type and devices.
    pub const REPLICAS: u8 = 2;
    /// Buckets and sectors, by device and data type.
    pub const DEV_DATA_TYPE: u8 = 3;
    /// Extents and sectors, by compression type.
    pub const COMPRESSION: u8 = 4;
    /// Keys and sectors, by snapshot and btree.
    pub const SNAPSHOT: u8 = 5;
    /// Sectors and nodes, by btree.
    pub const BTREE: u8 = 6;
    /// Not in use any more.
    pub const REBALANCE_WORK: u8 = 7;
    /// Extents and sectors, by inode.
    pub const INUM: u8 = 8;
    /// Sectors that wait for reconcile, by reason.
    pub const RECONCILE_WORK: u8 = 9;
    /// Sectors that are to leave a device.
    pub const DEV_LEAVING: u8 = 10;
    /// First number that is not known.
    pub const NR: u8 = 11;
}

const NAMES: [&str; 11] = [
    "nr_inodes",
    "persistent_reserved",
    "replicas",
    "dev_data_type",
    "compression",
    "snapshot",
    "btree",
    "rebalance_work",
    "inum",
    "reconcile_work",
    "dev_leaving",
];
/// Counters of each kind.
const COUNTERS: [usize; 11] = [1, 1, 1, 3, 3, 3, 3, 1, 3, 2, 1];
const COMPRESSIONS: [&str; 6] = ["none", "lz4_old", "gzip", "lz4", "zstd", "incompressible"];
const RECONCILES: [&str; 8] = [
    "replicas",
    "checksum",
    "erasure_code",
    "compression",
    "target",
    "high_priority",
    "pending",
    "stripes",
];

/// The values of a counter: up to three.
pub type Values = [i64; 3];

/// A counter: its kind and what it counts, the 20 bytes of its key from the most
/// significant on. Counters are ordered as their keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter(pub [u8; 20]);

impl Counter {
    fn new(kind: u8, fields: &[u8]) -> Self {
        let mut bytes = [0; 20];
        for (to, from) in bytes.iter_mut().zip([kind].iter().chain(fields)) {
            *to = *from;
        }
        Self(bytes)
    }

    /// The counter whose key lies at a position.
    #[must_use]
    pub fn at(p: Bpos) -> Self {
        let mut bytes = [0; 20];
        let [inode, offset] = [p.inode.to_be_bytes(), p.offset.to_be_bytes()];
        let all = inode.into_iter().chain(offset).chain({ p.snapshot }.to_be_bytes());
        for (to, from) in bytes.iter_mut().zip(all) {
            *to = from;
        }
        Self(bytes)
    }

    /// Inodes.
    #[must_use]
    pub fn inodes() -> Self {
        Self::new(kind::NR_INODES, &[])
    }

    /// Reservations with so many replicas.
    #[must_use]
    pub fn reserved(nr_replicas: u8) -> Self {
        Self::new(kind::PERSISTENT_RESERVED, &[nr_replicas])
    }

    /// Sectors on these devices, which are sorted here; `None` for more than there is room
    /// for.
    #[must_use]
    pub fn replicas(data_type: DataType, required: u8, devs: &[u8]) -> Option<Self> {
        let nr = u8::try_from(devs.len()).ok().filter(|nr| *nr <= 16)?;
        let mut devs = devs.to_vec();
        devs.sort_unstable();
        Some(Self::new(kind::REPLICAS, &[&[data_type.0, nr, required], &*devs].concat()))
    }

    /// Buckets of a type on a device.
    #[must_use]
    pub fn dev_data_type(dev: u8, data_type: DataType) -> Self {
        Self::new(kind::DEV_DATA_TYPE, &[dev, data_type.0])
    }

    /// Data with this compression.
    #[must_use]
    pub fn compression(type_: u8) -> Self {
        Self::new(kind::COMPRESSION, &[type_])
    }

    /// Keys of a snapshot in a btree.
    #[must_use]
    pub fn snapshot(id: u32, btree: u8) -> Self {
        let btree = u32::from(btree).to_le_bytes();
        Self::new(kind::SNAPSHOT, &[id.to_le_bytes(), btree].concat())
    }

    /// Nodes of a btree.
    #[must_use]
    pub fn btree(id: u8) -> Self {
        Self::new(kind::BTREE, &u32::from(id).to_le_bytes())
    }

    /// Extents of an inode.
    #[must_use]
    pub fn inum(inode: u64) -> Self {
        Self::new(kind::INUM, &inode.to_le_bytes())
    }

    /// Sectors that wait for a reason.
    #[must_use]
    pub fn reconcile_work(reason: u8) -> Self {
        Self::new(kind::RECONCILE_WORK, &[reason])
    }

    /// Sectors that are to leave a device.
    #[must_use]
    pub fn dev_leaving(dev: u8) -> Self {
        Self::new(kind::DEV_LEAVING, &u32::from(dev).to_le_bytes())
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        let [kind, ..] = self.0;
        kind
    }

    /// Number of values it has; 3 for a kind that is not known.
    #[must_use]
    pub fn values(&self) -> usize {
        COUNTERS.get(usize::from(self.kind())).copied().unwrap_or(3)
    }

    /// The inode of a counter of that kind.
    #[must_use]
    pub fn inode(&self) -> u64 {
        let [_, a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// Devices that it names.
    #[must_use]
    pub fn devices(&self) -> Vec<u32> {
        let [kind, b1, nr_devs, _, devs @ ..] = &self.0;
        match *kind {
            kind::REPLICAS => {
                devs.iter().take(usize::from(*nr_devs)).map(|d| u32::from(*d)).collect()
            }
            kind::DEV_DATA_TYPE => vec![u32::from(*b1)],
            kind::DEV_LEAVING => {
                let [_, a, b, c, d, ..] = self.0;
                vec![u32::from_le_bytes([a, b, c, d])]
            }
            _ => Vec::new(),
        }
    }

    /// The bytes as hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The bytes that the fields of its kind take, with the kind's own.
    fn used(&self) -> usize {
        let [_, _, nr_devs, ..] = self.0;
        match self.kind() {
            kind::NR_INODES | kind::REBALANCE_WORK => 1,
            kind::PERSISTENT_RESERVED | kind::COMPRESSION | kind::RECONCILE_WORK => 2,
            kind::DEV_DATA_TYPE => 3,
            kind::BTREE | kind::DEV_LEAVING => 5,
            kind::SNAPSHOT | kind::INUM => 9,
            kind::REPLICAS => usize::from(nr_devs).saturating_add(4),
            _ => 20,
        }
    }

    /// The name, as the tool prints it; devices by what `device` calls them.
    #[must_use]
    pub fn name(&self, device: &dyn Fn(u32) -> String) -> String {
        let [kind, b1, b2, b3, b4, b5, b6, b7, b8, ..] = self.0;
        let word = u32::from_le_bytes([b1, b2, b3, b4]);
        let Some(name) = NAMES.get(usize::from(kind)) else {
            return format!("(unknown counter {kind})");
        };
        let mut out = format!("{name} ");
        let listed = |names: &[&'static str], i: u8| {
            names.get(usize::from(i)).map_or_else(|| format!("(unknown {i})"), |n| (*n).into())
        };
        // Writing to a String cannot fail.
        let _written = match kind {
            kind::PERSISTENT_RESERVED => write!(out, "replicas={b1}"),
            kind::REPLICAS => {
                let devs = self.0.get(4..).unwrap_or(&[]).iter().take(usize::from(b2));
                let devs: Vec<String> = devs.map(ToString::to_string).collect();
                write!(out, "{}: {b3}/{b2} [{}]", DataType(b1).name(), devs.join(" "))
            }
            kind::DEV_DATA_TYPE => write!(out, "dev={b1} data_type={}", DataType(b2).name()),
            kind::COMPRESSION => write!(out, "{}", listed(&COMPRESSIONS, b1)),
            kind::SNAPSHOT => {
                let btree = btree_name(u32::from_le_bytes([b5, b6, b7, b8]));
                write!(out, "id={word} btree={btree}")
            }
            kind::BTREE => write!(out, "btree={}", btree_name(word)),
            kind::RECONCILE_WORK => write!(out, "{}", listed(&RECONCILES, b1)),
            kind::DEV_LEAVING => write!(out, "{} ", device(word)),
            _ => Ok(()),
        };
        out
    }
}

/// The values of an accounting key; missing ones are zero.
#[must_use]
pub fn values_of(v: &[u64]) -> Values {
    let mut values = [0; 3];
    for (to, from) in values.iter_mut().zip(v) {
        *to = i64::from_le_bytes(from.to_le_bytes());
    }
    values
}

/// Why an accounting key is not valid.
#[must_use]
pub fn invalid(key: KeyRef<'_>) -> Option<(ErrorId, String)> {
    let counter = Counter::at(key.k.p);
    let [kind, _, nr_devs, required, devs @ ..] = counter.0;
    let bad = |id, text: &str| Some((id, text.to_string()));
    if kind >= kind::NR {
        return None;
    }
    let nr = key.v.len();
    if nr == 0 || nr > 3 {
        let text = format!("accounting key with {nr} counters, should be {}", counter.values());
        return Some((ErrorId::ACCOUNTING_KEY_NR_COUNTERS_WRONG, text));
    }
    if kind == kind::REPLICAS {
        if nr_devs == 0 {
            let text = "accounting key replicas entry with nr_devs=0";
            return bad(ErrorId::ACCOUNTING_KEY_REPLICAS_NR_DEVS_0, text);
        }
        if required > nr_devs || (required > 1 && required >= nr_devs) {
            let text = "accounting key replicas entry with bad nr_required";
            return bad(ErrorId::ACCOUNTING_KEY_REPLICAS_NR_REQUIRED_BAD, text);
        }
        let devs = devs.get(..usize::from(nr_devs)).unwrap_or(&[]);
        let ascending = devs.windows(2).all(|pair| match pair {
            [a, b] => a < b || (*a == NO_DEVICE && *b == NO_DEVICE),
            _ => true,
        });
        if !ascending {
            let text = "accounting key replicas entry with unsorted devs";
            return bad(ErrorId::ACCOUNTING_KEY_REPLICAS_DEVS_UNSORTED, text);
        }
    }
    let junk = counter.0.get(counter.used()..).unwrap_or(&[]).iter().any(|b| *b != 0);
    if junk && kind != kind::INUM && kind != kind::DEV_LEAVING {
        return bad(ErrorId::ACCOUNTING_KEY_JUNK_AT_END, "junk at end of accounting key");
    }
    None
}
