//! What is seen of a client and its wallet.

use portal_api::Time;
use portal_api::rest::{
    BackupSharePair, ClientState, Environment, Metadata, Named, NamespaceAddress, Namespaces,
    SigningSharePair, WalletState,
};
use portal_lifecycle::ids::{ClientId, EnvironmentId};
use portal_lifecycle::{
    BackupMode, BackupPair, BackupStatus, Curve, Epoch, Point, SigningPair, SigningStatus, Wallet,
};
use portal_store::{ClientRecord, StoredWallet, Tenant};

use crate::{ApiError, App};

/// Pairs of each kind that the state lists of a wallet's past; the rest is in the lists by page.
const PAST_PAIRS: usize = 100;

/// A client of this environment; another's is as good as none.
pub(crate) async fn client(
    app: &App,
    environment: EnvironmentId,
    client: ClientId,
) -> Result<ClientState, ApiError> {
    let record = app.store.client(environment, client).await?;
    let record = record.ok_or_else(ApiError::not_found)?;
    let tenant = app.store.tenant(client).await?;
    let wallet = app.wallets.stored(client).await?;
    let epoch = match &wallet {
        Some(stored) => stored.wallet.epoch,
        None => app.store.epoch().await?,
    };
    client_state(&record, tenant, wallet.as_ref(), epoch)
}

/// A page of an environment's clients, each as it is read alone, and how many there are.
pub(crate) async fn clients(
    app: &App,
    environment: EnvironmentId,
    after: Option<ClientId>,
    take: u32,
) -> Result<(Vec<ClientState>, u64), ApiError> {
    let page = app.store.clients(environment, after, take).await?;
    let Some((first, _)) = page.entries.first() else {
        return Ok((Vec::new(), page.total));
    };
    let tenant = app.store.tenant(first.client_id).await?;
    let epoch = app.store.epoch().await?;
    let states = page.entries.iter().map(|(client, wallet)| {
        let epoch = wallet.as_ref().map_or(epoch, |stored| stored.wallet.epoch);
        client_state(client, tenant.clone(), wallet.as_ref(), epoch)
    });
    Ok((states.collect::<Result<_, _>>()?, page.total))
}

fn client_state(
    client: &ClientRecord,
    tenant: Tenant,
    wallet: Option<&StoredWallet>,
    epoch: Epoch,
) -> Result<ClientState, ApiError> {
    Ok(ClientState {
        id: client.client_id,
        created_at: Time(client.created_at),
        custodian: Named {
            id: tenant.custodian_id,
            name: tenant.custodian_name,
        },
        environment: Environment {
            id: tenant.environment_id,
            name: tenant.environment_name,
            backup_mode: tenant.backup_mode,
            backup_with_portal_enabled: tenant.backup_mode == BackupMode::Managed,
            is_multi_backup_enabled: false,
        },
        ejected_at: wallet.and_then(|stored| stored.wallet.ejected_at).map(Time),
        is_account_abstracted: client.is_account_abstracted,
        epoch: epoch.number,
        is_proved: wallet.is_none_or(|stored| stored.wallet.is_proved()),
        is_backed_up: wallet.is_some_and(|stored| stored.wallet.active_backup().is_some()),
        metadata: metadata(wallet.map(|stored| &stored.wallet))?,
        wallets: wallet.map(wallets).unwrap_or_default(),
    })
}

/// A pair of each curve is one row of that curve's list.
pub(crate) fn signing_pairs<'a>(
    pairs: impl IntoIterator<Item = &'a SigningPair>,
    curve: Curve,
) -> Vec<SigningSharePair> {
    let pairs = pairs.into_iter();
    pairs
        .map(|pair| SigningSharePair {
            id: *pair.ids.of(curve),
            status: pair.status,
            completion: pair.status.completion(),
            created_at: Time(pair.created_at),
        })
        .collect()
}

/// A pair of each curve is one row of that curve's list.
pub(crate) fn backup_pairs<'a>(
    pairs: impl IntoIterator<Item = &'a BackupPair>,
    curve: Curve,
) -> Vec<BackupSharePair> {
    let pairs = pairs.into_iter();
    pairs
        .map(|pair| BackupSharePair {
            id: *pair.ids.of(curve),
            status: pair.status,
            completion: pair.status.completion(),
            backup_method: pair.method,
            backup_mode: pair.mode,
            created_at: Time(pair.created_at),
            proved_at: pair.proved_at.map(Time),
        })
        .collect()
}

/// What a device goes by: whatever is in force or may yet come into it, and the newest of the rest.
fn recent<P>(pairs: &[P], matters: impl Fn(&P) -> bool) -> impl Iterator<Item = &P> {
    let past = pairs.len().saturating_sub(PAST_PAIRS);
    let numbered = pairs.iter().enumerate();
    numbered.filter_map(move |(place, pair)| (place >= past || matters(pair)).then_some(pair))
}

fn wallets(stored: &StoredWallet) -> Vec<WalletState> {
    let wallet = &stored.wallet;
    let signing = |pair: &SigningPair| {
        matches!(
            pair.status,
            SigningStatus::StoredDatabase | SigningStatus::StoredClient | SigningStatus::Frozen
        )
    };
    let backup = |pair: &BackupPair| {
        pair.status.is_open() || pair.status == BackupStatus::StoredClientBackupShare
    };
    let keys = wallet.keys();
    wallet
        .ids
        .iter()
        .map(|(curve, id)| WalletState {
            id: *id,
            curve,
            public_key: keys.as_ref().map(|keys| hex::encode(&keys.of(curve).0)),
            ejectable_until: wallet.ejectable_until.map(Time),
            created_at: Time(stored.created_at),
            signing_share_pairs: signing_pairs(recent(&wallet.signing_pairs, signing), curve),
            backup_share_pairs: backup_pairs(recent(&wallet.backup_pairs, backup), curve),
        })
        .collect()
}

/// P1: addresses only of a key that both sides hold.
fn metadata(wallet: Option<&Wallet>) -> Result<Metadata, ApiError> {
    let Some(keys) = wallet.and_then(Wallet::keys) else {
        return Ok(Metadata::default());
    };
    let unusable = || ApiError::internal("a stored public key is no key");
    let secp256k1 = array(keys.secp256k1).ok_or_else(unusable)?;
    let ed25519 = array(keys.ed25519).ok_or_else(unusable)?;
    let addresses = portal_chains::addresses(&secp256k1, &ed25519).map_err(|_| unusable())?;
    let of = |address, testnet_address, curve| {
        Some(NamespaceAddress {
            address,
            testnet_address,
            curve,
        })
    };
    let testnet = Some(addresses.bip122_testnet);
    Ok(Metadata {
        namespaces: Namespaces {
            eip155: of(addresses.eip155, None, Curve::Secp256k1),
            solana: of(addresses.solana, None, Curve::Ed25519),
            bip122: of(addresses.bip122_mainnet, testnet, Curve::Secp256k1),
        },
    })
}

fn array<const N: usize>(point: &Point) -> Option<[u8; N]> {
    point.0.as_slice().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::{PAST_PAIRS, recent};

    #[test]
    fn the_state_lists_the_newest_pairs_and_whatever_matters() {
        let pairs: Vec<usize> = (0..1_000).collect();
        let seen: Vec<_> = recent(&pairs, |pair| *pair == 7).copied().collect();
        let newest = 1_000 - PAST_PAIRS..1_000;
        assert_eq!(seen, std::iter::once(7).chain(newest).collect::<Vec<_>>());
        let few: Vec<_> = recent(&[0, 1, 2], |_| false).copied().collect();
        assert_eq!(few, [0, 1, 2]);
    }
}
