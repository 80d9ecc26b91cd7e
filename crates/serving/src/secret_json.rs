//! Answers that hold a secret.

use core::fmt;
use std::io;

use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use zeroize::Zeroizing;

/// A JSON body that holds a secret: not printed, and erased once it is sent.
///
/// # Security
///
/// What lies beyond the body is not erased: the connection's buffers, and those of TLS.
pub struct SecretJson(Zeroizing<Vec<u8>>);

impl SecretJson {
    /// Writes `answer`.
    ///
    /// # Errors
    ///
    /// What `answer` itself fails with.
    pub fn of(answer: &impl Serialize) -> Result<Self, serde_json::Error> {
        // Measured first: a buffer that grows leaves copies behind.
        let mut length = Length(0);
        serde_json::to_writer(&mut length, answer)?;
        let mut body = Zeroizing::new(Vec::with_capacity(length.0));
        serde_json::to_writer(&mut *body, answer)?;
        Ok(Self(body))
    }

    /// A body that was written before.
    #[must_use]
    pub const fn written(body: Zeroizing<Vec<u8>>) -> Self {
        Self(body)
    }

    /// The body itself; say at the call why it is needed.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretJson(…)")
    }
}

impl IntoResponse for SecretJson {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (headers, Bytes::from_owner(self.0)).into_response()
    }
}

/// Counts what is written to it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_written_into_room_that_was_measured_and_is_not_printed() {
        for length in [0, 1, 7, 8, 100, 5_000] {
            let text = "a \"quoted\" sécret\n".repeat(length);
            let body = SecretJson::of(&[&text]).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(body.0.capacity(), body.0.len(), "it grew");
            let read: Option<[String; 1]> = serde_json::from_slice(body.expose()).ok();
            assert_eq!(read, Some([text]));
            assert_eq!(format!("{body:?}"), "SecretJson(…)");
        }
    }

    #[test]
    fn a_body_is_sent_as_json_that_nobody_keeps() {
        let body = SecretJson::written(Zeroizing::new(b"{}".to_vec()));
        let headers = body.into_response().headers().clone();
        for (name, value) in [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-store"),
        ] {
            let told = headers.get(&name).map(|told| told.as_bytes());
            assert_eq!(told, Some(value.as_bytes()), "{name}");
        }
    }
}
