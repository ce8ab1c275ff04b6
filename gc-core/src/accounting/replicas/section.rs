// SPDX-License-Identifier: GPL-2.0-only
//! The entries as the superblock keeps them: one behind the other, each as long
//! as it is, up to the section's end or a data type of zero.

use super::entry::{EntryRef, HEAD_BYTES, entry_bytes};
use super::table::Table;
use crate::layout::replicas::ReplicasEntryV0;
use crate::layout::{DataType, ReplicasEntry};
use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::fmt;
use zerocopy::{FromBytes, IntoBytes};

/// The two forms of the section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Section 3: without the number of devices needed, which is 1.
    V0,
    /// Section 7.
    V1,
}

/// Why a section is refused (source: `bch2_sb_validate_replicas`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalid {
    /// A data type there is none of.
    DataType,
    /// An entry without devices.
    NoDevices,
    /// As many devices needed as there are, or more.
    Required,
    /// A device that is no member.
    Device,
    /// Memory is short.
    Memory,
    /// An entry stands twice.
    Duplicate,
    /// The last entry runs past the section; the original reads on in whatever
    /// follows.
    Cut,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DataType => "invalid replicas entry: invalid data type",
            Self::NoDevices => "invalid replicas entry: no devices",
            Self::Required => "invalid replicas entry: bad nr_required",
            Self::Device => "invalid replicas entry: invalid device",
            Self::Memory => "cannot allocate memory",
            Self::Duplicate => "duplicate replicas entry",
            Self::Cut => "invalid replicas entry: past the end of the section",
        })
    }
}

impl From<TryReserveError> for Invalid {
    fn from(_: TryReserveError) -> Self {
        Self::Memory
    }
}

/// One entry of a section.
#[derive(Debug, Clone, Copy)]
struct Raw<'a> {
    head: ReplicasEntry,
    devs: &'a [u8],
}

/// Walks a section's entries.
#[derive(Debug, Clone)]
struct Walk<'a> {
    rest: &'a [u8],
    form: Form,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Raw<'a>, Invalid>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = core::mem::take(&mut self.rest);
        if matches!(rest, [] | [0, ..]) {
            return None;
        }
        let head = match self.form {
            Form::V0 => {
                ReplicasEntryV0::read_from_prefix(rest).ok().map(|(e, tail)| (e.into(), tail))
            }
            Form::V1 => ReplicasEntry::read_from_prefix(rest).ok(),
        };
        let Some((head, tail)) = head else { return Some(Err(Invalid::Cut)) };
        let Some((devs, rest)) = tail.split_at_checked(usize::from(head.nr_devs)) else {
            return Some(Err(Invalid::Cut));
        };
        self.rest = rest;
        Some(Ok(Raw { head, devs }))
    }
}

/// Checks a section (its bytes behind the field's head) in the order of the
/// original: each entry, then duplicates. `dev_exists` says whether an index is
/// a member.
///
/// # Errors
/// The first thing found wrong.
pub fn validate(
    section: &[u8],
    form: Form,
    mut dev_exists: impl FnMut(u8) -> bool,
) -> Result<(), Invalid> {
    for e in (Walk { rest: section, form }) {
        let e = e?;
        if e.head.data_type >= DataType::NR {
            return Err(Invalid::DataType);
        }
        let nr = e.devs.len();
        if nr == 0 {
            return Err(Invalid::NoDevices);
        }
        if e.head.nr_required > 1 && usize::from(e.head.nr_required) >= nr {
            return Err(Invalid::Required);
        }
        if !e.devs.iter().all(|&d| dev_exists(d)) {
            return Err(Invalid::Device);
        }
    }
    let mut all = unpack(section, form)?;
    let mut rest = all.0.as_mut_slice();
    let mut sorted = Vec::new();
    sorted.try_reserve_exact(all.1)?;
    while let Some((e, tail)) = cut_first(rest) {
        sorted.extend(core::iter::once(&*e));
        rest = tail;
    }
    sorted.sort_unstable();
    if sorted.windows(2).any(|w| matches!(w, [a, b] if a == b)) {
        return Err(Invalid::Duplicate);
    }
    Ok(())
}

/// Reads a section into a table, devices sorted (source:
/// `bch2_sb_replicas_to_cpu_replicas`). Does not validate.
///
/// # Errors
/// [`Invalid::Cut`] and [`Invalid::Memory`] only.
pub fn read(section: &[u8], form: Form) -> Result<Table, Invalid> {
    let (bytes, _) = unpack(section, form)?;
    Ok(Table::from_entries(Entries(&bytes))?)
}

/// Entries of the newer form, one behind the other.
#[derive(Clone)]
struct Entries<'a>(&'a [u8]);

impl<'a> Iterator for Entries<'a> {
    type Item = EntryRef<'a>;

    fn next(&mut self) -> Option<EntryRef<'a>> {
        let e = EntryRef::first_of(self.0)?;
        self.0 = self.0.get(e.as_bytes().len()..).unwrap_or(&[]);
        Some(e)
    }
}

fn cut_first(bytes: &mut [u8]) -> Option<(&mut [u8], &mut [u8])> {
    let (head, _) = ReplicasEntry::read_from_prefix(bytes).ok()?;
    bytes.split_at_mut_checked(entry_bytes(head.nr_devs))
}

/// All entries in the newer form with sorted devices, and how many.
fn unpack(section: &[u8], form: Form) -> Result<(Vec<u8>, usize), Invalid> {
    let walk = Walk { rest: section, form };
    let mut size = 0_usize;
    let mut nr = 0_usize;
    for e in walk.clone() {
        size = size.saturating_add(e?.devs.len()).saturating_add(HEAD_BYTES);
        nr = nr.saturating_add(1);
    }
    let mut out = Vec::new();
    out.try_reserve_exact(size)?;
    for e in walk {
        let e = e?;
        let start = out.len();
        out.extend(e.head.as_bytes().iter().copied());
        out.extend(e.devs.iter().copied());
        out.get_mut(start.saturating_add(HEAD_BYTES)..).unwrap_or_default().sort_unstable();
    }
    Ok((out, nr))
}

/// A table as the superblock would store it: the form it needs and the bytes,
/// not padded (source: `bch2_cpu_replicas_to_sb_replicas`).
///
/// # Errors
/// When memory is short.
pub fn write(table: &Table) -> Result<(Form, Vec<u8>), TryReserveError> {
    let view = table.view();
    let form = if view.iter().all(|e| e.nr_required() == 1) { Form::V0 } else { Form::V1 };
    let mut out = Vec::new();
    out.try_reserve_exact(view.iter().map(|e| e.as_bytes().len()).fold(0, usize::saturating_add))?;
    for e in view.iter() {
        encode(form, e, |bytes| out.extend(bytes.iter().copied()));
    }
    Ok((form, out))
}

/// Hands over the bytes of an entry as a section has them.
pub fn encode(form: Form, e: EntryRef<'_>, mut put: impl FnMut(&[u8])) {
    match form {
        Form::V0 => {
            put(ReplicasEntryV0::from(e.head()).as_bytes());
            put(e.devs());
        }
        Form::V1 => put(e.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Entry;
    use super::*;
    use std::string::ToString;

    fn exists(d: u8) -> bool {
        d < 4
    }

    // Oracle: the table of docs/facts/replicas.md, one section a row.
    #[test]
    fn refuses_in_order() {
        let v1 = |b: &[u8]| validate(b, Form::V1, exists).map_err(|e| e.to_string());
        assert_eq!(v1(&[3, 1, 1, 0, 4, 2, 0, 1, 2, 0, 9, 9]), Ok(()));
        assert_eq!(v1(&[]), Ok(()));
        let err = |b: &[u8]| v1(b).unwrap_err();
        assert_eq!(err(&[6, 0, 1]), "invalid replicas entry: invalid data type");
        assert_eq!(err(&[3, 0, 9]), "invalid replicas entry: no devices");
        assert_eq!(err(&[3, 2, 2, 0, 9]), "invalid replicas entry: bad nr_required");
        assert_eq!(err(&[3, 2, 1, 0, 4]), "invalid replicas entry: invalid device");
        assert_eq!(err(&[3, 2, 1, 0, 1, 3, 2, 1, 1, 0]), "duplicate replicas entry");
        assert_eq!(v1(&[3, 2, 1, 0]), Err(Invalid::Cut.to_string()));
        // One device needed of one is the usual case; stripes need some of theirs.
        assert_eq!(v1(&[3, 1, 1, 0]), Ok(()));
        assert_eq!(v1(&[4, 3, 2, 0, 1, 2]), Ok(()));
        assert_eq!(validate(&[3, 2, 1, 0, 4, 1, 3], Form::V0, exists), Ok(()));
        assert_eq!(validate(&[3], Form::V0, exists), Err(Invalid::Cut));
    }

    // Oracle: what is written is read back, in the form the entries need.
    #[test]
    fn round_trip() {
        let a = [3, 2, 1, 1, 0, 5, 1, 1, 2];
        let t = read(&a, Form::V1).unwrap();
        let (form, bytes) = write(&t).unwrap();
        assert_eq!(form, Form::V0);
        assert_eq!(read(&bytes, form), Ok(t.clone()));
        let mut e = Entry::new(DataType::USER, 2);
        [0, 1, 2].iter().for_each(|&d| e.push(d).unwrap());
        let t = t.with(e.get()).unwrap();
        let (form, bytes) = write(&t).unwrap();
        assert_eq!(form, Form::V1);
        assert_eq!(read(&bytes, form), Ok(t));
    }
}
