//! Three servers over one Postgres database, none of them a client's own, killed in turn.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use portal_chains::{ChainId, Signed};
use portal_keychain::MemoryKeychain;
use portal_sdk::{Addresses, Error, ErrorId, Portal};
use portal_store::conformance::postgres_cluster::Cluster;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use tokio::task::JoinSet;

use crate::alive::{Keys, assert_signs};
use crate::end_user::{CUSTOM, EndUser};
use crate::expect::{granted, refused};
use crate::installation::{Installation, Setup};
use crate::verify;

const SERVERS: usize = 3;
const CLIENTS: usize = 50;
/// How often a server is killed.
const KILL_INTERVAL: Duration = Duration::from_secs(2);
/// How long an operation is run again while it fails with errors that may pass by themselves.
const PATIENCE: Duration = Duration::from_secs(60);
/// An app's pause before it tries again: up to so long.
const PAUSE_MS: u64 = 400;
const MESSAGE: &str = "hello";

/// Where the servers listen now, and how the operations went.
#[derive(Default)]
struct Shared {
    urls: RwLock<Vec<String>>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    operations: usize,
    retries: usize,
    failures: BTreeMap<&'static str, usize>,
}

#[test]
fn every_operation_goes_on_at_any_server_while_they_are_killed() {
    let mut installation = Installation::start_with(Setup {
        database: Some(Cluster::shared().database()),
        servers: SERVERS,
        log: "warn",
        ..Setup::default()
    });
    let begun = Instant::now();
    let shared = Arc::new(Shared::default());
    tell_urls(&installation, &shared);
    let api_key = std::fs::read_to_string(installation.path("api-key")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut users = Vec::new();
    for number in 0..CLIENTS {
        let server = &installation.server(number % SERVERS).url;
        users.push(runtime.block_on(EndUser::join(server, &api_key)));
    }

    let lives = runtime.spawn(all_live(users, Arc::clone(&shared)));
    let mut kills = 0;
    while !lives.is_finished() {
        // The interval is what is tested; nothing is awaited by it.
        std::thread::sleep(KILL_INTERVAL);
        installation.kill_server(kills % SERVERS);
        installation.start_server(kills % SERVERS);
        tell_urls(&installation, &shared);
        kills += 1;
    }
    let lived = runtime.block_on(lives).expect("every wallet lives on");
    runtime.block_on(all_are_there(lived, &shared));

    let counts = shared.counts.lock().unwrap();
    println!(
        "{SERVERS} servers, {CLIENTS} clients: {} operations, {} retries, failures {:?}, \
         {kills} kills, {:.1} s",
        counts.operations,
        counts.retries,
        counts.failures,
        begun.elapsed().as_secs_f64()
    );
    assert!(kills >= SERVERS, "expected that each server was killed");
}

fn tell_urls(installation: &Installation, shared: &Shared) {
    let urls = (0..SERVERS).map(|number| installation.server(number).url.clone());
    *shared.urls.write().unwrap() = urls.collect();
}

/// A wallet whose first device was replaced by a second one.
struct Lived {
    user: EndUser,
    devices: [Arc<MemoryKeychain>; 2],
    addresses: Addresses,
    cipher_text: String,
}

async fn all_live(users: Vec<EndUser>, shared: Arc<Shared>) -> Vec<Lived> {
    let mut lives = JoinSet::new();
    for (number, user) in users.into_iter().enumerate() {
        let attempts = Attempts {
            rng: StdRng::seed_from_u64(number as u64),
            shared: Arc::clone(&shared),
        };
        lives.spawn(live(user, attempts));
    }
    lives.join_all().await
}

/// All operations, each at a server that is chosen anew.
async fn live(user: EndUser, mut attempts: Attempts) -> Lived {
    let devices = [Arc::default(), Arc::default()];
    let [phone, tablet] = &devices;
    let addresses = attempts.create(&user, phone).await;
    attempts.sign(&user, phone, &addresses).await;
    let cipher_text = attempts.back_up(&user, phone).await;
    let refresh = |portal: Portal| async move { portal.refresh_wallet().await };
    let refreshed = attempts.until_done(&user, phone, refresh).await;
    assert_eq!(refreshed.addresses, addresses, "refreshed");
    attempts.sign(&user, phone, &addresses).await;
    let recover = |portal: Portal| {
        let cipher_text = cipher_text.clone();
        async move { portal.recover_wallet(CUSTOM, &cipher_text).await }
    };
    let recovered = attempts.until_done(&user, tablet, recover).await;
    assert_eq!(recovered.addresses, addresses, "recovered");
    attempts.sign(&user, tablet, &addresses).await;
    let cipher_text = attempts.back_up(&user, tablet).await;
    Lived {
        user,
        devices,
        addresses,
        cipher_text,
    }
}

/// Runs operations again until they end well.
struct Attempts {
    rng: StdRng,
    shared: Arc<Shared>,
}

impl Attempts {
    async fn once<T, F>(
        &mut self,
        user: &EndUser,
        device: &Arc<MemoryKeychain>,
        operation: &impl Fn(Portal) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let url = {
            let urls = self.shared.urls.read().unwrap();
            urls[self.rng.random_range(0..urls.len())].clone()
        };
        operation(user.portal(&url, device).await?).await
    }

    /// Like [`Self::until_done`], up to the first error that does not pass by itself, and with
    /// the number of failures before.
    async fn insist<T, F>(
        &mut self,
        user: &EndUser,
        device: &Arc<MemoryKeychain>,
        operation: impl Fn(Portal) -> F,
    ) -> (Result<T, Error>, usize)
    where
        F: Future<Output = Result<T, Error>>,
    {
        let begun = Instant::now();
        let mut failures = 0;
        self.shared.counts.lock().unwrap().operations += 1;
        loop {
            let ended = self.once(user, device, &operation).await;
            match ended {
                Err(error) if error.is_retryable() && begun.elapsed() < PATIENCE => {
                    let mut counts = self.shared.counts.lock().unwrap();
                    *counts.failures.entry(error.id().as_str()).or_default() += 1;
                    counts.retries += 1;
                }
                ended => return (ended, failures),
            }
            failures += 1;
            let pause = Duration::from_millis(self.rng.random_range(1..PAUSE_MS));
            tokio::time::sleep(pause).await;
        }
    }

    async fn until_done<T, F>(
        &mut self,
        user: &EndUser,
        device: &Arc<MemoryKeychain>,
        operation: impl Fn(Portal) -> F,
    ) -> T
    where
        F: Future<Output = Result<T, Error>>,
    {
        let (done, failures) = self.insist(user, device, operation).await;
        granted(done, &format!("after {failures} failures that may pass"))
    }

    async fn create(&mut self, user: &EndUser, phone: &Arc<MemoryKeychain>) -> Addresses {
        let create = |portal: Portal| async move { Ok(portal.create_wallet().await?.addresses) };
        match self.insist(user, phone, create).await {
            (Ok(addresses), _) => addresses,
            // Only its answer was lost, and the SDK has finished it when it started again.
            (Err(error), 1..) if error.id() == ErrorId::WalletAlreadyExists => {
                let addresses = |portal: Portal| async move { portal.addresses().await };
                self.until_done(user, phone, addresses).await
            }
            (Err(error), failures) => panic!("create, after {failures} failures: {error}"),
        }
    }

    /// A backup of which the app keeps the cipher text.
    async fn back_up(&mut self, user: &EndUser, device: &Arc<MemoryKeychain>) -> String {
        let back_up =
            |portal: Portal| async move { Ok(portal.backup_wallet(CUSTOM).await?.cipher_text) };
        let text = self.until_done(user, device, back_up).await;
        let confirm = |portal: Portal| {
            let text = text.clone();
            async move { portal.api().stored_client_backup_share(&text).await }
        };
        self.until_done(user, device, confirm).await;
        text
    }

    /// Signs with both keys; others verify it.
    async fn sign(&mut self, user: &EndUser, device: &Arc<MemoryKeychain>, of: &Addresses) {
        let signed = self.signed(user, device, "ethereum", "personal_sign").await;
        let digest = verify::personal_digest(MESSAGE);
        assert_eq!(verify::evm_signer(digest, &signed.encoded()), of.eip155);
        let signed = self.signed(user, device, "solana", "sol_signMessage").await;
        let signature: solana_signature::Signature = signed.encoded().parse().unwrap();
        verify::ed25519(&of.solana, MESSAGE.as_bytes(), signature.as_ref());
    }

    async fn signed(
        &mut self,
        user: &EndUser,
        device: &Arc<MemoryKeychain>,
        chain: &str,
        method: &'static str,
    ) -> Signed {
        let chain: ChainId = chain.parse().unwrap();
        let sign = |portal: Portal| {
            let chain = chain.clone();
            async move { portal.sign(&chain, method, &json!(MESSAGE)).await }
        };
        self.until_done(user, device, sign).await.signed
    }
}

/// When nothing is killed any more: every wallet signs where it was last, and recovers.
async fn all_are_there(lived: Vec<Lived>, shared: &Shared) {
    let url = shared.urls.read().unwrap()[0].clone();
    for (number, wallet) in lived.iter().enumerate() {
        let when = format!("client {number}, at the end");
        let [phone, tablet] = &wallet.devices;
        let portal = granted(wallet.user.portal(&url, tablet).await, &when);
        let keys = Keys::of(&portal).await;
        assert_eq!(keys.addresses, wallet.addresses, "{when}");
        assert_signs(&portal, &keys, &when).await;

        let portal = granted(wallet.user.portal(&url, phone).await, &when);
        let digest = [7; 32];
        let signed = portal.raw_sign(portal_lifecycle::Curve::Secp256k1, &digest);
        refused(signed.await, ErrorId::SigningShareSuperseded, &when);

        let portal = granted(wallet.user.portal(&url, &Arc::default()).await, &when);
        let recovered = portal.recover_wallet(CUSTOM, &wallet.cipher_text).await;
        granted(recovered, &when);
        assert_signs(&portal, &keys, &when).await;
    }
}
