//! `portal wallet eject`, `portal client enable-eject` and `disable-eject`

use std::path::Path;

use anyhow::{Context as _, ensure};
use portal_api::Time;
use portal_lifecycle::Generation;
use portal_lifecycle::ids::ClientId;
use portal_sdk::{Backup, EjectedKeys, Portal};
use serde_json::json;

use super::offline;
use super::wallet::{addresses, shown};
use crate::key_file;
use crate::offline::RecoveredKeys;
use crate::output::Output;
use crate::process::forbid_core_dumps;

/// Takes the keys out into `out`, reads them back from there, and only then tells the server.
///
/// Where the file is there already, an interrupted run is finished: the server is told, if the
/// file's keys are this wallet's.
pub(crate) async fn run(
    portal: &Portal,
    out: &Path,
    opener: impl Future<Output = anyhow::Result<(Backup, String)>>,
    output: Output,
) -> anyhow::Result<()> {
    forbid_core_dumps()?;
    if !out.exists() {
        let (backup, cipher_text) = opener.await?;
        let keys = RecoveredKeys::from(portal.eject(backup, &cipher_text).await?);
        keys.write(out)?;
    }
    // What the server hears of is what lies in the file.
    let keys = RecoveredKeys::read(out)?;
    ensure!(
        keys.client_id == portal.client_id(),
        "{} holds the keys of another client; give a file that does not exist yet",
        out.display()
    );
    // Whoever wrote it may have been killed before it lay there durably.
    key_file::keep_private(out).with_context(|| format!("cannot keep {}", out.display()))?;
    let told = keys.addresses()?;
    let keys = EjectedKeys::from(keys);
    let confirmed = portal.confirm_eject(&keys, "portal-cli", env!("CARGO_PKG_VERSION"));
    confirmed.await.with_context(|| {
        format!(
            "{} is there, but the server has not confirmed the end of the wallet; see why, then run \
             this again",
            out.display()
        )
    })?;
    output.result(
        format!(
            "Ejected: Portal signs no more for this wallet.\n{}\n{}",
            shown(&told),
            offline::written(out)
        ),
        &json!({ "addresses": addresses(&told), "written": out }),
    );
    Ok(())
}

impl From<EjectedKeys> for RecoveredKeys {
    fn from(keys: EjectedKeys) -> Self {
        Self {
            client_id: keys.client_id,
            wallet_ids: keys.wallet_ids,
            generation: keys.generation.0,
            secp256k1: keys.secp256k1,
            ed25519: keys.ed25519,
        }
    }
}

impl From<RecoveredKeys> for EjectedKeys {
    fn from(keys: RecoveredKeys) -> Self {
        Self {
            client_id: keys.client_id,
            wallet_ids: keys.wallet_ids,
            generation: Generation(keys.generation),
            secp256k1: keys.secp256k1,
            ed25519: keys.ed25519,
        }
    }
}

/// Tells a customer until when the window is open.
pub(crate) fn tell_window(until: Time, output: Output) {
    let shown = until.to_rfc3339().unwrap_or_default();
    output.result(
        format!("The private keys may be taken out until {shown}: portal wallet eject"),
        &json!({ "ejectableUntil": until }),
    );
}

/// Tells a customer that it is closed.
pub(crate) fn tell_closed(client: ClientId, output: Output) {
    output.result(
        format!("Client {client}: nobody takes the private keys out now"),
        &json!({ "clientId": client, "ejectableUntil": null }),
    );
}
