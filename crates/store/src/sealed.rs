//! Secrets at rest: sealed, each for the one place where it lies, under a key of its own.
//!
//! ```text
//! version (1) ‖ length (2) ‖ key id ‖ length (2) ‖ wrapped data key ‖ sealed secret
//! ```
//!
//! The data key is drawn for this one secret and wrapped by the [`Kms`] for the same place. What
//! is before the sealed secret is not secret and is authenticated by the KMS: a data key that was
//! exchanged does not open what follows.

use std::sync::Arc;

use portal_lifecycle::ids::{
    BackupSharePairId, ClientId, EnvironmentId, SigningSharePairId, WalletId,
};
use portal_lifecycle::{Curve, Garbage, PerCurve, Timestamp};
use portal_seal::{SealingKey, SecretBytes};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use uuid::Uuid;

use crate::error::UnsealingError;
use crate::key_check::KmsRole;
use crate::kms::{KEY_ID_BYTES, KeyContext, Kms, KmsError, WRAPPED_BYTES, WrappedKey};
use crate::{IdempotentRequest, Secrets, StoreError, WalletCommit};

/// Version of the encoding and of [`Place`]; another number makes every stored secret unreadable.
const VERSION: u8 = 2;

/// Where a secret lies; it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// The server's share of a signing pair.
    SigningShare {
        client: ClientId,
        wallet: WalletId,
        pair: SigningSharePairId,
        curve: Curve,
    },
    /// The custodian's share of a backup pair, on its way.
    OutboxShare {
        client: ClientId,
        wallet: WalletId,
        pair: BackupSharePairId,
        curve: Curve,
    },
    /// Managed mode: the custodian's share of a backup pair. Wrapped by the backup KMS.
    ManagedShare {
        client: ClientId,
        wallet: WalletId,
        pair: BackupSharePairId,
        curve: Curve,
    },
    /// What authenticates the server to a custodian. Bound to the URL too: whoever can write
    /// to the database only must not be able to have secret and shares sent elsewhere.
    WebhookSecret {
        environment: EnvironmentId,
        base_url: &'a str,
    },
    /// The answer that a request with a key gets ever after. Bound to what was asked for, too:
    /// whoever can write to the database only must not be able to answer one request with what
    /// another one made.
    Answer {
        environment: EnvironmentId,
        caller: Uuid,
        route: &'a str,
        key: [u8; 32],
        digest: [u8; 32],
    },
    /// What tells a KMS of this database from another one; the secret is empty.
    KeyCheck { role: KmsRole },
}

impl Place<'_> {
    /// Where the answer to `request` lies.
    pub(crate) const fn answer(request: &IdempotentRequest) -> Place<'static> {
        Place::Answer {
            environment: request.environment_id,
            caller: request.caller,
            route: request.route,
            key: request.key,
            digest: request.digest,
        }
    }

    const fn table(&self) -> &'static str {
        match self {
            Self::SigningShare { .. } => "signing_share_pairs",
            Self::OutboxShare { .. } => "outbox",
            Self::ManagedShare { .. } => "managed_backup_shares",
            Self::WebhookSecret { .. } => "environments",
            Self::Answer { .. } => "idempotent_requests",
            Self::KeyCheck { .. } => "key_checks",
        }
    }

    /// Which KMS wraps its data key.
    pub(crate) const fn role(&self) -> KmsRole {
        match *self {
            Self::ManagedShare { .. } => KmsRole::ManagedBackups,
            Self::SigningShare { .. }
            | Self::OutboxShare { .. }
            | Self::WebhookSecret { .. }
            | Self::Answer { .. } => KmsRole::Main,
            Self::KeyCheck { role } => role,
        }
    }

    /// What names the place: to the KMS, and as associated data of the sealed secret.
    fn context(&self) -> KeyContext {
        let of_share =
            |purpose: &str, client: ClientId, wallet: WalletId, pair, curve: Curve, role: &str| {
                vec![
                    ("purpose", purpose.to_owned()),
                    ("client", client.to_string()),
                    ("wallet", wallet.to_string()),
                    ("pair", pair),
                    ("curve", curve.to_string()),
                    ("role", role.to_owned()),
                ]
            };
        let place = match *self {
            Self::SigningShare {
                client,
                wallet,
                pair,
                curve,
            } => of_share(
                "signing share",
                client,
                wallet,
                pair.to_string(),
                curve,
                "server",
            ),
            Self::OutboxShare {
                client,
                wallet,
                pair,
                curve,
            } => of_share(
                "backup share in the outbox",
                client,
                wallet,
                pair.to_string(),
                curve,
                "custodian",
            ),
            Self::ManagedShare {
                client,
                wallet,
                pair,
                curve,
            } => of_share(
                "managed backup share",
                client,
                wallet,
                pair.to_string(),
                curve,
                "custodian",
            ),
            Self::WebhookSecret {
                environment,
                base_url,
            } => vec![
                ("purpose", "webhook secret".to_owned()),
                ("environment", environment.to_string()),
                ("base_url", base_url.to_owned()),
            ],
            Self::Answer {
                environment,
                caller,
                route,
                key,
                digest,
            } => vec![
                ("purpose", "answer to a request".to_owned()),
                ("environment", environment.to_string()),
                ("caller", caller.to_string()),
                ("route", route.to_owned()),
                ("key", hex(key)),
                ("digest", hex(digest)),
            ],
            Self::KeyCheck { role } => vec![
                ("purpose", "key check".to_owned()),
                ("kms", role.as_str().to_owned()),
            ],
        };
        let format = [
            ("format", "portal-store sealed secret".to_owned()),
            ("version", VERSION.to_string()),
        ];
        KeyContext(format.into_iter().chain(place).collect())
    }
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Seals and opens secrets for their places.
#[derive(Debug, Clone)]
pub(crate) struct Sealer {
    kms: Arc<dyn Kms>,
    /// For what together with a signing share would still be no key, and is kept apart from it
    /// all the same.
    backup_kms: Arc<dyn Kms>,
}

impl Sealer {
    pub(crate) fn new(kms: Arc<dyn Kms>) -> Self {
        Self {
            backup_kms: Arc::clone(&kms),
            kms,
        }
    }

    pub(crate) fn with_backup_kms(self, backup_kms: Arc<dyn Kms>) -> Self {
        Self { backup_kms, ..self }
    }

    fn kms_of(&self, place: &Place<'_>) -> &dyn Kms {
        match place.role() {
            KmsRole::Main => self.kms.as_ref(),
            KmsRole::ManagedBackups => self.backup_kms.as_ref(),
        }
    }

    /// The only place in this crate that draws randomness: a key or nonce is no business of a
    /// caller.
    pub(crate) async fn seal(
        &self,
        place: &Place<'_>,
        secret: &SecretBytes,
    ) -> Result<Vec<u8>, StoreError> {
        let context = place.context();
        let data_key = SealingKey::generate(&mut UnwrapErr(SysRng));
        let wrapped = self.kms_of(place).wrap(&data_key, &context).await;
        let wrapped = wrapped.map_err(kms_failed)?;
        let sealed = portal_seal::seal(
            &data_key,
            &context.to_bytes(),
            // Exposed to be encrypted, nothing else.
            secret.expose(),
            &mut UnwrapErr(SysRng),
        );
        encode(&wrapped, &sealed).map_err(kms_failed)
    }

    /// Whether each KMS gives back a key that it wrapped. Nothing is ever sealed under it.
    pub(crate) async fn try_kms(&self) -> Result<(), StoreError> {
        let context = KeyContext(vec![("purpose", "readiness".to_owned())]);
        // One that serves as both is asked, and charges, once.
        let backup = (!Arc::ptr_eq(&self.kms, &self.backup_kms)).then_some(&self.backup_kms);
        for kms in core::iter::once(&self.kms).chain(backup) {
            let key = SealingKey::generate(&mut UnwrapErr(SysRng));
            let wrapped = kms.wrap(&key, &context).await.map_err(kms_failed)?;
            kms.unwrap(&wrapped, &context).await.map_err(kms_failed)?;
        }
        Ok(())
    }

    pub(crate) async fn open(
        &self,
        place: &Place<'_>,
        stored: &[u8],
    ) -> Result<SecretBytes, StoreError> {
        let unsealing = |source| StoreError::Unsealing {
            table: place.table(),
            source,
        };
        let (wrapped, sealed) = decode(stored).map_err(unsealing)?;
        let context = place.context();
        let data_key = self.unwrap(place, &wrapped, &context).await?;
        portal_seal::open(&data_key, &context.to_bytes(), sealed)
            .map_err(|source| unsealing(UnsealingError::Seal { source }))
    }

    /// Refuses a key that this KMS does not have. One damaged secret is not another key.
    pub(crate) async fn try_key(&self, place: &Place<'_>, stored: &[u8]) -> Result<(), StoreError> {
        match self.open(place, stored).await {
            Ok(_) => Ok(()),
            Err(error) => match error.of_key(place.role()) {
                StoreError::Unsealing { .. } => Ok(()),
                error => Err(error),
            },
        }
    }

    /// A check of the KMS of this role.
    pub(crate) async fn seal_check(&self, role: KmsRole) -> Result<Vec<u8>, StoreError> {
        let nothing = SecretBytes::new(Vec::new());
        self.seal(&Place::KeyCheck { role }, &nothing).await
    }

    /// Refuses a check that the KMS of this role does not open.
    pub(crate) async fn open_check(&self, role: KmsRole, stored: &[u8]) -> Result<(), StoreError> {
        let opened = self.open(&Place::KeyCheck { role }, stored).await;
        opened.map(drop).map_err(|error| error.of_key(role))
    }

    /// The same sealed secret with its data key wrapped anew; none where it is wrapped under the
    /// present key already.
    pub(crate) async fn rewrap(
        &self,
        place: &Place<'_>,
        stored: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let (wrapped, sealed) = decode(stored).map_err(|source| StoreError::Unsealing {
            table: place.table(),
            source,
        })?;
        let kms = self.kms_of(place);
        if wrapped.key_id == kms.key_id().await.map_err(kms_failed)? {
            return Ok(None);
        }
        let context = place.context();
        let data_key = self.unwrap(place, &wrapped, &context).await?;
        let wrapped = kms.wrap(&data_key, &context).await.map_err(kms_failed)?;
        encode(&wrapped, sealed).map(Some).map_err(kms_failed)
    }

    async fn unwrap(
        &self,
        place: &Place<'_>,
        wrapped: &WrappedKey,
        context: &KeyContext,
    ) -> Result<SealingKey, StoreError> {
        self.kms_of(place)
            .unwrap(wrapped, context)
            .await
            .map_err(|source| match source {
                KmsError::UnknownKey { .. } | KmsError::Refused => StoreError::Unsealing {
                    table: place.table(),
                    source: UnsealingError::Kms { source },
                },
                source => kms_failed(source),
            })
    }
}

/// The secrets of a commit as they will lie: sealed before its transaction begins, so that
/// nobody waits for the KMS while rows are locked.
pub(crate) enum SealedSecrets {
    Unchanged,
    StoreSigningShare {
        ids: PerCurve<SigningSharePairId>,
        sealed: PerCurve<Vec<u8>>,
    },
    Enqueue {
        ids: PerCurve<BackupSharePairId>,
        sealed: PerCurve<Vec<u8>>,
        blinds: Option<PerCurve<Vec<u8>>>,
        due_at: Timestamp,
    },
    StoreCustodianShare {
        ids: PerCurve<BackupSharePairId>,
        sealed: PerCurve<Vec<u8>>,
    },
    EraseOutbox {
        ids: PerCurve<BackupSharePairId>,
    },
    Collect {
        garbage: Vec<Garbage>,
        due_at: Timestamp,
    },
}

impl Sealer {
    pub(crate) async fn seal_secrets(
        &self,
        commit: &WalletCommit,
    ) -> Result<SealedSecrets, StoreError> {
        let client = commit.client_id;
        let wallets = commit.wallet.ids;
        Ok(match &commit.secrets {
            Secrets::Unchanged => SealedSecrets::Unchanged,
            Secrets::StoreSigningShare { ids, shares } => {
                let place = |curve| Place::SigningShare {
                    client,
                    wallet: *wallets.of(curve),
                    pair: *ids.of(curve),
                    curve,
                };
                let sealed = self.seal_both(place, shares).await?;
                SealedSecrets::StoreSigningShare { ids: *ids, sealed }
            }
            Secrets::Enqueue {
                ids,
                shares,
                blinds,
                due_at,
            } => {
                let place = |curve| Place::OutboxShare {
                    client,
                    wallet: *wallets.of(curve),
                    pair: *ids.of(curve),
                    curve,
                };
                SealedSecrets::Enqueue {
                    ids: *ids,
                    sealed: self.seal_both(place, shares).await?,
                    blinds: blinds.clone(),
                    due_at: *due_at,
                }
            }
            Secrets::StoreCustodianShare { ids, shares } => {
                let place = |curve| Place::ManagedShare {
                    client,
                    wallet: *wallets.of(curve),
                    pair: *ids.of(curve),
                    curve,
                };
                let sealed = self.seal_both(place, shares).await?;
                SealedSecrets::StoreCustodianShare { ids: *ids, sealed }
            }
            Secrets::EraseOutbox { ids } => SealedSecrets::EraseOutbox { ids: *ids },
            Secrets::Collect { garbage, due_at } => SealedSecrets::Collect {
                garbage: garbage.clone(),
                due_at: *due_at,
            },
        })
    }

    async fn seal_both(
        &self,
        place: impl Fn(Curve) -> Place<'static>,
        shares: &PerCurve<SecretBytes>,
    ) -> Result<PerCurve<Vec<u8>>, StoreError> {
        let places = PerCurve::new(place(Curve::Secp256k1), place(Curve::Ed25519));
        let secp256k1 = self.seal(&places.secp256k1, &shares.secp256k1).await?;
        let ed25519 = self.seal(&places.ed25519, &shares.ed25519).await?;
        Ok(PerCurve::new(secp256k1, ed25519))
    }
}

const fn kms_failed(source: KmsError) -> StoreError {
    StoreError::Kms { source }
}

fn encode(wrapped: &WrappedKey, sealed: &[u8]) -> Result<Vec<u8>, KmsError> {
    let field = |bytes: &[u8], longest: usize, problem| {
        let fits = (bytes.len() <= longest).then(|| u16::try_from(bytes.len()).ok());
        fits.flatten().ok_or(KmsError::Malformed { problem })
    };
    let key_id = wrapped.key_id.as_bytes();
    let id_bytes = field(key_id, KEY_ID_BYTES, "the key's name is too long")?;
    let key_bytes = field(&wrapped.bytes, WRAPPED_BYTES, "the wrapped key is too long")?;
    let mut stored = vec![VERSION];
    stored.extend_from_slice(&id_bytes.to_be_bytes());
    stored.extend_from_slice(key_id);
    stored.extend_from_slice(&key_bytes.to_be_bytes());
    stored.extend_from_slice(&wrapped.bytes);
    stored.extend_from_slice(sealed);
    Ok(stored)
}

fn decode(stored: &[u8]) -> Result<(WrappedKey, &[u8]), UnsealingError> {
    let (version, mut rest) = stored.split_first().ok_or(UnsealingError::Malformed)?;
    if *version != VERSION {
        return Err(UnsealingError::UnknownVersion {
            expected: VERSION,
            given: *version,
        });
    }
    let mut field = || {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (field, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = after;
        Some(field)
    };
    let key_id = field().and_then(|id| core::str::from_utf8(id).ok());
    let (key_id, bytes) = key_id.zip(field()).ok_or(UnsealingError::Malformed)?;
    let wrapped = WrappedKey {
        key_id: key_id.to_owned(),
        bytes: bytes.to_vec(),
    };
    Ok((wrapped, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KeyFileKms;

    fn id(byte: u8) -> Uuid {
        Uuid::from_bytes([byte; 16])
    }

    fn signing(client: u8, wallet: u8, pair: u8, curve: Curve) -> Place<'static> {
        Place::SigningShare {
            client: ClientId(id(client)),
            wallet: WalletId(id(wallet)),
            pair: SigningSharePairId(id(pair)),
            curve,
        }
    }

    fn sealer() -> Sealer {
        let key = SealingKey::from_bytes([7; 32].into());
        Sealer::new(Arc::new(KeyFileKms::from_key(key)))
    }

    /// What every database in the field depends on.
    #[test]
    fn places_are_named_as_ever() {
        let place = signing(b'c', b'w', b'p', Curve::Ed25519);
        let expected = b"\0\0\0\x06format\0\0\0\x1aportal-store sealed secret\
            \0\0\0\x07version\0\0\0\x012\
            \0\0\0\x07purpose\0\0\0\x0dsigning share\
            \0\0\0\x06client\0\0\0\x2463636363-6363-6363-6363-636363636363\
            \0\0\0\x06wallet\0\0\0\x2477777777-7777-7777-7777-777777777777\
            \0\0\0\x04pair\0\0\0\x2470707070-7070-7070-7070-707070707070\
            \0\0\0\x05curve\0\0\0\x07ED25519\
            \0\0\0\x04role\0\0\0\x06server";
        let seen = place.context().to_bytes();
        assert_eq!(seen, expected, "seen: {}", seen.escape_ascii());
    }

    #[test]
    fn what_is_stored_is_laid_out_as_ever() {
        let wrapped = WrappedKey {
            key_id: "key".to_owned(),
            bytes: b"wrapped".to_vec(),
        };
        let stored = encode(&wrapped, b"sealed").unwrap();
        assert_eq!(stored, b"\x02\0\x03key\0\x07wrappedsealed");
        assert_eq!(decode(&stored), Ok((wrapped, b"sealed".as_slice())));
        for cut in 0..12 {
            assert!(decode(&stored[..cut]).is_err(), "cut to {cut} bytes");
        }
        let other = [&[1], &stored[1..]].concat();
        assert!(matches!(
            decode(&other),
            Err(UnsealingError::UnknownVersion { given: 1, .. })
        ));
    }

    #[tokio::test]
    async fn no_two_places_are_alike() {
        let webhook = |environment, base_url| Place::WebhookSecret {
            environment: EnvironmentId(id(environment)),
            base_url,
        };
        let answer = |environment, caller, route, key, digest| Place::Answer {
            environment: EnvironmentId(id(environment)),
            caller: id(caller),
            route,
            key: [key; 32],
            digest: [digest; 32],
        };
        let places = [
            signing(1, 2, 3, Curve::Ed25519),
            signing(9, 2, 3, Curve::Ed25519),
            signing(1, 9, 3, Curve::Ed25519),
            signing(1, 2, 9, Curve::Ed25519),
            signing(1, 2, 3, Curve::Secp256k1),
            Place::OutboxShare {
                client: ClientId(id(1)),
                wallet: WalletId(id(2)),
                pair: BackupSharePairId(id(3)),
                curve: Curve::Ed25519,
            },
            Place::ManagedShare {
                client: ClientId(id(1)),
                wallet: WalletId(id(2)),
                pair: BackupSharePairId(id(3)),
                curve: Curve::Ed25519,
            },
            webhook(1, "https://a.example"),
            webhook(2, "https://a.example"),
            webhook(1, "https://b.example"),
            answer(1, 2, "a", 3, 4),
            answer(9, 2, "a", 3, 4),
            answer(1, 9, "a", 3, 4),
            answer(1, 2, "b", 3, 4),
            answer(1, 2, "a", 9, 4),
            answer(1, 2, "a", 3, 9),
            Place::KeyCheck {
                role: KmsRole::Main,
            },
            Place::KeyCheck {
                role: KmsRole::ManagedBackups,
            },
        ];
        let sealer = sealer();
        let secret = SecretBytes::new(b"a share".to_vec());
        for (i, here) in places.iter().enumerate() {
            let sealed = sealer.seal(here, &secret).await.unwrap();
            for (j, there) in places.iter().enumerate() {
                assert_eq!(
                    sealer.open(there, &sealed).await.is_ok(),
                    i == j,
                    "sealed for {here:?}, opened at {there:?}"
                );
            }
        }
    }

    #[tokio::test]
    async fn no_byte_of_what_is_stored_can_be_changed() {
        let sealer = sealer();
        let place = signing(1, 2, 3, Curve::Ed25519);
        let secret = SecretBytes::new(b"a share".to_vec());
        let stored = sealer.seal(&place, &secret).await.unwrap();
        for at in 0..stored.len() {
            let mut changed = stored.clone();
            changed[at] ^= 1;
            let opened = sealer.open(&place, &changed).await;
            assert!(opened.is_err(), "byte {at} can be changed");
        }
    }

    /// One share's data key opens nothing of another's, even at the same place.
    #[tokio::test]
    async fn a_data_key_opens_its_own_secret_only() {
        let sealer = sealer();
        let place = signing(1, 2, 3, Curve::Ed25519);
        let secret = SecretBytes::new(b"a share".to_vec());
        let one = sealer.seal(&place, &secret).await.unwrap();
        let other = sealer.seal(&place, &secret).await.unwrap();
        let (wrapped, _) = decode(&one).unwrap();
        let (_, sealed) = decode(&other).unwrap();
        let mixed = encode(&wrapped, sealed).unwrap();
        assert!(sealer.open(&place, &mixed).await.is_err());
    }
}
