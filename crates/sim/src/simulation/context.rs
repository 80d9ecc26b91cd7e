//! What outlives every process of a run: what is durable, and what the user knows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portal_api::sealed::PinnedSealingKey;
use portal_custodian::AppTokens;
use portal_keychain::{Keychain as _, MemoryKeychain};
use portal_lifecycle::ids::ClientId;
use portal_lifecycle::{BackupMethod, BackupMode, Generation, Timestamp};
use portal_sdk::{Addresses, MemoryStorage, Portal, PortalBuilder};
use portal_server::clock::Clock;
use portal_store::MemoryStore;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use zeroize::Zeroizing;

use super::backend::Kept;
use super::connections::Connections;
use super::driver::now;
use super::faults::Faults;
use super::network::ToServer;
use super::places::{FaultyCloud, FaultyKeychain};
use super::record::Record;

pub(crate) const SERVERS: [&str; 2] = ["server-a", "server-b"];
pub(crate) const PHONE: &str = "phone";
pub(crate) const TABLET: &str = "tablet";
pub(crate) const DEVICES: [&str; 2] = [PHONE, TABLET];

/// The simulation's clock; the driver moves it.
#[derive(Clone)]
pub(crate) struct SimulatedClock(Arc<AtomicU64>);

impl SimulatedClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_800_000_000_000)))
    }

    pub(crate) fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
        portal_sdk::simulated::set_now(self.now());
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::Relaxed))
    }
}

/// Everything of one run; a clone shares it.
#[derive(Clone)]
pub(crate) struct Context {
    /// Of the process that this is given to.
    pub(crate) connections: Connections,
    pub(crate) faults: Faults,
    pub(crate) clock: SimulatedClock,
    pub(crate) record: Record,
    pub(crate) backups: Backups,
    pub(crate) store: MemoryStore,
    pub(crate) kept: Kept,
    pub(crate) app_tokens: Arc<AppTokens>,
    pub(crate) cloud: Arc<MemoryStorage>,
    pub(crate) client: ClientId,
    pub(crate) api_key: String,
    user: Arc<Mutex<User>>,
}

/// How the customer's backups are made, and the apps', which pin the key of sealed ones.
#[derive(Clone, Copy)]
pub(crate) enum Backups {
    Sealed(PinnedSealingKey),
    Plain,
}

impl Backups {
    pub(crate) const fn mode(self) -> BackupMode {
        match self {
            Self::Sealed(_) => BackupMode::Sealed,
            Self::Plain => BackupMode::Plain,
        }
    }
}

/// What the user, and the user's apps, know.
pub(crate) struct User {
    rng: StdRng,
    keychains: [Arc<MemoryKeychain>; 2],
    /// What was handed out first.
    pub(crate) addresses: Option<Addresses>,
    /// What no run may show.
    pub(crate) violation: Option<String>,
    pub(crate) done: u64,
}

impl Context {
    pub(crate) fn new(
        seed: u64,
        faults: Faults,
        clock: SimulatedClock,
        backups: Backups,
        store: MemoryStore,
        client: ClientId,
        api_key: String,
    ) -> Self {
        Self {
            connections: Connections::new("nobody"),
            faults,
            clock,
            record: Record::default(),
            backups,
            store,
            kept: Kept::default(),
            app_tokens: Arc::new(AppTokens::new(Zeroizing::new([2; 32]))),
            cloud: Arc::default(),
            client,
            api_key,
            user: Arc::new(Mutex::new(User {
                rng: StdRng::seed_from_u64(seed ^ 0x5eed),
                keychains: [Arc::default(), Arc::default()],
                addresses: None,
                violation: None,
                done: 0,
            })),
        }
    }

    /// For the process on a host.
    pub(crate) fn on(&self, host: &'static str) -> Self {
        Self {
            connections: self.connections.of(host),
            ..self.clone()
        }
    }

    pub(crate) fn user(&self) -> MutexGuard<'_, User> {
        self.user.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number below `bound`, of this run.
    pub(crate) fn draw(&self, bound: u32) -> u32 {
        self.user().rng.random_range(0..bound)
    }

    pub(crate) fn keychain(&self, device: &'static str) -> Arc<MemoryKeychain> {
        let index = usize::from(device == TABLET);
        Arc::clone(&self.user().keychains[index])
    }

    /// Whether a device has durably stored its share of this generation.
    pub(crate) fn is_held(&self, generation: Generation) -> bool {
        let name = format!("signing.{}.{:020}", self.client, generation.0);
        let keychains = self.user().keychains.clone();
        keychains.iter().any(|keychain| {
            let names = now(keychain.list());
            names.is_ok_and(|names| {
                names.is_ok_and(|names| names.iter().any(|entry| entry.as_str() == name))
            })
        })
    }

    /// The catastrophe: a device is lost. Its successor starts with an empty keychain.
    pub(crate) fn lose_device(&self, device: &'static str) {
        let index = usize::from(device == TABLET);
        self.user().keychains[index] = Arc::default();
    }

    /// Notes an address that the user was told: it never changes.
    pub(crate) fn told(&self, addresses: &Addresses) {
        let mut user = self.user();
        match &user.addresses {
            None => user.addresses = Some(addresses.clone()),
            Some(first) if first == addresses => {}
            Some(first) => {
                let violation = format!("{} was followed by {}", first.eip155, addresses.eip155);
                user.violation.get_or_insert(violation);
            }
        }
    }

    /// The SDK on a device, towards one of the servers.
    pub(crate) fn builder(&self, device: &'static str) -> PortalBuilder {
        self.builder_with(device, self.keychain(device))
    }

    pub(crate) fn builder_with(
        &self,
        device: &'static str,
        keychain: Arc<MemoryKeychain>,
    ) -> PortalBuilder {
        let server = SERVERS[usize::from(self.draw(2) == 1)];
        let keychain = FaultyKeychain {
            inner: keychain,
            faults: self.faults.clone(),
            host: device,
        };
        let cloud = FaultyCloud {
            inner: Arc::clone(&self.cloud),
            faults: self.faults.clone(),
            host: device,
        };
        let builder = Portal::builder("http://portal", &self.api_key, Arc::new(keychain))
            .transport(Arc::new(ToServer {
                server,
                connections: self.connections.clone(),
                record: self.record.clone(),
            }))
            .backup_storage(BackupMethod::Custom, Arc::new(cloud));
        match self.backups {
            Backups::Sealed(key) => builder.sealing_key(key),
            Backups::Plain => builder.plain_backups(),
        }
    }
}
