//! Backup: `backup_wallet`, and its completion.

use std::sync::Arc;
use std::time::Duration;

use portal_api::Base64Bytes;
use portal_api::rest::{KeepCipherText, UpdateBackupSharePairs};
use portal_api::sealed::{PinnedSealingKey, SealPurpose};
use portal_api::session::{Operation, Outcome, PairIds, Started};
use portal_backup::{
    BackupStorage, BackupSubject, CipherText, KeyName, Password, SealingKey, keep_key,
};
use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{
    BackupMethod, BackupMode, BackupStatus, ErrorId, Generation, OperationKind, PerCurve,
};
use portal_mpc::{self as mpc, BackupShares, KeyShares, ReshareToBackup};
use portal_seal::SecretBytes;

use super::custodian_proof::Expected;
use super::pair::unexpected;
use super::sealed::{Blinds, Purpose};
use crate::device::PairRecord;
use crate::error::Run;
use crate::meter::{Meter, traced};
use crate::progress::Status;
use crate::session::{Begun, Session, compute, key_contexts};
use crate::{Error, Portal, Report, ambient};

/// HTTP 425: the custodian has not acknowledged its share yet.
const TOO_EARLY: u16 = 425;
const TOO_EARLY_WAITS_MS: [u64; 4] = [100, 300, 1_000, 3_000];

/// How the client's backup share is encrypted.
pub enum Backup {
    /// By a key derived from a password.
    Password(Password),
    /// By a random key in the storage that was configured for this method.
    Stored(BackupMethod),
}

impl Backup {
    pub(super) const fn method(&self) -> BackupMethod {
        match self {
            Self::Password(_) => BackupMethod::Password,
            Self::Stored(method) => *method,
        }
    }
}

/// A backup whose cipher text is made. **It is not complete** until the app has stored the
/// cipher text and confirmed it; but in managed mode, where the SDK does both.
pub struct BackupMade<'a> {
    portal: &'a Portal,
    /// To be stored by the app's backend.
    pub cipher_text: String,
    /// The backup pair whose client share it holds.
    pub backup_share_pair_ids: PerCurve<BackupSharePairId>,
    /// Whether it is complete already: in managed mode the server keeps the cipher text, and
    /// [`confirm`](Self::confirm) changes nothing.
    pub is_complete: bool,
    /// Where time and bytes went.
    pub report: Report,
}

impl BackupMade<'_> {
    /// Says that the app's backend has stored the cipher text: the backup is complete.
    ///
    /// It has the trace id of the backup.
    ///
    /// # Errors
    ///
    /// As [`Api::stored_client_backup_share`](crate::Api::stored_client_backup_share).
    pub async fn confirm(&self) -> Result<Report, Error> {
        let meter = Meter::resume(self.report.trace_id);
        self.portal.confirm_backup(&self.cipher_text, meter).await
    }
}

impl Portal {
    /// Makes a backup of the wallet that this device signs for.
    ///
    /// Tells: Reading share, Generating share, Parsing share, Encrypting share, Storing share,
    /// Done. The former backup stays in force until this one is confirmed.
    ///
    /// # Errors
    ///
    /// `WALLET_NOT_FOUND`, `SIGNING_SHARE_NOT_ON_DEVICE`, `SIGNING_SHARE_SUPERSEDED`,
    /// `BACKUP_MODE_MISMATCH`, `BACKUP_SHARE_MISMATCH` (of a sealed backup, where the custodian did
    /// not prove that it holds its shares), `WEBHOOK_FAILED`, `WEBHOOK_NOT_CONFIGURED`, the `KEYCHAIN_…`, `BACKUP_…` and `MPC_…`
    /// ids, `RESHARE_FAILED`, `ENCRYPT_FAILED`, `UNAVAILABLE`.
    pub async fn backup_wallet(&self, backup: Backup) -> Result<BackupMade<'_>, Error> {
        let meter = Meter::start();
        traced(meter.trace_id(), self.backed_up(backup, meter)).await
    }

    async fn backed_up(&self, backup: Backup, mut meter: Meter) -> Result<BackupMade<'_>, Error> {
        self.device.self_test().await?;
        if let Backup::Stored(method) = &backup {
            let storage = self.storage(*method)?;
            portal_backup::self_test(storage.as_ref(), &ambient::bytes()).await?;
        }
        let state = self.rest.state(&mut meter).await?;
        self.reconcile(&mut meter, &state).await?;
        self.tell(Status::ReadingShare);
        let pair = self.pair_in_use(&state).await?;
        self.tell(Status::GeneratingShare);
        let mode = self.new_backup_mode(&state)?;
        let is_complete = mode.0 == BackupMode::Managed;
        let (started, shares) = self
            .reshare(&mut meter, &pair, backup.method(), mode)
            .await?;
        self.tell(Status::ParsingShare);
        let PairIds::Backup(ids) = started.new_pair else {
            return Err(unexpected());
        };
        meter.passed(BackupStatus::StoredCustodianBackupShare.as_str());
        let shares = PerCurve::new(
            SecretBytes::new(shares.secp256k1.encode()),
            SecretBytes::new(shares.ed25519.encode()),
        );
        let subject = BackupSubject {
            client_id: self.client_id,
            wallet_ids: started.wallet_ids,
            backup_share_pair_ids: ids,
            generation: Generation(started.generation),
        };
        let cipher_text = match backup {
            Backup::Password(password) => {
                self.tell(Status::EncryptingShare);
                let encrypted = compute(move || {
                    let rng = &mut ambient::rng();
                    CipherText::encrypt_with_password(&password, subject, &shares, rng)
                });
                let cipher_text = encrypted.await??;
                self.tell(Status::StoringShare);
                cipher_text
            }
            Backup::Stored(method) => {
                self.encrypt_for_storage(&mut meter, method, subject, &shares)
                    .await?
            }
        };
        let cipher_text = cipher_text.to_string();
        if is_complete {
            let body = KeepCipherText {
                client_cipher_text: cipher_text.clone(),
            };
            let keeping = self.rest.keep_cipher_text(&mut meter, ids.secp256k1, &body);
            keeping.await?;
            let confirming = Meter::resume(meter.trace_id());
            self.confirm_backup(&cipher_text, confirming).await?;
            meter.passed(BackupStatus::StoredClientBackupShare.as_str());
        }
        self.tell(Status::Done);
        Ok(BackupMade {
            portal: self,
            cipher_text,
            backup_share_pair_ids: ids,
            is_complete,
            report: meter.finish(),
        })
    }

    /// The storage that was configured for a method.
    pub(super) fn storage(&self, method: BackupMethod) -> Result<&Arc<dyn BackupStorage>, Error> {
        self.storages.get(&method).ok_or_else(|| {
            if method == BackupMethod::Password {
                Error::new(
                    ErrorId::PasswordRequired,
                    "the method PASSWORD needs a password",
                )
            } else {
                let detail = format!("no backup storage was configured for {method}");
                Error::new(ErrorId::BackupStorageUnavailable, detail)
            }
        })
    }

    /// E17: completes a backup; told too early, it waits for the custodian a little.
    pub(crate) async fn confirm_backup(
        &self,
        cipher_text: &str,
        meter: Meter,
    ) -> Result<Report, Error> {
        traced(meter.trace_id(), self.confirmed_backup(cipher_text, meter)).await
    }

    async fn confirmed_backup(&self, cipher_text: &str, mut meter: Meter) -> Result<Report, Error> {
        let cipher_text = CipherText::parse(cipher_text)?;
        let ids = cipher_text.header().subject.backup_share_pair_ids;
        let update = UpdateBackupSharePairs {
            backup_share_pair_ids: ids.into_array().to_vec(),
            status: BackupStatus::StoredClientBackupShare,
            cipher_text_digest: Some(Base64Bytes(cipher_text.digest().0.to_vec())),
        };
        let mut waits = TOO_EARLY_WAITS_MS.into_iter();
        loop {
            match self.rest.update_backup(&mut meter, &update).await {
                Ok(()) => break,
                Err(error) => match waits.next() {
                    Some(wait_ms) if error.http_status() == Some(TOO_EARLY) => {
                        meter
                            .wait(tokio::time::sleep(Duration::from_millis(wait_ms)))
                            .await;
                    }
                    _ => return Err(error),
                },
            }
        }
        meter.passed(BackupStatus::StoredClientBackupShare.as_str());
        Ok(meter.finish())
    }

    async fn reshare(
        &self,
        meter: &mut Meter,
        pair: &PairRecord,
        method: BackupMethod,
        (mode, key): (BackupMode, Option<PinnedSealingKey>),
    ) -> Result<(Started, BackupShares), Error> {
        let source = KeyShares {
            secp256k1: pair.secp256k1_key()?,
            ed25519: pair.ed25519()?,
        };
        let operation = Operation::Backup {
            backup_method: method,
            backup_mode: mode,
            signing_share_pair_ids: pair.ids,
        };
        let device_id = self.device.id().await?;
        let mut session = Session::open(&self.rest, meter).await?;
        session.start(device_id, operation).await?;
        let Begun::Started(started) = session.begun().await? else {
            return Err(unexpected());
        };
        let run = Run::Pair(OperationKind::Backup);
        let about = session
            .nonces
            .session(mpc::Operation::Backup, started.generation);
        let keys = key_contexts(&started);
        let purpose = match key {
            Some(key) => Some(self.seal_backup(&started, key, session.nonces.server)?),
            None => None,
        };
        let begun = compute(move || {
            // Before the first message: the server commits them with the pair.
            let blinds = purpose.map(|purpose| Blinds::draw(&purpose, &source));
            let machine = ReshareToBackup::client(&about, &keys, source, &mut ambient::rng());
            (blinds.transpose(), machine)
        });
        let (blinds, machine) = begun.await?;
        let blinds = blinds?;
        let (machine, first) = machine.map_err(|abort| Error::from_abort(run, &abort))?;
        if let Some(blinds) = &blinds {
            session.seal(blinds.sealed.clone()).await?;
        }
        let shares = session.run(run, machine, first).await?;
        let shares = match &blinds {
            Some(blinds) => blinds.add(shares)?,
            None => shares,
        };
        let done = session.done().await?;
        // The server says "done" only when the custodian holds its share. Of a sealed backup the
        // custodian says so itself.
        if blinds.is_some() {
            let Outcome::BackupPair { proofs, .. } = &done.outcome else {
                return Err(unexpected());
            };
            let PairIds::Backup(ids) = started.new_pair else {
                return Err(unexpected());
            };
            let challenge = session.nonces.custodian_challenge();
            Expected::beside(&shares, self.client_id, ids, challenge).check(proofs.as_ref())?;
        }
        Ok((started, shares))
    }

    /// What the blinds of a backup are drawn for.
    fn seal_backup(
        &self,
        started: &Started,
        key: PinnedSealingKey,
        nonce: [u8; 32],
    ) -> Result<Purpose, Error> {
        let PairIds::Backup(ids) = started.new_pair else {
            return Err(unexpected());
        };
        Ok(Purpose {
            key,
            purpose: SealPurpose::Backup,
            client_id: self.client_id,
            backup_share_pair_ids: ids,
            wallet_ids: started.wallet_ids,
            generation: started.generation,
            nonce,
        })
    }

    /// E16: the key is in the user's storage, read back, before the cipher text is handed out.
    async fn encrypt_for_storage(
        &self,
        meter: &mut Meter,
        method: BackupMethod,
        subject: BackupSubject,
        shares: &PerCurve<SecretBytes>,
    ) -> Result<CipherText, Error> {
        self.tell(Status::EncryptingShare);
        let name = KeyName::of_backup(&subject.backup_share_pair_ids);
        let (key, cipher_text) = {
            // Not kept while this waits: it is of this thread, and the caller's task may move on
            // to another.
            let rng = &mut ambient::rng();
            let key = SealingKey::generate(rng);
            let cipher_text =
                CipherText::encrypt_with_key(&key, name.clone(), method, subject, shares, rng)?;
            (key, cipher_text)
        };
        self.tell(Status::StoringShare);
        keep_key(self.storage(method)?.as_ref(), &name, &key).await?;
        let update = UpdateBackupSharePairs {
            backup_share_pair_ids: subject.backup_share_pair_ids.into_array().to_vec(),
            status: BackupStatus::StoredClientBackupShareKey,
            cipher_text_digest: None,
        };
        self.rest.update_backup(meter, &update).await?;
        meter.passed(BackupStatus::StoredClientBackupShareKey.as_str());
        Ok(cipher_text)
    }
}
