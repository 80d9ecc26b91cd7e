//! The customer's database, as the command line names it, and the key that it is sealed with.

use std::path::Path;

use anyhow::Context as _;
use portal_custodian::{OpenStoreError, SqlCustodianStore};
use portal_seal::SealingKey;

use super::custodian_secrets;
use crate::key_file;

pub(crate) const DATABASE: &str = "custodian.db";
pub(crate) const KEY: &str = "custodian.key";

pub(crate) const NO_DATABASE: &str = "cannot use the database that --database names";

/// Whether the Postgres database at `url`, or the file in the data directory, was opened before.
pub(crate) async fn is_there(data: &Path, url: Option<&str>) -> anyhow::Result<bool> {
    let Some(url) = url else {
        return Ok(data.join(DATABASE).exists());
    };
    let has_key = SqlCustodianStore::postgres_has_key(url).await;
    has_key.context(NO_DATABASE)
}

/// Opens it with the key in the data directory, which must be there.
pub(crate) async fn open(data: &Path, url: Option<&str>) -> anyhow::Result<SqlCustodianStore> {
    let key = data.join(KEY);
    if !key.exists() {
        return Err(custodian_secrets::without_key(data));
    }
    let key = SealingKey::from_bytes(key_file::secret(&key)?);
    open_under(data, url, key).await
}

/// Opens it, making it if it is not there.
pub(crate) async fn open_under(
    data: &Path,
    url: Option<&str>,
    key: SealingKey,
) -> anyhow::Result<SqlCustodianStore> {
    let opened = match url {
        Some(url) => SqlCustodianStore::postgres(url, key).await,
        None => SqlCustodianStore::sqlite(data.join(DATABASE), key).await,
    };
    opened.map_err(|error| {
        let is_wrong_key = matches!(error, OpenStoreError::WrongKey);
        let error = anyhow::Error::new(error);
        if is_wrong_key {
            let key = data.join(KEY);
            error.context(format!(
                "{} is not the key of this database; restore the file from its backup, or copy it \
                 from another process of this database",
                key.display()
            ))
        } else if url.is_some() {
            error.context(NO_DATABASE)
        } else {
            error
        }
    })
}
