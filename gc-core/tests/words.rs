// SPDX-License-Identifier: GPL-2.0-only
//! What the engine says of errors and refused references, and the numbers C sees.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use gc_core::accounting::MarkError;
use gc_core::accounting::replicas::section::Invalid;
use gc_core::accounting::replicas::{AddError, Entry, TooManyDevices};
use gc_core::accounting::stripes::NoSlot;
use gc_core::accounting::usage::MoveError;
use gc_core::bkey::alloc_key::AllocFields;
use gc_core::bkey::{KeyError, KeyRef, MergeError};
use gc_core::error::{Errno, Error};
use gc_core::finding::{
    BadReference, BucketField, BucketPlace, Code, Finding, Flags, FsField, Marking, Refusal,
    StripeField,
};
use gc_core::layout::{
    Bkey, Bpos, BtreeId, BucketMark, Bversion, DataType, ExtentEntryType, ExtentPtr, KeyType,
};
use gc_core::text::Text;
use std::collections::TryReserveError;
use std::fmt::Write as _;

fn no_memory() -> TryReserveError {
    Vec::<u64>::new().try_reserve(usize::MAX).unwrap_err()
}

const PLACE: BucketPlace = BucketPlace { dev: 3, bucket: 17 };

// Oracle: the table of docs/facts/marking.md: where the original would die.
#[test]
fn references_that_cannot_be_followed_are_told_apart() {
    for (what, text) in [
        (BadReference::NoDevice { dev: 300 }, "no device 300"),
        (BadReference::NoBucket(PLACE), "bucket 3:17 out of range"),
        (BadReference::NoSectors, "no sectors"),
        (BadReference::ZeroSize, "size of zero"),
        (BadReference::PastEnd, "more sectors than the key has"),
        (BadReference::TooManyDevices, "too many devices"),
        (BadReference::StripeType { idx: 9 }, "stripe 9 of another type"),
        (BadReference::StripeBlock { idx: 9, block: 2 }, "stripe 9 block 2"),
        (BadReference::Value, "value not understood"),
        (BadReference::NotOwned(PLACE), "bucket 3:17 not the allocator's"),
        (BadReference::NotReserved(PLACE), "bucket 3:17 in use without reservation"),
    ] {
        assert_eq!(what.to_string(), text);
        let finding = Finding::Marking(Marking::Bad { what, key: "" });
        assert_eq!((finding.code(), finding.flags()), (Code::BadReference, Flags::LOG));
    }
}

// Oracle: codes and flags of docs/findings.md.
#[test]
fn findings_of_marking_have_their_codes() {
    let (mark, ptr) = (BucketMark(0), ExtentPtr::new(3, 100, 7));
    let pointer =
        |why| Marking::Pointer { place: PLACE, why, mark, ptr, data_type: DataType::USER, key: "" };
    let (place, now) = (PLACE, DataType::SB);
    for (marking, code, flags) in [
        (pointer(Refusal::Newer), Code::PtrNewer, Flags::NEED_FSCK),
        (pointer(Refusal::TooStale), Code::PtrTooStale, Flags::NEED_FSCK),
        (
            Marking::MetadataType { place, got: DataType::USER, now },
            Code::MetadataMixedTypes,
            Flags::LOG,
        ),
        (
            Marking::MetadataOverflow { place, mark, now, sectors: 1 },
            Code::MetadataOverflow,
            Flags::LOG,
        ),
        (
            Marking::StaleStripe { idx: 1, block: 2, place, mark, ptr },
            Code::StripeStalePtr,
            Flags::NEED_FSCK,
        ),
        (Marking::NoStripe { idx: 1 }, Code::StripeMissing, Flags::LOG),
        (Marking::StripeNotThere { idx: 1 }, Code::StripeNotThere, Flags::LOG),
    ] {
        let finding = Finding::Marking(marking);
        assert_eq!((finding.code(), finding.flags()), (code, flags));
    }
}

// Oracle: names of the C fields (docs/facts/gc.md), and the codes of docs/findings.md.
#[test]
fn fields_have_the_names_of_the_original() {
    let (idx, got, want) = (5, 1, 0);
    let finding =
        Finding::Bucket { place: PLACE, mark: BucketMark(0), field: BucketField::Gen, got, want };
    assert_eq!(finding.code(), Code::BucketGen);
    assert!(finding.to_string().contains(" has wrong gen: got 1, should be 0"), "{finding}");
    let finding = Finding::Stripe { idx, field: StripeField::Algorithm, got, want };
    assert_eq!(finding.code(), Code::StripeAlgorithm);
    assert_eq!(finding.to_string(), "stripe 5 has wrong algorithm: got 1, should be 0");
    let finding = Finding::Fs { field: FsField::Hidden, got: 1, want: 0 };
    assert_eq!(finding.code(), Code::FsHidden);
    assert_eq!(finding.to_string(), "fs has wrong hidden: got 1, should be 0");
}

// Oracle: the bits of FSCK_* (docs/facts/gc.md).
#[test]
fn flags_say_what_may_be_answered() {
    for (flags, fix, ignore) in [
        (Flags::FIX_OR_IGNORE, true, true),
        (Flags::MUST_FIX, true, false),
        (Flags::NEED_FSCK, false, true),
        (Flags::LOG, false, false),
    ] {
        assert_eq!((flags.can_fix(), flags.can_ignore()), (fix, ignore), "{flags:?}");
    }
}

// Oracle: the numbers of Linux, and the results of docs/facts/marking.md.
#[test]
fn errors_have_numbers_and_words() {
    assert_eq!(MarkError::Refused.errno(), -5);
    assert_eq!(MarkError::NoStripe.errno(), -5);
    assert_eq!(MarkError::StripeNotThere.errno(), -1);
    assert_eq!(MarkError::Bad(BadReference::Value).errno(), -22);
    assert_eq!(MarkError::NoMemory.errno(), -12);
    assert_eq!(Error::from(MarkError::NoMemory), Error::Errno(Errno::ENOMEM));
    assert_eq!(Error::from(no_memory()), Error::Errno(Errno::ENOMEM));
    assert_eq!(Error::NotFixed.to_string(), "errors were not fixed");
    assert_eq!(Error::RepairUnimplemented.to_string(), "repair unimplemented");
    assert_eq!(Error::Errno(Errno::EIO).to_string(), "error 5");
    assert_eq!(KeyError::PastEnd.to_string(), "key extends past end of bset");
    assert_eq!(KeyError::TooShort.to_string(), "key shorter than its format");
    assert_eq!(KeyError::TooLong.to_string(), "key too long to unpack");
    assert_eq!(AllocFields::from_value(&[]).unwrap_err().to_string(), "incorrect value size");
}

// Oracle: each reason stays what it was when one kind of error becomes another.
#[test]
fn reasons_survive_a_change_of_type() {
    assert_eq!(NoSlot::from(no_memory()), NoSlot);
    assert_eq!(Invalid::from(no_memory()), Invalid::Memory);
    assert_eq!(Invalid::Memory.to_string(), "cannot allocate memory");
    assert_eq!(MergeError::from(no_memory()), MergeError::Memory(no_memory()));
    assert_eq!(AddError::from(TooManyDevices), AddError::TooManyDevices);
    assert_eq!(AddError::from(MoveError::Memory), AddError::Counters(MoveError::Memory));
}

// Oracle: the same text as by itself.
#[test]
fn what_is_shown_for_debugging_is_what_is_printed() {
    let entry = Entry::cached(4);
    assert_eq!(format!("{entry:?}"), entry.get().to_string());
    assert_eq!(format!("{:?}", entry.get()), "cached: 1/1 [4]");
    let mut text = Text::<8>::new();
    assert!(write!(text, "a \"quoted\" text").is_err(), "it is cut");
    assert_eq!(
        (text.to_string(), format!("{text:?}")),
        (r#"a "quot"#.into(), r#""a \"quot""#.into())
    );
    assert_eq!(format!("{:?} {:?}", DataType::USER, DataType(99)), "BCH_DATA_USER DataType(99)");
    assert_eq!(format!("{:?}", Bversion { lo: 7, hi: 2 }), "2:7");
}

// Oracle: compared as the 96 bit numbers they are.
#[test]
fn versions_are_ordered_by_their_high_bits_first() {
    let number = |v: Bversion| (u128::from(v.hi) << 64) | u128::from(v.lo);
    let all = [
        Bversion::ZERO,
        Bversion { lo: 1, hi: 0 },
        Bversion { lo: u64::MAX, hi: 0 },
        Bversion { lo: 0, hi: 1 },
        Bversion { lo: 5, hi: 1 },
        Bversion::MAX,
    ];
    for a in all {
        assert_eq!(a.is_zero(), number(a) == 0);
        for b in all {
            assert_eq!(a.cmp(&b), number(a).cmp(&number(b)));
            assert_eq!(a.partial_cmp(&b), number(a).partial_cmp(&number(b)));
        }
    }
}

// Oracle: nothing is known of numbers without a name; a key of another type says nothing.
#[test]
fn unknown_numbers_have_no_name() {
    assert_eq!(BtreeId(8).name(), None);
    assert_eq!(ExtentEntryType::of_word(0).u64s(), None);
    let key = Bkey { type_: KeyType::INODE, ..Bkey::default() };
    assert_eq!(AllocFields::unpack(KeyRef::new(&key, &[1])), Ok(AllocFields::default()));
    assert_eq!(gc_core::layout::bkey_successor(Bpos::new(1, 2)), Bpos::new(1, 2).successor());
}
