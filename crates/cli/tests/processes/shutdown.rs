//! SIGTERM to a server in the middle of a session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use portal_keychain::MemoryKeychain;
use portal_lifecycle::{Curve, SigningStatus};
use portal_sdk::{ErrorId, Portal};

use crate::alive::{Keys, assert_signs};
use crate::end_user::EndUser;
use crate::expect::{granted, one_of, until};
use crate::installation::{Installation, Setup};
use crate::proxy::{Deed, Place, Proxy, Side};

/// The server's first message of a signing session, after its greeting.
const IN_SESSION: Place = Place::Frame(Side::Server, 2);
const DIGEST: [u8; 32] = [7; 32];

/// A wallet behind a proxy that can hold a session up.
struct Held {
    installation: Installation,
    proxy: Proxy,
    user: EndUser,
    device: Arc<MemoryKeychain>,
    keys: Keys,
}

impl Held {
    async fn start(serve: &[&str]) -> Self {
        let installation = Installation::start_with(Setup {
            serve: serve.iter().map(|&argument| argument.to_owned()).collect(),
            ..Setup::default()
        });
        let server = &installation.server(0).url;
        let proxy = Proxy::start(server).await;
        let api_key = std::fs::read_to_string(installation.path("api-key")).unwrap();
        let user = EndUser::join(server, &api_key).await;
        let device = Arc::default();
        let portal = granted(user.portal(server, &device).await, "starting the SDK");
        granted(portal.create_wallet().await, "creating a wallet");
        let keys = Keys::of(&portal).await;
        Self {
            installation,
            proxy,
            user,
            device,
            keys,
        }
    }

    async fn portal(&self, url: &str) -> Portal {
        granted(
            self.user.portal(url, &self.device).await,
            "starting the SDK",
        )
    }

    /// Asks the server to stop, and waits until it takes no connection any more.
    async fn terminate(&self) {
        let server = self.installation.server(0);
        server.terminate();
        let address = server.url.trim_start_matches("http://");
        until("that nobody reaches the server", || async {
            tokio::net::TcpStream::connect(address).await.err()
        })
        .await;
    }

    /// The server's end, which must be a good one.
    async fn ended(&mut self) {
        let server = self.installation.server_mut(0);
        let status = tokio::task::block_in_place(|| server.wait());
        assert!(status.success(), "expected exit code 0, seen {status}");
    }

    async fn signs_after_a_restart(mut self) {
        self.installation.start_server(0);
        let portal = self.portal(&self.installation.server(0).url).await;
        let state = granted(portal.state().await, "reading the state");
        for wallet in &state.wallets {
            let statuses = wallet.signing_share_pairs.iter().map(|pair| pair.status);
            let seen: Vec<_> = statuses.collect();
            assert_eq!(seen, [SigningStatus::StoredClient], "no strike");
        }
        assert_signs(&portal, &self.keys, "after a restart").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_told_to_stop_lets_a_signature_finish() {
    let mut held = Held::start(&[]).await;
    let portal = held.portal(&held.proxy.url).await;
    held.proxy.set(IN_SESSION, Deed::Hold);
    let (signed, ()) = tokio::join!(portal.raw_sign(Curve::Secp256k1, &DIGEST), async {
        held.proxy.held().await;
        held.terminate().await;
        held.proxy.release();
    });
    granted(signed, "a signature that was under way");
    held.ended().await;
    held.signs_after_a_restart().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_hangs_is_cut_off_and_is_no_strike() {
    let mut held = Held::start(&["--drain-timeout-s", "1"]).await;
    let portal = held.portal(&held.proxy.url).await;
    held.proxy.set(IN_SESSION, Deed::Hold);
    let (signed, took) = tokio::join!(portal.raw_sign(Curve::Secp256k1, &DIGEST), async {
        held.proxy.held().await;
        let begun = Instant::now();
        held.terminate().await;
        held.ended().await;
        held.proxy.release();
        begun.elapsed()
    });
    let cut_off = [ErrorId::Unavailable, ErrorId::WsClosed];
    one_of(signed, &cut_off, "a signature that was cut off");
    let allowed = Duration::from_secs(1)..Duration::from_secs(20);
    assert!(
        allowed.contains(&took),
        "expected {allowed:?}, seen {took:?}"
    );
    held.signs_after_a_restart().await;
}
