//! What a cipher text and a storage promise, attacked.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and draws its own randomness"
)]

mod by_key;
mod by_password;
mod folder;
mod golden;
mod headers;
mod storages;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portal_backup::{BackupSubject, CipherText, KeyName, SealingKey, SecretBytes};
use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
use portal_lifecycle::{BackupMethod, Generation, PerCurve};
use uuid::Uuid;
use zeroize::Zeroizing;

fn key(byte: u8) -> SealingKey {
    SealingKey::from_bytes(Zeroizing::new([byte; 32]))
}

fn name(name: &str) -> KeyName {
    KeyName::parse(name).unwrap()
}

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::new(bytes.to_vec())
}

const fn id(byte: u8) -> Uuid {
    Uuid::from_bytes([byte; 16])
}

const SUBJECT: BackupSubject = BackupSubject {
    client_id: ClientId(id(1)),
    wallet_ids: PerCurve::new(WalletId(id(2)), WalletId(id(3))),
    backup_share_pair_ids: PerCurve::new(BackupSharePairId(id(4)), BackupSharePairId(id(5))),
    generation: Generation(7),
};

fn shares() -> PerCurve<SecretBytes> {
    PerCurve::new(secret(b"a secp256k1 share"), secret(b"an Ed25519 share"))
}

fn by_key(subject: BackupSubject) -> CipherText {
    let (key, name) = (key(1), name("portal-backup.test"));
    let method = BackupMethod::GDrive;
    CipherText::encrypt_with_key(&key, name, method, subject, &shares(), &mut rand::rng()).unwrap()
}

/// The header's JSON, and the sealed part as it stands.
fn take_apart(text: &str) -> (String, String) {
    let [prefix, header, sealed] = text.split('.').collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(prefix, "portal-backup-v1");
    let json = URL_SAFE_NO_PAD.decode(header).unwrap();
    (String::from_utf8(json).unwrap(), sealed.to_owned())
}

fn put_together(json: &str, sealed: &str) -> String {
    format!("portal-backup-v1.{}.{sealed}", URL_SAFE_NO_PAD.encode(json))
}

/// An error and everything beneath it, as a log has it.
fn told(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(format!("{error} {error:?}"), |text, source| {
        format!("{text}: {source}")
    })
}
