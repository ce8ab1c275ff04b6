// SPDX-License-Identifier: GPL-2.0-only
//! Marking one key: what its pointers say of their buckets' generations, then
//! the accounting proper, here or by the host.

use super::ask;
use super::plain::Plain;
use crate::accounting::generation::gen_after;
use crate::bkey::{KeyRef, NodeFormat, ptr_data_type};
use crate::error::{Error, Result};
use crate::finding::{BucketPlace, Finding};
use crate::host::{DevEntry, Devices, Flag, Host, Level, Origin, Param};
use crate::layout::btree::{BTREE_TRIGGER_GC, BTREE_TRIGGER_NOATOMIC};
use crate::layout::{Bucket, BucketMark, DataType, ExtentPtr, KeyType};
use core::sync::atomic::Ordering::Relaxed;

/// A bucket as gc counts it and as the file system uses it.
struct Pair<'a, 'h, H: Host + ?Sized> {
    dev: &'a DevEntry<'h, H>,
    b: u64,
    gc: &'a Bucket,
    live: &'a Bucket,
}

/// Marks keys in one pass.
pub struct Marker<'a, 'h, H: Host + ?Sized> {
    host: &'h H,
    devices: &'a Devices<'h, H>,
    initial: bool,
    flags: u32,
    /// No check of replicas: all are added.
    rebuild_replicas: bool,
    verify_seq: bool,
    /// Highest version recorded; nobody else raises it in the initial pass.
    key_version: u64,
    /// Counts what needs no host.
    plain: Option<Plain<'h>>,
}

impl<'a, 'h, H: Host + ?Sized> Marker<'a, 'h, H> {
    /// For one pass. What cannot change during the initial pass is asked once.
    ///
    /// # Errors
    /// When memory is short.
    pub fn new(host: &'h H, devices: &'a Devices<'h, H>, initial: bool) -> Result<Self> {
        let rebuild_replicas = initial && host.flag(Flag::RebuildReplicas);
        let verify_seq = initial && host.param(Param::JournalSeqVerify);
        let counts_here = initial && !rebuild_replicas && !verify_seq;
        Ok(Self {
            host,
            devices,
            initial,
            flags: BTREE_TRIGGER_GC | if initial { BTREE_TRIGGER_NOATOMIC } else { 0 },
            rebuild_replicas,
            verify_seq,
            key_version: if initial { host.key_version() } else { 0 },
            plain: if counts_here { Plain::new(host)? } else { None },
        })
    }

    /// Marks a key; says how stale its most stale pointer is.
    ///
    /// # Errors
    /// A finding was answered "stop", or the host failed. That the key itself
    /// could not be accounted for in full is no error, as in the original.
    pub fn mark(&mut self, origin: &Origin<H::Node>, key: KeyRef<'_>) -> Result<u8> {
        if let Some(plain) = &mut self.plain {
            if { key.k.version }.lo <= self.key_version && plain.count_key(self.devices, key) {
                // Nobody asks how stale pointers are in the initial pass.
                return Ok(0);
            }
        }
        self.mark_by_host(origin, key)
    }

    /// Marks plain keys of a set from its first on; says what is left. For keys whose
    /// place and value have been checked: neither is looked at.
    pub fn mark_plain<'w>(&mut self, format: &NodeFormat, words: &'w [u64]) -> &'w [u64] {
        match &mut self.plain {
            Some(plain) => plain.count_all(self.devices, format, words, self.key_version),
            None => words,
        }
    }

    /// Hands over the sums of the keys that were counted here.
    pub fn hand_over(&mut self) {
        if let Some(plain) = &mut self.plain {
            plain.hand_over(self.host);
        }
    }

    fn mark_by_host(&mut self, origin: &Origin<H::Node>, key: KeyRef<'_>) -> Result<u8> {
        if self.initial {
            self.check(key)?;
        }
        // The second table was made before a stripe that comes from the journal, or
        // that somebody has made since.
        if key.k.type_ == KeyType::STRIPE {
            self.host.stripe_gc_slot({ key.k.p }.offset)?;
        }
        if !key.entries_end() {
            // What the host makes of the rest is not known here.
            self.devices.iter().for_each(|dev| dev.touched.everything());
        }
        let mut stale = 0;
        for ptr in key.pointers() {
            let of @ Pair { dev, b, gc, live } = self.buckets_of(ptr)?;
            dev.touched.bucket(b);
            let ptr_gen = ptr.gen_();
            if self.initial {
                self.check_gen(key, ptr, &of)?;
            } else {
                stale = stale.max(gen_after(live.load_mark(Relaxed).gen_(), ptr_gen));
            }
            if gen_after(gc.oldest_gen.load(Relaxed), ptr_gen) != 0 {
                gc.oldest_gen.store(ptr_gen, Relaxed);
            }
        }
        // What the host could not account for it has reported itself; the
        // original drops the result, and failing here would keep file systems
        // from mounting that mount today.
        let _reported = self.host.mark_key(origin, key, i64::from(key.k.size), self.flags);
        Ok(stale)
    }

    /// What only the initial pass checks of a key as a whole.
    fn check(&mut self, key: KeyRef<'_>) -> Result<()> {
        let version = { key.k.version }.lo;
        if self.verify_seq {
            let seq = self.host.journal_cur_seq();
            if version > seq {
                self.host.log(
                    Level::Err,
                    format_args!("key version {version} is beyond the journal sequence {seq}"),
                );
                return Err(Error::INVAL);
            }
        }
        if version > self.key_version {
            let finding = Finding::KeyVersion { got: version, recorded: self.key_version };
            if ask::fix(self.host, &finding)? {
                self.host.set_key_version(version);
                self.key_version = version;
            }
        }
        if self.rebuild_replicas
            || (!self.host.replicas_marked(key)
                && ask::fix(self.host, &Finding::ReplicasUnmarked { key_type: key.k.type_ })?)
        {
            // The table's places change, and with them those of the sums.
            self.hand_over();
            let counts_here = self.plain.take().is_some();
            self.host.mark_replicas(key)?;
            self.plain = if counts_here { Plain::new(self.host)? } else { None };
        }
        Ok(())
    }

    /// The buckets of a pointer. Keys were validated when they were read, so that
    /// this fails only for a host that does not.
    #[inline]
    fn buckets_of(&self, ptr: ExtentPtr) -> Result<Pair<'a, 'h, H>> {
        let found = self.devices.get(ptr.dev()).and_then(|dev| {
            let b = dev.bucket_of(ptr.offset())?;
            Some(Pair { dev, b, gc: dev.gc.get(b)?, live: dev.live.get(b)? })
        });
        match found {
            Some(found) => Ok(found),
            None => Err(self.nonexistent(ptr)),
        }
    }

    #[cold]
    fn nonexistent(&self, ptr: ExtentPtr) -> Error {
        self.host.log(
            Level::Err,
            format_args!(
                "pointer to nonexistent bucket: dev {} sector {}",
                ptr.dev(),
                ptr.offset()
            ),
        );
        Error::INVAL
    }

    #[inline]
    fn check_gen(
        &self,
        key: KeyRef<'_>,
        ptr: ExtentPtr,
        &Pair { dev, b, gc, live }: &Pair<'a, 'h, H>,
    ) -> Result<()> {
        if !gc.gen_valid() || gen_after(ptr.gen_(), gc.load_mark(Relaxed).gen_()) != 0 {
            self.repair_gen(key, ptr, BucketPlace { dev: dev.idx, bucket: b }, gc, live)?;
        }
        Ok(())
    }

    /// The bucket's generation is unknown, or behind that of a pointer into it.
    #[cold]
    fn repair_gen(
        &self,
        key: KeyRef<'_>,
        ptr: ExtentPtr,
        place: BucketPlace,
        gc: &Bucket,
        live: &Bucket,
    ) -> Result<()> {
        let (data_type, ptr_gen) = (ptr_data_type(key.k.type_, ptr), ptr.gen_());
        if !gc.gen_valid()
            && ask::fix(self.host, &Finding::GenMissing { place, data_type, ptr_gen })?
        {
            for bucket in [gc, live] {
                update(bucket, |m| m.with_gen(ptr_gen));
                bucket.set_gen_valid(true);
            }
        }
        let bucket_gen = gc.load_mark(Relaxed).gen_();
        if gen_after(ptr_gen, bucket_gen) != 0
            && ask::fix(self.host, &Finding::GenFuture { place, data_type, ptr_gen, bucket_gen })?
        {
            update(gc, |m| m.with_gen(ptr_gen));
            // What was counted for the older generation is void.
            update(live, |m| {
                m.with_gen(ptr_gen)
                    .with_data_type(DataType::NONE)
                    .with_dirty_sectors(0)
                    .with_cached_sectors(0)
            });
            gc.set_gen_valid(true);
            live.set_gen_valid(true);
            self.host.set_flag(Flag::FixedGens, true);
        }
        Ok(())
    }
}

/// Changes a mark whole.
pub(crate) fn update(bucket: &Bucket, change: impl Fn(BucketMark) -> BucketMark) {
    // The closure always says a mark, so that this always succeeds.
    let _old = bucket.mark.fetch_update(Relaxed, Relaxed, |word| Some(change(BucketMark(word)).0));
}
