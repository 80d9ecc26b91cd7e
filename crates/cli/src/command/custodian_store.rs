//! The customer's database, as the command line names it, and the key that it is sealed with.

use std::path::Path;

use anyhow::{Context as _, bail};
use portal_custodian::SqlCustodianStore;

use crate::key_file;

pub(crate) const DATABASE: &str = "custodian.db";
const KEY: &str = "custodian.key";

/// Opens the Postgres database at `url`, or the file in the data directory. Database and key are
/// made on first start.
pub(crate) async fn open(data: &Path, url: Option<&str>) -> anyhow::Result<SqlCustodianStore> {
    key_file::private_dir(data)?;
    let key_path = data.join(KEY);
    let Some(url) = url else {
        let database = data.join(DATABASE);
        let key = key_file::sealing_key(&key_path, &database)?;
        return Ok(SqlCustodianStore::sqlite(&database, key).await?);
    };
    let no_database = "cannot use the database that --database names";
    if !key_path.exists() {
        let has_key = SqlCustodianStore::postgres_has_key(url).await;
        if has_key.context(no_database)? {
            bail!(
                "this database holds shares, and their key file {} is not there; copy the {KEY} of \
                 its other processes, or restore it from its backup",
                key_path.display()
            );
        }
    }
    let key = key_file::secret(&key_path).map(portal_seal::SealingKey::from_bytes)?;
    let opened = SqlCustodianStore::postgres(url, key).await;
    opened.context(no_database)
}
