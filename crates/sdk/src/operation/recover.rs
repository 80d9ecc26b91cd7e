//! Recover: `recover_wallet`; and Refresh, which makes a new signing pair from the old one.

use portal_api::sealed::{PinnedSealingKey, RecoveryTicket, SealPurpose};
use portal_api::session::Operation;
use portal_backup::{BackupSubject, CipherText, KeySource, fetch_key};
use portal_chains::Addresses;
use portal_lifecycle::ids::SigningSharePairId;
use portal_lifecycle::{ErrorId, OperationKind, PerCurve};
use portal_mpc::{self as mpc, KeyShare, KeyShares, ReshareToSigning, Role};
use portal_seal::SecretBytes;

use super::Backup;
use super::pair::unexpected;
use super::sealed::{Blinds, Purpose};
use crate::device::PairRecord;
use crate::error::Run;
use crate::meter::{Meter, traced};
use crate::progress::Status;
use crate::session::{Begun, Session, compute, key_contexts};
use crate::{Error, Portal, Report, ambient};

/// A wallet that this device signs for, with a new pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Its addresses; the same as before.
    pub addresses: Addresses,
    /// Where time and bytes went.
    pub report: Report,
}

/// What a new signing pair is made from.
enum Source {
    /// The signing pair of this device.
    Signing(PerCurve<SigningSharePairId>),
    /// A backup pair; if it is sealed, with the key to seal to and the ticket of a recovery.
    Backup {
        subject: BackupSubject,
        key: Option<(PinnedSealingKey, RecoveryTicket)>,
    },
}

impl Portal {
    /// Makes this device the one that signs, from the completed backup.
    ///
    /// Tells: Reading share, Decrypting share, Generating share, Parsing share, Storing share,
    /// Done. Until the last step, whatever signed before still does.
    ///
    /// # Errors
    ///
    /// `CIPHER_TEXT_UNSUPPORTED`, `DECRYPT_FAILED`, `PASSWORD_REQUIRED`, `BACKUP_KEY_NOT_FOUND`,
    /// `BACKUP_SHARE_MISMATCH`, `BACKUP_NOT_COMPLETE`, `BACKUP_MODE_MISMATCH`,
    /// `RECOVERY_NOT_OPEN` (of a sealed backup), `CUSTODIAN_SHARE_NOT_FOUND`, `WEBHOOK_FAILED`, the `KEYCHAIN_…` and `MPC_…` ids, `RESHARE_FAILED`, `UNAVAILABLE`.
    pub async fn recover_wallet(
        &self,
        backup: Backup,
        cipher_text: &str,
    ) -> Result<Recovered, Error> {
        let meter = Meter::start();
        traced(meter.trace_id(), self.recovered(backup, cipher_text, meter)).await
    }

    /// Brings the wallet to a new device: another name of [`recover_wallet`](Self::recover_wallet),
    /// which apps of Portal's other SDKs know. Only one device signs, so the former one no longer does.
    ///
    /// # Errors
    ///
    /// As [`recover_wallet`](Self::recover_wallet).
    pub async fn provision_wallet(
        &self,
        backup: Backup,
        cipher_text: &str,
    ) -> Result<Recovered, Error> {
        self.recover_wallet(backup, cipher_text).await
    }

    async fn recovered(
        &self,
        backup: Backup,
        cipher_text: &str,
        mut meter: Meter,
    ) -> Result<Recovered, Error> {
        self.device.self_test().await?;
        let state = self.rest.state(&mut meter).await?;
        self.reconcile(&mut meter, &state).await?;
        self.tell(Status::ReadingShare);
        if !state.is_backed_up {
            return Err(Error::new(
                ErrorId::BackupNotComplete,
                "no backup of this wallet was ever completed; there is nothing to recover from",
            ));
        }
        let cipher_text = CipherText::parse(cipher_text)?;
        let subject = cipher_text.header().subject;
        if subject.client_id != self.client_id {
            return Err(Error::new(
                ErrorId::BackupShareMismatch,
                "the cipher text is another client's; fetch this client's",
            ));
        }
        self.tell(Status::DecryptingShare);
        let shares = self.decrypt(backup, cipher_text).await?;
        let source = KeyShares {
            secp256k1: decode(&shares.secp256k1)?,
            ed25519: decode(&shares.ed25519)?,
        };
        self.tell(Status::GeneratingShare);
        let ids = subject.backup_share_pair_ids;
        let key = self.recovery_key(&state, ids.secp256k1)?;
        let from = Source::Backup { subject, key };
        let pair = self.renew(&mut meter, from, source, state.epoch).await?;
        let addresses = pair.addresses()?;
        self.tell(Status::Done);
        Ok(Recovered {
            addresses,
            report: meter.finish(),
        })
    }

    /// Makes a new signing pair from this device's own, which is then superseded.
    ///
    /// Tells: Reading share, Generating share, Parsing share, Storing share, Done.
    ///
    /// # Errors
    ///
    /// `WALLET_NOT_FOUND`, `SIGNING_SHARE_NOT_ON_DEVICE`, `SIGNING_SHARE_SUPERSEDED`, the
    /// `KEYCHAIN_…` and `MPC_…` ids, `RESHARE_FAILED`, `UNAVAILABLE`.
    pub async fn refresh_wallet(&self) -> Result<Recovered, Error> {
        let meter = Meter::start();
        traced(meter.trace_id(), self.refreshed(meter)).await
    }

    async fn refreshed(&self, mut meter: Meter) -> Result<Recovered, Error> {
        self.device.self_test().await?;
        let state = self.rest.state(&mut meter).await?;
        self.reconcile(&mut meter, &state).await?;
        self.tell(Status::ReadingShare);
        let old = self.pair_in_use(&state).await?;
        let source = KeyShares {
            secp256k1: old.secp256k1_key()?,
            ed25519: old.ed25519()?,
        };
        self.tell(Status::GeneratingShare);
        let from = Source::Signing(old.ids);
        let pair = self.renew(&mut meter, from, source, state.epoch).await?;
        let addresses = pair.addresses()?;
        self.tell(Status::Done);
        Ok(Recovered {
            addresses,
            report: meter.finish(),
        })
    }

    async fn renew(
        &self,
        meter: &mut Meter,
        from: Source,
        source: KeyShares,
        epoch: u64,
    ) -> Result<PairRecord, Error> {
        let key = (
            source.secp256k1.points().key(),
            source.ed25519.points().key(),
        );
        let device_id = self.device.id().await?;
        let mut session = Session::open(&self.rest, meter).await?;
        let (operation, source) = self.asking(&from, source, session.nonces.server).await?;
        session.start(device_id, operation).await?;
        let Begun::Started(started) = session.begun().await? else {
            return Err(unexpected());
        };
        let (run, operation) = match from {
            Source::Signing(_) => (OperationKind::Refresh, mpc::Operation::Refresh),
            Source::Backup { .. } => (OperationKind::Recover, mpc::Operation::Recover),
        };
        let run = Run::Pair(run);
        let about = session.nonces.session(operation, started.generation);
        let keys = key_contexts(&started);
        let (machine, first) =
            compute(move || ReshareToSigning::client(&about, &keys, source, &mut ambient::rng()))
                .await?
                .map_err(|abort| Error::from_abort(run, &abort))?;
        let shares = session.run(run, machine, first).await?;
        session.done_if_told().await;
        let renewed = (
            shares.secp256k1.key().points().key(),
            shares.ed25519.points().key(),
        );
        if renewed != key {
            return Err(Error::new(
                ErrorId::ReshareFailed,
                "the new pair shares another key",
            ));
        }
        self.adopt(meter, &started, &shares, epoch).await
    }

    /// The operation to ask for, and this device's shares for it: of a sealed backup, blinded once
    /// more.
    async fn asking(
        &self,
        from: &Source,
        source: KeyShares,
        nonce: [u8; 32],
    ) -> Result<(Operation, KeyShares), Error> {
        let (subject, key) = match from {
            Source::Signing(ids) => {
                let operation = Operation::Refresh {
                    signing_share_pair_ids: *ids,
                };
                return Ok((operation, source));
            }
            Source::Backup { subject, key } => (subject, key),
        };
        let ids = subject.backup_share_pair_ids;
        let recover = |blinded| Operation::Recover {
            backup_share_pair_ids: ids,
            blinded,
        };
        let Some((key, ticket)) = key.clone() else {
            return Ok((recover(None), source));
        };
        let purpose = Purpose {
            key,
            purpose: SealPurpose::Recover,
            client_id: self.client_id,
            backup_share_pair_ids: ids,
            wallet_ids: subject.wallet_ids,
            generation: subject.generation.0,
            nonce,
        };
        let blinded = compute(move || {
            let blinds = Blinds::draw(&purpose, &source)?;
            let recovery = blinds.recovery(&purpose, &ticket, &source);
            Ok::<_, Error>((recovery, blinds.add(source)?))
        });
        let (recovery, source) = blinded.await??;
        Ok((recover(Some(Box::new(recovery))), source))
    }

    pub(super) async fn decrypt(
        &self,
        backup: Backup,
        cipher_text: CipherText,
    ) -> Result<PerCurve<SecretBytes>, Error> {
        match (backup, &cipher_text.header().key_source) {
            (Backup::Password(password), KeySource::Password(_)) => {
                Ok(compute(move || cipher_text.decrypt_with_password(&password)).await??)
            }
            (Backup::Stored(method), KeySource::Stored { key_name }) => {
                let key = fetch_key(self.storage(method)?.as_ref(), key_name).await?;
                Ok(cipher_text.decrypt_with_key(&key)?)
            }
            (Backup::Stored(_), KeySource::Password(_)) => Err(Error::new(
                ErrorId::PasswordRequired,
                "this backup was encrypted with a password; recover it with that",
            )),
            (Backup::Password(_), KeySource::Stored { .. }) => {
                let method = cipher_text.header().backup_method;
                Err(Error::new(
                    ErrorId::DecryptFailed,
                    format!("this backup was made with {method}, not with a password"),
                ))
            }
        }
    }
}

/// The share inside an opened cipher text.
pub(super) fn decode<G: mpc::Group>(share: &SecretBytes) -> Result<KeyShare<G>, Error> {
    let mismatch = |detail: String| Error::new(ErrorId::BackupShareMismatch, detail);
    let share =
        KeyShare::decode(share.expose()) // to be reshared
            .map_err(|error| mismatch(format!("the share in the cipher text: {error}")))?;
    if share.role() == Role::Client {
        Ok(share)
    } else {
        Err(mismatch(
            "the cipher text holds the custodian's share, not the client's".to_owned(),
        ))
    }
}
