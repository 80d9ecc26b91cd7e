//! No secret lies anywhere in clear but where it belongs.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use portal_api::sealed::RecoveryTicket;
use portal_api::webhook::signature::SigningSecret;
use portal_backup::{CipherText, Password};
use portal_custodian::{CustodianStore as _, SqlCustodianStore};
use portal_keychain::{FileKeychain, Keychain as _};
use portal_lifecycle::Curve;
use portal_seal::SealingKey;
use portal_store::kms::KeyFileKms;
use portal_store::{SqlStore, WalletStore as _};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::collector::Collector;
use crate::installation::{Installation, Setup};

const PASSWORD: &str = "a password that nobody else would choose 7261";

/// A secret by the name it is reported under.
struct Secret(&'static str, Vec<u8>);

impl Secret {
    /// The ways in which bytes end up in a file: raw, hexadecimal, and base64 at each alignment.
    fn shapes(&self) -> Vec<Vec<u8>> {
        let Self(_, bytes) = self;
        let mut shapes = vec![bytes.clone(), hex::encode(bytes).into_bytes()];
        shapes.push(hex::encode_upper(bytes).into_bytes());
        // As a list of numbers, which is how a derived Debug prints bytes.
        let listed: Vec<String> = bytes.iter().map(u8::to_string).collect();
        shapes.push(listed.join(", ").into_bytes());
        for skip in 0..3 {
            let whole = &bytes[skip..skip + (bytes.len() - skip) / 3 * 3];
            use base64::Engine as _;
            shapes.push(
                base64::engine::general_purpose::STANDARD
                    .encode(whole)
                    .into_bytes(),
            );
            shapes.push(
                base64::engine::general_purpose::URL_SAFE
                    .encode(whole)
                    .into_bytes(),
            );
        }
        shapes
    }

    fn is_in(&self, content: &[u8]) -> bool {
        self.shapes().iter().any(|shape| contains(content, shape))
    }
}

fn contains(content: &[u8], needle: &[u8]) -> bool {
    content.windows(needle.len()).any(|window| window == needle)
}

fn key(path: &Path) -> Zeroizing<[u8; 32]> {
    let text = fs::read_to_string(path).unwrap();
    Zeroizing::new(hex::decode(text.trim()).unwrap().try_into().unwrap())
}

/// The 32 secret bytes within an encoded key share follow 4 + 16 + 8 others.
fn scalar(share: &[u8]) -> Vec<u8> {
    share[28..60].to_vec()
}

/// Everything that a file of these places holds, by its path.
fn contents(places: &[&Path]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut left: Vec<_> = places.iter().map(|place| place.to_path_buf()).collect();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_lies_in_clear_where_it_does_not_belong() {
    none_lies_in_clear("text", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_where_backups_are_sealed_logs_are_json_and_spans_are_collected() {
    none_lies_in_clear("json", true).await;
}

async fn none_lies_in_clear(log_format: &'static str, is_sealed: bool) {
    let collector = Collector::start().await;
    let mut installation = Installation::start_with(Setup {
        log_format,
        otlp: Some(collector.url.clone()),
        is_sealed,
        ..Setup::default()
    });
    fs::write(installation.path("password"), PASSWORD).unwrap();
    let made = installation.client("phone", &["create"]);
    let client = made["clientId"].as_str().unwrap().parse().unwrap();
    installation.wallet("phone", &["create"]);
    let cipher_text = installation.path("cipher-text");
    let arguments = [
        "backup",
        "--password-file",
        "password",
        "--cipher-text-file",
        "cipher-text",
    ];
    installation.wallet("phone", &arguments);
    installation.wallet("phone", &["backup", "--folder", "drive"]);
    let sign = [
        "sign",
        "--chain",
        "solana",
        "--method",
        "sol_signMessage",
        "--params",
        "\"hi\"",
    ];
    installation.wallet("phone", &sign);
    let sign = [
        "sign",
        "--chain",
        "ethereum",
        "--method",
        "personal_sign",
        "--params",
        "\"hi\"",
    ];
    installation.wallet("phone", &sign);
    let client_id = made["clientId"].as_str().unwrap();
    installation.client("tablet", &["login", "--client", client_id]);
    let ticket = is_sealed.then(|| recovery_ticket(&installation, client_id));
    installation.wallet("tablet", &["recover", "--folder", "drive"]);
    assert_eq!(
        installation.wallet_refusal("phone", &["backup", "--password-file", "password"]),
        "SIGNING_SHARE_SUPERSEDED"
    );
    if log_format == "json" {
        // What is left is sent at the end.
        installation.stop_server(0);
        installation.stop_custodian();
        let spans = collector.spans();
        assert!(spans.len() > 100, "expected spans, seen {}", spans.len());
    }
    installation.stop();
    fs::write(installation.path("spans"), collector.bytes()).unwrap();

    let mut secrets = keys_and_tokens(&installation);
    secrets.extend(ticket);
    secrets.extend(device_shares(&installation, "phone").await);
    secrets.extend(device_shares(&installation, "tablet").await);
    secrets.extend(server_shares(&installation, client).await);
    secrets.extend(custodian_shares(&installation, client).await);
    secrets.extend(backup_shares(&cipher_text));
    assert!(
        secrets.len() >= 25,
        "only {} secrets were planted",
        secrets.len()
    );

    let places = [
        "server/portal.db",
        "server/portal.db-wal",
        "custodian/custodian.db",
    ];
    let mut places: Vec<_> = places
        .iter()
        .map(|place| installation.path(place))
        .collect();
    places.extend(
        [
            "custodian/custodian.db-wal",
            "server.log",
            "custodian.log",
            "device.log",
            "drive",
            "spans",
        ]
        .map(|place| installation.path(place)),
    );
    places.extend(["phone/keychain", "tablet/keychain"].map(|place| installation.path(place)));
    places.push(cipher_text);
    places.retain(|place| place.exists());
    let places: Vec<&Path> = places.iter().map(AsRef::as_ref).collect();
    let files = contents(&places);

    // The search can find: what is not secret is there, in the logs and in both databases.
    let trace = files.iter().filter(|(path, _)| path.ends_with(".log"));
    assert!(
        trace.clone().all(|(_, log)| !log.is_empty()),
        "every log has lines"
    );
    let public = [client.to_bytes().to_vec(), client.to_string().into_bytes()];
    for name in ["portal.db", "custodian.db"] {
        let found = files.iter().any(|(path, content)| {
            path.contains(name) && public.iter().any(|id| contains(content, id))
        });
        assert!(found, "expected the client's id in {name}");
    }

    for (path, content) in &files {
        for secret in &secrets {
            assert!(
                !secret.is_in(content),
                "{} lies in clear in {path}",
                secret.0
            );
        }
    }
    // The user's own storage holds the key of a CUSTOM backup, and nothing else does.
    let drive = contents(&[&installation.path("drive")]);
    let stored = String::from_utf8(drive[0].1.clone()).unwrap();
    let key = hex::decode(stored.rsplit('.').next().unwrap()).unwrap();
    let secret = Secret("the backup key", key);
    for (path, content) in &files {
        assert_eq!(
            secret.is_in(content),
            path.contains("/drive/"),
            "the backup key in {path}"
        );
    }
}

fn keys_and_tokens(installation: &Installation) -> Vec<Secret> {
    let mut secrets = vec![Secret("the password", PASSWORD.into())];
    for (name, path) in [
        ("the server's sealing key", "server/portal.key"),
        ("the custodian's sealing key", "custodian/custodian.key"),
        ("the app secret", "custodian/app-secret"),
        ("the key that apps seal to", "custodian/sealing-key"),
        (
            "the secret of the app's backend",
            "custodian/backend-secret",
        ),
        ("the phone's keychain key", "phone/keychain.key"),
        ("the tablet's keychain key", "tablet/keychain.key"),
    ] {
        secrets.push(Secret(name, key(&installation.path(path)).to_vec()));
        let text = fs::read(installation.path(path)).unwrap();
        secrets.push(Secret(name, text));
    }
    let webhook = fs::read_to_string(installation.path("custodian/webhook-secret")).unwrap();
    let webhook = SigningSecret::parse(webhook.trim_end()).unwrap();
    let shown = webhook.static_header().as_bytes().to_vec();
    secrets.push(Secret("what webhooks show", shown));
    let signs = webhook.expose().as_bytes().to_vec();
    secrets.push(Secret("what signs webhooks", signs));
    secrets.push(Secret(
        "the API key",
        fs::read(installation.path("api-key")).unwrap(),
    ));
    for device in ["phone/profile.toml", "tablet/profile.toml"] {
        let text = fs::read_to_string(installation.path(device)).unwrap();
        let profile: toml::Table = text.parse().unwrap();
        for (name, field) in [
            ("a client token", "client_token"),
            ("an app token", "custodian_token"),
        ] {
            secrets.push(Secret(
                name,
                profile[field].as_str().unwrap().as_bytes().to_vec(),
            ));
        }
    }
    secrets
}

/// What lets the client recover, which only its own app is told.
fn recovery_ticket(installation: &Installation, client: &str) -> Secret {
    let opened = installation.recovery("open-recovery", client);
    let ticket: RecoveryTicket = opened["ticket"].as_str().unwrap().parse().unwrap();
    Secret("the ticket of a recovery", ticket.0.to_vec())
}

async fn device_shares(installation: &Installation, device: &str) -> Vec<Secret> {
    let key_path = installation.path(device).join("keychain.key");
    let keychain = FileKeychain::open(
        &installation.path(device).join("keychain"),
        SealingKey::from_bytes(key(&key_path)),
        UnwrapErr(SysRng),
    )
    .unwrap();
    let mut secrets = Vec::new();
    for entry in keychain.list().await.unwrap() {
        if !entry.as_str().starts_with("signing.") {
            continue;
        }
        let record = keychain.read(&entry).await.unwrap().unwrap();
        // version, generation, two ids each; then each share with its length.
        let mut rest = &record.expose()[73..];
        for name in ["a device's secp256k1 share", "a device's Ed25519 share"] {
            let (length, after) = rest.split_at(4);
            let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
            let (share, after) = after.split_at(length);
            secrets.push(Secret(name, scalar(share)));
            if length > 1_000 {
                // Some of the set-up: base-OT seeds lie all over it.
                secrets.push(Secret(
                    "a device's set-up",
                    share[length / 2..length / 2 + 48].into(),
                ));
            }
            rest = after;
        }
    }
    assert_eq!(secrets.len(), 3, "{device}");
    secrets
}

async fn server_shares(
    installation: &Installation,
    client: portal_lifecycle::ids::ClientId,
) -> Vec<Secret> {
    let kms = KeyFileKms::open(&installation.path("server/portal.key")).unwrap();
    let store = SqlStore::sqlite(&installation.path("server/portal.db"), Arc::new(kms))
        .await
        .unwrap();
    let wallet = store.wallet(client).await.unwrap().unwrap().wallet;
    let mut secrets = Vec::new();
    for pair in &wallet.signing_pairs {
        for curve in Curve::ALL {
            let share = store
                .signing_share(client, curve, *pair.ids.of(curve))
                .await
                .unwrap();
            secrets.push(Secret("a server's share", scalar(share.unwrap().expose())));
        }
    }
    store.close().await;
    assert_eq!(secrets.len(), 4);
    secrets
}

async fn custodian_shares(
    installation: &Installation,
    client: portal_lifecycle::ids::ClientId,
) -> Vec<Secret> {
    let key = SealingKey::from_bytes(key(&installation.path("custodian/custodian.key")));
    let database = installation.path("custodian/custodian.db");
    let store = SqlCustodianStore::sqlite(&database, key).await.unwrap();
    let mut secrets = Vec::new();
    for stored in store.shares_of(client).await.unwrap() {
        let text = stored.share.expose();
        let share = portal_api::Base64Bytes::parse(text).unwrap().0;
        secrets.push(Secret("a custodian's share", scalar(&share)));
        secrets.push(Secret(
            "a custodian's share as text",
            text.as_bytes().to_vec(),
        ));
    }
    store.close().await;
    assert_eq!(secrets.len(), 8);
    secrets
}

fn backup_shares(cipher_text: &Path) -> Vec<Secret> {
    let text = CipherText::parse(&fs::read_to_string(cipher_text).unwrap()).unwrap();
    let shares = text
        .decrypt_with_password(&Password::new(PASSWORD).unwrap())
        .unwrap();
    shares
        .into_array()
        .iter()
        .map(|share| Secret("a client's backup share", scalar(share.expose())))
        .collect()
}
