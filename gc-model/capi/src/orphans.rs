// SPDX-License-Identifier: GPL-2.0-only
//! What is said without a file system, and numbers of the whole process.

use crate::fs::lock;
use std::ffi::{CString, c_char};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// Level and text; never freed while the process runs, so that addresses stay good.
static LINES: Mutex<Vec<(u32, CString)>> = Mutex::new(Vec::new());
/// What is shown of them: those from here on.
static FROM: Mutex<usize> = Mutex::new(0);
/// What `gc_host_abi` says; 0: the truth.
static ABI: AtomicU32 = AtomicU32::new(0);

pub(crate) fn say(level: u32, text: &str) {
    let text = CString::new(text.replace('\0', " ")).unwrap_or_default();
    lock(&LINES).push((level, text));
}

pub(crate) fn len() -> usize {
    let from = *lock(&FROM);
    lock(&LINES).len().saturating_sub(from)
}

pub(crate) fn get(i: usize) -> Option<(u32, *const c_char)> {
    let at = lock(&FROM).checked_add(i)?;
    lock(&LINES).get(at).map(|(level, text)| (*level, text.as_ptr()))
}

pub(crate) fn with(text: &str) -> usize {
    let from = *lock(&FROM);
    let all = lock(&LINES);
    all.iter().skip(from).filter(|(_, t)| t.to_string_lossy().contains(text)).count()
}

pub(crate) fn clear() {
    let len = lock(&LINES).len();
    *lock(&FROM) = len;
}

pub(crate) fn pretend_abi(abi: u32) {
    ABI.store(abi, SeqCst);
}

pub(crate) fn abi(truth: u32) -> u32 {
    match ABI.load(SeqCst) {
        0 => truth,
        abi => abi,
    }
}
