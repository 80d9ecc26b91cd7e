//! From a cipher text and the custodian's shares to the keys.

use portal_api::Base64Bytes;
use portal_backup::{BackupError, CipherText, KeySource, Password, SealingKey, SecretBytes};
use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{Curve, PerCurve};
use portal_mpc::{Ed25519, Group, KeyShare, PrivateKey, Secp256k1};
use portal_sdk::Error;
use portal_seal::OpenError;

use super::{CustodianShares, Entry, Fault, RecoveredKeys};

/// The client's shares, by the password. Takes as long as Argon2id does.
pub(crate) fn open_with_password(
    cipher_text: &CipherText,
    password: &Password,
) -> Result<PerCurve<SecretBytes>, Error> {
    cipher_text
        .decrypt_with_password(password)
        .map_err(|error| told(error, Fault::WrongPassword))
}

/// The client's shares, by the key.
pub(crate) fn open_with_key(
    cipher_text: &CipherText,
    key: &SealingKey,
) -> Result<PerCurve<SecretBytes>, Error> {
    let opened = cipher_text.decrypt_with_key(key);
    opened.map_err(|error| match &cipher_text.header().key_source {
        KeySource::Stored { key_name } => told(
            error,
            Fault::WrongKey {
                name: key_name.clone(),
            },
        ),
        KeySource::Password(_) => error.into(),
    })
}

/// With a network a wrong password and a changed text look alike to a guesser; here who asks
/// holds everything, and may know which it is.
fn told(error: BackupError, wrong: Fault) -> Error {
    match error {
        BackupError::Decrypt {
            source: OpenError::WrongKey,
        } => wrong.into(),
        BackupError::Decrypt { .. } => Fault::Changed.into(),
        other => other.into(),
    }
}

/// Both keys, from the client's shares and those of the custodian that are of the same backup.
pub(crate) fn join(
    cipher_text: &CipherText,
    client: &PerCurve<SecretBytes>,
    custodian: &CustodianShares,
) -> Result<RecoveredKeys, Fault> {
    let subject = &cipher_text.header().subject;
    let of_client = |entry: &&Entry| entry.client_id == subject.client_id;
    let entries: Vec<_> = custodian.shares.iter().filter(of_client).collect();
    if entries.is_empty() {
        return Err(Fault::AnotherClient {
            client_id: subject.client_id,
        });
    }
    let wanted = Wanted {
        pair_ids: subject.backup_share_pair_ids,
        generation: subject.generation.0,
        entries: &entries,
    };
    Ok(RecoveredKeys {
        client_id: subject.client_id,
        wallet_ids: subject.wallet_ids,
        generation: subject.generation.0,
        secp256k1: wanted.key::<Secp256k1>(Curve::Secp256k1, &client.secp256k1)?,
        ed25519: wanted.key::<Ed25519>(Curve::Ed25519, &client.ed25519)?,
    })
}

/// What the cipher text asks of the custodian's shares.
struct Wanted<'a> {
    pair_ids: PerCurve<BackupSharePairId>,
    generation: u64,
    entries: &'a [&'a Entry],
}

impl Wanted<'_> {
    fn key<G: Group>(&self, curve: Curve, client: &SecretBytes) -> Result<PrivateKey<G>, Fault> {
        let pair_id = *self.pair_ids.of(curve);
        let of_curve = || self.entries.iter().filter(|entry| entry.curve == curve);
        let entry = of_curve().find(|entry| entry.backup_share_pair_id == pair_id);
        let entry = entry.ok_or_else(|| Fault::AnotherBackup {
            curve,
            pair_id,
            generation: self.generation,
            there: of_curve().map(|entry| entry.generation).collect(),
        })?;
        // Both are exposed to be joined.
        let client = self.share::<G>("client", curve, client.expose())?;
        let custodian = Base64Bytes::parse(entry.share.expose())
            .map(|bytes| SecretBytes::new(bytes.0))
            .map_err(|_| Fault::Unreadable {
                whose: "custodian",
                curve,
                source: portal_mpc::ShareError::Malformed,
            })?;
        let custodian = self.share::<G>("custodian", curve, custodian.expose())?;
        PrivateKey::join(&client, &custodian).map_err(|source| Fault::DoNotFit { curve, source })
    }

    fn share<G: Group>(
        &self,
        whose: &'static str,
        curve: Curve,
        bytes: &[u8],
    ) -> Result<KeyShare<G>, Fault> {
        let share = KeyShare::<G>::decode(bytes).map_err(|source| Fault::Unreadable {
            whose,
            curve,
            source,
        })?;
        let pair_id = *self.pair_ids.of(curve);
        if share.pair() != pair_id.to_bytes() || share.generation() != self.generation {
            return Err(Fault::Misplaced {
                whose,
                curve,
                pair_id,
            });
        }
        Ok(share)
    }
}
