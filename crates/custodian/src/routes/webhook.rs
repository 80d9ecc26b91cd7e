//! Portal's calls: store a share, give back all shares of a client, prove that a pair's are here.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portal_api::Base64Bytes;
use portal_api::webhook::{
    ApproveSignature, BackupReceipt, BackupReleased, BackupShareProofs, BackupShares,
    FetchBackupShares, ProveBackupShares, RecoverBackupShares, StoreBackupShare, StoredBackupShare,
    WebhookRoute, backup_proof_context,
};
use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{BackupStatus, Curve, Generation, PerCurve, Timestamp};
use portal_mpc::{Ed25519, Group, KeyShare, Secp256k1};
use portal_serving::SecretJson;
use rand::CryptoRng;
use serde::Serialize;
use zeroize::Zeroizing;

use super::sealed::sealing;
use crate::blinded::{form, point_of};
use crate::json_body::{self, Body};
use crate::refusal::Refusal;
use crate::router::Shared;
use crate::webhook_auth::{Claim, KEPT_MS, NotPortals};
use crate::{Digest, NewShare, ShareText, StoredShare};

/// A call's body, if the call is Portal's.
pub(crate) struct FromPortal<T>(pub(crate) T);

/// The body of a call, and which one.
pub(crate) trait Call: Body {
    const ROUTE: WebhookRoute;
}

impl Call for StoreBackupShare {
    const ROUTE: WebhookRoute = WebhookRoute::Store;
}

impl Call for FetchBackupShares {
    const ROUTE: WebhookRoute = WebhookRoute::Fetch;
}

impl Call for ProveBackupShares {
    const ROUTE: WebhookRoute = WebhookRoute::Prove;
}

impl Call for RecoverBackupShares {
    const ROUTE: WebhookRoute = WebhookRoute::Recover;
}

impl Call for BackupReleased {
    const ROUTE: WebhookRoute = WebhookRoute::Release;
}

impl Call for ApproveSignature {
    const ROUTE: WebhookRoute = WebhookRoute::Approve;
}

impl<T: Call> FromRequest<Shared> for FromPortal<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Refusal> {
        let (head, body) = request.into_parts();
        let auth = &shared.webhook_auth;
        // Before the body: of somebody who is not known at all nothing is read.
        let claim = auth
            .claim(&head.headers, T::ROUTE, shared.now())
            .map_err(refused)?;
        let body = json_body::whole(Request::from_parts(head.clone(), body), shared).await?;
        if let Claim::Signed(signed) = &claim {
            let now = shared.now();
            auth.verify(signed, &body, now).map_err(refused)?;
            // Only now: what is not Portal's must not fill the table.
            if !T::ROUTE.is_repeatable() {
                hear(shared, signed.id, now).await?;
            }
        }
        let parsed = json_body::parse(&head.headers, &body).map(Self);
        // There may be a share in it.
        json_body::erase(body);
        parsed
    }
}

/// Refuses a call that was answered before, by whichever process of this backend.
async fn hear(shared: &Shared, id: &str, now: Timestamp) -> Result<(), Refusal> {
    let forgotten_before = Timestamp::from_ms(now.as_ms().saturating_sub(KEPT_MS));
    if shared.store.hear(id, now, forgotten_before).await? {
        Ok(())
    } else {
        Err(refused(NotPortals::HeardBefore))
    }
}

/// Logged, because the other side only hears that it failed.
fn refused(reason: NotPortals) -> Refusal {
    tracing::warn!(%reason, "a webhook call was refused");
    Refusal::NotPortals(reason)
}

/// POST `/backup`. The client id is believed: the call is Portal's.
pub(crate) async fn store_share(
    State(shared): State<Shared>,
    FromPortal(body): FromPortal<StoreBackupShare>,
) -> Result<Json<StoredBackupShare>, Refusal> {
    let receipt = Digest::of(&body.receipt_bytes());
    if !was_formed(&shared, &body, receipt).await? {
        let new = checked(&shared, body, receipt)?;
        shared
            .store
            .insert_share(new, shared.now(), &mut *shared.rng())
            .await?;
    }
    Ok(Json(StoredBackupShare {
        digest: Some(Base64Bytes(receipt.0.to_vec())),
    }))
}

/// Whether a share was formed of the very same before: its receipt is given again, also when the
/// key that opened the blind is gone.
async fn was_formed(
    shared: &Shared,
    body: &StoreBackupShare,
    receipt: Digest,
) -> Result<bool, Refusal> {
    if body.sealed.is_none() {
        return Ok(false);
    }
    // Of this pair alone: another that does not open is none of this one's business.
    let share = shared
        .store
        .share_of_pair(body.client_id, body.backup_share_pair_id)
        .await?;
    Ok(share.is_some_and(|share| share.delivery == Some(receipt)))
}

/// POST `/backup/fetch`.
pub(crate) async fn fetch_shares(
    State(shared): State<Shared>,
    FromPortal(body): FromPortal<FetchBackupShares>,
) -> Result<Response, Refusal> {
    let mut shares = shared.store.shares_of(body.client_id).await?;
    match body.backup_share_pair_ids {
        // Also one that was released: whoever names it needs it.
        Some(ids) => {
            let ids = ids.into_array();
            shares.retain(|share| ids.contains(&share.backup_share_pair_id));
        }
        None => {
            let released = shared.store.released(body.client_id).await?;
            leave_out(&mut shares, &released);
        }
    }
    // A share that was formed here is not given out, whoever asks.
    let receipts = shares.iter().filter_map(receipt).collect();
    shares.retain(|share| share.delivery.is_none());
    shares_response(&shares, receipts)
}

fn receipt(share: &StoredShare) -> Option<BackupReceipt> {
    Some(BackupReceipt {
        backup_share_pair_id: share.backup_share_pair_id,
        digest: Base64Bytes(share.delivery?.0.to_vec()),
        point: Base64Bytes(point_of(share)?),
    })
}

/// Leaves out the shares of released pairs, if a whole pair remains without them.
fn leave_out(shares: &mut Vec<StoredShare>, released: &[BackupSharePairId]) {
    let is_kept = |share: &StoredShare| !released.contains(&share.backup_share_pair_id);
    let remains = |curve| {
        let kept = shares.iter().filter(|share| is_kept(share));
        let of_curve = kept.filter(|share| share.curve == curve);
        of_curve.map(|share| share.generation).collect::<Vec<_>>()
    };
    let ed25519 = remains(Curve::Ed25519);
    if remains(Curve::Secp256k1)
        .iter()
        .any(|generation| ed25519.contains(generation))
    {
        shares.retain(is_kept);
    }
}

/// POST `/backup/prove`: shows that both shares of a pair are here, without giving them out.
pub(crate) async fn prove_shares(
    State(shared): State<Shared>,
    FromPortal(body): FromPortal<ProveBackupShares>,
) -> Result<Json<BackupShareProofs>, Refusal> {
    let challenge = body
        .challenge
        .to_array()
        .ok_or_else(|| Refusal::Malformed("the field challenge: expected 32 bytes".to_owned()))?;
    let shares = shared.store.shares_of(body.client_id).await?;
    let ids = body.backup_share_pair_ids;
    let mut rng = shared.rng();
    let context = |id| backup_proof_context(body.client_id, id, &challenge);
    let secp256k1 = prove::<Secp256k1>(&shares, ids.secp256k1, &context(ids.secp256k1), &mut rng)?;
    let ed25519 = prove::<Ed25519>(&shares, ids.ed25519, &context(ids.ed25519), &mut rng)?;
    Ok(Json(BackupShareProofs {
        proofs: PerCurve::new(Base64Bytes(secp256k1), Base64Bytes(ed25519)),
    }))
}

fn prove<G: Group>(
    shares: &[StoredShare],
    id: BackupSharePairId,
    context: &[u8],
    mut rng: &mut (dyn CryptoRng + Send),
) -> Result<Vec<u8>, Refusal> {
    let share = shares
        .iter()
        .find(|share| share.backup_share_pair_id == id)
        .ok_or(Refusal::NoShare)?;
    // Exposed to prove that it is here.
    let bytes = Base64Bytes::parse(share.share.expose()).map_err(|_| Refusal::NoShare)?;
    let bytes = Zeroizing::new(bytes.0);
    let share = KeyShare::<G>::decode(&bytes).map_err(|_| Refusal::NoShare)?;
    Ok(share.prove_possession(context, &mut rng))
}

/// POST `/backup/released` (E18). Noted, and no more than that: the pair is left out where
/// `/backup/fetch` asks for all, unless it is the last one of which both shares are here.
pub(crate) async fn release_pair(
    State(shared): State<Shared>,
    FromPortal(body): FromPortal<BackupReleased>,
) -> Result<StatusCode, Refusal> {
    if !matches!(body.status, BackupStatus::Abandoned | BackupStatus::Purged) {
        return Err(Refusal::Malformed(format!(
            "the field status: expected ABANDONED or PURGED, got {}",
            body.status
        )));
    }
    shared
        .store
        .release(body.client_id, body.backup_share_pair_ids, shared.now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn checked(shared: &Shared, body: StoreBackupShare, receipt: Digest) -> Result<NewShare, Refusal> {
    let (share, delivery) = match &body.sealed {
        Some(part) => {
            let share = form(&sealing(shared)?.keys, &body, part)?;
            (share, Some(receipt))
        }
        // Whoever sent it held the whole share, which is what sealed mode is there to prevent.
        None if !shared.takes_plain => return Err(Refusal::PlainShare),
        None => {
            let share = ShareText::new(body.share)
                .map_err(|error| Refusal::Malformed(format!("the field share: {error}")))?;
            (share, None)
        }
    };
    // The largest that SQL's numbers hold; no wallet gets there.
    if i64::try_from(body.generation).is_err() {
        return Err(Refusal::Malformed(
            "the field generation is out of its range".to_owned(),
        ));
    }
    Ok(NewShare {
        client_id: body.client_id,
        backup_share_pair_id: body.backup_share_pair_id,
        wallet_id: body.wallet_id,
        curve: body.curve,
        generation: Generation(body.generation),
        backup_method: body.backup_method,
        share,
        delivery,
    })
}

/// [`BackupShares`], in buffers that are erased once they are sent.
fn shares_response(
    shares: &[StoredShare],
    receipts: Vec<BackupReceipt>,
) -> Result<Response, Refusal> {
    // Exposed because handing them to Portal is what this route is for.
    let answer = BackupShares {
        backup_shares: shares
            .iter()
            .map(|share| share.share.expose().into())
            .collect(),
        receipts,
    };
    secret_json(&answer)
}

/// JSON in a buffer that is erased once it is sent.
pub(super) fn secret_json(answer: &impl Serialize) -> Result<Response, Refusal> {
    let body = SecretJson::of(answer).map_err(|source| crate::StoreError::Failed {
        source: source.into(),
    })?;
    Ok(body.into_response())
}
