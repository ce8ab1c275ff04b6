// SPDX-License-Identifier: GPL-2.0-only
//! The document of `bch-gc check --json`.

use super::{Code, Finding, FindingName, FindingPlace, Format, Severity, State, document};
use gc_v0::fs::uuid_text;
use gc_v0::host::Image;
use gc_v0::report;

document! {
    /// One document on one line. Numbers of sectors are of 512 bytes. Counters are u64 and
    /// wrap as the original's do.
    pub struct Check<'a> {
        /// Version of the document.
        pub format: Format<2>,
        /// What mark and sweep returned: 0, a positive `BCH_FSCK_*` or a negative errno; that
        /// of the recovery where `error` is set.
        pub ret: i32,
        /// Why nothing was counted; null where it was.
        pub error: Option<String>,
        /// All findings in the order in which bcachefs fsck -n raises them.
        pub findings: Vec<Finding>,
        /// Sectors that the devices did not give, by device and sector.
        pub unreadable: Vec<Unreadable>,
        /// Members that are not there.
        pub missing: Vec<Missing>,
        /// Devices that were written to by somebody else while they were read.
        pub changes: Vec<String>,
        /// What the superblock says; null where nothing was counted.
        pub sb: Option<Superblock>,
        /// Everything as it is recorded, and in memory after the check; null where nothing
        /// was counted.
        pub state: Option<State<'a>>,
    }

    /// Sectors that a device did not give: a finding without a pass or an answer.
    pub struct Unreadable {
        /// Its stable number.
        pub code: Code,
        /// Its stable name.
        pub name: FindingName,
        /// How bad it is.
        pub severity: Severity,
        /// It in words.
        pub text: String,
        /// File of the device, the first sector, and the bucket that it is in where that is
        /// known; of a btree node its btree and level.
        pub place: FindingPlace,
        /// Number of sectors.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        pub sectors: u64,
        /// What was being read.
        pub holds: &'static str,
    }

    /// A member that is not there.
    pub struct Missing {
        /// Index of the device.
        pub device: u8,
        /// Its UUID.
        #[cfg_attr(
            feature = "schema",
            schemars(regex(pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))
        )]
        pub uuid: String,
    }

    /// What the superblock says.
    pub struct Superblock {
        /// Whether it is marked clean: 0 or 1.
        #[cfg_attr(feature = "schema", schemars(range(max = 1)))]
        pub clean: u8,
        /// Bits of compatible features.
        pub compat: u64,
        /// Bits of features.
        pub features: u64,
        /// Number of devices.
        pub nr_devices: u8,
        /// Size of a block in sectors.
        pub block_size: u16,
        /// Size of a btree node in sectors.
        pub btree_node_size: u64,
        /// Type of encryption, 0 for none.
        pub encryption_type: u64,
    }
}

impl From<&report::Unreadable> for Unreadable {
    fn from(u: &report::Unreadable) -> Self {
        let code = report::Code::Unreadable;
        let node = u.holds.node().map(|(btree, level)| report::Place::btree(btree, level));
        let place = node.unwrap_or_default();
        let place = report::Place { bucket: u.bucket, sector: Some(u.sector), ..place };
        Self {
            code: Code(code),
            name: FindingName(code),
            severity: code.severity().into(),
            text: u.to_string(),
            place: FindingPlace::of(&place, Some(&u.path)),
            sectors: u.sectors,
            holds: u.holds.name(),
        }
    }
}

impl Missing {
    /// All members of an image that are not there.
    #[must_use]
    pub fn of(image: &Image<'_>) -> Vec<Self> {
        let members = image.fs().members().filter(|(_, dev)| dev.online.is_none());
        members.map(|(device, dev)| Self { device, uuid: uuid_text(&dev.member.uuid) }).collect()
    }
}

impl Superblock {
    /// Of an image as it is now.
    #[must_use]
    pub fn of(image: &Image<'_>) -> Self {
        let fs = image.fs();
        Self {
            clean: u8::from(fs.flags.clean),
            compat: image.compat(),
            features: fs.flags.features,
            nr_devices: fs.sb.nr_devices(),
            block_size: fs.sb.block_size(),
            btree_node_size: fs.sb.btree_node_size(),
            encryption_type: fs.sb.encryption_type(),
        }
    }
}
