//! Where the key of keys lies: a file, Vault, AWS.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what fails while a test is set up fails the test"
)]

#[cfg(feature = "aws-kms")]
mod aws;
#[cfg(feature = "aws-kms")]
mod aws_errors;
mod key_file;
#[cfg(feature = "aws-kms")]
mod moto;
mod transit;
mod vault;
mod vault_answers;

use portal_seal::SealingKey;
use portal_store::kms::{KeyContext, Kms, KmsError, WrappedKey};

fn context(wallet: &str) -> KeyContext {
    KeyContext(vec![
        ("purpose", "signing share".to_owned()),
        ("wallet", wallet.to_owned()),
    ])
}

fn key(byte: u8) -> SealingKey {
    SealingKey::from_bytes([byte; 32].into())
}

async fn wrap(kms: &impl Kms) -> WrappedKey {
    kms.wrap(&key(0xd7), &context("w")).await.unwrap()
}

async fn opens(kms: &impl Kms, wrapped: &WrappedKey) {
    let opened = kms.unwrap(wrapped, &context("w")).await.unwrap();
    assert_eq!(opened.expose(), key(0xd7).expose());
}

/// An answer that is not an error fails the test.
fn error_of<T: std::fmt::Debug, E>(result: Result<T, E>) -> E {
    match result {
        Err(error) => error,
        Ok(it) => panic!("expected an error, saw {it:?}"),
    }
}

fn kind(error: &KmsError) -> &'static str {
    match error {
        KmsError::Unavailable { .. } => "unavailable",
        KmsError::Forbidden { .. } => "forbidden",
        KmsError::UnknownKey { .. } => "unknown",
        KmsError::Refused => "refused",
        KmsError::Malformed { .. } => "malformed",
    }
}
