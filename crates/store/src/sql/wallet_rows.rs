//! Wallets read back from their rows.

use std::collections::BTreeMap;

use portal_lifecycle::ids::{
    BackupSharePairId, ClientId, DeviceId, EnvironmentId, OperationId, SigningSharePairId, WalletId,
};
use portal_lifecycle::{
    BackupMethod, BackupMode, BackupPair, BackupStatus, CipherTextDigest, Epoch, Fence, Generation,
    Lease, OperationKind, PerCurve, Point, PublicPoints, SigningPair, SigningStatus, Wallet,
};
use uuid::Uuid;

use super::engine::{AnyRow, Transaction, query};
use super::row::Row;
use crate::{StoreError, StoredWallet, WalletVersion};

/// Whose rows are read.
#[derive(Clone, Copy)]
pub(super) enum Whose {
    /// One client's.
    Client(ClientId),
    /// Those of an environment's clients from the first to the last, by id.
    Clients {
        environment: EnvironmentId,
        first: ClientId,
        last: ClientId,
    },
}

/// A statement about one client or several, with its values.
macro_rules! about {
    ($whose:expr, $select:literal, $order:literal) => {
        match $whose {
            Whose::Client(client) => {
                query(concat!($select, " WHERE client_id = $1 ", $order)).bind(client.0)
            }
            Whose::Clients {
                environment,
                first,
                last,
            } => query(concat!(
                $select,
                " WHERE client_id IN (SELECT client_id FROM clients
                      WHERE environment_id = $1 AND client_id BETWEEN $2 AND $3) ",
                $order
            ))
            .bind(environment.0)
            .bind(first.0)
            .bind(last.0),
        }
    };
}

/// The wallet as one transaction sees it.
pub(super) async fn load(
    transaction: &mut Transaction,
    client: ClientId,
) -> Result<Option<StoredWallet>, StoreError> {
    let mut wallets = load_all(transaction, Whose::Client(client)).await?;
    Ok(wallets.remove(&client))
}

/// Wallets as one transaction sees them, in as many statements as one takes.
pub(super) async fn load_all(
    transaction: &mut Transaction,
    whose: Whose,
) -> Result<BTreeMap<ClientId, StoredWallet>, StoreError> {
    let rows = about!(
        whose,
        "SELECT client_id, secp256k1_wallet_id, ed25519_wallet_id, proved_in, generation, fence,
             version, created_at, lease_operation_id, lease_kind, lease_device_id, lease_fence,
             lease_generation, lease_expires_at, ejectable_until, ejected_at
         FROM wallets",
        ""
    )
    .fetch_all(transaction)
    .await?;
    if rows.is_empty() {
        return Ok(BTreeMap::new());
    }
    let epoch = epoch(transaction).await?;
    let mut signing = by_client(signing_pairs(transaction, whose).await?);
    let mut backup = by_client(backup_pairs(transaction, whose).await?);
    let read = |row| {
        let row = Row::new("wallets", row);
        let client = row.id("client_id", ClientId)?;
        let wallet = Wallet {
            ids: wallet_ids(row)?,
            epoch,
            proved_in: row.counter("proved_in")?,
            generation: Generation(row.counter("generation")?),
            fence: Fence(row.counter("fence")?),
            lease: lease(row)?,
            signing_pairs: signing.remove(&client).unwrap_or_default(),
            backup_pairs: backup.remove(&client).unwrap_or_default(),
            ejectable_until: row.optional_time("ejectable_until")?,
            ejected_at: row.optional_time("ejected_at")?,
        };
        let stored = StoredWallet {
            wallet,
            version: WalletVersion(row.counter("version")?),
            created_at: row.time("created_at")?,
        };
        Ok((client, stored))
    };
    rows.iter().map(read).collect()
}

/// Every pair of a wallet: signing pairs, then backup pairs.
pub(super) async fn pairs(
    transaction: &mut Transaction,
    client: ClientId,
) -> Result<(Vec<SigningPair>, Vec<BackupPair>), StoreError> {
    let whose = Whose::Client(client);
    let signing = signing_pairs(transaction, whose).await?;
    let backup = backup_pairs(transaction, whose).await?;
    Ok((
        signing.into_iter().map(|(_, pair)| pair).collect(),
        backup.into_iter().map(|(_, pair)| pair).collect(),
    ))
}

fn by_client<P>(pairs: Vec<(ClientId, P)>) -> BTreeMap<ClientId, Vec<P>> {
    let mut by_client = BTreeMap::<_, Vec<P>>::new();
    for (client, pair) in pairs {
        by_client.entry(client).or_default().push(pair);
    }
    by_client
}

/// The database's epoch.
pub(super) async fn epoch(transaction: &mut Transaction) -> Result<Epoch, StoreError> {
    let row = query("SELECT epoch, epoch_began_at FROM deployment")
        .fetch_optional(transaction)
        .await?
        .ok_or(StoreError::NoSuchRow {
            table: "deployment",
        })?;
    let row = Row::new("deployment", &row);
    Ok(Epoch {
        number: row.counter("epoch")?,
        began_at: row.time("epoch_began_at")?,
    })
}

/// Both ids of a wallet, from any row that has their two columns.
pub(super) fn wallet_ids(row: Row<'_>) -> Result<PerCurve<WalletId>, StoreError> {
    Ok(PerCurve::new(
        row.id("secp256k1_wallet_id", WalletId)?,
        row.id("ed25519_wallet_id", WalletId)?,
    ))
}

fn lease(row: Row<'_>) -> Result<Option<Lease>, StoreError> {
    let Some(operation_id) = row.value::<Option<Uuid>>("lease_operation_id")? else {
        return Ok(None);
    };
    Ok(Some(Lease {
        operation_id: OperationId(operation_id),
        kind: row.named("lease_kind", OperationKind::from_wire)?,
        device_id: row.id("lease_device_id", DeviceId)?,
        fence: Fence(row.counter("lease_fence")?),
        generation: Generation(row.counter("lease_generation")?),
        expires_at: row.time("lease_expires_at")?,
    }))
}

async fn signing_pairs(
    transaction: &mut Transaction,
    whose: Whose,
) -> Result<Vec<(ClientId, SigningPair)>, StoreError> {
    let rows = about!(
        whose,
        "SELECT client_id, pair_id, curve, generation, status, key_point, client_point,
             server_point, operation_id, made_by, source_generation, created_at, status_since,
             proved_at
         FROM signing_share_pairs",
        "ORDER BY client_id, generation, curve"
    )
    .fetch_all(transaction)
    .await?;
    let pairs = join_curves("signing_share_pairs", &rows, SigningSharePairId, |row| {
        Ok((
            Generation(row.counter("generation")?),
            row.named("status", SigningStatus::from_wire)?,
            row.id("operation_id", OperationId)?,
            row.named("made_by", OperationKind::from_wire)?,
            row.optional_counter("source_generation")?.map(Generation),
            row.time("created_at")?,
            row.time("status_since")?,
            row.optional_time("proved_at")?,
        ))
    })?;
    let pairs = pairs.into_iter().map(|joined| {
        let (
            generation,
            status,
            operation_id,
            made_by,
            source,
            created_at,
            status_since,
            proved_at,
        ) = joined.shared;
        let pair = SigningPair {
            ids: joined.ids,
            generation,
            status,
            points: joined.points,
            operation_id,
            made_by,
            source,
            created_at,
            status_since,
            proved_at,
        };
        (joined.client, pair)
    });
    Ok(pairs.collect())
}

async fn backup_pairs(
    transaction: &mut Transaction,
    whose: Whose,
) -> Result<Vec<(ClientId, BackupPair)>, StoreError> {
    let rows = about!(
        whose,
        "SELECT client_id, pair_id, curve, generation, status, method, backup_mode, key_point,
             client_point, server_point, cipher_text_digest, operation_id, source_generation,
             created_at, status_since, proved_at
         FROM backup_share_pairs",
        "ORDER BY client_id, generation, curve"
    )
    .fetch_all(transaction)
    .await?;
    let pairs = join_curves("backup_share_pairs", &rows, BackupSharePairId, |row| {
        Ok((
            Generation(row.counter("generation")?),
            row.named("status", BackupStatus::from_wire)?,
            row.named("method", BackupMethod::from_wire)?,
            row.named("backup_mode", BackupMode::from_wire)?,
            digest(row)?,
            row.id("operation_id", OperationId)?,
            row.optional_counter("source_generation")?.map(Generation),
            row.time("created_at")?,
            row.time("status_since")?,
            row.optional_time("proved_at")?,
        ))
    })?;
    let pairs = pairs.into_iter().map(|joined| {
        let (
            generation,
            status,
            method,
            mode,
            cipher_text_digest,
            operation_id,
            source,
            created_at,
            since,
            proved_at,
        ) = joined.shared;
        let pair = BackupPair {
            ids: joined.ids,
            generation,
            status,
            method,
            mode,
            points: joined.points,
            cipher_text_digest,
            operation_id,
            source,
            created_at,
            status_since: since,
            proved_at,
        };
        (joined.client, pair)
    });
    Ok(pairs.collect())
}

/// A pair, joined from the rows of its two curves.
struct Joined<I, S> {
    client: ClientId,
    ids: PerCurve<I>,
    points: PerCurve<PublicPoints>,
    /// What both rows say alike.
    shared: S,
}

/// Joins rows, ordered by client, generation and curve, two by two.
fn join_curves<I, S: PartialEq>(
    table: &'static str,
    rows: &[AnyRow],
    id: impl Fn(Uuid) -> I,
    shared: impl Fn(Row<'_>) -> Result<S, StoreError>,
) -> Result<Vec<Joined<I, S>>, StoreError> {
    let corrupt = |column| StoreError::Corrupt { table, column };
    rows.chunks(2)
        .map(|chunk| {
            // `ED25519` comes first by name.
            let [ed25519, secp256k1] = chunk else {
                return Err(corrupt("curve"));
            };
            let halves = PerCurve::new(Row::new(table, secp256k1), Row::new(table, ed25519));
            for (curve, half) in halves.iter() {
                if half.value::<String>("curve")? != curve.as_str() {
                    return Err(corrupt("curve"));
                }
            }
            let client = halves.secp256k1.id("client_id", ClientId)?;
            if halves.ed25519.id("client_id", ClientId)? != client {
                return Err(corrupt("client_id"));
            }
            let both = shared(halves.secp256k1)?;
            if shared(halves.ed25519)? != both {
                return Err(corrupt("status"));
            }
            Ok(Joined {
                client,
                ids: halves.try_map(|_, half| half.id("pair_id", &id))?,
                points: halves.try_map(|_, half| points(half))?,
                shared: both,
            })
        })
        .collect()
}

fn points(row: Row<'_>) -> Result<PublicPoints, StoreError> {
    Ok(PublicPoints {
        key: Point(row.value("key_point")?),
        client: Point(row.value("client_point")?),
        server: Point(row.value("server_point")?),
    })
}

fn digest(row: Row<'_>) -> Result<Option<CipherTextDigest>, StoreError> {
    row.value::<Option<Vec<u8>>>("cipher_text_digest")?
        .map(|bytes| {
            <[u8; 32]>::try_from(bytes.as_slice())
                .map(CipherTextDigest)
                .map_err(|_| row.corrupt("cipher_text_digest"))
        })
        .transpose()
}
