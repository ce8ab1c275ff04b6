// SPDX-License-Identifier: GPL-2.0-only
//! One statement of a layout, used twice: as compile-time assertions here and
//! as data for the C header of `_Static_assert`s.

/// A C structure as both sides must see it.
#[derive(Debug, Clone, Copy)]
pub struct StructLayout {
    /// The C type, with its `struct`, `union` or typedef name.
    pub c_name: &'static str,
    /// Size in bytes, without flexible members.
    pub size: usize,
    /// Alignment in bytes.
    pub align: usize,
    /// Offsets of the members that have an address.
    pub fields: &'static [FieldOffset],
}

/// The offset of one member.
#[derive(Debug, Clone, Copy)]
pub struct FieldOffset {
    /// The C name of the member.
    pub name: &'static str,
    /// Offset in bytes.
    pub offset: usize,
}

/// A bit field by its place in the object: bit 0 is the lowest bit of byte 0.
#[derive(Debug, Clone, Copy)]
pub struct BitField {
    /// The C type that holds it.
    pub c_struct: &'static str,
    /// The C name of the member.
    pub field: &'static str,
    /// Lowest bit.
    pub lo: u32,
    /// Highest bit, inclusive.
    pub hi: u32,
}

/// An enumerator or macro of the C side.
#[derive(Debug, Clone, Copy)]
pub struct Number {
    /// The C name.
    pub c_name: &'static str,
    /// Its value.
    pub value: i64,
}

/// Asserts size, alignment and offsets of Rust types and keeps them as a table.
///
/// `align 8 here 1` says that C aligns the structure to 8 bytes, and that the Rust
/// type is aligned to 1: it is a view of bytes of the disk, wherever these lie.
/// `also` lists flexible members and union views that exist on the C side only.
macro_rules! layouts {
    ($(#[$m:meta])* $vis:vis const $table:ident;
     $($ty:ty = $c:literal size $size:literal align $align:literal $(here $here:literal)? {
         $($field:ident $(as $cf:literal)? = $off:literal),* $(,)?
         $(; also $($af:literal = $aoff:literal),* $(,)?)?
     })*) => {
        $(
            static_assertions::const_assert_eq!(core::mem::size_of::<$ty>(), $size);
            static_assertions::const_assert_eq!(
                core::mem::align_of::<$ty>(),
                layouts!(@here $align $($here)?)
            );
            $(static_assertions::const_assert_eq!(core::mem::offset_of!($ty, $field), $off);)*
            $($(static_assertions::const_assert!($aoff <= $size);)*)?
        )*
        $(#[$m])*
        $vis const $table: &[$crate::layout::describe::StructLayout] = &[$(
            $crate::layout::describe::StructLayout {
                c_name: $c,
                size: $size,
                align: $align,
                fields: &[
                    $($crate::layout::describe::FieldOffset {
                        name: layouts!(@name $field $($cf)?),
                        offset: $off,
                    },)*
                    $($($crate::layout::describe::FieldOffset { name: $af, offset: $aoff },)*)?
                ],
            },
        )*];
    };
    (@here $align:literal $here:literal) => { $here };
    (@here $align:literal) => { $align };
    (@name $field:ident $cf:literal) => { $cf };
    (@name $field:ident) => { stringify!($field) };
}

/// Asserts size and offsets of structures that the disk alone has, and that they may lie
/// at any address.
macro_rules! on_disk {
    ($($ty:ident size $size:literal { $($field:ident = $off:literal),* $(,)? })*) => {
        $(
            static_assertions::const_assert_eq!(core::mem::size_of::<$ty>(), $size);
            static_assertions::const_assert_eq!(core::mem::align_of::<$ty>(), 1);
            $(static_assertions::const_assert_eq!(core::mem::offset_of!($ty, $field), $off);)*
        )*
    };
}

/// An integer with names: any value may arrive from disk or from C, so it is
/// not a Rust enum.
macro_rules! open_enum {
    ($(#[$m:meta])* $vis:vis struct $name:ident($int:ident);
     $(#[$tm:meta])* $tvis:vis const $table:ident;
     $($(#[$vm:meta])* $variant:ident = $value:literal, $c:literal;)*) => {
        $(#[$m])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[derive(zerocopy::FromBytes, zerocopy::IntoBytes)]
        #[derive(zerocopy::KnownLayout, zerocopy::Immutable)]
        #[repr(transparent)]
        $vis struct $name(
            /// The number as the C side and the disk have it.
            pub $int,
        );

        impl $name {
            $($(#[$vm])* pub const $variant: Self = Self($value);)*
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                let known = [$(($value, $c)),*].into_iter().find(|(v, _)| *v == self.0);
                match known {
                    Some((_, c_name)) => f.write_str(c_name),
                    None => write!(f, concat!(stringify!($name), "({})"), self.0),
                }
            }
        }

        $(#[$tm])*
        $tvis const $table: &[$crate::layout::describe::Number] = &[
            $($crate::layout::describe::Number { c_name: $c, value: $value },)*
        ];
    };
}

/// Plain constants with their C names.
macro_rules! numbers {
    ($(#[$tm:meta])* $tvis:vis const $table:ident;
     $($(#[$vm:meta])* $name:ident: $t:ty = $value:literal $(, $c:literal)?;)*) => {
        $($(#[$vm])* pub const $name: $t = $value;)*
        $(#[$tm])*
        $tvis const $table: &[$crate::layout::describe::Number] = &[
            $($crate::layout::describe::Number {
                c_name: numbers!(@name $name $($c)?),
                value: $value,
            },)*
        ];
    };
    (@name $name:ident $c:literal) => { $c };
    (@name $name:ident) => { stringify!($name) };
}

/// Accessors of bit fields in a `u64` word of a structure, by measured position.
///
/// A value too large for its field is cut to the field's width, as C does.
macro_rules! word_bits {
    ($(#[$tm:meta])* $tvis:vis const $table:ident;
     $($ty:ident . $w:tt = $c:literal {
         $($(#[$fm:meta])* $get:ident, $with:ident: $t:ident = $lo:literal ..= $hi:literal $(as $cf:literal)?;)*
     })*) => {
        $(impl $ty {
            $(
                $(#[$fm])*
                #[inline]
                #[must_use]
                pub const fn $get(self) -> $t {
                    word_bits!(@get $t, (self.$w & const { $crate::layout::bits::field_mask($lo, $hi) }) >> $lo)
                }

                #[doc = concat!("A copy whose [`Self::", stringify!($get), "`] is `value`.")]
                #[inline]
                #[must_use]
                pub const fn $with(self, value: $t) -> Self {
                    const MASK: u64 = $crate::layout::bits::field_mask($lo, $hi);
                    let mut word = self;
                    word.$w = (word.$w & !MASK) | ((word_bits!(@put $t, value) << $lo) & MASK);
                    word
                }
            )*
        })*
        $(#[$tm])*
        $tvis const $table: &[$crate::layout::describe::BitField] = &[$($(
            $crate::layout::describe::BitField {
                c_struct: $c,
                field: word_bits!(@name $get $($cf)?),
                lo: $lo,
                hi: $hi,
            },
        )*)*];
    };
    (@name $f:ident $cf:literal) => { $cf };
    (@name $f:ident) => { stringify!($f) };
    (@get bool, $e:expr) => { ($e) != 0 };
    (@get u8, $e:expr) => { $crate::layout::bits::low8($e) };
    (@get u16, $e:expr) => { $crate::layout::bits::low16($e) };
    (@get u32, $e:expr) => { $crate::layout::bits::low32($e) };
    (@get u64, $e:expr) => { $e };
    (@put bool, $e:expr) => { $crate::layout::bits::from_bool($e) };
    (@put u8, $e:expr) => { $crate::layout::bits::from8($e) };
    (@put u16, $e:expr) => { $crate::layout::bits::from16($e) };
    (@put u32, $e:expr) => { $crate::layout::bits::from32($e) };
    (@put u64, $e:expr) => { $e };
}

pub(super) use {layouts, numbers, on_disk, open_enum, word_bits};
