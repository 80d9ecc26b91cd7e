//! Where a KMS may be called: over TLS, or on this machine.

use url::{Host, Url};

/// Why a URL is not where a KMS is called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not a URL with a host. What was given is left out: it may hold a password.
    #[error("expected the KMS's URL, like https://kms.example:8200, got something else")]
    NotAUrl,
    /// Data keys would go over a network in clear.
    #[error("expected https:// for a KMS that is not on this machine, got {scheme}:// to {host}")]
    Insecure {
        /// What was given.
        scheme: String,
        /// The other machine.
        host: String,
    },
    /// More than an address.
    #[error(
        "expected the KMS's URL without user, password, query and fragment; \
         credentials are configured apart from it"
    )]
    NotPlain,
}

/// The address of a KMS: `https`, or `http` to loopback.
pub(super) fn endpoint(given: &str) -> Result<Url, EndpointError> {
    let url = Url::parse(given).map_err(|_| EndpointError::NotAUrl)?;
    let host = url.host().ok_or(EndpointError::NotAUrl)?;
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !is_plain {
        return Err(EndpointError::NotPlain);
    }
    let is_loopback = match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback => Ok(url),
        scheme => Err(EndpointError::Insecure {
            scheme: scheme.to_owned(),
            host: host.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kms_is_called_over_tls_or_on_this_machine() {
        for good in [
            "https://vault.example",
            "https://vault.example:8200/behind/a/path",
            "https://10.0.0.1",
            "http://127.0.0.1:8200",
            "http://127.9.9.9",
            "http://[::1]:8200",
            "http://localhost:8200",
        ] {
            assert!(endpoint(good).is_ok(), "{good}: {:?}", endpoint(good));
        }
        for bad in [
            "http://vault.example",
            "http://10.0.0.1:8200",
            "http://localhost.example",
            "http://[::2]",
            "ftp://127.0.0.1",
        ] {
            assert!(
                matches!(endpoint(bad), Err(EndpointError::Insecure { .. })),
                "{bad}: {:?}",
                endpoint(bad)
            );
        }
        for bad in [
            "https://user@vault.example",
            "https://:word@vault.example",
            "https://vault.example/?a=b",
            "https://vault.example/#a",
        ] {
            assert_eq!(endpoint(bad), Err(EndpointError::NotPlain), "{bad}");
        }
        for bad in ["", "vault.example", "/v1", "data:,word", "https://"] {
            assert_eq!(endpoint(bad), Err(EndpointError::NotAUrl), "{bad}");
        }
    }
}
