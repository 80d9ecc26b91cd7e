//! The app's calls: store and read a cipher text.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::response::Response;
use portal_api::custodian_app::{StoreCipherText, StoredCipherText};
use portal_api::limits::CIPHER_TEXT_BYTES;
use portal_api::{Base64Bytes, Time};
use portal_lifecycle::BackupMethod;
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use serde::Deserialize;

use super::webhook::secret_json;
use crate::json_body::JsonBody;
use crate::refusal::Refusal;
use crate::router::Shared;
use crate::{CipherText, NewCipherText, StoredCipher};

/// The cipher texts of one method of the very client that the request is let in for.
pub(crate) struct OwnCipherTexts {
    client_id: ClientId,
    method: BackupMethod,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PathNames {
    client_id: String,
    backup_method: String,
}

impl FromRequestParts<Shared> for OwnCipherTexts {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        let app_auth = shared.app_auth.as_ref().ok_or(Refusal::NoSuchPath)?;
        let client_id = app_auth.client_of(&parts.headers).await?;
        let Path(names) = Path::<PathNames>::from_request_parts(parts, shared)
            .await
            .map_err(|_: PathRejection| Refusal::NoCipherText)?;
        // Another client's, one that does not exist and no id at all sound the same.
        if names.client_id.parse() != Ok(client_id) {
            return Err(Refusal::NoCipherText);
        }
        let method = BackupMethod::from_wire(&names.backup_method).ok_or_else(|| {
            let methods: Vec<_> = BackupMethod::ALL
                .iter()
                .map(|known| known.as_str())
                .collect();
            Refusal::Malformed(format!(
                "backupMethod in the path: expected one of {}",
                methods.join(", ")
            ))
        })?;
        Ok(Self { client_id, method })
    }
}

/// PUT `/app/clients/{clientId}/cipher-texts/{backupMethod}`.
pub(crate) async fn store_cipher_text(
    own: OwnCipherTexts,
    State(shared): State<Shared>,
    JsonBody(body): JsonBody<StoreCipherText>,
) -> Result<Response, Refusal> {
    let cipher_text = CipherText::new(body.cipher_text).map_err(|error| {
        if error.given > CIPHER_TEXT_BYTES {
            Refusal::CipherTextTooLarge
        } else {
            Refusal::Malformed(format!("the field cipherText: {error}"))
        }
    })?;
    let new = NewCipherText {
        client_id: own.client_id,
        backup_method: own.method,
        backup_share_pair_ids: body.backup_share_pair_ids,
        cipher_text,
    };
    let stored = shared.store.insert_cipher_text(new, shared.now()).await?;
    secret_json(&answer(stored))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Which {
    backup_share_pair_id: Option<BackupSharePairId>,
}

/// GET `/app/clients/{clientId}/cipher-texts/{backupMethod}`: the one stored last, or that of
/// `?backupSharePairId=`. Last by insertion: the order of generations is not known here.
pub(crate) async fn read_cipher_text(
    own: OwnCipherTexts,
    which: Result<Query<Which>, QueryRejection>,
    State(shared): State<Shared>,
) -> Result<Response, Refusal> {
    let Query(which) = which.map_err(|_| {
        Refusal::Malformed(
            "the query: expected nothing, or backupSharePairId with a UUID".to_owned(),
        )
    })?;
    let store = &shared.store;
    let found = match which.backup_share_pair_id {
        Some(pair_id) => {
            store
                .cipher_text_of_pair(own.client_id, own.method, pair_id)
                .await?
        }
        None => store.newest_cipher_text(own.client_id, own.method).await?,
    };
    secret_json(&answer(found.ok_or(Refusal::NoCipherText)?))
}

fn answer(stored: StoredCipher) -> StoredCipherText {
    StoredCipherText {
        backup_share_pair_ids: stored.backup_share_pair_ids,
        backup_method: stored.backup_method,
        digest: Base64Bytes(stored.cipher_text.digest().0.to_vec()),
        cipher_text: stored.cipher_text.as_str().to_owned(),
        created_at: Time(stored.created_at),
    }
}
