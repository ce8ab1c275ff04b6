// SPDX-License-Identifier: GPL-2.0-only
//! Flags and answers of the repair dialogue.

use super::describe::numbers;

numbers! {
    /// Numbers of this area.
    pub const NUMBERS;
    /// The caller can repair it.
    FSCK_CAN_FIX: u32 = 1;
    /// The caller can go on without a repair.
    FSCK_CAN_IGNORE: u32 = 2;
    /// A full check is needed later.
    FSCK_NEED_FSCK: u32 = 4;
    /// Answer: go on.
    FSCK_ERR_IGNORE: i32 = 0;
    /// Answer: repair.
    FSCK_ERR_FIX: i32 = 1;
    /// Answer: stop.
    FSCK_ERR_EXIT: i32 = 2;
    /// Result: fine.
    BCH_FSCK_OK: i32 = 0;
    /// Result: errors were left.
    BCH_FSCK_ERRORS_NOT_FIXED: i32 = 1;
    /// Result: no repair exists yet.
    BCH_FSCK_REPAIR_UNIMPLEMENTED: i32 = 2;
    /// Result: no repair is possible.
    BCH_FSCK_REPAIR_IMPOSSIBLE: i32 = 3;
    /// Result: the version is unknown.
    BCH_FSCK_UNKNOWN_VERSION: i32 = 4;
    /// Option: stop at errors.
    FSCK_OPT_EXIT: i32 = 0;
    /// Option: repair all.
    FSCK_OPT_YES: i32 = 1;
    /// Option: repair nothing.
    FSCK_OPT_NO: i32 = 2;
    /// Option: ask.
    FSCK_OPT_ASK: i32 = 3;
}
