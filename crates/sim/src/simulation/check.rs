//! What must hold when all faults have ceased.

use std::sync::Arc;
use std::time::Duration;

use portal_keychain::MemoryKeychain;
use portal_lifecycle::{SigningStatus, Wallet};
use portal_sdk::{Error, Portal};
use portal_store::{OutboxStore as _, WalletStore as _};

use super::context::{Context, DEVICES, TABLET};
use super::device;
use super::plan::Catastrophe;

/// Tries again after failures that a retry helps; until a lease of somebody who is gone has run
/// out, that may take its time.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_secs(5);

/// What the run has come to.
pub(crate) struct Ending {
    pub(crate) catastrophe: Catastrophe,
    /// The wallet in the copy that the database was put back to.
    pub(crate) copied: Option<Wallet>,
}

/// Says what failed, if anything did.
pub(crate) async fn check(context: &Context, ending: &Ending) -> Result<(), String> {
    let wallet = stored(context).await?;
    let backed_up = wallet
        .as_ref()
        .and_then(|wallet| wallet.active_backup().map(|backup| backup.ids));
    if context.user().addresses.is_none() {
        return begins(context, ending, wallet.as_ref()).await;
    }
    let mut told = Vec::new();
    let mut signed = false;
    for name in DEVICES {
        let keychain = context.keychain(name);
        match retried(|| signs(context, name, Arc::clone(&keychain))).await {
            Ok(()) => signed = true,
            Err(error) => told.push(format!("{name}: {error}")),
        }
    }
    let excused = match ending.catastrophe {
        Catastrophe::Phone | Catastrophe::Tablet => backed_up.is_none(),
        Catastrophe::Database => ending
            .copied
            .as_ref()
            .is_none_or(|copied| copied.active_backup().is_none()),
        Catastrophe::None | Catastrophe::Cloud | Catastrophe::Backend => false,
    };
    let can_recover = !matches!(
        ending.catastrophe,
        Catastrophe::Cloud | Catastrophe::Backend
    ) && backed_up.is_some();
    if can_recover {
        // On a device that holds nothing: only the backup helps.
        let keychain = Arc::new(MemoryKeychain::new());
        retried(|| recovers(context, Arc::clone(&keychain)))
            .await
            .map_err(|error| format!("a complete backup does not recover: {error}"))?;
        signed = true;
    }
    if !signed && !excused {
        return Err(format!("nobody signs: {}", told.join("; ")));
    }
    settled(context, ending).await
}

/// Nobody was told an address: then a wallet can be made, or is there to be used, unless the only
/// device that held it is lost.
async fn begins(context: &Context, ending: &Ending, wallet: Option<&Wallet>) -> Result<(), String> {
    let something_was_lost = matches!(
        ending.catastrophe,
        Catastrophe::Phone | Catastrophe::Tablet | Catastrophe::Database
    );
    // A device that holds more than the copy knows makes no other wallet.
    let is_forgotten = ending.catastrophe == Catastrophe::Database;
    let may_be_lost = is_forgotten
        || (something_was_lost && wallet.is_some_and(|wallet| wallet.current_signing().is_some()));
    let mut told = Vec::new();
    for name in DEVICES {
        let made = retried(async || {
            let portal = context.builder(name).build().await?;
            device::create(context, &portal).await
        });
        match made.await {
            Ok(()) => return Ok(()),
            Err(error) => told.push(format!("{name}: {error}")),
        }
        let keychain = context.keychain(name);
        if signs(context, name, keychain).await.is_ok() {
            return Ok(());
        }
    }
    if may_be_lost {
        return Ok(());
    }
    Err(format!("no wallet can be made: {}", told.join("; ")))
}

async fn signs(
    context: &Context,
    name: &'static str,
    keychain: Arc<MemoryKeychain>,
) -> Result<(), Error> {
    let portal: Portal = context.builder_with(name, keychain).build().await?;
    device::sign(context, &portal).await
}

async fn recovers(context: &Context, keychain: Arc<MemoryKeychain>) -> Result<(), Error> {
    let portal = context.builder_with(TABLET, keychain).build().await?;
    device::recover(context, &portal).await?;
    device::sign(context, &portal).await
}

/// Runs something until it succeeds, or fails in a way that no retry helps.
async fn retried<F>(mut run: impl FnMut() -> F) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>>,
{
    let mut tries = 0;
    loop {
        match run().await {
            Err(error) if error.is_retryable() && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}

/// I2, I6, and no strike.
///
/// No pair is in force only after a copy without one was put back: the address was still on its way
/// to the user then.
async fn settled(context: &Context, ending: &Ending) -> Result<(), String> {
    let Some(wallet) = stored(context).await? else {
        return Ok(());
    };
    let of = |status| {
        let pairs = wallet.signing_pairs.iter();
        pairs.filter(|pair| pair.status == status).count()
    };
    let in_force = of(SigningStatus::StoredClient);
    let copied = ending.copied.as_ref();
    let may_be_forgotten = ending.catastrophe == Catastrophe::Database
        && copied.is_none_or(|copied| copied.current_signing().is_none());
    if in_force != 1 && !(in_force == 0 && may_be_forgotten) {
        return Err(format!("not one pair in force: {wallet:#?}"));
    }
    if of(SigningStatus::Frozen) != 0 {
        return Err("a pair is frozen, and nobody cheated".to_owned());
    }
    for _ in 0..TRIES {
        match context.store.oldest_delivery().await {
            Ok(None) => return Ok(()),
            _ => tokio::time::sleep(PAUSE * 4).await,
        }
    }
    Err("a share stays in the outbox".to_owned())
}

async fn stored(context: &Context) -> Result<Option<Wallet>, String> {
    let stored = context.store.wallet(context.client).await;
    stored
        .map(|stored| stored.map(|stored| stored.wallet))
        .map_err(|error| error.to_string())
}
