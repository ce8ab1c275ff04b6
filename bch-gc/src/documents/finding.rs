// SPDX-License-Identifier: GPL-2.0-only
//! Findings in documents.

use super::shared::hex;
use super::{Copy, DataType, Position, document};
use gc_v0::report::{self, Found};

document! {
    /// A finding.
    pub struct Finding {
        /// Pass of mark and sweep, from 1 on; -1: before it.
        #[cfg_attr(feature = "schema", schemars(range(min = -1)))]
        pub pass: i64,
        /// Its stable number.
        pub code: Code,
        /// Its stable name; bch-gc-findings(7) says what each means.
        pub name: FindingName,
        /// How bad it is.
        pub severity: Severity,
        /// The original's text, at most 511 bytes.
        #[cfg_attr(feature = "schema", schemars(length(max = 511)))]
        pub text: String,
        /// Where it is.
        pub place: FindingPlace,
        /// What was found; null where the finding is about no value.
        pub got: Option<Value>,
        /// What should be there; null where that is not known.
        pub want: Option<Value>,
        /// Sum of 1 (can be repaired), 2 (can be ignored), 4 (needs a full check).
        #[cfg_attr(feature = "schema", schemars(range(max = 7)))]
        pub flags: u32,
        /// How it was answered, in memory only.
        pub answer: Answer,
    }

    /// How bad a finding is.
    #[serde(rename_all = "lowercase")]
    pub enum Severity {
        /// Nothing has to be done.
        Info,
        /// What is recorded is wrong; a repair puts it right, and no data is lost by that.
        Warning,
        /// Data is lost, or may be lost.
        Error,
    }

    /// How a finding was answered.
    #[serde(rename_all = "lowercase")]
    pub enum Answer {
        /// It is repaired.
        Fix,
        /// It is left as it is.
        Ignore,
        /// The run ends.
        Exit,
    }

    /// Where a finding is. A field that does not apply, or is not known, is not there.
    pub struct FindingPlace {
        /// Index of the device.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub device: Option<u32>,
        /// File of the device.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub image: Option<String>,
        /// Number of the bucket on the device.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub bucket: Option<u64>,
        /// Sector of 512 bytes on the device.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub sector: Option<u64>,
        /// Name of the btree, or its number where it has no name.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub btree: Option<String>,
        /// Level of the node, or of the node that holds the key; leaves have level 0.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub level: Option<u8>,
        /// Position of the key; of a node, the position at which it ends.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub position: Option<Position>,
        /// First copy of the node, or of the node that holds the key.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub node: Option<Copy>,
        /// Index of the copy of the node that was being read.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub replica: Option<u8>,
        /// Index of the stripe.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub stripe: Option<u64>,
        /// Block of the stripe.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub block: Option<u8>,
        /// Sequence number of the journal entry; of missing entries, the first of them.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub journal_seq: Option<u64>,
    }

    /// A value that a finding is about: a number, whether something is so, a position, the
    /// root of a btree, a set of devices, or the name of a type of data; a checksum has 32
    /// hexadecimal digits.
    #[serde(untagged)]
    pub enum Value {
        /// A number that is not negative.
        Number(u64),
        /// A number that may be negative.
        Signed(i64),
        /// Whether something is so.
        Flag(bool),
        /// A type of data, or a checksum.
        Text(String),
        /// A position in a btree.
        Position(Position),
        /// The root of a btree.
        Root {
            /// Its level.
            level: u8,
            /// Its first copy; null where none is recorded.
            node: Option<Copy>,
        },
        /// Indices of devices.
        Devices(Vec<u8>),
    }
}

/// Number of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub report::Code);

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u32(self.0.number())
    }
}

/// Name of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingName(pub report::Code);

impl serde::Serialize for FindingName {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.name())
    }
}

impl From<report::Severity> for Severity {
    fn from(s: report::Severity) -> Self {
        match s {
            report::Severity::Info => Self::Info,
            report::Severity::Warning => Self::Warning,
            report::Severity::Error => Self::Error,
        }
    }
}

impl From<gc_core::finding::Answer> for Answer {
    fn from(a: gc_core::finding::Answer) -> Self {
        match a {
            gc_core::finding::Answer::Fix => Self::Fix,
            gc_core::finding::Answer::Ignore => Self::Ignore,
            gc_core::finding::Answer::Exit => Self::Exit,
        }
    }
}

impl From<report::NodePlace> for Copy {
    fn from(n: report::NodePlace) -> Self {
        Self { device: n.device, sector: n.sector }
    }
}

impl From<report::Value> for Value {
    fn from(value: report::Value) -> Self {
        match value {
            report::Value::Number(n) => Self::Number(n),
            report::Value::Signed(n) => Self::Signed(n),
            report::Value::Flag(flag) => Self::Flag(flag),
            report::Value::DataType(t) => match DataType::from(t) {
                DataType::Name(name) => Self::Text(name.into()),
                DataType::Number(n) => Self::Number(n.into()),
            },
            report::Value::Position(p) => Self::Position(p.into()),
            report::Value::Checksum(bytes) => Self::Text(hex(&bytes)),
            report::Value::Root { level, node } => Self::Root { level, node: node.map(Copy::from) },
            report::Value::Devices(set) => {
                Self::Devices((0..64).filter(|dev| set >> dev & 1 != 0).collect())
            }
            // What is new in the engine shows as what Rust prints of it.
            other => Self::Text(format!("{other:?}")),
        }
    }
}

impl FindingPlace {
    /// Of a place, and the file of its device.
    #[must_use]
    pub fn of(place: &report::Place, image: Option<&std::path::Path>) -> Self {
        let btree = |id: gc_core::layout::BtreeId| {
            id.name().map_or_else(|| id.0.to_string(), ToString::to_string)
        };
        Self {
            device: place.device,
            image: image.map(|path| path.display().to_string()),
            bucket: place.bucket,
            sector: place.sector,
            btree: place.btree.map(btree),
            level: place.level,
            position: place.position.map(Position::from),
            node: place.node.map(Copy::from),
            replica: place.replica,
            stripe: place.stripe,
            block: place.block,
            journal_seq: place.journal_seq,
        }
    }
}

impl Finding {
    /// A finding of a pass, and how it was answered.
    #[must_use]
    pub fn of(pass: i64, found: &Found, answer: gc_core::finding::Answer) -> Self {
        Self {
            pass,
            code: Code(found.code),
            name: FindingName(found.code),
            severity: found.severity.into(),
            text: found.text.clone(),
            place: FindingPlace::of(&found.place, found.image.as_deref()),
            got: found.got.map(Value::from),
            want: found.want.map(Value::from),
            flags: found.flags.bits(),
            answer: answer.into(),
        }
    }
}
