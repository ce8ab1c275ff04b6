// SPDX-License-Identifier: GPL-2.0-only
//! Superblocks as bytes (facts: docs/facts/superblock.md, namespace.md).

use crate::buf::Buf;
use crate::error::{Error, Result};
use crate::node::VERSION;
use crate::rng::mix2;
use crate::seal::{Kind, seal};
use crate::spec::{DeviceSpec, FsSpec};
use gc_v0::superblock::{HEAD, MAGIC, Section};

/// A copy takes `2^7` sectors.
const SIZE_BITS: u8 = 7;
/// First sectors of the copies.
pub(crate) const SB_OFFSETS: [u64; 2] = [8, 136];
/// First sector behind all copies.
pub(crate) const SB_END: u64 = 264;
/// Sectors of a copy.
pub(crate) const SB_SECTORS: u64 = 1 << SIZE_BITS;

/// What a superblock holds besides the description.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Content of the replicas section, second form.
    pub(crate) replicas: Vec<Vec<u8>>,
    /// Content of the clean section, if there is one.
    pub(crate) clean: Option<Vec<u8>>,
    /// Feature bits beyond the usual ones.
    pub(crate) features: u64,
}

fn layout(b: &mut Buf, at: usize) {
    b.put(at, &MAGIC);
    b.u8(at + 17, SIZE_BITS);
    b.u8(at + 18, 2);
    for (i, offset) in SB_OFFSETS.iter().enumerate() {
        b.u64(at + 24 + 8 * i, *offset);
    }
    b.put(at + 504, &[0; 8]);
}

/// The layout alone, as it lies at sector 7.
pub(crate) fn layout_sector() -> Vec<u8> {
    let mut b = Buf::zeroed(512);
    layout(&mut b, 0);
    b.0
}

fn section(b: &mut Buf, kind: u32, content: &[u8]) -> Result<()> {
    let at = b.0.len();
    let u64s = 1 + content.len().div_ceil(8);
    b.u32(at, u32::try_from(u64s).map_err(|_| Error::Spec("section too long"))?);
    b.u32(at + 4, kind);
    b.put(at + 8, content);
    b.pad(8);
    Ok(())
}

fn uuid(seed: u64, what: u64) -> [u8; 16] {
    let mut out = [1; 16];
    let halves = [mix2(seed, what), mix2(seed, what + 1)];
    for (to, from) in out.iter_mut().zip(halves.iter().flat_map(|h| h.to_le_bytes())) {
        *to = from;
    }
    out
}

fn members(spec: &FsSpec) -> Vec<u8> {
    let mut b = Buf::default();
    for (i, d) in spec.devices.iter().enumerate() {
        let at = 56 * i;
        b.put(at, &uuid(spec.seed, 100 + 2 * crate::buf::number(i)));
        b.u64(at + 16, d.nbuckets);
        b.u16(at + 24, 0);
        b.u16(at + 26, d.bucket_size);
        // Data allowed: journal, btree, user.
        let allowed = 0b1_1100_u64 << 15;
        let group = if spec.more_sections { 1_u64 << 20 } else { 0 };
        let durability = (u64::from(d.durability) + 1) << 28;
        b.u64(at + 40, u64::from(d.state & 0xf) | allowed | group | durability);
        b.u64(at + 48, 0);
    }
    b.0
}

fn replicas(spec: &FsSpec, state: &State) -> (u32, Vec<u8>) {
    let first_form =
        spec.replicas_v0 && state.replicas.iter().all(|e| e.get(2).is_some_and(|&r| r == 1));
    let mut out = Vec::new();
    for e in &state.replicas {
        match (first_form, e.as_slice()) {
            (true, [t, n, _, devs @ ..]) => {
                out.extend([*t, *n]);
                out.extend_from_slice(devs);
            }
            _ => out.extend_from_slice(e),
        }
    }
    let kind = if first_form { Section::ReplicasV0 } else { Section::Replicas };
    (kind.number(), out)
}

fn flags(spec: &FsSpec) -> [u64; 2] {
    let clean = u64::from(spec.clean) << 1;
    let f0 = 1
        | clean
        | (1 << 2)
        | (u64::from(spec.btree_node_size) << 12)
        | (8 << 28)
        | (u64::from(spec.meta_csum) << 40)
        | (u64::from(spec.data_csum) << 44)
        | (u64::from(spec.meta_replicas) << 48)
        | (u64::from(spec.data_replicas) << 52)
        | (1 << 61);
    let encrypted = u64::from(spec.encryption.is_some());
    let f1 = 2
        | (u64::from(spec.wide_macs) << 9)
        | (encrypted << 10)
        | (7 << 14)
        | (1 << 20)
        | (1 << 24);
    [f0, f1]
}

/// The superblock of one device at one of its offsets.
pub(crate) fn encode(spec: &FsSpec, state: &State, dev: usize, offset: u64) -> Result<Vec<u8>> {
    let device = spec.devices.get(dev).ok_or(Error::Spec("no such device"))?;
    let mut b = Buf::zeroed(HEAD);
    b.u16(16, VERSION);
    b.u16(18, VERSION);
    b.put(24, &MAGIC);
    b.put(40, &spec.uuid());
    b.put(56, &uuid(spec.seed, 3));
    b.put(72, b"generated");
    b.u64(104, offset);
    b.u64(112, 5);
    b.u16(120, spec.block_size);
    let small = |n: usize| u8::try_from(n).map_err(|_| Error::Spec("too many devices"));
    b.u8(122, small(dev)?);
    b.u8(123, small(spec.devices.len())?);
    b.u64(128, 1_600_000_000_000_000_000);
    b.u32(140, 1);
    for (i, f) in flags(spec).into_iter().enumerate() {
        b.u64(144 + 8 * i, f);
    }
    let not_clean = if spec.clean { 0 } else { 1 << 12 };
    // atomic_nlink, new_siphash, new_extent_overwrite, btree_ptr_v2.
    let usual = (1 << 3) | (1 << 7) | (1 << 9) | (1 << 11);
    let blacklist = if spec.blacklist.is_empty() { 0 } else { 1 << 5 };
    b.u64(208, usual | not_clean | blacklist | state.features);
    b.u64(224, 3);
    layout(&mut b, 240);
    sections(spec, state, device, &mut b)?;
    let u64s = (b.0.len() - HEAD) / 8;
    b.u32(124, u32::try_from(u64s).map_err(|_| Error::Spec("superblock too long"))?);
    if crate::buf::number(b.0.len()) > SB_SECTORS * 512 {
        return Err(Error::Spec("superblock too long"));
    }
    seal(Kind::Superblock, None, &mut b.0);
    b.pad(512);
    Ok(b.0)
}

fn sections(spec: &FsSpec, state: &State, dev: &DeviceSpec, b: &mut Buf) -> Result<()> {
    section(b, Section::Members.number(), &members(spec))?;
    if dev.journal_buckets != 0 {
        let mut j = Buf::default();
        for bucket in crate::space::journal_buckets(dev) {
            j.push_u64(bucket);
        }
        section(b, Section::Journal.number(), &j.0)?;
    }
    if let Some(key) = &spec.encryption {
        let mut c = Buf::zeroed(56);
        c.put(16, b"bch**key");
        c.put(24, key);
        section(b, Section::Crypt.number(), &c.0)?;
    }
    if spec.more_sections {
        let mut g = Buf::zeroed(48);
        g.put(0, b"group");
        section(b, Section::DiskGroups.number(), &g.0)?;
        section(b, Section::Quota.number(), &[0; 72])?;
        section(b, 77, &[0x5a; 16])?;
    }
    let (kind, content) = replicas(spec, state);
    section(b, kind, &content)?;
    if let Some(clean) = &state.clean {
        section(b, Section::Clean.number(), clean)?;
    }
    if !spec.blacklist.is_empty() {
        let mut l = Buf::default();
        for (start, end) in &spec.blacklist {
            l.push_u64(*start);
            l.push_u64(*end);
        }
        section(b, Section::JournalSeqBlacklist.number(), &l.0)?;
    }
    Ok(())
}
