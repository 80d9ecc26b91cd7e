//! Frames that no SDK sends. Each ends its own session with a problem, and nothing else: no
//! pair is frozen, and the server goes on serving others.

use portal_api::session::{Operation, PROTOCOL_VERSION, Start, Started, Wanted};
use portal_api::{Base64Bytes, Problem, limits};
use portal_lifecycle::ids::SigningSharePairId;
use portal_lifecycle::{Curve, PerCurve, SigningStatus};
use portal_mpc::{self as mpc, BothCurves, Generate, KeyContext};
use portal_sdk::ErrorId;
use portal_server::entropy;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::raw::Raw;
use crate::wallet::{signing_pairs, signing_statuses, state_of};
use crate::world::World;

const MALFORMED: ErrorId = ErrorId::WsMsgMalformed;

type Spoil = fn(&mut Start);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_frame_that_is_no_start_is_malformed() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let texts = [
        "",
        "garbage",
        "{",
        "{}",
        "[]",
        "null",
        r#"{"type":"start"}"#,
        r#"{"type":"hello"}"#,
        "\u{0}\u{1}\u{2}",
    ];
    let binary = [vec![], vec![0; 36], entropy::bytes::<200>().to_vec()];
    let frames = texts.into_iter().map(Message::text);
    for frame in frames.chain(binary.into_iter().map(Message::binary)) {
        let mut raw = Raw::open(world.url(), &wallet.user.token).await;
        raw.send(frame.clone()).await;
        assert_eq!(raw.hear_problem().await.id, MALFORMED, "{frame:?}");
    }
    wallet.assert_phone_signs(&world, "after the garbage").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_asks_for_nonsense_is_refused() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let pair = signing_pairs(&state_of(&wallet.portal).await)[0].0;
    let sign = |curve, payload: Vec<u8>| Operation::Sign {
        curve,
        signing_share_pair_id: *pair.of(curve),
        wanted: Wanted::raw(payload),
    };
    let wrong_curve = Operation::Sign {
        curve: Curve::Secp256k1,
        signing_share_pair_id: pair.ed25519,
        wanted: Wanted::raw(vec![7; 32]),
    };
    let half = PerCurve::new(pair.secp256k1, SigningSharePairId(Uuid::nil()));
    let refresh_half = Operation::Refresh {
        signing_share_pair_ids: half,
    };
    let too_much = limits::SIGN_PAYLOAD_BYTES + 1;
    let cases: Vec<(Operation, Spoil, ErrorId)> = vec![
        (
            Operation::Generate,
            |start| start.protocol_version = PROTOCOL_VERSION + 1,
            ErrorId::MpcProtocolUnsupported,
        ),
        (
            Operation::Generate,
            |start| start.protocol_version = 0,
            ErrorId::MpcProtocolUnsupported,
        ),
        (
            Operation::Generate,
            |start| start.client_nonce = Base64Bytes(vec![1; 31]),
            ErrorId::BadRequest,
        ),
        (
            sign(Curve::Secp256k1, vec![7; 31]),
            |_| {},
            ErrorId::BadRequest,
        ),
        (
            sign(Curve::Secp256k1, vec![7; 33]),
            |_| {},
            ErrorId::BadRequest,
        ),
        (
            sign(Curve::Ed25519, vec![7; too_much]),
            |_| {},
            ErrorId::PayloadTooLarge,
        ),
        (wrong_curve, |_| {}, ErrorId::NotFound),
        (refresh_half, |_| {}, ErrorId::NotFound),
    ];
    for (operation, spoil, expected) in cases {
        let mut raw = Raw::open(world.url(), &wallet.user.token).await;
        let mut start = raw.start_frame(operation);
        spoil(&mut start);
        let when = format!("{start:?} of version {}", start.protocol_version);
        raw.send_start(start).await;
        assert_eq!(raw.hear_problem().await.id, expected, "{when}");
    }
    wallet
        .assert_phone_signs(&world, "after the nonsense")
        .await;
}

/// In the place of the first MPC message: text, other versions, random bytes, another session's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_message_of_the_session_ends_it_and_freezes_nothing() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let pair = signing_pairs(&state_of(&wallet.portal).await)[0].0;
    let newcomer = world.user().await;
    let mismatch = ErrorId::MpcSessionMismatch;
    let cases = [
        (Message::text("hello"), MALFORMED),
        (Message::binary(vec![]), mismatch),
        (Message::binary(vec![2; 35]), mismatch),
        (Message::binary(random(2)), mismatch),
        (Message::binary(random(1)), ErrorId::MpcProtocolUnsupported),
        (Message::binary(random(3)), ErrorId::MpcProtocolUnsupported),
        (Message::binary(another_sessions()), mismatch),
    ];
    for (frame, expected) in cases {
        let problem = in_generate(&world, &newcomer.token, frame.clone()).await;
        assert_eq!(
            problem.id, expected,
            "in a Generate: {frame:?}: {problem:?}"
        );
        for curve in Curve::ALL {
            let mut raw = Raw::open(world.url(), &wallet.user.token).await;
            raw.start(Operation::Sign {
                curve,
                signing_share_pair_id: *pair.of(curve),
                wanted: Wanted::raw(vec![7; 32]),
            })
            .await;
            raw.send(frame.clone()).await;
            let problem = raw.hear_problem().await;
            assert_eq!(problem.id, expected, "signing: {frame:?}: {problem:?}");
        }
        let mut raw = Raw::open(world.url(), &wallet.user.token).await;
        raw.start(Operation::Refresh {
            signing_share_pair_ids: pair,
        })
        .await;
        raw.hear_started().await;
        raw.send(frame.clone()).await;
        let problem = raw.hear_problem().await;
        assert_eq!(problem.id, expected, "in a Refresh: {frame:?}: {problem:?}");
    }
    let statuses = signing_statuses(&state_of(&wallet.portal).await);
    assert_eq!(statuses, [SigningStatus::StoredClient], "nothing is frozen");
    wallet.assert_phone_signs(&world, "after the garbage").await;
    let portal = world.fresh_device(&newcomer).await;
    let created = portal.create_wallet().await;
    crate::expect::granted(created, "creating after the garbage");
}

/// Random bytes as an MPC message of some version.
fn random(version: u8) -> Vec<u8> {
    let mut bytes = entropy::bytes::<400>().to_vec();
    bytes[0] = version;
    bytes
}

/// The first message of a Generate that nobody else takes part in.
fn another_sessions() -> Vec<u8> {
    let session = mpc::Session {
        operation: mpc::Operation::Generate,
        generation: 1,
        client_nonce: entropy::bytes(),
        server_nonce: entropy::bytes(),
    };
    message_of(&session, &[entropy::bytes(), entropy::bytes()])
}

fn message_of(session: &mpc::Session, [wallet_id, pair]: &[[u8; 16]; 2]) -> Vec<u8> {
    let key = KeyContext {
        wallet_id: *wallet_id,
        new_pair: Some(*pair),
        source_pair: None,
    };
    let keys = BothCurves {
        secp256k1: key,
        ed25519: key,
    };
    let made = Generate::client(session, &keys, &mut entropy::rng());
    made.expect("a first message").1.into_bytes()
}

async fn in_generate(world: &World, token: &str, frame: Message) -> Problem {
    let mut raw = Raw::open(world.url(), token).await;
    raw.start(Operation::Generate).await;
    let Started { new_pair, .. } = raw.hear_started().await;
    assert_ne!(new_pair.to_bytes(Curve::Secp256k1), [0; 16]);
    raw.send(frame).await;
    raw.hear_problem().await
}

/// The server reads no more of it than it must, and others do not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oversized_frame_ends_its_session() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    for text in [true, false] {
        let mut raw = Raw::open(world.url(), &wallet.user.token).await;
        let length = limits::FRAME_BYTES + 1;
        let frame = if text {
            Message::text("x".repeat(length))
        } else {
            Message::binary(vec![7; length])
        };
        raw.send(frame).await;
        let problem = raw.hear_problem().await;
        assert_eq!(problem.id, MALFORMED, "{problem:?}");
    }
    wallet
        .assert_phone_signs(&world, "after the large frames")
        .await;
}
