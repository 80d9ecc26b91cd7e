//! The file of a custodian's shares: `portal-custodian-shares-v1`.
//!
//! ```json
//! { "format": "portal-custodian-shares-v1",
//!   "shares": [ { "clientId": "…", "walletId": "…", "backupSharePairId": "…",
//!                 "curve": "SECP256K1", "generation": 2, "share": "<base64url>" } ] }
//! ```
//!
//! Of one client or of many; a share's text is a key share, as the custodian keeps it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use portal_api::SecretText;
use portal_custodian::StoredShare;
use portal_lifecycle::Curve;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const FORMAT: &str = "portal-custodian-shares-v1";
/// Largest file that is written or read: some half a million shares.
const FILE_BYTES: usize = 256 * 1024 * 1024;
/// Of one entry, its share included.
const ENTRY_BYTES: usize = 16 * 1024;

/// What is in such a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustodianShares {
    format: String,
    pub(crate) shares: Vec<Entry>,
}

/// One share.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) client_id: ClientId,
    pub(crate) wallet_id: WalletId,
    pub(crate) backup_share_pair_id: BackupSharePairId,
    pub(crate) curve: Curve,
    pub(crate) generation: u64,
    pub(crate) share: SecretText,
}

impl Entry {
    pub(crate) fn of(client_id: ClientId, share: &StoredShare) -> Self {
        Self {
            client_id,
            wallet_id: share.wallet_id,
            backup_share_pair_id: share.backup_share_pair_id,
            curve: share.curve,
            generation: share.generation.0,
            // To be written into the file.
            share: share.share.expose().into(),
        }
    }
}

impl CustodianShares {
    pub(crate) fn new(shares: Vec<Entry>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            shares,
        }
    }

    /// The file's text.
    pub(crate) fn to_json(&self) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        // Reserved whole, so that the buffer never moves and leaves a copy behind.
        let capacity = self.shares.len().saturating_mul(1_024).max(ENTRY_BYTES);
        let mut text = Zeroizing::new(Vec::with_capacity(capacity.min(FILE_BYTES)));
        serde_json::to_writer_pretty(&mut *text, self)?;
        text.push(b'\n');
        if text.len() > FILE_BYTES {
            bail!(
                "{} shares take more than {FILE_BYTES} bytes in one file; write a file for each \
                 client with --directory",
                self.shares.len()
            );
        }
        Ok(text)
    }

    /// Reads a file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = read_limited(path, FILE_BYTES)?;
        let shares: Self = parse(&text, FORMAT).with_context(|| format!("in {shown}"))?;
        Ok(shares)
    }
}

/// A file's bytes, if there are no more than `limit_bytes`.
pub(super) fn read_limited(path: &Path, limit_bytes: usize) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let known_bytes = file.metadata().map_or(0, |about| about.len());
    let capacity = usize::try_from(known_bytes).unwrap_or(0).min(limit_bytes) + 1;
    let mut text = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(limit_bytes as u64 + 1)
        .read_to_end(&mut text)
        .with_context(|| format!("cannot read {shown}"))?;
    if text.len() > limit_bytes {
        bail!("expected a file of at most {limit_bytes} bytes, {shown} is larger");
    }
    Ok(text)
}

/// A JSON document of a format. What is wrong is told by its place: its text may be a secret.
pub(super) fn parse<T: for<'de> Deserialize<'de>>(text: &[u8], format: &str) -> anyhow::Result<T> {
    #[derive(Deserialize)]
    struct Kind {
        format: String,
    }
    let at = |error: serde_json::Error| {
        anyhow::anyhow!(
            "expected a {format} file; it is none from line {}, column {} on",
            error.line(),
            error.column()
        )
    };
    let kind: Kind = serde_json::from_slice(text).map_err(at)?;
    if kind.format != format {
        let given: String = kind.format.chars().take(40).collect();
        bail!("expected a {format} file, got {given:?}");
    }
    serde_json::from_slice(text).map_err(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stay_as_they_are() {
        let golden = include_str!("../../../../vectors/custodian-shares-v1.json");
        let shares: CustodianShares = parse(golden.as_bytes(), FORMAT).unwrap();
        let written = shares.to_json().unwrap();
        assert_eq!(core::str::from_utf8(&written).unwrap(), golden);
        assert!(
            !format!("{shares:?}").contains("AAEC"),
            "a share is not printed"
        );
        let other = golden.replace("-v1", "-v2");
        let other = parse::<CustodianShares>(other.as_bytes(), FORMAT).unwrap_err();
        assert!(
            other.to_string().contains("expected a portal-custodian"),
            "{other}"
        );
    }
}
