// SPDX-License-Identifier: GPL-2.0-only
//! What is lost, as a document.

use super::{Answer, DeviceRow, FileRow, SetRow};
use bch_gc::documents::{Format, Lost, LostDevice, LostFile, LostNode, LostSet, Sectors};

pub(super) fn document(a: &Answer) -> Lost {
    Lost {
        format: Format,
        nothing_lost: a.nothing_lost(),
        devices: a.devices.iter().map(device).collect(),
        sets: a.sets.iter().map(set).collect(),
        nodes: a.loss.nodes.iter().map(LostNode::from).collect(),
        files: a.files.iter().map(file).collect(),
        degraded_files: a.loss.degraded_files,
        orphaned_ranges: a.loss.orphaned,
        nodes_not_read: a.unread,
    }
}

fn device(d: &DeviceRow) -> LostDevice {
    LostDevice {
        device: d.dev,
        uuid: d.uuid.clone(),
        path: d.path.clone(),
        missing: d.path.is_none(),
        without: d.without,
        sectors: Sectors::of(&d.sums, 0),
    }
}

fn set(s: &SetRow) -> LostSet {
    LostSet {
        text: s.text.clone(),
        bytes: s.bytes.iter().map(|b| format!("{b:02x}")).collect(),
        devices: s.devices.0,
        devices_here: s.devices.1,
        recorded: s.recorded,
        sectors: Sectors::of(&s.sums, s.unknown),
    }
}

fn file(f: &FileRow) -> LostFile {
    LostFile {
        inode: f.inode,
        path: f.name.path.clone(),
        reachable: f.name.reachable,
        other_names: f.name.others,
        size: f.info.map(|i| i.size),
        unlinked: f.info.map(|i| i.unlinked),
        lost: f.loss.lost,
        cut_off: f.loss.cut_off,
        ranges: f.loss.ranges.iter().map(|(start, sectors)| [*start, *sectors]).collect(),
    }
}
