//! The header: what a cipher text says of itself, in clear and authenticated.

use portal_api::Base64Bytes;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
use portal_lifecycle::{BackupMethod, Generation, PerCurve};
use serde::{Deserialize, Serialize};

use crate::argon2id::Argon2idParameters;
use crate::{BackupError, KeyName};

const VERSION: u16 = 1;

/// Whose shares a cipher text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupSubject {
    /// The client.
    pub client_id: ClientId,
    /// The key of each curve.
    pub wallet_ids: PerCurve<WalletId>,
    /// The backup pair of each curve.
    pub backup_share_pair_ids: PerCurve<BackupSharePairId>,
    /// The pair's place in the order of the wallet's pairs.
    pub generation: Generation,
}

/// What a cipher text says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The method the user chose; [`BackupMethod::Password`] exactly where a password opens it.
    pub backup_method: BackupMethod,
    /// What opens it.
    pub key_source: KeySource,
    /// Whose shares it holds.
    pub subject: BackupSubject,
}

/// What opens a cipher text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A password, by Argon2id with these parameters.
    Password(Argon2idParameters),
    /// A random key in the user's storage.
    Stored {
        /// Where it lies there.
        key_name: KeyName,
    },
}

/// The header as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    version: u16,
    backup_method: BackupMethod,
    kdf: Kdf,
    aead: Aead,
    client_id: ClientId,
    wallet_ids: Curves<WalletId>,
    backup_share_pair_ids: Curves<BackupSharePairId>,
    generation: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(
    tag = "name",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
enum Kdf {
    Argon2id {
        memory_kib: u32,
        iterations: u32,
        parallelism: u32,
        salt: Base64Bytes,
    },
    None {
        key_name: String,
    },
}

#[derive(Serialize, Deserialize)]
enum Aead {
    #[serde(rename = "xchacha20poly1305-hkdfsha256-committing")]
    PortalSealV1,
}

/// [`PerCurve`], which is not as strict.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Curves<T> {
    secp256k1: T,
    ed25519: T,
}

impl Header {
    /// Reads a header and checks that everything it asks for is within bounds.
    pub(super) fn from_json(json: &[u8]) -> Result<Self, BackupError> {
        let written: Written = serde_json::from_slice(json)
            .map_err(|source| BackupError::HeaderMalformed { source })?;
        if written.version != VERSION {
            return Err(BackupError::UnknownVersion {
                given: written.version.to_string(),
            });
        }
        let key_source = match written.kdf {
            Kdf::Argon2id {
                memory_kib,
                iterations,
                parallelism,
                salt,
            } => KeySource::Password(Argon2idParameters::check(
                memory_kib,
                iterations,
                parallelism,
                &salt.0,
            )?),
            Kdf::None { key_name } => KeySource::Stored {
                key_name: KeyName::parse(&key_name)
                    .map_err(|source| BackupError::KeyNameInvalid { source })?,
            },
        };
        let by_password = matches!(key_source, KeySource::Password(_));
        if by_password != (written.backup_method == BackupMethod::Password) {
            return Err(BackupError::MethodContradictsKdf {
                method: written.backup_method,
            });
        }
        Ok(Self {
            backup_method: written.backup_method,
            key_source,
            subject: BackupSubject {
                client_id: written.client_id,
                wallet_ids: written.wallet_ids.into(),
                backup_share_pair_ids: written.backup_share_pair_ids.into(),
                generation: Generation(written.generation),
            },
        })
    }

    pub(super) fn to_json(&self) -> Result<Vec<u8>, BackupError> {
        let written = Written {
            version: VERSION,
            backup_method: self.backup_method,
            kdf: match &self.key_source {
                KeySource::Password(parameters) => Kdf::Argon2id {
                    memory_kib: parameters.memory_kib(),
                    iterations: parameters.iterations(),
                    parallelism: parameters.parallelism(),
                    salt: parameters.salt().to_vec().into(),
                },
                KeySource::Stored { key_name } => Kdf::None {
                    key_name: key_name.as_str().to_owned(),
                },
            },
            aead: Aead::PortalSealV1,
            client_id: self.subject.client_id,
            wallet_ids: self.subject.wallet_ids.into(),
            backup_share_pair_ids: self.subject.backup_share_pair_ids.into(),
            generation: self.subject.generation.0,
        };
        serde_json::to_vec(&written).map_err(|source| BackupError::HeaderMalformed { source })
    }
}

impl<T> From<Curves<T>> for PerCurve<T> {
    fn from(curves: Curves<T>) -> Self {
        Self::new(curves.secp256k1, curves.ed25519)
    }
}

impl<T> From<PerCurve<T>> for Curves<T> {
    fn from(curves: PerCurve<T>) -> Self {
        Self {
            secp256k1: curves.secp256k1,
            ed25519: curves.ed25519,
        }
    }
}
