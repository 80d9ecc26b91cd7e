//! Small names for wallets, pairs and events, and the states from which examples begin.

use portal_lifecycle::ids::{
    BackupSharePairId, DeviceId, OperationId, SigningSharePairId, WalletId,
};
use portal_lifecycle::{
    BackupCommit, BackupMethod, BackupMode, CipherTextDigest, Curve, Epoch, Event, Fence, PerCurve,
    Plan, Point, PublicPoints, SigningCommit, Start, Timestamp, Wallet,
};

pub(crate) const LEASE_MS: u64 = 60_000;

/// The key that a wallet has in most examples, and another one.
pub(crate) const KEY: u8 = 0;
pub(crate) const OTHER_KEY: u8 = 1;

pub(crate) fn operation(n: u8) -> OperationId {
    OperationId(uuid::Uuid::from_bytes([n; 16]))
}

pub(crate) fn device(n: u8) -> DeviceId {
    DeviceId(uuid::Uuid::from_bytes([n; 16]))
}

/// The ids of signing pair `n`; those of its two curves differ.
pub(crate) fn signing(n: u8) -> PerCurve<SigningSharePairId> {
    PerCurve::new(0x51, 0xe5).map(|curve| SigningSharePairId(id_of(curve, n)))
}

/// The ids of backup pair `n`; those of its two curves differ.
pub(crate) fn backup(n: u8) -> PerCurve<BackupSharePairId> {
    PerCurve::new(0x5b, 0xeb).map(|curve| BackupSharePairId(id_of(curve, n)))
}

fn id_of(curve: u8, n: u8) -> uuid::Uuid {
    let mut bytes = [n; 16];
    bytes[0] = curve;
    uuid::Uuid::from_bytes(bytes)
}

/// The points of pair `n` sharing `key`: the shares differ from pair to pair, the key does not.
pub(crate) fn points(key: u8, n: u8) -> PerCurve<PublicPoints> {
    keys(key, key, n)
}

/// As [`points`], with a key of its own for each curve.
pub(crate) fn keys(secp256k1: u8, ed25519: u8, n: u8) -> PerCurve<PublicPoints> {
    PerCurve::new((secp256k1, 33), (ed25519, 32)).map(|(key, length)| PublicPoints {
        key: Point(vec![key; length]),
        client: Point(vec![n; length]),
        server: Point(vec![n | 0x80; length]),
    })
}

pub(crate) fn digest(n: u8) -> CipherTextDigest {
    CipherTextDigest([n; 32])
}

pub(crate) fn at(ms: u64) -> Timestamp {
    Timestamp::from_ms(ms)
}

/// A Backup of signing pair `n`, by password.
pub(crate) fn back_up(n: u8) -> Plan {
    back_up_by(BackupMethod::Password, n)
}

pub(crate) fn back_up_by(method: BackupMethod, n: u8) -> Plan {
    back_up_in(BackupMode::Sealed, method, n)
}

pub(crate) fn back_up_in(mode: BackupMode, method: BackupMethod, n: u8) -> Plan {
    let source = signing(n);
    Plan::Backup {
        source,
        method,
        mode,
    }
}

/// A Recover from backup pair `n`.
pub(crate) fn recover(n: u8) -> Plan {
    let source = backup(n);
    Plan::Recover { source }
}

/// A Refresh of signing pair `n`.
pub(crate) fn refresh(n: u8) -> Plan {
    let source = signing(n);
    Plan::Refresh { source }
}

pub(crate) fn start(plan: Plan, operation_id: u8, device_id: u8) -> Event {
    start_for(LEASE_MS, plan, operation_id, device_id)
}

pub(crate) fn start_for(lease_ms: u64, plan: Plan, operation_id: u8, device_id: u8) -> Event {
    Event::Start(Start {
        operation_id: operation(operation_id),
        device_id: device(device_id),
        plan,
        lease_ms,
    })
}

/// Commits signing pair `n` that shares [`KEY`].
pub(crate) fn commit_signing(plan: Plan, fence: u64, n: u8) -> Event {
    commit_signing_of(plan, fence, n, points(KEY, n))
}

pub(crate) fn commit_signing_of(
    plan: Plan,
    fence: u64,
    n: u8,
    points: PerCurve<PublicPoints>,
) -> Event {
    Event::CommitSigning(SigningCommit {
        fence: Fence(fence),
        ids: signing(n),
        points,
        plan,
    })
}

pub(crate) fn confirm_signing(n: u8) -> Event {
    confirm_signing_in(0, n)
}

/// Confirms signing pair `n` with a proof for this epoch.
pub(crate) fn confirm_signing_in(epoch: u64, n: u8) -> Event {
    let ids = signing(n);
    Event::ConfirmSigning { ids, epoch }
}

/// `wallet` in a database that was put back at `began_at`.
pub(crate) fn restored(wallet: Wallet, began_at: Timestamp) -> Wallet {
    with(wallet, |wallet| {
        wallet.epoch.number += 1;
        wallet.epoch.began_at = began_at;
    })
}

pub(crate) fn sign(curve: Curve, n: u8) -> Event {
    let pair = *signing(n).of(curve);
    Event::Sign { curve, pair }
}

pub(crate) fn strike(curve: Curve, n: u8) -> Event {
    let pair = *signing(n).of(curve);
    Event::Strike { curve, pair }
}

/// Commits backup pair `n` that shares [`KEY`], made from signing pair `source`, by password.
pub(crate) fn commit_backup(fence: u64, n: u8, source: u8) -> Event {
    commit_backup_of(fence, n, source, BackupMethod::Password, points(KEY, n))
}

pub(crate) fn commit_backup_of(
    fence: u64,
    n: u8,
    source: u8,
    method: BackupMethod,
    points: PerCurve<PublicPoints>,
) -> Event {
    Event::CommitBackup(BackupCommit {
        fence: Fence(fence),
        ids: backup(n),
        points,
        source: signing(source),
        method,
        mode: BackupMode::Sealed,
    })
}

pub(crate) fn acknowledged(n: u8) -> Event {
    Event::CustodianAcknowledged { ids: backup(n) }
}

pub(crate) fn key_stored(n: u8) -> Event {
    Event::ClientKeyStored { ids: backup(n) }
}

/// Confirms backup pair `n` with a cipher text whose digest is `digest(n)`.
pub(crate) fn confirm_backup(n: u8) -> Event {
    confirm_backup_with(n, Some(digest(n)))
}

pub(crate) fn confirm_backup_with(n: u8, cipher_text_digest: Option<CipherTextDigest>) -> Event {
    Event::ConfirmBackup {
        ids: backup(n),
        cipher_text_digest,
    }
}

pub(crate) fn nothing() -> Wallet {
    Wallet::new(
        PerCurve::new(0x01, 0x02).map(|n| WalletId(uuid::Uuid::from_bytes([n; 16]))),
        Epoch::FIRST,
    )
}

/// `wallet` after `events`, all of which the rules allow, at the epoch.
pub(crate) fn after(wallet: Wallet, events: &[Event]) -> Wallet {
    events.iter().fold(wallet, |wallet, event| {
        match wallet.apply(event.clone(), at(0)) {
            Ok(transition) => transition.wallet,
            Err(refusal) => {
                panic!("expected {event:?} to be allowed, got {refusal:?} in {wallet:#?}")
            }
        }
    })
}

/// Signing pair 1 is `STORED_DATABASE`: generation and fence are 1.
pub(crate) fn generated() -> Wallet {
    after(
        nothing(),
        &[
            start(Plan::Generate, 1, 1),
            commit_signing(Plan::Generate, 1, 1),
        ],
    )
}

/// Signing pair 1 is active.
pub(crate) fn active() -> Wallet {
    after(generated(), &[confirm_signing(1)])
}

/// Signing pair 1 is frozen.
pub(crate) fn frozen() -> Wallet {
    after(active(), &[strike(Curve::Secp256k1, 1)])
}

/// Signing pair 1 is active, backup pair 1 is `PENDING`: generation and fence are 2.
pub(crate) fn backup_pending() -> Wallet {
    after(active(), &[start(back_up(1), 2, 1), commit_backup(2, 1, 1)])
}

/// As [`backup_pending`], and the custodian holds its share.
pub(crate) fn backup_acknowledged() -> Wallet {
    after(backup_pending(), &[acknowledged(1)])
}

/// As [`backup_acknowledged`], and the backup is complete.
pub(crate) fn backed_up() -> Wallet {
    after(backup_acknowledged(), &[confirm_backup(1)])
}

/// Signing pair 2, made by a Refresh, has superseded pair 1: generation and fence are 2.
pub(crate) fn refreshed() -> Wallet {
    after(
        active(),
        &[
            start(refresh(1), 2, 1),
            commit_signing(refresh(1), 2, 2),
            confirm_signing(2),
        ],
    )
}

/// `wallet` with a change that no event of these tests makes.
pub(crate) fn with(mut wallet: Wallet, change: impl FnOnce(&mut Wallet)) -> Wallet {
    change(&mut wallet);
    wallet
}

/// Pair 1 is active; pair 2, made by a Refresh, waits for its confirmation.
pub(crate) fn refreshing() -> Wallet {
    after(
        active(),
        &[start(refresh(1), 9, 1), commit_signing(refresh(1), 2, 2)],
    )
}

/// The end of a window, in examples.
pub(crate) const UNTIL_MS: u64 = 300_000;

/// The end, by proofs for the window until then.
pub(crate) fn eject(until_ms: u64) -> Event {
    Event::Eject {
        until: at(until_ms),
    }
}

/// As [`backed_up`], and the custodian lets the key be taken out until `until_ms`.
pub(crate) fn ejectable(until_ms: u64) -> Wallet {
    let until = at(until_ms);
    after(backed_up(), &[Event::EnableEject { until }])
}

/// As [`backed_up`], and the key was taken out.
pub(crate) fn ejected() -> Wallet {
    after(ejectable(UNTIL_MS), &[eject(UNTIL_MS)])
}
