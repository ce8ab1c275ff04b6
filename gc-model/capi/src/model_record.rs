// SPDX-License-Identifier: GPL-2.0-only
//! `bch_gc_model_*`: findings and answers, events, violations, failures.

use crate::boundary::{boundary, exports, put};
use crate::fs::{Fs, text_of};
use crate::header::{self, BCH_GC_MODEL_EXIT, BCH_GC_MODEL_FIX, BCH_GC_MODEL_IGNORE, bch_gc_model};
use crate::model_fs::EINVAL;
use crate::orphans;
use gc_core::error::Errno;
use gc_core::finding::Answer;
use gc_core::host::Level;
use gc_model::{Call, Message, Said};
use std::ffi::{CString, c_char, c_int, c_uint};
use std::ptr;
use std::sync::OnceLock;

fn answer(a: header::bch_gc_model_answer) -> Option<Answer> {
    Some(match a {
        BCH_GC_MODEL_IGNORE => Answer::Ignore,
        BCH_GC_MODEL_FIX => Answer::Fix,
        BCH_GC_MODEL_EXIT => Answer::Exit,
        _ => return None,
    })
}

fn to_c(message: &Message, text: *const c_char) -> header::bch_gc_model_message {
    let line =
        |code| header::bch_gc_model_message { is_finding: false, code, flags: 0, answer: 0, text };
    match message.said {
        Said::Line(Level::Err) | Said::Inconsistent { .. } => line(0),
        Said::Line(Level::Info) => line(1),
        Said::Finding { code, flags, answer } => {
            let answer = match answer {
                Answer::Ignore => BCH_GC_MODEL_IGNORE,
                Answer::Fix => BCH_GC_MODEL_FIX,
                Answer::Exit => BCH_GC_MODEL_EXIT,
            };
            header::bch_gc_model_message { is_finding: true, code, flags, answer, text }
        }
    }
}

/// # Safety
/// NULL or a model.
unsafe fn model<'a>(m: *mut bch_gc_model) -> Option<&'a Fs> {
    // SAFETY: as the caller says.
    unsafe { m.cast::<Fs>().as_ref() }
}

/// `bch_gc_model_messages`, also without a model.
///
/// # Safety
/// `m` is NULL or a model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bch_gc_model_messages(m: *mut bch_gc_model) -> usize {
    // SAFETY: as the caller says.
    unsafe { model(m) }.map_or_else(orphans::len, |m| m.model.messages_len())
}

/// `bch_gc_model_message`, also without a model.
///
/// # Safety
/// `m` is NULL or a model, `out` NULL or a place for a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bch_gc_model_message(
    m: *mut bch_gc_model,
    i: usize,
    out: *mut header::bch_gc_model_message,
) -> c_int {
    // SAFETY: as the caller says.
    let found = match unsafe { model(m) } {
        Some(m) => m.model.message(i).map(|said| to_c(&said, m.text(&said.text))),
        None => orphans::get(i).map(|(code, text)| header::bch_gc_model_message {
            is_finding: false,
            code,
            flags: 0,
            answer: 0,
            text,
        }),
    };
    // SAFETY: as the caller says.
    if found.is_some_and(|found| unsafe { put(out, found) }) { 0 } else { EINVAL }
}

/// `bch_gc_model_messages_with`, also without a model.
///
/// # Safety
/// `m` is NULL or a model, `text` NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bch_gc_model_messages_with(
    m: *mut bch_gc_model,
    text: *const c_char,
) -> usize {
    // SAFETY: as the caller says.
    let Some(text) = (unsafe { text_of(text) }) else { return 0 };
    // SAFETY: as the caller says.
    match unsafe { model(m) } {
        Some(m) => boundary(m, "bch_gc_model_messages_with", 0, || {
            m.model.with_messages(|all| all.iter().filter(|s| s.text.contains(&text)).count())
        }),
        None => orphans::with(&text),
    }
}

/// `bch_gc_model_messages_clear`, also without a model.
///
/// # Safety
/// `m` is NULL or a model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bch_gc_model_messages_clear(m: *mut bch_gc_model) {
    // SAFETY: as the caller says.
    match unsafe { model(m) } {
        Some(m) => m.model.clear_messages(),
        None => orphans::clear(),
    }
}

/// `bch_gc_model_fallible`
#[unsafe(no_mangle)]
pub extern "C" fn bch_gc_model_fallible(i: usize) -> *const c_char {
    static NAMES: OnceLock<Vec<CString>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let all = Call::ALL.iter().filter(|c| c.fallible());
        all.map(|c| CString::new(c.name()).unwrap_or_default()).collect()
    });
    names.get(i).map_or(ptr::null(), |name| name.as_ptr())
}

/// Looks for an event from index `from` on.
fn find(m: &Fs, from: usize, name: &str, args: Option<&str>) -> usize {
    m.model.with_events(|all| {
        let mut rest = all.iter().enumerate().skip(from);
        let hit = rest.find(|(_, e)| e.call.name() == name && args.is_none_or(|a| a == e.args));
        hit.map_or(usize::MAX, |(i, _)| i)
    })
}

exports! { crate::header;
    fn bch_gc_model_answer(m: *mut bch_gc_model, a: header::bch_gc_model_answer) = () => {
        if let Some(a) = answer(a) {
            m.model.policy(|p| p.all = a);
        }
    };
    fn bch_gc_model_answer_code(
        m: *mut bch_gc_model,
        code: c_uint,
        a: header::bch_gc_model_answer,
    ) = () => {
        m.model.policy(|p| {
            match answer(a) {
                Some(a) => p.by_code.insert(code, a),
                None => p.by_code.remove(&code),
            };
        });
    };
    fn bch_gc_model_answer_exit_at(m: *mut bch_gc_model, n: usize) = () => {
        m.model.policy(|p| p.exit_at = (n != usize::MAX).then_some(n));
    };
    fn bch_gc_model_findings(m: *mut bch_gc_model) -> usize = 0 => m.model.findings().len();
    fn bch_gc_model_findings_of(m: *mut bch_gc_model, code: c_uint) -> usize = 0 => {
        m.model.findings().iter().filter(|(c, _)| *c == code).count()
    };
    fn bch_gc_model_events(m: *mut bch_gc_model) -> usize = 0 => m.model.events_len();
    fn bch_gc_model_event_name(m: *mut bch_gc_model, i: usize) -> *const c_char =
        ptr::null() =>
    {
        m.model.event(i).map_or(ptr::null(), |e| m.text(e.call.name()))
    };
    fn bch_gc_model_event_args(m: *mut bch_gc_model, i: usize) -> *const c_char =
        ptr::null() =>
    {
        m.model.event(i).map_or(ptr::null(), |e| m.text(&e.args))
    };
    fn bch_gc_model_event_count(
        m: *mut bch_gc_model,
        name: *const c_char,
        args: *const c_char,
    ) -> usize = 0 => {
        // SAFETY: the caller gives NULL or a string.
        let name = unsafe { text_of(name) };
        // SAFETY: the caller gives NULL or a string.
        let args = unsafe { text_of(args) };
        let Some(call) = name.and_then(|n| Call::by_name(&n)) else { return 0 };
        match args {
            None => m.model.count(call),
            Some(args) => m.model.with_events(|all| {
                all.iter().filter(|e| e.call == call && e.args == args).count()
            }),
        }
    };
    fn bch_gc_model_event_find(
        m: *mut bch_gc_model,
        i: usize,
        name: *const c_char,
        args: *const c_char,
    ) -> usize = usize::MAX => {
        // SAFETY: the caller gives NULL or a string.
        let name = unsafe { text_of(name) };
        // SAFETY: the caller gives NULL or a string.
        let args = unsafe { text_of(args) };
        name.map_or(usize::MAX, |name| find(m, i, &name, args.as_deref()))
    };
    fn bch_gc_model_events_clear(m: *mut bch_gc_model) = () => m.model.clear_events();
    fn bch_gc_model_violations(m: *mut bch_gc_model) -> usize = 0 => m.model.violations().len();
    fn bch_gc_model_violation(m: *mut bch_gc_model, i: usize) -> *const c_char = ptr::null() => {
        m.model.violations().get(i).map_or(ptr::null(), |text| m.text(text))
    };
    fn bch_gc_model_violations_clear(m: *mut bch_gc_model) = () => m.model.clear_violations();
    fn bch_gc_model_check_quiescent(m: *mut bch_gc_model) -> usize = 0 => {
        m.model.check_quiescent()
    };
    fn bch_gc_model_fail(
        m: *mut bch_gc_model,
        name: *const c_char,
        n: usize,
        err: c_int,
    ) -> c_int = EINVAL => {
        // SAFETY: the caller gives NULL or a string.
        let name = unsafe { text_of(name) };
        let call = name.as_deref().map(Call::by_name);
        if err <= 0 || call == Some(None) {
            return EINVAL;
        }
        let errno = Errno::from_negative(err.wrapping_neg());
        if m.model.fail(call.flatten(), n, errno) { 0 } else { EINVAL }
    };
    fn bch_gc_model_failed(m: *mut bch_gc_model) -> bool = false => m.model.failed();
}
