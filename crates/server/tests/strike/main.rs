//! A client that cheats in a signing session: its pair gives out nothing afterwards (E12).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod cheat;
mod service;

use portal_lifecycle::{ErrorId, SigningStatus};
use portal_sdk::{Curve, Portal};

use cheat::{Answer, Cheat};
use service::Service;

/// A wallet, and the device that will cheat with its share.
async fn wallet(service: &Service) -> (Portal, Cheat) {
    let device = service.device().await;
    let portal = device.portal(service).await;
    portal.create_wallet().await.unwrap();
    let cheat = Cheat::new(service, &device, &portal.state().await.unwrap()).await;
    (portal, cheat)
}

async fn statuses(portal: &Portal) -> Vec<SigningStatus> {
    let wallets = portal.state().await.unwrap().wallets;
    let of = |at: usize| -> Vec<_> {
        wallets[at]
            .signing_share_pairs
            .iter()
            .map(|pair| pair.status)
            .collect()
    };
    assert_eq!(of(0), of(1), "both curves");
    of(0)
}

async fn refused_with(portal: &Portal) -> ErrorId {
    portal
        .raw_sign(Curve::Ed25519, b"after the cheat")
        .await
        .unwrap_err()
        .id()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cheat_freezes_the_pair_before_it_is_answered() {
    let mut service = Service::start().await;
    let (portal, cheat) = wallet(&service).await;
    portal
        .raw_sign(Curve::Secp256k1, &[1; 32])
        .await
        .expect("signs before");

    let answer = cheat.lie(4_000).await;
    assert!(
        matches!(answer, Answer::Problem(ErrorId::MpcPeerMisbehaved)),
        "{answer:?}"
    );
    assert_eq!(statuses(&portal).await, [SigningStatus::Frozen]);
    assert_eq!(refused_with(&portal).await, ErrorId::SigningShareFrozen);
    let answer = cheat.lie(7_000).await;
    assert!(
        matches!(answer, Answer::Problem(ErrorId::SigningShareFrozen)),
        "{answer:?}"
    );

    // It is in the database, not in the process.
    service.restart().await;
    let portal = cheat.device().portal(&service).await;
    assert_eq!(refused_with(&portal).await, ErrorId::SigningShareFrozen);

    // A new pair, with a fresh set-up, is the way out (E13).
    portal
        .refresh_wallet()
        .await
        .expect("a frozen pair can be refreshed");
    assert_eq!(
        statuses(&portal).await,
        [SigningStatus::Superseded, SigningStatus::StoredClient]
    );
    portal
        .raw_sign(Curve::Secp256k1, &[2; 32])
        .await
        .expect("signs again");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_run_beside_the_cheat_end_without_a_signature() {
    let mut service = Service::start().await;
    let (_, mut cheat) = wallet(&service).await;
    // Of 256 sessions, these are honest and one message short of a signature; the others have only begun.
    let mut halfway = Vec::new();
    for _ in 0..128 {
        halfway.push(cheat.halfway().await);
    }
    let mut begun = Vec::new();
    for _ in 0..128 {
        begun.push(cheat.begin().await);
    }
    let answer = cheat.lie(5_000).await;
    assert!(
        matches!(answer, Answer::Problem(ErrorId::MpcPeerMisbehaved)),
        "{answer:?}"
    );
    for session in halfway {
        let answer = session.finish().await;
        assert!(
            matches!(answer, Answer::Problem(ErrorId::SigningShareFrozen)),
            "{answer:?}"
        );
    }
    for session in begun {
        let answer = session.send_honest_first().await;
        assert!(
            matches!(answer, Answer::Problem(ErrorId::SigningShareFrozen)),
            "{answer:?}"
        );
    }
    for _ in 0..2 {
        service.restart().await;
        cheat.follow(&service);
        let answer = cheat.begin().await.send_honest_first().await;
        assert!(
            matches!(answer, Answer::Problem(ErrorId::SigningShareFrozen)),
            "after a restart: {answer:?}"
        );
    }
}

/// One bit of the set-up leaks with each lie that is answered; of many lies at once, none may
/// be answered after the first that was caught.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_lies_at_once_none_is_answered() {
    let service = Service::start().await;
    let (portal, cheat) = wallet(&service).await;
    let mut sessions = Vec::new();
    for _ in 0..32 {
        sessions.push(cheat.begin().await);
    }
    let lies = sessions
        .into_iter()
        .enumerate()
        .map(|(n, session)| tokio::spawn(session.send_lie(500 + n * 250)));
    let mut answered = 0;
    for lie in lies.collect::<Vec<_>>() {
        answered += usize::from(matches!(lie.await.unwrap(), Answer::Message));
    }
    // Every lie here is caught when it is looked at; those that come later are not looked at.
    assert_eq!(answered, 0, "of 32 lies");
    assert_eq!(statuses(&portal).await, [SigningStatus::Frozen]);
}

/// Whoever cannot know the share cannot freeze it: garbage in the place of a message is no lie.
#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_hanging_up_are_no_strike() {
    let service = Service::start().await;
    let (portal, cheat) = wallet(&service).await;
    for garbage in [vec![], vec![0; 100], vec![0xff; 100_000]] {
        let answer = cheat.begin().await.send(garbage).await;
        assert!(
            matches!(
                answer,
                Answer::Problem(ErrorId::MpcSessionMismatch | ErrorId::MpcProtocolUnsupported)
            ),
            "{answer:?}"
        );
    }
    drop(cheat.halfway().await);
    drop(cheat.begin().await);
    assert_eq!(statuses(&portal).await, [SigningStatus::StoredClient]);
    portal
        .raw_sign(Curve::Secp256k1, &[3; 32])
        .await
        .expect("still signs");
}
