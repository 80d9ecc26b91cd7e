//! REST calls.

use std::sync::Arc;
use std::time::Duration;

use portal_api::rest::{
    BackupShareText, ClientState, Eject, KeepCipherText, KeptCipherText, PrepareEject,
    UpdateBackupSharePairs, UpdateSigningSharePairs,
};
use portal_api::{Problem, SecretText};
use portal_lifecycle::ErrorId;
use portal_lifecycle::ids::{BackupSharePairId, WalletId};
use serde::Serialize;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use tokio_tungstenite::tungstenite::http::{Method, Request, StatusCode};
use url::Url;
use zeroize::Zeroizing;

use crate::Error;
use crate::meter::Meter;
use crate::transport::Transport;

/// The server, as a client calls it.
pub(crate) struct Rest {
    transport: Arc<dyn Transport>,
    base: Url,
    token: Zeroizing<String>,
}

impl Rest {
    pub(crate) fn new(transport: Arc<dyn Transport>, base: Url, token: Zeroizing<String>) -> Self {
        Self {
            transport,
            base,
            token,
        }
    }

    pub(crate) fn transport(&self) -> &dyn Transport {
        self.transport.as_ref()
    }

    pub(crate) const fn base(&self) -> &Url {
        &self.base
    }

    pub(crate) async fn state(&self, meter: &mut Meter) -> Result<ClientState, Error> {
        let path = "api/v3/clients/me";
        let body = self.send(meter, StatusCode::OK, Method::GET, path, None);
        serde_json::from_slice(&body.await?).map_err(|_| {
            Error::new(
                ErrorId::InternalError,
                "the server's answer is not a client's state; update the SDK",
            )
        })
    }

    pub(crate) async fn update_signing(
        &self,
        meter: &mut Meter,
        update: &UpdateSigningSharePairs,
    ) -> Result<(), Error> {
        self.patch(meter, "api/v3/clients/me/signing-share-pairs", update)
            .await
    }

    pub(crate) async fn update_backup(
        &self,
        meter: &mut Meter,
        update: &UpdateBackupSharePairs,
    ) -> Result<(), Error> {
        self.patch(meter, "api/v3/clients/me/backup-share-pairs", update)
            .await
    }

    /// Managed mode: stores a cipher text at the server.
    pub(crate) async fn keep_cipher_text(
        &self,
        meter: &mut Meter,
        pair: BackupSharePairId,
        body: &KeepCipherText,
    ) -> Result<(), Error> {
        let path = format!("api/v3/clients/me/backup-share-pairs/{pair}/cipher-text");
        self.patch(meter, &path, body).await
    }

    /// Managed mode: the cipher text that the server keeps.
    pub(crate) async fn kept_cipher_text(
        &self,
        meter: &mut Meter,
        pair: BackupSharePairId,
    ) -> Result<String, Error> {
        let path = format!("api/v3/clients/me/backup-share-pairs/{pair}/cipher-text");
        let body = self.send(meter, StatusCode::OK, Method::GET, &path, None);
        let kept: KeptCipherText = serde_json::from_slice(&body.await?).map_err(|_| answer())?;
        Ok(kept.cipher_text)
    }

    /// The custodian's share of one curve, as it travels, while the window for it is open.
    pub(crate) async fn prepare_eject(
        &self,
        meter: &mut Meter,
        wallet: WalletId,
        asking: &PrepareEject,
    ) -> Result<SecretText, Error> {
        let path = format!("api/v3/clients/me/wallets/{wallet}/prepare-eject");
        let body = written(asking)?;
        let body = self.send(meter, StatusCode::OK, Method::POST, &path, Some(body));
        let body = Zeroizing::new(body.await?);
        let share: BackupShareText = serde_json::from_slice(&body).map_err(|_| answer())?;
        Ok(share.share)
    }

    pub(crate) async fn eject(&self, meter: &mut Meter, body: &Eject) -> Result<(), Error> {
        let path = "api/v3/clients/me/eject";
        let body = written(body)?;
        self.send(
            meter,
            StatusCode::NO_CONTENT,
            Method::POST,
            path,
            Some(body),
        )
        .await
        .map(|_| ())
    }

    async fn patch(
        &self,
        meter: &mut Meter,
        path: &str,
        body: &impl Serialize,
    ) -> Result<(), Error> {
        let body = written(body)?;
        self.send(
            meter,
            StatusCode::NO_CONTENT,
            Method::PATCH,
            path,
            Some(body),
        )
        .await
        .map(|_| ())
    }

    /// The value of the header `authorization`, not to be shown by whoever debugs a request.
    pub(crate) fn bearer(&self) -> Result<HeaderValue, Error> {
        let bearer = Zeroizing::new(format!("Bearer {}", self.token.as_str()));
        let mut value = HeaderValue::from_str(&bearer).map_err(|_| {
            Error::new(
                ErrorId::AuthFailed,
                "expected a client API key or session token",
            )
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    async fn send(
        &self,
        meter: &mut Meter,
        expected: StatusCode,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, Error> {
        let bad = || {
            Error::new(
                ErrorId::BadRequest,
                "expected a server URL such as https://portal.example.com",
            )
        };
        let url = self.base.join(path).map_err(|_| bad())?;
        let mut request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(AUTHORIZATION, self.bearer()?);
        for (name, value) in meter.trace_headers() {
            request = request.header(name, value);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.unwrap_or_default();
        meter.sent(body.len());
        let request = request.body(body).map_err(|_| bad())?;
        let answered = meter.wait(self.transport.request(request)).await;
        let answer = answered.map_err(|error| Error::unreachable(&error.to_string()))?;
        let status = answer.status();
        let timing = answer
            .headers()
            .get("server-timing")
            .and_then(|value| value.to_str().ok());
        meter.served(timing.and_then(total_of).unwrap_or_default());
        let body = answer.into_body();
        meter.received(body.len());
        if status == expected {
            return Ok(body);
        }
        Err(serde_json::from_slice::<Problem>(&body).map_or_else(
            |_| {
                let code = status.as_u16();
                let id = if status.is_server_error() {
                    ErrorId::Unavailable
                } else {
                    ErrorId::BadRequest
                };
                Error::new(id, format!("the server answered {code} without saying why"))
            },
            Error::from,
        ))
    }
}

fn written(body: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(body)
        .map_err(|_| Error::new(ErrorId::InternalError, "a request cannot be written"))
}

fn answer() -> Error {
    Error::new(
        ErrorId::InternalError,
        "the server's answer is not what was expected; update the SDK",
    )
}

/// The `total` of a `Server-Timing` header, in milliseconds there.
fn total_of(header: &str) -> Option<Duration> {
    let ms: f64 = header.strip_prefix("total;dur=")?.parse().ok()?;
    Duration::try_from_secs_f64(ms / 1_000.0).ok()
}
