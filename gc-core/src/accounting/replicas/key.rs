// SPDX-License-Identifier: GPL-2.0-only
//! The entries that a key needs.

use super::entry::{Entry, EntryRef, TooManyDevices};
use super::table::{Table, View};
use crate::accounting::usage::{MoveError, Usage};
use crate::bkey::{KeyRef, stripe_key};
use crate::layout::{DataType, KeyType};

/// The entry for a key's own data, devices sorted: dirty pointers of extents and
/// nodes, all blocks of a stripe. `None` for keys that hold no data, and for
/// those whose dirty pointers are all erasure coded or that have none (source:
/// `bch2_bkey_to_replicas`).
///
/// # Errors
/// When the key names more devices than an entry takes.
#[inline]
pub fn key_entry(key: KeyRef<'_>) -> Result<Option<Entry>, TooManyDevices> {
    let mut entry = match key.k.type_ {
        KeyType::BTREE_PTR | KeyType::BTREE_PTR_V2 => Entry::new(DataType::BTREE, 1),
        KeyType::EXTENT | KeyType::REFLINK_V => Entry::new(DataType::USER, 1),
        KeyType::STRIPE => return Ok(Some(stripe_entry(key.v)?).filter(|e| e.nr_devs() != 0)),
        _ => return Ok(None),
    };
    for p in key.pointers_decoded().filter(|p| !p.ptr.cached()) {
        if p.has_ec {
            entry.set_required(0);
        } else {
            entry.push(p.ptr.dev())?;
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
    for ptr in (0..nr_blocks).map_while(|b| stripe_key::block_ptr(v, b)) {
        e.push(ptr.dev())?;
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
pub fn key_entries<'a>(
    key: KeyRef<'a>,
) -> Result<impl Iterator<Item = Entry> + use<'a>, TooManyDevices> {
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
