//! Whom this device takes for the server: one answer for REST and for sessions.

use std::sync::Arc;

use portal_lifecycle::ErrorId;
use rustls::client::WantsClientCert;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::Error;

/// TLS with these authorities and no others.
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
    Ok(finished(begun()?.with_root_certificates(roots)))
}

/// TLS with the authorities that this machine trusts.
pub(crate) fn usual() -> Result<Arc<ClientConfig>, Error> {
    let trusting = begun()?.with_platform_verifier().map_err(|_| {
        Error::new(
            ErrorId::Unavailable,
            "this machine trusts no authority, so no server can be told from another; install its \
             certificates, or name the server's authority",
        )
    })?;
    Ok(finished(trusting))
}

/// TLS with nobody, for a server that is reached without.
pub(crate) fn nobody() -> Result<Arc<ClientConfig>, Error> {
    let roots = RootCertStore::empty();
    Ok(finished(begun()?.with_root_certificates(roots)))
}

fn begun() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
    // The app may have chosen another provider for its process.
    let provider = rustls::crypto::CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()));
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::new(ErrorId::InternalError, "no TLS could be set up"))
}

fn finished(config: ConfigBuilder<ClientConfig, WantsClientCert>) -> Arc<ClientConfig> {
    Arc::new(config.with_no_client_auth())
}
