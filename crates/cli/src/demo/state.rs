//! What a demo that is continued needs to know of the run before.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use portal_lifecycle::ids::{ClientId, EnvironmentId};
use serde::{Deserialize, Serialize};

use super::services::Services;
use crate::command::client::Custodian;
use crate::key_file;
use crate::output::Output;

/// A customer, as its maker is told of it.
pub(super) struct Made {
    pub(super) environment_id: EnvironmentId,
    pub(super) api_key: String,
}

/// Customer, end user, and which device is theirs now.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct DemoState {
    pub(super) environment_id: EnvironmentId,
    pub(super) api_key: String,
    pub(super) client_id: ClientId,
    /// Devices are numbered; this one is in use.
    pub(super) device: u32,
    #[serde(skip)]
    path: PathBuf,
}

impl DemoState {
    /// Goes on from the run before, or makes customer and end user.
    pub(super) async fn open(
        data: &Path,
        services: &Services,
        output: Output,
    ) -> anyhow::Result<Self> {
        let path = data.join("demo.json");
        if path.exists() {
            let text = std::fs::read(&path)?;
            let mut state: Self = serde_json::from_slice(&text)
                .ok()
                .with_context(|| format!("{} is not a demo's state", path.display()))?;
            state.path = path;
            services.move_webhook(state.environment_id).await?;
            output.say(format!(
                "  client     {} of the run before\n",
                state.client_id
            ));
            return Ok(state);
        }
        let made = services.create_custodian().await?;
        let custodian = Custodian {
            server: &services.server,
            api_key: &made.api_key,
            ca_file: None,
        };
        let client = custodian.create_client().await?;
        output.say(format!("  client     {}\n", client.id));
        let state = Self {
            environment_id: made.environment_id,
            api_key: made.api_key,
            client_id: client.id,
            device: 1,
            path,
        };
        state.save()?;
        Ok(state)
    }

    pub(super) fn save(&self) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        key_file::replace_private(&self.path, &text)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}
