//! E9, E10, E18: what the worker gives up, and what the custodian hears.

use std::time::Duration;

use portal_lifecycle::ids::SigningSharePairId;
use portal_lifecycle::{BackupStatus, Curve, PerCurve, SigningStatus};
use portal_server::Limits;
use portal_store::WalletStore as _;

use crate::alive::assert_signs;
use crate::expect::{granted, until};
use crate::wallet::{CUSTOM, Wallet};
use crate::world::World;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// A server that looks for garbage all the time.
pub(crate) fn eager() -> Limits {
    Limits {
        garbage_interval: Duration::from_millis(20),
        ..patient()
    }
}

/// A server whose client sessions outlast what these tests let pass.
fn patient() -> Limits {
    Limits {
        session_idle: DAY * 100,
        session_life: DAY * 100,
        ..Limits::default()
    }
}

/// A wallet of which a pair of each kind was overtaken, with the ids of its former signing pair.
async fn overtaken(world: &World) -> (Wallet, PerCurve<SigningSharePairId>) {
    let (wallet, _) = world.backed_up_wallet().await;
    let stored = world
        .store()
        .wallet(wallet.user.id)
        .await
        .expect("readable");
    let former = stored.expect("a wallet").wallet.signing_pairs[0].ids;
    granted(wallet.portal.refresh_wallet().await, "refreshing");
    let newest = world.back_up(&wallet.user, &wallet.portal).await;
    let checked = wallet.portal.check_backup(CUSTOM, &newest).await;
    granted(checked, "checking the newest backup");
    assert_signs(&wallet.portal, &wallet.keys, "with the new pair").await;
    (wallet, former)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_overtaken_long_ago_is_erased_and_the_wallet_lives() {
    let world = World::start_with(eager()).await;
    let (wallet, former) = overtaken(&world).await;
    let user = &wallet.user;

    world.clock.put_forward(DAY * 31);
    until("the former pairs given up", async || {
        let stored = world.store().wallet(user.id).await.expect("readable")?;
        let (signing, backup) = (&stored.wallet.signing_pairs, &stored.wallet.backup_pairs);
        (signing[0].status == SigningStatus::Purged && backup[0].status == BackupStatus::Purged)
            .then_some(())
    })
    .await;
    for curve in Curve::ALL {
        let pair = *former.of(curve);
        let share = world.store().signing_share(user.id, curve, pair).await;
        assert_eq!(share.expect("readable"), None, "the former share is there");
    }
    assert_signs(&wallet.portal, &wallet.keys, "a month later").await;
    world.assert_recovers(&wallet, "a month later").await;
}

/// Whoever put an older database back has until then to say so.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_just_started_gives_nothing_up() {
    let mut world = World::start_with(patient()).await;
    let (wallet, former) = overtaken(&world).await;
    world.stop_server().await;
    world.clock.put_forward(DAY * 31);
    world.start_server_again().await;
    wallet.assert_phone_signs(&world, "a month later").await;
    for curve in Curve::ALL {
        let pair = *former.of(curve);
        let share = world
            .store()
            .signing_share(wallet.user.id, curve, pair)
            .await;
        assert!(share.expect("readable").is_some(), "the former share");
    }
}
