//! Portal's calls: store a share, give back all shares of a client.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use portal_api::Base64Bytes;
use portal_api::webhook::{
    BackupShares, FetchBackupShares, SECRET_HEADER, StoreBackupShare, StoredBackupShare,
};
use portal_lifecycle::Generation;
use zeroize::{Zeroize as _, Zeroizing};

use crate::json_body::JsonBody;
use crate::refusal::Refusal;
use crate::router::Shared;
use crate::{NewShare, ShareText, StoredShare, ambient};

/// Lets only Portal pass. Stands before the body, so that nobody else's is read.
pub(crate) struct FromPortal;

impl FromRequestParts<Shared> for FromPortal {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        parts
            .headers
            .get(SECRET_HEADER)
            .filter(|given| shared.webhook_secret.is(given.as_bytes()))
            .map(|_| Self)
            .ok_or(Refusal::WebhookSecret)
    }
}

/// POST `/backup`. The client id is believed: the secret says that it is Portal's.
pub(crate) async fn store_share(
    _: FromPortal,
    State(shared): State<Shared>,
    JsonBody(body): JsonBody<StoreBackupShare>,
) -> Result<Json<StoredBackupShare>, Refusal> {
    let new = checked(body)?;
    let digest = shared
        .store
        .insert_share(new, ambient::now(), &mut ambient::rng())
        .await?;
    Ok(Json(StoredBackupShare {
        digest: Some(Base64Bytes(digest.0.to_vec())),
    }))
}

/// POST `/backup/fetch`.
pub(crate) async fn fetch_shares(
    _: FromPortal,
    State(shared): State<Shared>,
    JsonBody(body): JsonBody<FetchBackupShares>,
) -> Result<Response, Refusal> {
    let shares = shared.store.shares_of(body.client_id).await?;
    shares_response(&shares)
}

fn checked(body: StoreBackupShare) -> Result<NewShare, Refusal> {
    let share = ShareText::new(body.share)
        .map_err(|error| Refusal::Malformed(format!("the field share: {error}")))?;
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
    })
}

/// [`BackupShares`], in buffers that are erased once they are sent.
fn shares_response(shares: &[StoredShare]) -> Result<Response, Refusal> {
    // Exposed because handing them to Portal is what this route is for.
    let text_bytes: usize = shares.iter().map(|share| share.share.expose().len()).sum();
    let mut answer = BackupShares {
        backup_shares: shares
            .iter()
            .map(|share| share.share.expose().to_owned())
            .collect(),
    };
    // Room enough for every byte escaped: a buffer that grows leaves copies behind.
    let room = text_bytes
        .saturating_mul(6)
        .saturating_add(shares.len().saturating_mul(3))
        .saturating_add(64);
    let mut body = Zeroizing::new(Vec::with_capacity(room));
    let written = serde_json::to_writer(&mut *body, &answer);
    answer.backup_shares.zeroize();
    written.map_err(|source| crate::StoreError::Failed {
        source: source.into(),
    })?;
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json)], Bytes::from_owner(body)).into_response())
}
