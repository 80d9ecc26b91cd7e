//! A proof that the backup in force would recover the wallet, without moving a share.
//!
//! The device has opened the cipher text and proves possession of what was in it; the custodian
//! proves possession of its own shares, in the same session. Both points are on record since the
//! backup was made, and add up to the key; so do the shares behind them.

use portal_api::session::Outcome;
use portal_api::{Base64Bytes, Time};
use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{BackupMode, CipherTextDigest, ErrorId, Event, PerCurve, Refusal};
use portal_mpc::Role;
use portal_store::audit::Actor;
use portal_store::{ClientAuth, Secrets};

use super::socket::Socket;
use super::{Nonces, custodian_proof};
use crate::{ApiError, App, auth, custodian_share};

/// What the client says of its backup.
pub(super) struct Claim {
    pub(super) ids: PerCurve<BackupSharePairId>,
    pub(super) cipher_text_digest: Base64Bytes,
    pub(super) proofs: PerCurve<Base64Bytes>,
}

pub(super) async fn run(
    app: &App,
    socket: &mut Socket,
    caller: ClientAuth,
    nonces: Nonces,
    claim: Claim,
) -> Result<Outcome, ApiError> {
    let client = caller.client_id;
    let digest = claim.cipher_text_digest.to_array().map(CipherTextDigest);
    let digest = digest.ok_or_else(|| {
        ApiError::new(
            ErrorId::BadRequest,
            "expected a cipherTextDigest of 32 bytes",
        )
    })?;
    let event = Event::ProveBackup {
        ids: claim.ids,
        cipher_text_digest: digest,
    };
    // Refused now, rather than after the custodian was asked.
    let wallet = app.wallets.check(client, event.clone()).await?;
    let pair = wallet
        .backup_pair_of(claim.ids)
        .ok_or(Refusal::BackupNotActive)?;
    custodian_proof::check(client, pair, Role::Client, &nonces.server, &claim.proofs)?;
    let proofs = if pair.mode == BackupMode::Managed {
        // Opened and held against the points on record: that is a proof to oneself.
        custodian_share::of_pair(app, client, pair).await?;
        None
    } else {
        Some(custodian_proof::fetch(app, socket, client, nonces, pair).await?)
    };
    auth::still(app, caller).await?;
    let actor = Actor::Client(client);
    let applied = app.wallets.apply(actor, client, event, Secrets::Unchanged);
    let applied = applied.await?;
    let proved_at = applied
        .wallet
        .backup_pair_of(claim.ids)
        .and_then(|pair| pair.proved_at);
    Ok(Outcome::BackupProof {
        ids: claim.ids,
        proved_at: Time(proved_at.ok_or_else(|| ApiError::internal("a proof was not kept"))?),
        proofs,
    })
}
