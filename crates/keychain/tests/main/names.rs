//! Entry names.

use portal_keychain::{EntryName, NAME_BYTES};
use proptest::prelude::*;

#[test]
fn names_are_narrow() {
    let longest = "a".repeat(NAME_BYTES);
    for good in ["a", "0", "-", "a.b-c.0", "a.", "a..b", &longest] {
        assert_eq!(EntryName::parse(good).unwrap().as_str(), good);
    }
    let too_long = "a".repeat(NAME_BYTES + 1);
    for bad in [
        "", ".", "..", ".a", "A", "a/b", "../a", "a\\b", "a b", "a\0", "ä", "a_b", "a:b", &too_long,
    ] {
        assert!(EntryName::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_refused_name_is_told_in_part() {
    let error = EntryName::parse(&"Ä".repeat(5000)).unwrap_err();
    assert_eq!(error.given.chars().count(), NAME_BYTES);
}

proptest! {
    #[test]
    fn a_name_stays_in_its_directory(text in ".{0,120}") {
        if let Ok(name) = EntryName::parse(&text) {
            let path = std::path::Path::new(name.as_str());
            prop_assert_eq!(path.file_name().unwrap(), name.as_str());
            prop_assert_eq!(path.components().count(), 1);
        }
    }
}
