// SPDX-License-Identifier: GPL-2.0-only
//! Usage of the file system and of its sets of devices.

use super::Mode;
use crate::error::Result;
use crate::finding::{Finding, FsField};
use crate::gc::ask;
use crate::gc::metadata::away_hidden;
use crate::host::{Devices, Held, Host, MarkWrite, Side};
use crate::layout::DataType;
use crate::layout::usage::FS_USAGE_U64S;
use crate::text::Text;

/// Counters in the order in which they are compared, with their word in
/// `struct bch_fs_usage`; `true`: also after a pass over metadata.
const COUNTERS: [(FsField, usize, bool); 10] = [
    (FsField::Hidden, HIDDEN, true),
    (FsField::Btree, 2, true),
    (FsField::Data, 3, false),
    (FsField::Cached, 4, false),
    (FsField::Reserved, 5, false),
    (FsField::NrInodes, 6, false),
    (FsField::PersistentReserved(0), 7, false),
    (FsField::PersistentReserved(1), 8, false),
    (FsField::PersistentReserved(2), 9, false),
    (FsField::PersistentReserved(3), 10, false),
];

/// Word of `hidden` in `struct bch_fs_usage`.
const HIDDEN: usize = 1;

/// Bytes of the text of a set of devices, its final NUL included.
const ENTRY_TEXT: usize = 80;

/// Adds what is pending, and hands over what follows from the buckets.
///
/// # Errors
/// `EINVAL` when the host lends no usage.
pub(super) fn fold<'h, H: Host + ?Sized>(
    host: &'h H,
    mark: &Held<MarkWrite>,
    devices: &Devices<'h, H>,
) -> Result<()> {
    host.usage_fold(mark);
    let mut all = 0_u64;
    for dev in devices.iter() {
        let (usage, hidden) = dev.usage.get();
        host.set_dev_usage(mark, dev.dev, &usage);
        all = all.wrapping_add(hidden);
    }
    host.usage(mark, Side::Live)?.set(HIDDEN, all);
    Ok(())
}

/// Compares the counters.
///
/// # Errors
/// A finding was answered "stop".
pub(super) fn done<'h, H: Host + ?Sized>(
    host: &'h H,
    mark: &Held<MarkWrite>,
    devices: &Devices<'h, H>,
    mode: Mode,
) -> Result<()> {
    let base = host.usage(mark, Side::Live)?;
    let counted = host.usage(mark, Side::Gc)?;

    for (field, word, always) in COUNTERS {
        if !always && mode.metadata_only {
            continue;
        }
        let mut want = counted.get(word);
        if field == FsField::Hidden {
            want = want.wrapping_add(away_hidden(devices));
        }
        let got = base.get(word);
        if got != want {
            if mode.verify {
                ask::fix(host, &Finding::Fs { field, got, want })?;
            }
            base.set(word, want);
        }
    }

    let entries = (0..base.replicas()).map_while(|i| Some((i, host.replicas_entry(mark, i)?)));
    for (i, entry) in entries {
        if mode.metadata_only && matches!(entry.data_type(), DataType::USER | DataType::CACHED) {
            continue;
        }
        let word = FS_USAGE_U64S.saturating_add(i);
        let (got, want) = (base.get(word), counted.get(word));
        if got != want {
            if mode.verify {
                let text = Text::<ENTRY_TEXT>::of(&entry);
                ask::fix(host, &Finding::FsReplicas { entry: text.as_str(), got, want })?;
            }
            base.set(word, want);
        }
    }
    Ok(())
}
