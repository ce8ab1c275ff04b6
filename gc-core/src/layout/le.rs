// SPDX-License-Identifier: GPL-2.0-only
//! Integers that are little endian wherever they lie.

macro_rules! le_int {
    ($(#[$m:meta])* $name:ident($int:ident)) => {
        $(#[$m])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        #[repr(transparent)]
        pub struct $name($int);

        impl $name {
            /// Stores `v` in little endian order.
            #[inline]
            #[must_use]
            pub const fn new(v: $int) -> Self {
                Self(v.to_le())
            }

            /// The value in the host's order.
            #[inline]
            #[must_use]
            pub const fn get(self) -> $int {
                $int::from_le(self.0)
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.get().fmt(f)
            }
        }
    };
}

le_int!(
    /// `__le16`.
    Le16(u16)
);
le_int!(
    /// `__le32`.
    Le32(u32)
);
le_int!(
    /// `__le64`.
    Le64(u64)
);
