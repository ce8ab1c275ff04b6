// SPDX-License-Identifier: GPL-2.0-only
//! The edge between C and Rust.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// A pointer that C hands back to us.
pub(crate) trait Handle: Copy {
    /// What it points to.
    type Of;

    /// # Safety
    /// NULL, or a pointer that this library handed out and that is still good for
    /// `'a`.
    unsafe fn get<'a>(self) -> Option<&'a Self::Of>;
}

/// What a broken contract is told to.
pub(crate) trait Violations {
    /// Notes that a contract was broken, and how.
    fn violation(&self, what: String);
}

/// Runs `f`; a panic in it becomes a violation and `default`.
pub(crate) fn boundary<R>(
    of: &impl Violations,
    name: &str,
    default: R,
    f: impl FnOnce() -> R,
) -> R {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|_| {
        of.violation(format!("{name}: panicked"));
        default
    })
}

/// Functions that C calls: the first argument is a handle; without it the default
/// is returned. Their types are compared with the declarations of the module named
/// at the top.
macro_rules! exports {
    ($header:path; $(
        fn $name:ident($handle:ident: $of:ty $(, $arg:ident: $type:ty)* $(,)?) $(-> $ret:ty)?
            = $default:expr => $body:expr;
    )*) => { $(
        #[doc = concat!("See `", stringify!($name), "` in the header.")]
        ///
        /// # Safety
        /// Pointers are what the header says: NULL where that is allowed, or good for
        /// the time it names.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($handle: $of $(, $arg: $type)*) $(-> $ret)? {
            // SAFETY: the caller gives NULL or a handle of this library.
            let found = unsafe { <$of as $crate::boundary::Handle>::get($handle) };
            match found {
                Some($handle) => {
                    $crate::boundary::boundary($handle, stringify!($name), $default, || $body)
                }
                None => $default,
            }
        }

        const _: fn() = || {
            use $header as declared;
            let _same: [unsafe extern "C" fn($of $(, $type)*) $(-> $ret)?; 2] =
                [$name, declared::$name];
        };
    )* };
}
pub(crate) use exports;

/// The proof of a lock that the header demands of the caller. The model looks itself
/// whether it is held, and records a violation if it is not.
macro_rules! held {
    () => {{
        // SAFETY: the caller holds the lock that the header names.
        unsafe { gc_core::host::Held::by_contract() }
    }};
}
pub(crate) use held;

/// Writes through a pointer of the caller, unless it is NULL.
///
/// # Safety
/// NULL, or good for a write of a `T`.
pub(crate) unsafe fn put<T>(to: *mut T, value: T) -> bool {
    if to.is_null() {
        return false;
    }
    // SAFETY: not NULL, so good for a write.
    unsafe { to.write(value) };
    true
}

/// `nr` things at `at`; none where there is no address.
///
/// # Safety
/// NULL, or good for reads of `nr` things for `'a`.
pub(crate) unsafe fn things<'a, T>(at: *const T, nr: u32) -> &'a [T] {
    match usize::try_from(nr) {
        // SAFETY: as the caller says.
        Ok(nr) if !at.is_null() => unsafe { std::slice::from_raw_parts(at, nr) },
        _ => &[],
    }
}
