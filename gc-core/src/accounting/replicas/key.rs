// SPDX-License-Identifier: GPL-2.0-only
//! The entries that a key needs.

use super::entry::{Entry, EntryRef, TooManyDevices};
use super::table::{Table, View};
use crate::accounting::usage::{MoveError, Usage};
use crate::bkey::{CountsIn, KeyRef, References, StripeBlocks, stripe_key};
use crate::layout::DataType;

/// The entry for a key's own data, devices sorted: dirty pointers of extents and
/// nodes, all blocks of a stripe. `None` for keys that hold no data, and for
/// those whose dirty pointers are all erasure coded or that have none (source:
/// `bch2_bkey_to_replicas`).
///
/// # Errors
/// When the key names more devices than an entry takes.
#[inline]
pub fn key_entry(key: KeyRef<'_>) -> Result<Option<Entry>, TooManyDevices> {
    // How large a node is does not matter for where its copies are.
    let pointers = match key.references(0) {
        References::Pointers(pointers) => pointers,
        References::Stripe(_) => {
            return Ok(Some(stripe_entry(key.v)?).filter(|e| e.nr_devs() != 0));
        }
        _ => return Ok(None),
    };
    let mut entry = Entry::new(pointers.holds(), 1);
    for p in pointers {
        match p.counts_in {
            CountsIn::Cached => {}
            CountsIn::Stripe(_) => entry.set_required(0),
            CountsIn::OwnSet => entry.push(p.ptr.dev())?,
        }
    }
    entry.sort();
    Ok(Some(entry).filter(|e| e.nr_devs() != 0))
}

/// The entry of a stripe's value: the devices of all its blocks, as many needed
/// as hold data.
///
/// # Errors
/// When the stripe has more blocks than an entry takes devices.
pub fn stripe_entry(v: &[u64]) -> Result<Entry, TooManyDevices> {
    let (nr_blocks, nr_redundant) =
        stripe_key::head(v).map_or((0, 0), |h| (h.nr_blocks, h.nr_redundant));
    let mut e = Entry::new(DataType::USER, nr_blocks.wrapping_sub(nr_redundant));
    for block in StripeBlocks::new(v) {
        e.push(block.ptr.dev())?;
    }
    e.sort();
    Ok(e)
}

/// All entries a key needs, in the order in which the original looks at them:
/// one for each cached pointer, then the key's own.
///
/// # Errors
/// When the key names more devices than an entry takes.
#[inline]
pub fn key_entries(
    key: KeyRef<'_>,
) -> Result<impl Iterator<Item = Entry> + use<'_>, TooManyDevices> {
    let own = key_entry(key)?;
    let cached = key.pointers().filter(|p| p.cached()).map(|p| Entry::cached(p.dev()));
    Ok(cached.chain(own))
}

/// Whether a table has every entry of a key (source:
/// `bch2_bkey_replicas_marked`).
///
/// # Errors
/// When the key names more devices than an entry takes.
#[inline]
pub fn key_marked(table: View<'_>, key: KeyRef<'_>) -> Result<bool, TooManyDevices> {
    Ok(key_entries(key)?.all(|e| table.find(e.get()).is_some()))
}

/// Why entries could not be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddError {
    /// The key names more devices than an entry takes.
    TooManyDevices,
    /// Memory is short, or the counters do not fit the table.
    Counters(MoveError),
}

impl From<TooManyDevices> for AddError {
    fn from(_: TooManyDevices) -> Self {
        Self::TooManyDevices
    }
}

impl From<MoveError> for AddError {
    fn from(e: MoveError) -> Self {
        Self::Counters(e)
    }
}

/// Adds an entry to a table if it is missing, and gives the counters their new
/// indexes. Nothing has changed on failure, unless `usages` do not all fit the
/// table.
///
/// # Errors
/// When memory is short or counters do not fit the table.
pub fn add_entry(
    table: &mut Table,
    usages: &mut [&mut Usage],
    entry: EntryRef<'_>,
) -> Result<(), MoveError> {
    if table.view().find(entry).is_some() {
        return Ok(());
    }
    let grown = table.with(entry).map_err(|_| MoveError::Memory)?;
    for usage in usages {
        usage.move_to(table.view(), grown.view())?;
    }
    *table = grown;
    Ok(())
}

/// Adds the entries of a key that are missing (source:
/// `bch2_mark_bkey_replicas`, as far as memory goes).
///
/// # Errors
/// When memory is short or the key names too many devices.
pub fn add_key_entries(
    table: &mut Table,
    usages: &mut [&mut Usage],
    key: KeyRef<'_>,
) -> Result<(), AddError> {
    for e in key_entries(key)? {
        add_entry(table, usages, e.get())?;
    }
    Ok(())
}

/// Sets the sectors of an entry, adding it if it is missing (source:
/// `bch2_replicas_set_usage`). The devices must be sorted.
///
/// # Errors
/// When memory is short.
pub fn set_usage(
    table: &mut Table,
    usage: &mut Usage,
    entry: EntryRef<'_>,
    sectors: u64,
) -> Result<(), MoveError> {
    add_entry(table, &mut [usage], entry)?;
    let slot = table.view().find(entry).and_then(|i| usage.replicas.get_mut(i));
    *slot.ok_or(MoveError::Missing)? = sectors;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Bkey, ExtentPtr, KeyType, POS_MIN};
    use std::vec;
    use std::vec::Vec;

    fn with_key<R>(t: KeyType, v: &[u64], f: impl FnOnce(KeyRef<'_>) -> R) -> R {
        let mut k = Bkey::new(POS_MIN, 8);
        k.type_ = t;
        f(KeyRef::new(&k, v))
    }

    fn bytes(t: KeyType, v: &[u64]) -> Vec<Vec<u8>> {
        with_key(t, v, |k| key_entries(k).unwrap().map(|e| e.get().as_bytes().to_vec()).collect())
    }

    fn ptr(dev: u8) -> u64 {
        ExtentPtr::new(dev, 8, 0).0
    }

    fn cached(dev: u8) -> u64 {
        ExtentPtr::new(dev, 8, 0).with_cached(true).0
    }

    const EC: u64 = 16;

    // Oracle: entries by hand from docs/facts/replicas.md.
    #[test]
    fn entries_of_keys() {
        let e = KeyType::EXTENT;
        assert_eq!(bytes(e, &[ptr(2), ptr(1)]), [[4, 2, 1, 1, 2]]);
        let all = bytes(e, &[cached(7), ptr(2), cached(3), ptr(2)]);
        assert_eq!(all, [vec![5, 1, 1, 7], vec![5, 1, 1, 3], vec![4, 2, 1, 2, 2]]);
        assert_eq!(bytes(e, &[EC, ptr(2), ptr(1)]), [[4, 1, 0, 1]]);
        assert_eq!(bytes(e, &[EC, ptr(2), EC, cached(1)]), [[5, 1, 1, 1]]);
        assert!(bytes(e, &[]).is_empty());
        assert_eq!(bytes(KeyType::BTREE_PTR, &[ptr(0)]), [[3, 1, 1, 0]]);
        assert_eq!(bytes(KeyType::BTREE_PTR_V2, &[0, 0, 0, 0, 0, ptr(0)]), [[3, 1, 1, 0]]);
        assert_eq!(bytes(KeyType::REFLINK_V, &[0, ptr(0)]), [[4, 1, 1, 0]]);
        let stripe = u64::from_le_bytes([8, 0, 0, 3, 1, 0, 0, 0]);
        assert_eq!(bytes(KeyType::STRIPE, &[stripe, ptr(3), ptr(1), ptr(2)]), [[4, 3, 2, 1, 2, 3]]);
        assert!(bytes(KeyType::INODE, &[ptr(0)]).is_empty());
        let many = vec![ptr(0); 17];
        assert!(with_key(e, &many, |k| key_entries(k).is_err()));
    }

    // Oracle: the counters looked up by entry, before and after.
    #[test]
    fn adding_moves_the_counters() {
        let mut table = Table::new();
        let (mut a, mut b) = (Usage::default(), Usage::default());
        let mut want = Vec::new();
        for dev in [3, 1, 4, 0, 5, 9, 2, 6] {
            let v = [cached(dev), ptr(dev), ptr(dev ^ 1)];
            with_key(KeyType::EXTENT, &v, |k| {
                let had_all = key_entries(k)
                    .unwrap()
                    .all(|e| want.iter().any(|(w, _): &(Vec<u8>, u64)| w == e.get().as_bytes()));
                assert_eq!(key_marked(table.view(), k), Ok(had_all));
                add_key_entries(&mut table, &mut [&mut a, &mut b], k).unwrap();
                assert_eq!(key_marked(table.view(), k), Ok(true));
                for e in key_entries(k).unwrap() {
                    if want.iter().all(|(w, _)| w != e.get().as_bytes()) {
                        let v = 100 + want.len() as u64;
                        set_usage(&mut table, &mut a, e.get(), v).unwrap();
                        want.push((e.get().as_bytes().to_vec(), v));
                    }
                }
            });
        }
        assert_eq!(table.view().len(), want.len());
        for (e, v) in want {
            let i = table.view().find(EntryRef::first_of(&e).unwrap()).unwrap();
            assert_eq!((a.replicas[i], b.replicas[i]), (v, 0));
        }
        assert_eq!(a.replicas.len(), b.replicas.len());
        let lost = a.move_to(table.view(), Table::new().view());
        assert_eq!(lost, Err(MoveError::Missing));
        assert_eq!(b.move_to(table.view(), Table::new().view()), Ok(()));
    }
}
