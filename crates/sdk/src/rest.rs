//! REST calls.

use std::time::Duration;

use portal_api::rest::{ClientState, UpdateBackupSharePairs, UpdateSigningSharePairs};
use portal_api::{Problem, TRACE_HEADER};
use portal_lifecycle::ErrorId;
use portal_lifecycle::ids::TraceId;
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use url::Url;
use zeroize::Zeroizing;

use crate::meter::Meter;
use crate::{Error, ambient};

const TIMEOUT: Duration = Duration::from_secs(30);

/// The server, as a client calls it.
pub(crate) struct Rest {
    http: reqwest::Client,
    base: Url,
    token: Zeroizing<String>,
}

impl Rest {
    pub(crate) fn new(base: Url, token: Zeroizing<String>) -> Result<Self, Error> {
        // An answer from elsewhere than the server is no answer.
        let builder = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none());
        // A proxy would read what goes over plain HTTP; that is for this machine alone.
        let builder = if base.scheme() == "http" {
            builder.no_proxy()
        } else {
            builder
        };
        let http = builder.build();
        let http =
            http.map_err(|_| Error::new(ErrorId::InternalError, "no HTTP client could be made"))?;
        Ok(Self { http, base, token })
    }

    pub(crate) const fn base(&self) -> &Url {
        &self.base
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) async fn state(&self, meter: &mut Meter) -> Result<ClientState, Error> {
        let body = self
            .send(
                meter,
                StatusCode::OK,
                self.request(Method::GET, "api/v3/clients/me")?,
                None,
            )
            .await?;
        serde_json::from_slice(&body).map_err(|_| {
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

    async fn patch(
        &self,
        meter: &mut Meter,
        path: &str,
        body: &impl Serialize,
    ) -> Result<(), Error> {
        let body = serde_json::to_vec(body)
            .map_err(|_| Error::new(ErrorId::InternalError, "a request cannot be written"))?;
        self.send(
            meter,
            StatusCode::NO_CONTENT,
            self.request(Method::PATCH, path)?,
            Some(body),
        )
        .await
        .map(|_| ())
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Error> {
        let url = self.base.join(path).map_err(|_| {
            Error::new(
                ErrorId::BadRequest,
                "expected a server URL such as https://portal.example.com",
            )
        })?;
        let trace_id = TraceId::make(ambient::now(), ambient::bytes());
        Ok(self
            .http
            .request(method, url)
            .bearer_auth(self.token())
            .header(TRACE_HEADER, trace_id.to_string()))
    }

    async fn send(
        &self,
        meter: &mut Meter,
        expected: StatusCode,
        request: RequestBuilder,
        body: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, Error> {
        meter.sent(body.as_ref().map_or(0, Vec::len));
        let request = match body {
            Some(body) => request
                .header(reqwest::header::CONTENT_TYPE, "application/json")
                .body(body),
            None => request,
        };
        let unreachable = |_| Error::unreachable("the server cannot be reached, or broke off");
        let response = meter.wait(request.send()).await.map_err(unreachable)?;
        let status = response.status();
        let timing = response
            .headers()
            .get("server-timing")
            .and_then(|value| value.to_str().ok());
        meter.served(timing.and_then(total_of).unwrap_or_default());
        let body = meter.wait(response.bytes()).await.map_err(unreachable)?;
        meter.received(body.len());
        if status == expected {
            return Ok(body.into());
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

/// The `total` of a `Server-Timing` header, in milliseconds there.
fn total_of(header: &str) -> Option<Duration> {
    let ms: f64 = header.strip_prefix("total;dur=")?.parse().ok()?;
    Duration::try_from_secs_f64(ms / 1_000.0).ok()
}
