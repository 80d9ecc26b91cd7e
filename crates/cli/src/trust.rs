//! HTTP clients, and whom they take for the server.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Certificate;
use reqwest::redirect::Policy;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The authorities in a file, if one is named.
pub(crate) fn read(ca_file: Option<&Path>) -> anyhow::Result<Option<Vec<u8>>> {
    ca_file
        .map(|path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display())))
        .transpose()
}

/// A client that waits for so long and no longer, goes nowhere else, and trusts the authorities
/// in `ca_file` alone, if one is named.
pub(crate) fn http(base: &str, ca_file: Option<&Path>) -> anyhow::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(Policy::none());
    // A proxy would read what goes over plain HTTP; that is for this machine alone.
    if base.starts_with("http://") {
        builder = builder.no_proxy();
    }
    if let Some(authorities) = read(ca_file)? {
        let authorities = Certificate::from_pem_bundle(&authorities)
            .ok()
            .filter(|authorities| !authorities.is_empty())
            .context("--ca-file: expected certificates of authorities as PEM")?;
        builder = builder.tls_certs_only(authorities);
    }
    Ok(builder.build()?)
}
