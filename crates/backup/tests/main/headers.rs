//! Headers that are refused as they are read, before any work.

use portal_backup::{BackupError, CipherText, KeyName, NAME_BYTES};
use portal_lifecycle::ErrorId;

use crate::{SUBJECT, by_key, put_together, take_apart, told};

const BY_PASSWORD: &str = r#"{"version":1,"backupMethod":"PASSWORD","kdf":{"name":"argon2id","memoryKib":65536,"iterations":3,"parallelism":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA"},"aead":"xchacha20poly1305-hkdfsha256-committing","clientId":"01010101-0101-0101-0101-010101010101","walletIds":{"secp256k1":"02020202-0202-0202-0202-020202020202","ed25519":"03030303-0303-0303-0303-030303030303"},"backupSharePairIds":{"secp256k1":"04040404-0404-0404-0404-040404040404","ed25519":"05050505-0505-0505-0505-050505050505"},"generation":7}"#;

fn parse(header: &str) -> Result<CipherText, BackupError> {
    CipherText::parse(&put_together(header, "AAAA"))
}

fn refused(from: &str, to: &str) -> BackupError {
    let header = BY_PASSWORD.replacen(from, to, 1);
    assert_ne!(header, BY_PASSWORD, "the header has no {from}");
    let error = parse(&header).unwrap_err();
    assert_eq!(error.id(), ErrorId::CipherTextUnsupported, "{from} to {to}");
    error
}

#[test]
fn the_header_is_read_without_a_key() {
    let read = parse(BY_PASSWORD).unwrap();
    assert_eq!(read.header().subject, SUBJECT);
}

#[test]
fn a_header_says_what_the_documentation_says() {
    let (header, _) = take_apart(&by_key(SUBJECT).to_string());
    let kdf = r#""kdf":{"name":"none","keyName":"portal-backup.test"}"#;
    assert!(header.contains(kdf), "{header}");
    let by_password = header.replace("GDRIVE", "PASSWORD").replace(
        kdf,
        r#""kdf":{"name":"argon2id","memoryKib":65536,"iterations":3,"parallelism":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA"}"#,
    );
    assert_eq!(by_password, BY_PASSWORD);
}

#[test]
fn hostile_parameters_are_refused_before_work() {
    for (parameter, from, allowed, hostile) in [
        (
            "memoryKib",
            "65536",
            ["65536", "262144"],
            ["65535", "262145", "0", "4294967295"],
        ),
        (
            "iterations",
            "\"iterations\":3",
            ["\"iterations\":3", "\"iterations\":10"],
            [
                "\"iterations\":2",
                "\"iterations\":11",
                "\"iterations\":0",
                "\"iterations\":4294967295",
            ],
        ),
        (
            "parallelism",
            "\"parallelism\":1",
            ["\"parallelism\":1", "\"parallelism\":4"],
            [
                "\"parallelism\":0",
                "\"parallelism\":5",
                "\"parallelism\":255",
                "\"parallelism\":16777216",
            ],
        ),
    ] {
        for to in allowed {
            parse(&BY_PASSWORD.replacen(from, to, 1)).unwrap();
        }
        for to in hostile {
            let error = refused(from, to);
            assert!(
                matches!(error, BackupError::KdfOutOfBounds { parameter: named, .. } if named == parameter),
                "{error:?}"
            );
        }
        for to in ["-1", "4294967296", "1.5", "\"3\"", "null"] {
            let (field, _) = from.split_once(':').unwrap_or((from, ""));
            let to = if field == from {
                to.to_owned()
            } else {
                format!("{field}:{to}")
            };
            refused(from, &to);
        }
    }
    for salt in [
        "",
        "AAAA",
        "AAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let error = refused("AAAAAAAAAAAAAAAAAAAAAA", salt);
        assert!(matches!(error, BackupError::SaltLength { .. }), "{error:?}");
    }
}

#[test]
fn what_the_header_does_not_know_is_refused() {
    for (from, to) in [
        ("\"version\":1", "\"version\":2"),
        ("\"version\":1", "\"version\":0"),
        ("\"version\":1,", ""),
        ("\"version\":1", "\"version\":1,\"version\":1"),
        ("\"version\":1", "\"version\":1,\"more\":1"),
        ("\"salt\"", "\"more\":1,\"salt\""),
        ("{\"secp256k1\"", "{\"more\":1,\"secp256k1\""),
        ("\"iterations\":3", "\"iterations\":3,\"iterations\":3"),
        ("argon2id", "argon2i"),
        ("argon2id", "scrypt"),
        ("xchacha20poly1305-hkdfsha256-committing", "aes-256-gcm"),
        ("PASSWORD", "password"),
        ("PASSWORD", "CARRIER_PIGEON"),
        ("01010101-", "x1010101-"),
        ("\"generation\":7", "\"generation\":-7"),
        ("\"generation\":7", "\"generation\":18446744073709551616"),
        ("ed25519", "p256"),
        ("}", ""),
        ("{", "["),
    ] {
        refused(from, to);
    }
}

#[test]
fn method_and_key_derivation_belong_together() {
    refused("PASSWORD", "GDRIVE");
    let (header, sealed) = take_apart(&by_key(SUBJECT).to_string());
    let contradicting = put_together(&header.replace("GDRIVE", "PASSWORD"), &sealed);
    let error = CipherText::parse(&contradicting).unwrap_err();
    assert!(
        matches!(error, BackupError::MethodContradictsKdf { .. }),
        "{error:?}"
    );
}

#[test]
fn a_header_names_no_path() {
    let (header, sealed) = take_apart(&by_key(SUBJECT).to_string());
    for path in [
        "../key",
        "",
        ".key",
        "a/b",
        "A",
        &"a".repeat(NAME_BYTES + 1),
    ] {
        let hostile = header.replace("portal-backup.test", path);
        let error = CipherText::parse(&put_together(&hostile, &sealed)).unwrap_err();
        assert_eq!(error.id(), ErrorId::CipherTextUnsupported, "{path}");
    }
}

#[test]
fn what_is_no_cipher_text_is_told_apart() {
    let text = by_key(SUBJECT).to_string();
    for (given, says) in [
        (String::new(), "portal-backup-v1."),
        ("portal-backup-v1".to_owned(), "portal-backup-v1."),
        ("some other text".to_owned(), "portal-backup-v1."),
        (text.replacen("v1", "v2", 1), "got version \"2\""),
        (text.replacen("v1", "v01", 1), "got version \"01\""),
        (format!("{text}.AAAA"), "portal-backup-v1."),
        (format!(" {text}"), "portal-backup-v1."),
        ("portal-backup-v1.".repeat(1000), "at most 16384 bytes"),
    ] {
        let error = CipherText::parse(&given).unwrap_err();
        assert_eq!(error.id(), ErrorId::CipherTextUnsupported, "{given}");
        assert!(told(&error).contains(says), "{}", told(&error));
    }
}

#[test]
fn key_names_are_narrow() {
    let longest = "a".repeat(NAME_BYTES);
    for good in ["a", "0", "-", "a.b-c.0", "a.", &longest] {
        assert_eq!(KeyName::parse(good).unwrap().as_str(), good);
    }
    for bad in [
        "", ".", "..", ".a", "A", "a/b", "a\\b", "a b", "a\0", "ä", "a_b",
    ] {
        assert!(KeyName::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_backups_key_has_a_name_of_its_own() {
    let name = KeyName::of_backup(&SUBJECT.backup_share_pair_ids);
    assert_eq!(
        name.as_str(),
        "portal-backup.04040404-0404-0404-0404-040404040404"
    );
    assert_eq!(KeyName::parse(name.as_str()).unwrap(), name);
}
