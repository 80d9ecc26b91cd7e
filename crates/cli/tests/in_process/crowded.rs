//! More sessions than may be, of people who have said who they are and of people who have not.

use std::time::Duration;

use portal_api::session::{Operation, ServerFrame};
use portal_lifecycle::ErrorId;
use portal_server::Limits;

use crate::expect::until;
use crate::raw::{Heard, Raw};
use crate::world::World;

const LONG: Duration = Duration::from_secs(600);

fn limits() -> Limits {
    Limits {
        sessions: 1,
        strangers: 1,
        ..Limits::default()
    }
}

async fn expect_refused(world: &World, token: Option<&str>, when: &str) {
    let refused = Raw::try_open(world.url(), token).await;
    let (status, problem) = refused.err().expect(when);
    assert_eq!(
        (status, &problem["id"]),
        (503, &"UNAVAILABLE".into()),
        "{when}"
    );
    assert_eq!(problem["retryable"], true, "{when}: {problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_say_who_it_is_is_not_waited_for() {
    let world = World::start_with(Limits {
        first_frame_timeout: Duration::from_millis(100),
        frame_timeout: LONG,
        session_timeout: LONG,
        ..Limits::default()
    });
    let world = world.await;
    let silent = Raw::try_open(world.url(), None).await;
    let mut silent = silent.expect("it may say so in its first frame");
    assert_eq!(silent.hear_problem().await.id, ErrorId::WsTimeout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_too_many_is_refused_until_one_ends() {
    let world = World::start_with(limits()).await;
    let user = world.user().await;
    let only = Raw::open(world.url(), &user.token).await;
    expect_refused(&world, Some(&user.token), "a second session").await;
    drop(only);
    until("a place", async || {
        Raw::try_open(world.url(), Some(&user.token)).await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_take_no_place_from_those_who_are_known() {
    let world = World::start_with(limits()).await;
    let user = world.user().await;
    let stranger = Raw::try_open(world.url(), None).await;
    let mut stranger = stranger.expect("a stranger's place");
    expect_refused(&world, None, "a second stranger").await;
    let known = Raw::open(world.url(), &user.token).await;

    // Who says who it is needs a place like all who are known.
    let mut start = stranger.start_frame(Operation::Generate);
    start.token = Some(user.token.clone());
    stranger.send_start(start).await;
    assert_eq!(stranger.hear_problem().await.id, ErrorId::Unavailable);
    drop(known);
    // With one, it leaves its own to the next stranger.
    let inside = until("a session that begins with a first frame", async || {
        let mut stranger = Raw::try_open(world.url(), None).await.ok()?;
        let mut start = stranger.start_frame(Operation::Generate);
        start.token = Some(user.token.clone());
        stranger.send_start(start).await;
        let begun = stranger.hear().await;
        matches!(begun, Heard::Frame(ServerFrame::Started(_))).then_some(stranger)
    })
    .await;
    let next = Raw::try_open(world.url(), None).await;
    drop((next.expect("a stranger's place"), inside));
}
