//! Where webhooks may go.

use std::net::IpAddr;

use url::{Host, Url};

use super::address::{Reach, reach};

/// Longest base URL, in bytes.
pub(crate) const BASE_URL_BYTES: usize = 2_048;

/// The name of this machine, wherever one is.
const LOCALHOST: &str = "localhost";

/// Where webhooks may go: public addresses over HTTPS, and what is allowed here besides.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebhookPolicy {
    /// Whether `localhost` and loopback addresses are allowed, also over plain HTTP: for
    /// development and one-machine set-ups.
    pub allow_http_to_loopback: bool,
    /// Whether addresses of private networks are allowed, over HTTPS: where the customers'
    /// backends are in the operator's own.
    ///
    /// # Security
    ///
    /// Every custodian may then have this server call whatever it reaches, by POST.
    pub allow_private: bool,
}

/// A webhook's base URL that will not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// Not a URL with a host, or too long a one.
    #[error(
        "the webhook's URL: expected an absolute one such as https://example.com/portal, of at most {BASE_URL_BYTES} bytes"
    )]
    Malformed,
    /// Paths are appended to it, and it is shown.
    #[error("the webhook's URL: expected none with a user, a password, a query or a fragment")]
    Decorated,
    /// Neither HTTPS, nor HTTP to loopback where that is allowed.
    #[error(
        "the webhook's URL: expected https; http is for loopback addresses only, and only where it is allowed"
    )]
    Insecure,
    /// An address that is not everybody's.
    #[error(
        "the webhook's URL: expected a public address; the operator may allow others (--allow-private-webhooks)"
    )]
    NotPublic,
}

impl WebhookPolicy {
    /// Checks a base URL. Where its name leads is looked at when it is called.
    ///
    /// # Errors
    ///
    /// [`WebhookUrlError`].
    pub fn check(self, base_url: &str) -> Result<Url, WebhookUrlError> {
        if base_url.len() > BASE_URL_BYTES {
            return Err(WebhookUrlError::Malformed);
        }
        let url = Url::parse(base_url).map_err(|_| WebhookUrlError::Malformed)?;
        let host = url.host().ok_or(WebhookUrlError::Malformed)?;
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.query().is_some() || url.fragment().is_some() {
            return Err(WebhookUrlError::Decorated);
        }
        let address = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        };
        let is_loopback = match (host, address) {
            (Host::Domain(name), _) => name == LOCALHOST,
            (_, Some(address)) => reach(address) == Reach::Loopback,
            (_, None) => false,
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback && self.allow_http_to_loopback => {}
            _ => return Err(WebhookUrlError::Insecure),
        }
        // A connection to an address asks no resolver, so it is judged here and now.
        match address.map(reach) {
            Some(Reach::Loopback) if !self.allows_loopback() => Err(WebhookUrlError::NotPublic),
            Some(Reach::Private) if !self.allow_private => Err(WebhookUrlError::NotPublic),
            Some(Reach::Nobodys) => Err(WebhookUrlError::NotPublic),
            _ if is_loopback && !self.allows_loopback() => Err(WebhookUrlError::NotPublic),
            _ => Ok(url),
        }
    }

    /// Whether a connection may be made to an address that a name leads to.
    pub(crate) fn allows(self, name: &str, address: IpAddr) -> bool {
        match reach(address) {
            // What is called local is local: plain HTTP goes there.
            _ if name == LOCALHOST => reach(address) == Reach::Loopback && self.allows_loopback(),
            Reach::Public => true,
            Reach::Loopback | Reach::Private => self.allow_private,
            Reach::Nobodys => false,
        }
    }

    const fn allows_loopback(self) -> bool {
        self.allow_http_to_loopback || self.allow_private
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: WebhookPolicy = WebhookPolicy {
        allow_http_to_loopback: false,
        allow_private: false,
    };
    const LOCAL: WebhookPolicy = WebhookPolicy {
        allow_http_to_loopback: true,
        allow_private: false,
    };
    const PRIVATE: WebhookPolicy = WebhookPolicy {
        allow_http_to_loopback: false,
        allow_private: true,
    };

    #[test]
    fn a_url_is_public_and_https() {
        use WebhookUrlError::{Decorated, Insecure, Malformed, NotPublic};
        let long = format!("https://example.com/{}", "x".repeat(BASE_URL_BYTES));
        let cases = [
            ("https://example.com/portal", [None; 3]),
            ("https://example.com:8443", [None; 3]),
            ("https://93.184.216.34/", [None; 3]),
            ("example.com", [Some(Malformed); 3]),
            ("https://", [Some(Malformed); 3]),
            (&long, [Some(Malformed); 3]),
            ("ftp://example.com", [Some(Insecure); 3]),
            ("http://example.com", [Some(Insecure); 3]),
            ("http://localhost.", [Some(Insecure); 3]),
            ("http://localhost.example", [Some(Insecure); 3]),
            ("https://me@example.com", [Some(Decorated); 3]),
            ("https://me:secret@example.com", [Some(Decorated); 3]),
            ("https://example.com/?a=b", [Some(Decorated); 3]),
            ("https://example.com/#a", [Some(Decorated); 3]),
            ("http://localhost:1", [Some(Insecure), None, Some(Insecure)]),
            ("http://127.0.0.1:1", [Some(Insecure), None, Some(Insecure)]),
            ("http://[::1]:1", [Some(Insecure), None, Some(Insecure)]),
            ("https://localhost", [Some(NotPublic), None, None]),
            ("https://127.1", [Some(NotPublic), None, None]),
            ("https://0x7f000001", [Some(NotPublic), None, None]),
            ("https://[::ffff:127.0.0.1]", [Some(NotPublic), None, None]),
            ("https://10.0.0.1", [Some(NotPublic), Some(NotPublic), None]),
            (
                "https://167772161",
                [Some(NotPublic), Some(NotPublic), None],
            ),
            (
                "https://[fd00::1]",
                [Some(NotPublic), Some(NotPublic), None],
            ),
            ("http://10.0.0.1", [Some(Insecure); 3]),
            ("https://169.254.169.254", [Some(NotPublic); 3]),
            ("https://0.0.0.0", [Some(NotPublic); 3]),
        ];
        for (url, expected) in cases {
            for (policy, expected) in [STRICT, LOCAL, PRIVATE].into_iter().zip(expected) {
                let checked = policy.check(url).err();
                assert_eq!(checked, expected, "{url} under {policy:?}");
            }
        }
    }

    #[test]
    fn a_name_leads_where_it_may() {
        let cases = [
            ("example.com", "93.184.216.34", [true, true, true]),
            ("example.com", "127.0.0.1", [false, false, true]),
            ("example.com", "10.0.0.1", [false, false, true]),
            ("example.com", "169.254.169.254", [false, false, false]),
            ("localhost", "127.0.0.1", [false, true, true]),
            ("localhost", "::1", [false, true, true]),
            ("localhost", "93.184.216.34", [false, false, false]),
            ("localhost", "10.0.0.1", [false, false, false]),
        ];
        for (name, address, expected) in cases {
            let address = address.parse().unwrap();
            for (policy, expected) in [STRICT, LOCAL, PRIVATE].into_iter().zip(expected) {
                let allowed = policy.allows(name, address);
                assert_eq!(allowed, expected, "{name} at {address} under {policy:?}");
            }
        }
    }
}
