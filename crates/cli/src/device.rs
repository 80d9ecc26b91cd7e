//! A device, as a directory: its profile, its keychain, and the key of that.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use portal_keychain::FileKeychain;
use portal_lifecycle::BackupMethod;
use portal_lifecycle::ids::ClientId;
use portal_sdk::{FolderStorage, PinnedSealingKey, Portal, Progress};
use serde::{Deserialize, Serialize};

use crate::{ambient, key_file, trust};

const PROFILE: &str = "profile.toml";
const KEYCHAIN: &str = "keychain";
const KEYCHAIN_KEY: &str = "keychain.key";

/// Whose device it is, and whom it talks to.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// The server.
    pub(crate) server: String,
    /// The end user.
    pub(crate) client_id: ClientId,
    /// Session token or API key for the server.
    pub(crate) client_token: String,
    /// The customer's backend, if the device stores its cipher text there.
    pub(crate) custodian: Option<String>,
    /// The app's token for that backend.
    pub(crate) custodian_token: Option<String>,
    /// That backend's sealing key: pinned, so that nobody else's is sealed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sealing_key: Option<PinnedSealingKey>,
    /// Whether plain backups were asked for; without, and without a sealing key, none are made.
    #[serde(default)]
    pub(crate) plain_backups: bool,
    /// The authorities, as PEM, that vouch for both; the usual ones without.
    #[serde(default)]
    pub(crate) ca_file: Option<PathBuf>,
}

/// A device.
pub(crate) struct Device {
    directory: PathBuf,
    pub(crate) profile: Profile,
}

impl Device {
    /// Whether the directory holds a device.
    pub(crate) fn exists(directory: &Path) -> bool {
        directory.join(PROFILE).exists()
    }

    /// Makes a device; its directory must not hold one yet.
    pub(crate) fn create(directory: &Path, profile: Profile) -> anyhow::Result<Self> {
        key_file::private_dir(directory)?;
        Self::write(directory, profile, key_file::write_private)
    }

    /// Gives a device another session of its client; its keychain stays as it is.
    pub(crate) fn renew(self, profile: Profile) -> anyhow::Result<Self> {
        Self::write(&self.directory, profile, key_file::replace_private)
    }

    fn write(
        directory: &Path,
        profile: Profile,
        write: fn(&Path, &[u8]) -> std::io::Result<()>,
    ) -> anyhow::Result<Self> {
        let path = directory.join(PROFILE);
        let text = toml::to_string(&profile).context("the profile cannot be written")?;
        write(&path, text.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self {
            directory: directory.to_owned(),
            profile,
        })
    }

    /// Opens a device.
    pub(crate) fn open(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join(PROFILE);
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "cannot read {}; `portal client create` makes a device",
                path.display()
            )
        })?;
        // Its own text may quote a token.
        let profile = toml::from_str(&text).ok();
        let profile =
            profile.with_context(|| format!("{} is not a device's profile", path.display()))?;
        Ok(Self {
            directory: directory.to_owned(),
            profile,
        })
    }

    /// This device's side of the wallet.
    pub(crate) async fn portal(
        &self,
        folder: Option<&Path>,
        listener: impl Fn(Progress) + Send + Sync + 'static,
    ) -> anyhow::Result<Portal> {
        let keychain = Arc::new(self.keychain()?);
        let profile = &self.profile;
        let mut builder =
            Portal::builder(&profile.server, &profile.client_token, keychain).on_progress(listener);
        match profile.sealing_key {
            Some(key) => builder = builder.sealing_key(key),
            None if profile.plain_backups => builder = builder.plain_backups(),
            None => {}
        }
        if let Some(authorities) = trust::read(profile.ca_file.as_deref())? {
            builder = builder.trust_only(&authorities);
        }
        if let Some(folder) = folder {
            key_file::private_dir(folder)?;
            let storage = FolderStorage::open(folder)?;
            builder = builder.backup_storage(BackupMethod::Custom, Arc::new(storage));
        }
        let portal = builder.build().await?;
        if portal.client_id() != profile.client_id {
            bail!("the profile's token belongs to another client than the profile");
        }
        Ok(portal)
    }

    /// With PORTAL_KEYCHAIN_PASSPHRASE the keychain opens by that, otherwise by a key file.
    fn keychain(&self) -> anyhow::Result<FileKeychain> {
        let directory = self.directory.join(KEYCHAIN);
        let key = match std::env::var("PORTAL_KEYCHAIN_PASSPHRASE") {
            Ok(passphrase) => {
                FileKeychain::key_from_passphrase(&passphrase, &directory, &mut ambient::rng())?
            }
            Err(_) => key_file::sealing_key(&self.directory.join(KEYCHAIN_KEY), &directory)?,
        };
        Ok(FileKeychain::open(&directory, key, ambient::rng())?)
    }
}
