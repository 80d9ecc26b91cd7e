//! Whom this device takes for the server, where the usual authorities do not say.

use std::sync::Arc;

use portal_lifecycle::ErrorId;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::Error;

/// TLS with these authorities and no others, for REST and for sessions alike.
pub(crate) fn only(authorities_pem: &[u8]) -> Result<Arc<ClientConfig>, Error> {
    let refused = || {
        Error::new(
            ErrorId::BadRequest,
            "expected certificates of authorities as PEM",
        )
    };
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(authorities_pem) {
        let authority = authority.map_err(|_| refused())?;
        roots.add(authority).map_err(|_| refused())?;
    }
    if roots.is_empty() {
        return Err(refused());
    }
    // The app may have chosen another provider for its process.
    let provider = rustls::crypto::CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::new(ErrorId::InternalError, "no TLS could be set up"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
