//! Wire names, which are never respelled; ids; and values in pairs of curves.

use core::fmt::{Debug, Display};

use portal_lifecycle::ids::{OperationId, SigningSharePairId};
use portal_lifecycle::{
    BackupMethod, BackupMode, BackupStatus, Completion, Curve, OperationKind, PerCurve,
    SigningStatus, Timestamp,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Holds the names of all values against `expected`: as text, as JSON, and back.
fn check<T>(all: &[T], expected: &[&str], from_wire: fn(&str) -> Option<T>)
where
    T: Copy + PartialEq + Debug + Display + Serialize + DeserializeOwned,
{
    let seen: Vec<_> = all.iter().map(T::to_string).collect();
    assert_eq!(seen, expected);
    for (&value, name) in all.iter().zip(expected) {
        let json = format!("\"{name}\"");
        assert_eq!(serde_json::to_string(&value).unwrap_or_default(), json);
        assert_eq!(serde_json::from_str::<T>(&json).ok(), Some(value), "{json}");
        assert_eq!(from_wire(name), Some(value), "{name}");
        // What only looks like the name is none.
        for other in [format!("{name} "), format!("X{name}"), String::new()] {
            assert_eq!(from_wire(&other), None, "{other:?}");
        }
    }
}

#[test]
fn curves() {
    check(&Curve::ALL, &["SECP256K1", "ED25519"], |name| {
        name.parse().ok()
    });
    let error = "P256".parse::<Curve>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected SECP256K1 or ED25519, got \"P256\""
    );
}

#[test]
fn operations() {
    check(
        &OperationKind::ALL,
        &["generate", "backup", "recover", "refresh"],
        OperationKind::from_wire,
    );
}

#[test]
fn completions() {
    check(
        Completion::ALL,
        &["completed", "incomplete"],
        Completion::from_wire,
    );
}

/// A table over every status: a new one is to be thought about here.
#[test]
fn what_a_status_comes_to() {
    let signing = SigningStatus::ALL
        .iter()
        .map(|status| (status.as_str(), status.completion().as_str()));
    assert_eq!(
        signing.collect::<Vec<_>>(),
        [
            ("STORED_DATABASE", "incomplete"),
            ("STORED_CLIENT", "completed"),
            ("SUPERSEDED", "incomplete"),
            ("FROZEN", "completed"),
            ("ABANDONED", "incomplete"),
            ("PURGED", "incomplete"),
        ]
    );
    let backup = BackupStatus::ALL
        .iter()
        .map(|status| (status.as_str(), status.completion().as_str()));
    assert_eq!(
        backup.collect::<Vec<_>>(),
        [
            ("PENDING", "incomplete"),
            ("STORED_CUSTODIAN_BACKUP_SHARE", "incomplete"),
            ("STORED_CLIENT_BACKUP_SHARE_KEY", "incomplete"),
            ("STORED_CLIENT_BACKUP_SHARE", "completed"),
            ("SUPERSEDED", "incomplete"),
            ("ABANDONED", "incomplete"),
            ("PURGED", "incomplete"),
        ]
    );
}

#[test]
fn signing_statuses() {
    check(
        SigningStatus::ALL,
        &[
            "STORED_DATABASE",
            "STORED_CLIENT",
            "SUPERSEDED",
            "FROZEN",
            "ABANDONED",
            "PURGED",
        ],
        SigningStatus::from_wire,
    );
}

#[test]
fn backup_statuses() {
    check(
        BackupStatus::ALL,
        &[
            "PENDING",
            "STORED_CUSTODIAN_BACKUP_SHARE",
            "STORED_CLIENT_BACKUP_SHARE_KEY",
            "STORED_CLIENT_BACKUP_SHARE",
            "SUPERSEDED",
            "ABANDONED",
            "PURGED",
        ],
        BackupStatus::from_wire,
    );
    let open: Vec<_> = BackupStatus::ALL
        .iter()
        .filter(|status| status.is_open())
        .map(|status| status.as_str())
        .collect();
    assert_eq!(
        open,
        [
            "PENDING",
            "STORED_CUSTODIAN_BACKUP_SHARE",
            "STORED_CLIENT_BACKUP_SHARE_KEY"
        ]
    );
}

#[test]
fn backup_methods() {
    check(
        BackupMethod::ALL,
        &[
            "PASSWORD", "PASSKEY", "GDRIVE", "ICLOUD", "CUSTOM", "UNKNOWN",
        ],
        BackupMethod::from_wire,
    );
    let error = "FLOPPY".parse::<BackupMethod>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected PASSWORD, PASSKEY, GDRIVE, ICLOUD or CUSTOM, got \"FLOPPY\""
    );
}

#[test]
fn backup_modes() {
    check(
        BackupMode::ALL,
        &["PLAIN", "SEALED", "MANAGED"],
        BackupMode::from_wire,
    );
    assert_eq!("sealed".parse(), Ok(BackupMode::Sealed));
    let error = "open".parse::<BackupMode>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected PLAIN, SEALED or MANAGED, got \"open\""
    );
}

#[test]
fn a_listed_pair_has_no_order() {
    let pair = PerCurve::new(1, 2);
    for (listed, expected) in [
        (&[1, 2][..], true),
        (&[2, 1], true),
        (&[1, 1], false),
        (&[2, 2], false),
        (&[1, 3], false),
        (&[3, 2], false),
        (&[2, 3], false),
        (&[3, 1], false),
        (&[], false),
        (&[1], false),
        (&[2], false),
        (&[1, 2, 2], false),
        (&[1, 2, 3], false),
    ] {
        assert_eq!(pair.same_set(listed), expected, "{listed:?}");
    }
    assert!(!PerCurve::new(1, 1).same_set(&[1, 2]), "two equal values");
}

#[test]
fn each_curve_keeps_its_value() {
    let pair = PerCurve::new("k", "ed");
    assert_eq!(*pair.of(Curve::Secp256k1), "k");
    assert_eq!(*pair.of(Curve::Ed25519), "ed");
    assert_eq!(pair.into_array(), ["k", "ed"]);
    assert_eq!(pair.map(str::len), PerCurve::new(1, 2));
    let listed: Vec<_> = pair.iter().map(|(curve, name)| (curve, *name)).collect();
    assert_eq!(
        listed,
        [(Curve::Secp256k1, "k"), (Curve::Ed25519, "ed")],
        "in the order of every list and message"
    );
    assert_eq!(
        pair.try_map(|curve, name| Ok::<_, Curve>((curve, name))),
        Ok(PerCurve::new(
            (Curve::Secp256k1, "k"),
            (Curve::Ed25519, "ed")
        ))
    );
    assert_eq!(
        pair.try_map(|curve, _| Err::<(), _>(curve)),
        Err(Curve::Secp256k1),
        "the first error"
    );
}

/// The example of RFC 9562, appendix A.6.
#[test]
fn an_id_is_a_uuid_v7() {
    let random = [0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f];
    let id = OperationId::make(Timestamp::from_ms(0x017f_22e2_79b0), random);
    assert_eq!(id.to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    assert_eq!(id.to_string().parse(), Ok(id));
    assert_eq!(
        serde_json::to_string(&id).unwrap(),
        "\"017f22e2-79b0-7cc3-98c4-dc0c0c07398f\""
    );
    assert!("017f22e2-79b0-7cc3-98c4".parse::<OperationId>().is_err());
}

proptest! {
    #[test]
    fn an_id_carries_its_time(ms in 0..1_u64 << 48, random: [u8; 10]) {
        let id = SigningSharePairId::make(Timestamp::from_ms(ms), random);
        let bytes = id.to_bytes();
        let carried = bytes[..6].iter().fold(0, |ms, byte| ms << 8 | u64::from(*byte));
        prop_assert_eq!(carried, ms);
        prop_assert_eq!(bytes[6] >> 4, 7, "version");
        prop_assert_eq!(bytes[8] >> 6, 0b10, "variant");
        prop_assert_eq!(&bytes[9..], &random[3..], "random bytes");
    }

    #[test]
    fn ids_sort_by_time(ms in 0..(1_u64 << 48) - 1, a: [u8; 10], b: [u8; 10]) {
        let earlier = SigningSharePairId::make(Timestamp::from_ms(ms), a);
        let later = SigningSharePairId::make(Timestamp::from_ms(ms + 1), b);
        prop_assert!(earlier < later, "{} {}", earlier, later);
    }
}

#[test]
fn time_does_not_wrap() {
    let last = Timestamp::from_ms(u64::MAX);
    assert_eq!(last.plus_ms(1), last);
    assert_eq!(Timestamp::from_ms(1).plus_ms(2).as_ms(), 3);
    assert_eq!(Timestamp::from_ms(5).ms_since(Timestamp::from_ms(2)), 3);
    assert_eq!(Timestamp::from_ms(2).ms_since(Timestamp::from_ms(5)), 0);
}
