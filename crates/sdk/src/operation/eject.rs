//! Eject: both keys out of the wallet, on this device, after the custodian allowed it.

use core::fmt;

use portal_api::rest::{
    BlindedEject, ClientState, Eject, PrepareEject, WalletState, eject_context,
};
use portal_api::sealed::{PinnedSealingKey, RecoveryTicket, SealPurpose};
use portal_api::{Base64Bytes, SecretText};
use portal_backup::{BackupSubject, CipherText};
use portal_lifecycle::ids::{ClientId, WalletId};
use portal_lifecycle::{Curve, ErrorId, Generation, PerCurve};
use portal_mpc::{Ed25519, Group, KeyShare, KeyShares, PrivateKey, Secp256k1};

use super::Backup;
use super::absent;
use super::recover::decode;
use super::sealed::{Blinds, Purpose};
use crate::meter::{Meter, traced};
use crate::session::compute;
use crate::state::was_confirmed;
use crate::{Error, Portal, ambient};

/// Both private keys of a wallet, whole. Erased when dropped.
pub struct EjectedKeys {
    /// Whose they are.
    pub client_id: ClientId,
    /// The id of each curve's key.
    pub wallet_ids: PerCurve<WalletId>,
    /// Generation of the backup that they were made of.
    pub generation: Generation,
    /// On secp256k1.
    pub secp256k1: PrivateKey<Secp256k1>,
    /// On Ed25519: a scalar, which no seed stands behind.
    pub ed25519: PrivateKey<Ed25519>,
}

impl fmt::Debug for EjectedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EjectedKeys")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl Portal {
    /// Takes both private keys out: opens the backup on this device, gets the custodian's shares,
    /// which the server gives out only while the custodian allows it, and adds them up.
    ///
    /// Nothing has changed on the server yet. **Write the keys down durably and read them back,
    /// then call [`confirm_eject`](Self::confirm_eject)**: from then on the wallet signs no more.
    ///
    /// # Errors
    ///
    /// `EJECT_NOT_ENABLED`, `WALLET_EJECTED`, `BACKUP_NOT_COMPLETE`, `BACKUP_SHARE_MISMATCH`,
    /// `RECOVERY_NOT_OPEN` (of a sealed backup: its custodian gives its share, blinded, only while
    /// the app's backend lets the client recover), `BACKUP_MODE_MISMATCH`,
    /// `CUSTODIAN_SHARE_NOT_FOUND`, `WEBHOOK_FAILED`, and those of opening a cipher text.
    ///
    /// # Security
    ///
    /// The keys are whole from here on, and who reads them needs nobody any more.
    pub async fn eject(&self, backup: Backup, cipher_text: &str) -> Result<EjectedKeys, Error> {
        let meter = Meter::start();
        traced(meter.trace_id(), self.ejected(backup, cipher_text, meter)).await
    }

    async fn ejected(
        &self,
        backup: Backup,
        cipher_text: &str,
        mut meter: Meter,
    ) -> Result<EjectedKeys, Error> {
        let cipher_text = CipherText::parse(cipher_text)?;
        let subject = cipher_text.header().subject;
        if subject.client_id != self.client_id {
            return Err(Error::new(
                ErrorId::BackupShareMismatch,
                "the cipher text is another client's; fetch this client's",
            ));
        }
        let state = self.rest.state(&mut meter).await?;
        let key = self.recovery_key(&state, subject.backup_share_pair_ids.secp256k1)?;
        let backup_method = cipher_text.header().backup_method;
        let shares = self.decrypt(backup, cipher_text).await?;
        let shares = KeyShares {
            secp256k1: decode(&shares.secp256k1)?,
            ed25519: decode(&shares.ed25519)?,
        };
        let (shares, blinded) = match key {
            Some(sealed) => self.blinded(subject, sealed, shares).await?,
            None => (shares, None),
        };
        let asking = PrepareEject {
            backup_method,
            blinded,
        };
        let mut custodian = [None, None];
        for (share, curve) in custodian.iter_mut().zip(Curve::ALL) {
            let wallet = *subject.wallet_ids.of(curve);
            *share = Some(self.rest.prepare_eject(&mut meter, wallet, &asking).await?);
        }
        let [Some(secp256k1), Some(ed25519)] = custodian else {
            return Err(mismatch("a share is missing".to_owned()));
        };
        let joined = compute(move || {
            Ok(EjectedKeys {
                client_id: subject.client_id,
                wallet_ids: subject.wallet_ids,
                generation: subject.generation,
                secp256k1: join(&shares.secp256k1, &secp256k1)?,
                ed25519: join(&shares.ed25519, &ed25519)?,
            })
        });
        let keys: Result<EjectedKeys, Error> = joined.await?;
        let keys = keys?;
        self.require_own(&mut meter, &keys).await?;
        Ok(keys)
    }

    /// This device's shares of a sealed backup, blinded once more, and what lets the custodian blind
    /// its own: the server, which both come by, learns neither.
    async fn blinded(
        &self,
        subject: BackupSubject,
        (key, ticket): (PinnedSealingKey, RecoveryTicket),
        shares: KeyShares,
    ) -> Result<(KeyShares, Option<BlindedEject>), Error> {
        let nonce = ambient::bytes();
        let purpose = Purpose {
            key,
            purpose: SealPurpose::Recover,
            client_id: self.client_id,
            backup_share_pair_ids: subject.backup_share_pair_ids,
            wallet_ids: subject.wallet_ids,
            generation: subject.generation.0,
            nonce,
        };
        let drawn = compute(move || {
            let blinds = Blinds::draw(&purpose, &shares)?;
            let recovery = blinds.recovery(&purpose, &ticket, &shares);
            Ok::<_, Error>((blinds.add(shares)?, recovery))
        });
        let (shares, recovery) = drawn.await??;
        let challenge = Base64Bytes(nonce.to_vec());
        let blinded = BlindedEject {
            challenge,
            recovery,
        };
        Ok((shares, Some(blinded)))
    }

    /// Says that `keys` are written down, and proves possession of both: the server destroys its
    /// signing shares, and nothing is signed, refreshed, recovered or backed up any more. Said
    /// again, it stays so.
    ///
    /// `keys` are those that were **read back** from where they were written. If they are not this
    /// wallet's, as the server knows it and as this device does, the server hears nothing.
    ///
    /// # Errors
    ///
    /// `BACKUP_SHARE_MISMATCH` where the keys are not this wallet's; nothing has changed then.
    /// `EJECT_NOT_ENABLED` where no window is open any more: the keys are out, and the wallet still
    /// signs; have it enabled again, then say so again. `UNAVAILABLE`.
    pub async fn confirm_eject(
        &self,
        keys: &EjectedKeys,
        platform: &str,
        version: &str,
    ) -> Result<(), Error> {
        let mut meter = Meter::start();
        let trace_id = meter.trace_id();
        let platform = [platform, version];
        let confirming = async {
            let Some(eject) = self.proved(&mut meter, keys, platform).await? else {
                return Ok(());
            };
            match self.rest.eject(&mut meter, &eject).await {
                // The keys are this wallet's: the window was moved since the state was read.
                Err(error) if error.id() == ErrorId::BackupShareMismatch => {
                    match self.proved(&mut meter, keys, platform).await? {
                        Some(eject) => self.rest.eject(&mut meter, &eject).await,
                        None => Ok(()),
                    }
                }
                ended => ended,
            }
        };
        traced(trace_id, confirming).await
    }

    /// What ends the wallet, as its state is now; nothing if it has ended.
    async fn proved(
        &self,
        meter: &mut Meter,
        keys: &EjectedKeys,
        [platform, version]: [&str; 2],
    ) -> Result<Option<Eject>, Error> {
        let state = self.require_own(meter, keys).await?;
        if state.ejected_at.is_some() {
            return Ok(None);
        }
        Ok(Some(Eject {
            client_platform: platform.to_owned(),
            client_platform_version: version.to_owned(),
            proofs: self.proofs(&state, keys)?,
        }))
    }

    /// Of each key a proof of possession, for the window that is open.
    fn proofs(
        &self,
        state: &ClientState,
        keys: &EjectedKeys,
    ) -> Result<PerCurve<Base64Bytes>, Error> {
        let context = |curve: Curve| {
            let wallet = listed(state, curve)?;
            let until = wallet.ejectable_until.ok_or_else(not_enabled)?;
            Ok::<_, Error>(eject_context(self.client_id, wallet.id, until.0))
        };
        let rng = &mut ambient::rng();
        let secp256k1 = context(Curve::Secp256k1)?;
        let ed25519 = context(Curve::Ed25519)?;
        Ok(PerCurve::new(
            Base64Bytes(keys.secp256k1.prove_possession(&secp256k1, rng)),
            Base64Bytes(keys.ed25519.prove_possession(&ed25519, rng)),
        ))
    }

    /// That the keys are this wallet's: those that the server tells, and those of each pair on
    /// this device that was ever in force. Another wallet's keys must not end this one. Gives the
    /// state that they were compared with.
    async fn require_own(
        &self,
        meter: &mut Meter,
        keys: &EjectedKeys,
    ) -> Result<ClientState, Error> {
        let state = self.rest.state(meter).await?;
        let given = PerCurve::new(keys.secp256k1.public_key(), keys.ed25519.public_key());
        for (curve, given) in given.iter() {
            let told = listed(&state, curve)?.public_key.as_deref();
            require_same(curve, told.ok_or_else(|| absent(&state))?, given)?;
        }
        // What cannot be read here stands in nobody's way: the server's word is there.
        for pair in self.device.pairs().await?.readable {
            if !was_confirmed(&state, &pair) {
                continue;
            }
            if let Ok(held) = pair.keys() {
                for (curve, held) in held.iter() {
                    require_same(curve, &hex::encode(held), given.of(curve))?;
                }
            }
        }
        Ok(state)
    }
}

/// What the server tells of the key of one curve.
fn listed(state: &ClientState, curve: Curve) -> Result<&WalletState, Error> {
    let mut wallets = state.wallets.iter();
    let wallet = wallets.find(|wallet| wallet.curve == curve);
    wallet.ok_or_else(|| absent(state))
}

fn not_enabled() -> Error {
    Error::new(
        ErrorId::EjectNotEnabled,
        "no window is open in which this wallet may be ended; have the app enable eject, then say \
         so again",
    )
}

fn require_same(curve: Curve, expected: &str, given: &[u8]) -> Result<(), Error> {
    let given = hex::encode(given);
    if given == expected {
        return Ok(());
    }
    Err(mismatch(format!(
        "the private key on {curve} is of the public key {given}, and this wallet's is \
         {expected}; it is not this wallet's key, and nothing was changed"
    )))
}

/// The whole key of one curve.
fn join<G: Group>(client: &KeyShare<G>, custodian: &SecretText) -> Result<PrivateKey<G>, Error> {
    // To be added up.
    let custodian = custodian.bytes();
    let custodian = custodian.map_err(|error| mismatch(error.to_string()))?;
    let custodian = KeyShare::decode(&custodian)
        .map_err(|error| mismatch(format!("the custodian's share: {error}")))?;
    PrivateKey::join(client, &custodian).map_err(|error| mismatch(error.to_string()))
}

fn mismatch(detail: String) -> Error {
    Error::new(ErrorId::BackupShareMismatch, detail)
}
