// SPDX-License-Identifier: GPL-2.0-only
//! Whether host and library speak of the same interface.
#![expect(clippy::as_conversions, reason = "constants of the C header, in constant expressions")]

use gc_core::layout::{Bkey, Bucket, BucketArray, ExtentPtr, GcPos, ReplicasEntry, Stripe};
use gc_core::text::Message;
use gc_host_sys as sys;
use static_assertions::{assert_eq_align, assert_eq_size, const_assert, const_assert_eq};

// What crosses the boundary by address.
assert_eq_size!(GcPos, [u32; gc_core::host::GC_POS_WORDS]);
assert_eq_align!(GcPos, u32);
assert_eq_size!(Bucket, [u64; 2]);
assert_eq_align!(BucketArray, Bucket);
assert_eq_size!(ExtentPtr, u64);
assert_eq_align!(Stripe, u64);
assert_eq_align!(ReplicasEntry, u8);
assert_eq_size!(Bkey, [u64; 5]);
const_assert_eq!(gc_core::host::SB_OFFSETS, sys::GC_HOST_SB_OFFSETS as usize);
const_assert_eq!(gc_core::host::ALLOC_FIFOS, sys::GC_HOST_FIFO_NR);
// Every code has a place on the C side.
const_assert!(gc_core::finding::Code::ENGINE.len() <= sys::GC_HOST_FINDING_NR as usize);

/// False, after a message, when the host was compiled against another interface.
pub(crate) fn matches(c: *mut sys::bch_fs) -> bool {
    // SAFETY: every version of the interface has this function, without arguments.
    let host = unsafe { sys::gc_host_abi() };
    if host == sys::BCH_GC_HOST_ABI {
        return true;
    }
    mismatch(c, host);
    false
}

#[cold]
fn mismatch(c: *mut sys::bch_fs, host: u32) {
    let text = Message::of(&format_args!(
        "libbch_gc speaks host interface {}, the program was built for {host}: gc refused",
        sys::BCH_GC_HOST_ABI
    ));
    let msg = text.as_c_str().as_ptr();
    // SAFETY: logging is the one call whose meaning never changes; `c` is the
    // caller's, the text outlives the call.
    unsafe { sys::gc_host_log(c, sys::GC_HOST_LOG_ERR, msg) };
}
