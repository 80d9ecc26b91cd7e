//! The three calls of Vault's HTTP API.

use core::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use portal_seal::SealingKey;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use zeroize::Zeroizing;

use super::answer::{Answer, Decrypted, Encrypted, Versions};
use super::{VaultConfig, VaultConfigError};
use crate::kms::KmsError;
use crate::kms::endpoint::endpoint;

const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer that is read, in bytes; a key of a thousand versions has half of it.
const ANSWER_BYTES: usize = 65_536;

/// Vault, and the paths of one key.
pub(super) struct Calls {
    http: reqwest::Client,
    headers: HeaderMap,
    encrypt: Url,
    decrypt: Url,
    keys: Url,
}

/// Why a call gave nothing.
pub(super) enum Failed {
    /// 400: what it means depends on the call.
    BadRequest,
    /// 404.
    NotFound,
    /// Everything else.
    Kms(KmsError),
}

#[derive(Serialize)]
struct Encrypt<'a> {
    plaintext: &'a str,
    associated_data: String,
}

#[derive(Serialize)]
struct Decrypt<'a> {
    ciphertext: &'a str,
    associated_data: String,
}

impl Calls {
    pub(super) fn new(config: &VaultConfig) -> Result<Self, VaultConfigError> {
        let address = endpoint(&config.address)?;
        let mount = config.mount.trim_matches('/');
        check_name("mount", mount, mount.split('/'))?;
        check_name("key", &config.key, core::iter::once(config.key.as_str()))?;
        let builder = reqwest::Client::builder()
            .timeout(TIMEOUT)
            // An answer from elsewhere is no answer, and the token goes nowhere else.
            .redirect(Policy::none())
            .user_agent("portal-kms/1");
        // A proxy would read what goes over plain HTTP; that is for this machine alone.
        let builder = if address.scheme() == "http" {
            builder.no_proxy()
        } else {
            builder
        };
        let http = builder
            .build()
            .map_err(|source| VaultConfigError::Client { source })?;
        let path = |operation| path(&address, mount, operation, &config.key);
        Ok(Self {
            http,
            headers: headers(config)?,
            encrypt: path("encrypt")?,
            decrypt: path("decrypt")?,
            keys: path("keys")?,
        })
    }

    /// Vault's text for what was encrypted; `plaintext` is base64.
    pub(super) async fn encrypt(
        &self,
        plaintext: &str,
        associated_data: &[u8],
    ) -> Result<String, Failed> {
        let body = Encrypt {
            plaintext,
            associated_data: BASE64.encode(associated_data),
        };
        let answer: Encrypted = self.call(Method::POST, &self.encrypt, Some(&body)).await?;
        Ok(answer.ciphertext)
    }

    pub(super) async fn decrypt(
        &self,
        ciphertext: &str,
        associated_data: &[u8],
    ) -> Result<SealingKey, Failed> {
        let body = Decrypt {
            ciphertext,
            associated_data: BASE64.encode(associated_data),
        };
        let answer: Decrypted = self.call(Method::POST, &self.decrypt, Some(&body)).await?;
        answer
            .into_key()
            .ok_or_else(|| malformed("expected data.plaintext as 32 bytes in base64 from Vault"))
    }

    pub(super) async fn versions(&self) -> Result<Versions, Failed> {
        let nothing: Option<&()> = None;
        self.call(Method::GET, &self.keys, nothing).await
    }

    async fn call<D: DeserializeOwned>(
        &self,
        method: Method,
        url: &Url,
        body: Option<&impl Serialize>,
    ) -> Result<D, Failed> {
        let mut request = self
            .http
            .request(method.clone(), url.clone())
            .headers(self.headers.clone());
        if let Some(body) = body {
            let body = Zeroizing::new(serde_json::to_vec(body).unwrap_or_default());
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_vec());
        }
        let sent = request.send().await;
        let response = sent.map_err(|error| unreachable(&error))?;
        if response.status() != StatusCode::OK {
            return Err(refusal(response.status(), &method, url));
        }
        let body = read(response).await?;
        serde_json::from_slice::<Answer<D>>(&body)
            .map(|answer| answer.data)
            .map_err(|_| malformed("expected a JSON object with the fields of this call in `data`"))
    }
}

/// The mount is a path, the key one part of it. What a URL cannot spell as a part is refused:
/// it would lead elsewhere.
fn check_name<'a>(
    field: &'static str,
    given: &str,
    mut parts: impl Iterator<Item = &'a str>,
) -> Result<(), VaultConfigError> {
    let is_name = |part: &str| {
        !matches!(part, "" | "." | "..")
            && !part.contains(|letter: char| letter == '/' || letter.is_control())
    };
    if parts.all(is_name) {
        Ok(())
    } else {
        Err(VaultConfigError::Name {
            field,
            given: given.to_owned(),
        })
    }
}

fn path(address: &Url, mount: &str, operation: &str, key: &str) -> Result<Url, VaultConfigError> {
    let mut url = address.clone();
    url.path_segments_mut()
        .map_err(|()| super::EndpointError::NotAUrl)?
        .pop_if_empty()
        .push("v1")
        .extend(mount.split('/'))
        .extend([operation, key]);
    Ok(url)
}

fn headers(config: &VaultConfig) -> Result<HeaderMap, VaultConfigError> {
    let mut headers = HeaderMap::new();
    let mut token = HeaderValue::from_str(&config.token)
        .ok()
        .filter(|token| !token.is_empty())
        .ok_or(VaultConfigError::Token)?;
    // Not shown by `Debug`, and not kept by HTTP/2's compression.
    token.set_sensitive(true);
    headers.insert("x-vault-token", token);
    // A Vault Agent can be told to take no request without it: a browser cannot forge it.
    headers.insert("x-vault-request", HeaderValue::from_static("true"));
    if let Some(namespace) = &config.namespace {
        let value = HeaderValue::from_str(namespace).map_err(|_| VaultConfigError::Namespace {
            given: namespace.clone(),
        })?;
        headers.insert("x-vault-namespace", value);
    }
    Ok(headers)
}

async fn read(mut response: Response) -> Result<Zeroizing<Vec<u8>>, Failed> {
    let mut answer = Zeroizing::new(Vec::new());
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable(&error))?
    {
        if answer.len().saturating_add(chunk.len()) > ANSWER_BYTES {
            return Err(malformed("expected 65536 bytes at most from Vault"));
        }
        answer.extend_from_slice(&chunk);
    }
    Ok(answer)
}

fn refusal(status: StatusCode, method: &Method, url: &Url) -> Failed {
    let call = format!("{method} {}", url.path());
    match status.as_u16() {
        400 => Failed::BadRequest,
        404 => Failed::NotFound,
        403 => Failed::Kms(KmsError::Forbidden {
            problem: format!(
                "{call} answered 403; check that the token is valid and its policy allows it"
            ),
        }),
        300..=399 => unavailable(format!(
            "{call} answered {status}; configure the address that it redirects to"
        )),
        412 | 429 | 500.. => unavailable(format!("{call} answered {status}")),
        _ => malformed("expected 200, 400, 403, 404, 412, 429 or 5xx from Vault, got another"),
    }
}

/// `reqwest`'s own text names the URL; what went wrong is enough.
fn unreachable(error: &reqwest::Error) -> Failed {
    unavailable(if error.is_timeout() {
        "Vault did not answer within 5 seconds"
    } else if error.is_connect() {
        "Vault cannot be reached"
    } else {
        "the connection to Vault broke"
    })
}

fn unavailable(problem: impl Into<String>) -> Failed {
    Failed::Kms(KmsError::Unavailable {
        problem: problem.into(),
    })
}

const fn malformed(problem: &'static str) -> Failed {
    Failed::Kms(KmsError::Malformed { problem })
}
