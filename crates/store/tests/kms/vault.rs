//! Vault's Transit engine: what is sent there, and which versions open.

use std::time::Duration;

use async_trait::async_trait;
use portal_store::kms::conformance::Backend;
use portal_store::kms::{
    EndpointError, Kms as _, KmsError, VaultConfig, VaultConfigError, VaultTransitKms, WrappedKey,
};

use super::transit::{Expected, Instead, TOKEN, Transit};
use super::{context, error_of, key, opens, wrap};

pub(super) const EXPECTED: Expected = Expected {
    base: "",
    mount: "transit",
    key: "portal",
    namespace: None,
};

pub(super) fn config(address: &str) -> VaultConfig {
    let _ = rustls::crypto::ring::default_provider().install_default();
    VaultConfig {
        address: address.to_owned(),
        mount: "transit".to_owned(),
        key: "portal".to_owned(),
        namespace: None,
        token: TOKEN.to_owned().into(),
    }
}

pub(super) fn kms(transit: &Transit) -> VaultTransitKms {
    VaultTransitKms::new(config(&transit.url)).unwrap()
}

#[async_trait]
impl Backend for Transit {
    type Kms = VaultTransitKms;

    async fn open(&self) -> VaultTransitKms {
        kms(self)
    }

    async fn rotate(&self) {
        Self::rotate(self);
    }

    fn secrets(&self) -> Vec<Vec<u8>> {
        vec![TOKEN.as_bytes().to_vec()]
    }
}

portal_store::kms_conformance_tests!(Transit::start(EXPECTED).await);

#[tokio::test]
async fn an_id_names_mount_key_and_version() {
    let transit = Transit::start(EXPECTED).await;
    let kms = kms(&transit);
    assert_eq!(kms.key_id().await.unwrap(), "vault:transit/portal:v1");
    transit.rotate();
    let wrapped = wrap(&kms).await;
    assert_eq!(wrapped.key_id, "vault:transit/portal:v2");
    assert!(wrapped.bytes.starts_with(b"vault:v2:"), "{wrapped:?}");
}

/// The stand-in compares every path and header that it sees.
#[tokio::test]
async fn names_are_spelled_as_parts_of_a_path() {
    let transit = Transit::start(Expected {
        base: "/behind/a%20proxy",
        mount: "team%20a/transit%3Feu",
        key: "portal%23%25%C3%A9",
        namespace: Some("admin/portal"),
    })
    .await;
    for (slash, mount) in [("", "team a/transit?eu"), ("/", "/team a/transit?eu/")] {
        let kms = VaultTransitKms::new(VaultConfig {
            mount: mount.to_owned(),
            key: "portal#%é".to_owned(),
            namespace: Some("admin/portal".to_owned()),
            ..config(&format!("{}{slash}", transit.url))
        })
        .unwrap();
        let wrapped = wrap(&kms).await;
        assert_eq!(wrapped.key_id, "vault:team a/transit?eu/portal#%é:v1");
        opens(&kms, &wrapped).await;
    }
    assert_eq!(
        transit.requests(),
        ["keys", "encrypt", "decrypt", "keys", "encrypt", "decrypt"]
    );
}

#[tokio::test]
async fn the_newest_version_is_asked_for_once_a_minute() {
    async fn pass(time: Duration) {
        tokio::time::pause();
        tokio::time::advance(time).await;
        tokio::time::resume();
    }
    let transit = Transit::start(EXPECTED).await;
    let kms = kms(&transit);
    assert_eq!(kms.key_id().await.unwrap(), "vault:transit/portal:v1");
    transit.rotate();
    pass(Duration::from_secs(59)).await;
    assert_eq!(kms.key_id().await.unwrap(), "vault:transit/portal:v1");
    assert_eq!(transit.requests(), ["keys"]);
    pass(Duration::from_secs(1)).await;
    assert_eq!(kms.key_id().await.unwrap(), "vault:transit/portal:v2");
    assert_eq!(transit.requests(), ["keys"]);
    // What encrypts tells of a rotation sooner.
    transit.rotate();
    assert_eq!(wrap(&kms).await.key_id, "vault:transit/portal:v3");
    assert_eq!(kms.key_id().await.unwrap(), "vault:transit/portal:v3");
    assert_eq!(transit.requests(), ["encrypt"]);
}

/// Vault would make a key that it does not find, and a mistyped name would never be noticed.
#[tokio::test]
async fn no_key_is_made() {
    let transit = Transit::start(EXPECTED).await;
    transit.delete_key();
    let kms = kms(&transit);
    for _ in 0..2 {
        let error = error_of(kms.wrap(&key(1), &context("w")).await);
        assert!(
            matches!(&error, KmsError::UnknownKey { key_id } if key_id == "vault:transit/portal"),
            "{error:?}"
        );
    }
    assert_eq!(transit.requests(), ["keys", "keys"]);
}

#[tokio::test]
async fn a_version_that_is_not_allowed_any_more_is_unknown() {
    let transit = Transit::start(EXPECTED).await;
    let kms = kms(&transit);
    let old = wrap(&kms).await;
    transit.rotate();
    transit.allow_from(2);
    let new = wrap(&kms).await;
    opens(&kms, &new).await;
    let error = error_of(kms.unwrap(&old, &context("w")).await);
    assert!(
        matches!(&error, KmsError::UnknownKey { key_id } if *key_id == old.key_id),
        "{error:?}"
    );
    // And one that is not there yet: the database is newer than this Vault.
    let newer = WrappedKey {
        key_id: "vault:transit/portal:v3".to_owned(),
        bytes: String::from_utf8(new.bytes.clone())
            .unwrap()
            .replace("vault:v2:", "vault:v3:")
            .into_bytes(),
    };
    let error = error_of(kms.unwrap(&newer, &context("w")).await);
    assert!(matches!(error, KmsError::UnknownKey { .. }), "{error:?}");
    // Where Vault does not tell its versions, the answer is the general one.
    transit.answer_instead("keys", Instead::Status(403, String::new()));
    let error = error_of(kms.unwrap(&old, &context("w")).await);
    assert!(matches!(error, KmsError::Refused), "{error:?}");
}

/// What cannot be Vault's is not sent there.
#[tokio::test]
async fn nonsense_is_refused_without_a_call() {
    let transit = Transit::start(EXPECTED).await;
    let kms = kms(&transit);
    let wrapped = wrap(&kms).await;
    transit.requests();
    let text = String::from_utf8(wrapped.bytes.clone()).unwrap();
    for bytes in [
        Vec::new(),
        vec![0xff; 40],
        text.replace("vault:v1:", "vault:v2:").into_bytes(),
        text.replace("vault:v1:", "vault:v01:").into_bytes(),
        format!("{text}\n").into_bytes(),
        format!("vault:v1:{}", "A".repeat(4_096)).into_bytes(),
    ] {
        let changed = WrappedKey {
            bytes,
            ..wrapped.clone()
        };
        let error = error_of(kms.unwrap(&changed, &context("w")).await);
        assert!(matches!(error, KmsError::Refused), "{error:?}");
    }
    for id in [
        "vault:transit/portal",
        "vault:transit/portal:v",
        "vault:transit/portal:v01",
        "vault:transit/portal:v+1",
        "vault:transit/portal:1",
        "vault:transit/portal2:v1",
        "vault:other/portal:v1",
    ] {
        let moved = WrappedKey {
            key_id: id.to_owned(),
            ..wrapped.clone()
        };
        let error = error_of(kms.unwrap(&moved, &context("w")).await);
        assert!(
            matches!(&error, KmsError::UnknownKey { key_id } if key_id == id),
            "{id}: {error:?}"
        );
    }
    assert_eq!(transit.requests(), [""; 0]);
}

#[test]
fn what_cannot_work_is_refused_at_once() {
    let refused = |change: &dyn Fn(&mut VaultConfig)| {
        let mut config = config("https://vault.example:8200");
        change(&mut config);
        let error = error_of(VaultTransitKms::new(config));
        let text = format!("{error} {error:?}");
        assert!(!text.contains("planted"), "{text}");
        error
    };
    let http = refused(&|it| it.address = "http://vault.example:8200".to_owned());
    assert!(
        matches!(
            http,
            VaultConfigError::Endpoint(EndpointError::Insecure { .. })
        ),
        "{http:?}"
    );
    for user in [
        "https://planted@vault.example",
        "https://a:planted@vault.example",
    ] {
        let error = refused(&|it| it.address = user.to_owned());
        assert!(
            matches!(error, VaultConfigError::Endpoint(EndpointError::NotPlain)),
            "{error:?}"
        );
    }
    for mount in ["", "/", "a//b", ".", "a/..", "../a", "a/\n"] {
        let error = refused(&|it| it.mount = mount.to_owned());
        assert!(
            matches!(error, VaultConfigError::Name { field: "mount", .. }),
            "{mount:?}: {error:?}"
        );
    }
    for key in ["", "a/b", ".", "..", "/a", "a/", "a\u{7f}"] {
        let error = refused(&|it| it.key = key.to_owned());
        assert!(
            matches!(error, VaultConfigError::Name { field: "key", .. }),
            "{key:?}: {error:?}"
        );
    }
    let long = refused(&|it| it.key = "k".repeat(500));
    assert!(matches!(long, VaultConfigError::TooLong { .. }), "{long:?}");
    for token in ["", "planted\n", "planted\u{0}"] {
        let error = refused(&|it| it.token = token.to_owned().into());
        assert!(matches!(error, VaultConfigError::Token), "{error:?}");
    }
    let namespace = refused(&|it| it.namespace = Some("a\nb".to_owned()));
    assert!(
        matches!(namespace, VaultConfigError::Namespace { .. }),
        "{namespace:?}"
    );
}

#[test]
fn a_configuration_does_not_print_its_token() {
    let config = config("https://vault.example:8200");
    let text = format!("{config:?} {config:#?}");
    assert!(!text.contains("hvs."), "{text}");
    assert!(text.contains("transit"), "{text}");
    let kms = VaultTransitKms::new(config).unwrap();
    assert_eq!(format!("{kms:?}"), "VaultTransitKms(transit/portal)");
}
