//! Backup health: `check_backup`.

use portal_api::Base64Bytes;
use portal_api::session::{Operation, Outcome};
use portal_api::webhook::backup_proof_context;
use portal_backup::CipherText;
use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{ErrorId, PerCurve, Timestamp};
use portal_mpc::KeyShares;

use super::Backup;
use super::custodian_proof::Expected;
use super::pair::unexpected;
use super::recover::decode;
use crate::meter::{Meter, traced};
use crate::session::{Session, compute};
use crate::{Error, Portal, Report, ambient};

/// A backup that was shown to be good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupChecked {
    /// The backup pair.
    pub backup_share_pair_ids: PerCurve<BackupSharePairId>,
    /// When the server had both proofs.
    pub proved_at: Timestamp,
    /// Where time and bytes went.
    pub report: Report,
}

impl Portal {
    /// Shows that the backup in force would recover the wallet, without recovering it.
    ///
    /// The cipher text is opened on this device, which proves to the server that it holds the
    /// share inside; the custodian proves that it holds its own, to the server and to this device.
    /// No share is sent anywhere.
    ///
    /// # Errors
    ///
    /// As [`recover_wallet`](Self::recover_wallet) up to its session; `BACKUP_SHARE_MISMATCH`
    /// where a share is not the one that was made, or the cipher text not the one in force;
    /// `WEBHOOK_FAILED` where the custodian's backend does not answer, or knows no such call.
    pub async fn check_backup(
        &self,
        backup: Backup,
        cipher_text: &str,
    ) -> Result<BackupChecked, Error> {
        let meter = Meter::start();
        traced(meter.trace_id(), self.checked(backup, cipher_text, meter)).await
    }

    async fn checked(
        &self,
        backup: Backup,
        cipher_text: &str,
        mut meter: Meter,
    ) -> Result<BackupChecked, Error> {
        let cipher_text = CipherText::parse(cipher_text)?;
        let subject = cipher_text.header().subject;
        if subject.client_id != self.client_id {
            return Err(Error::new(
                ErrorId::BackupShareMismatch,
                "the cipher text is another client's; fetch this client's",
            ));
        }
        let digest = cipher_text.digest();
        let shares = self.decrypt(backup, cipher_text).await?;
        let shares = KeyShares {
            secp256k1: decode(&shares.secp256k1)?,
            ed25519: decode(&shares.ed25519)?,
        };
        let device_id = self.device.id().await?;
        let mut session = Session::open(&self.rest, &mut meter).await?;
        let ids = subject.backup_share_pair_ids;
        let challenge = session.nonces.server;
        let contexts = ids.map(|id| backup_proof_context(self.client_id, id, &challenge));
        let custodian = session.nonces.custodian_challenge();
        let custodian = Expected::beside(&shares, self.client_id, ids, custodian);
        let proofs = compute(move || {
            let rng = &mut ambient::rng();
            PerCurve::new(
                shares.secp256k1.prove_possession(&contexts.secp256k1, rng),
                shares.ed25519.prove_possession(&contexts.ed25519, rng),
            )
        });
        let operation = Operation::CheckBackup {
            backup_share_pair_ids: ids,
            cipher_text_digest: Base64Bytes(digest.0.to_vec()),
            proofs: proofs.await?.map(Base64Bytes),
        };
        session.start(device_id, operation).await?;
        let outcome = session.done().await?.outcome;
        let Outcome::BackupProof {
            proved_at, proofs, ..
        } = outcome
        else {
            return Err(unexpected());
        };
        // Where the server keeps the shares itself there is nobody else to ask.
        if proofs.is_some() || self.makes_sealed_backups() {
            custodian.check(proofs.as_ref())?;
        }
        Ok(BackupChecked {
            backup_share_pair_ids: ids,
            proved_at: proved_at.0,
            report: meter.finish(),
        })
    }
}
