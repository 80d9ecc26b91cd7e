//! The default login: tokens that carry the client's id and a MAC over it.

use core::fmt;

use async_trait::async_trait;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use portal_lifecycle::ids::ClientId;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::framing::framed;
use crate::{AppAuth, AppAuthError, Digest};

const PREFIX: &str = "ptl_app_";
const TAG: &[u8] = b"portal custodian app token v1";

/// Mints and accepts `ptl_app_<clientId>.<mac>`, in `Authorization: Bearer`.
///
/// The MAC is HMAC-SHA256 (RFC 2104) over a tag and the client's id, in base64url without
/// padding. Nothing is stored.
///
/// # Security
///
/// A token has no end of its own: only another secret revokes it, and all others with it. Use
/// an [`AppAuth`] of your own where tokens must expire one by one.
pub struct AppTokens {
    secret: Zeroizing<[u8; 32]>,
}

impl AppTokens {
    /// Takes the secret under which tokens are minted: 32 random bytes, kept by your backend.
    #[must_use]
    pub const fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        Self { secret }
    }

    /// The token with which an app may store and read this client's cipher texts.
    #[must_use]
    pub fn mint(&self, client_id: ClientId) -> AppToken {
        let mac = self.mac(client_id).finalize().into_bytes();
        let mac = URL_SAFE_NO_PAD.encode(mac);
        AppToken(Zeroizing::new(format!("{PREFIX}{client_id}.{mac}")))
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(self.secret.as_slice())
    }

    fn mac(&self, client_id: ClientId) -> Hmac<Sha256> {
        // RFC 2104 §2: a key shorter than the hash's block is filled up with zeros. Done here
        // because the call that does it, `new_from_slice`, cannot be told that it cannot fail.
        let mut block = Zeroizing::new([0; 64]);
        for (to, from) in block.iter_mut().zip(self.secret.iter()) {
            *to = *from;
        }
        let mut mac = Hmac::<Sha256>::new((&*block).into());
        mac.update(&framed(&[TAG, &client_id.to_bytes()]));
        mac
    }

    /// The client of a genuine token.
    fn verify(&self, token: &str) -> Option<ClientId> {
        let (client_id, mac) = token.strip_prefix(PREFIX)?.split_once('.')?;
        let client_id: ClientId = client_id.parse().ok()?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        // In constant time, so that a MAC cannot be found byte by byte.
        self.mac(client_id).verify_slice(&mac).ok()?;
        Some(client_id)
    }
}

#[async_trait]
impl AppAuth for AppTokens {
    async fn client_of(&self, headers: &HeaderMap) -> Result<ClientId, AppAuthError> {
        headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .and_then(|(_, token)| self.verify(token.trim()))
            .ok_or(AppAuthError::Refused)
    }
}

impl fmt::Debug for AppTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppTokens(…)")
    }
}

/// A token of [`AppTokens::mint`]; erased when dropped.
pub struct AppToken(Zeroizing<String>);

impl AppToken {
    /// The token itself, to hand it to the app.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AppToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppToken(…)")
    }
}
