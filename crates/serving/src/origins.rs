//! Which web pages may call from a browser.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser may remember the answer.
const MAX_AGE: Duration = Duration::from_secs(600);

/// What a page may send besides what every page may.
const MAY_SEND: [HeaderName; 5] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("x-portal-trace-id"),
];

/// What a page may read besides what every page may.
const MAY_READ: [HeaderName; 3] = [
    header::RETRY_AFTER,
    HeaderName::from_static("server-timing"),
    HeaderName::from_static("x-portal-trace-id"),
];

/// Origins (RFC 6454 §6.2) whose pages may call. None by default: then no page of another origin
/// can read an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<HeaderValue>);

/// Not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an origin such as https://app.example.com, without a path and without `*`, got {given:?}"
)]
pub struct OriginError {
    /// What was given.
    pub given: String,
}

impl Origins {
    /// Reads a list.
    ///
    /// # Errors
    ///
    /// [`OriginError`] for the first that is none.
    pub fn parse<S: AsRef<str>>(origins: &[S]) -> Result<Self, OriginError> {
        let read = origins.iter().map(|origin| {
            let origin = origin.as_ref();
            is_origin(origin)
                .then(|| HeaderValue::from_str(origin).ok())
                .flatten()
                .ok_or_else(|| OriginError {
                    given: origin.to_owned(),
                })
        });
        read.collect::<Result<_, _>>().map(Self)
    }

    /// None where no page may call.
    pub(crate) fn layer(&self) -> Option<CorsLayer> {
        if self.0.is_empty() {
            return None;
        }
        let methods = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ];
        Some(
            CorsLayer::new()
                .allow_origin(AllowOrigin::list(self.0.clone()))
                .allow_methods(methods)
                .allow_headers(MAY_SEND)
                .expose_headers(MAY_READ)
                .max_age(MAX_AGE),
        )
    }
}

/// Scheme, host, and a port if there is one; as browsers write it: in lower case.
fn is_origin(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty()
            && host.bytes().all(
                |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b':' | b'[' | b']'),
            )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_are_taken() {
        for good in [
            "https://app.example.com",
            "http://localhost:3000",
            "http://[::1]:80",
        ] {
            assert!(Origins::parse(&[good]).is_ok(), "{good}");
        }
        for bad in [
            "*",
            "https://*.example.com",
            "https://app.example.com/",
            "app.example.com",
            "https://",
            "null",
            "HTTPS://A.b",
        ] {
            let seen = Origins::parse(&[bad]).unwrap_err();
            assert_eq!(seen.given, bad);
        }
    }
}
