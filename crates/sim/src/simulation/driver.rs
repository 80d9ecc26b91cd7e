//! One run, from its seed to its end.

use std::sync::Arc;
use std::time::Duration;

use portal_api::signing_policy::SigningPolicy;
use portal_backup::{BackupStorage as _, KeyName};
use portal_lifecycle::ids::{BackupSharePairId, ClientId, TraceId};
use portal_lifecycle::{BackupMode, Generation, PerCurve, Wallet};
use portal_seal::{SealingKey, SecretBytes};
use portal_server::clock::Clock as _;
use portal_server::{App, Limits, Operator, Parts, RateLimits, WebhookPolicy, WebhookSettings};
use portal_store::audit::{Actor, Origin};
use portal_store::kms::KeyFileKms;
use portal_store::{Maintenance as _, MemoryStore, WalletStore as _};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use turmoil::Sim;
use zeroize::Zeroizing;

use super::backend::{self, WEBHOOK_SECRET};
use super::check::{Ending, check};
use super::context::{Backups, Context, DEVICES, PHONE, SERVERS, SimulatedClock, TABLET};
use super::device;
use super::faults::Faults;
use super::network::{BACKEND, Listening, ToBackend};
use super::plan::{Catastrophe, Plan};
use super::store::FaultyStore;

/// One step of simulated time.
const TICK: Duration = Duration::from_millis(5);
const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// A process that has ended is started again after so many steps, at most.
const DOWN_TICKS: u64 = 400;
/// A link that was cut off is mended after so many steps, at most.
const CUT_TICKS: u64 = 1_000;
/// Longest run, in simulated time; one that is not over by then does not come to an end.
const LONGEST: Duration = Duration::from_secs(4 * 3_600);
/// Who tries everything again in the end.
const CHECKER: &str = "checker";

/// What a run showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What failed; nothing, if all is well.
    pub failure: Option<String>,
    /// The run's catastrophe.
    pub catastrophe: Catastrophe,
    /// How the run's backups are made.
    pub backup_mode: BackupMode,
    /// Things that users did, and that worked, while faults were at work.
    pub done: u64,
    /// Calls that failed, and processes that ended at a call.
    pub faults: u64,
    /// Processes that ended at any other moment.
    pub crashes: u64,
    /// Whether an address was handed out in the end.
    pub has_wallet: bool,
    /// Whether a backup was complete in the end.
    pub is_backed_up: bool,
    /// Of all that the servers stored, and said to the customer's backend or heard from it.
    pub fingerprint: u64,
}

/// Runs the seed.
#[must_use]
pub fn run(seed: u64) -> Outcome {
    portal_server::simulated::seed(seed);
    portal_sdk::simulated::seed(seed.rotate_left(32));
    let plan = Plan::of(seed);
    let faults = Faults::new(seed ^ 0xfa17, plan.rates);
    let clock = SimulatedClock::new();
    clock.advance(1);
    let key = SealingKey::from_bytes(Zeroizing::new([7; 32]));
    let store = MemoryStore::new(Arc::new(KeyFileKms::from_key(key)));
    let key = backend::sealing_key().filter(|_| plan.is_sealed);
    let backups = key.map_or(Backups::Plain, Backups::Sealed);
    let context = set_up(seed, &faults, &clock, &store, backups);

    let mut builder = turmoil::Builder::new();
    builder
        .rng_seed(seed)
        .tick_duration(TICK)
        .simulation_duration(LONGEST)
        .tcp_capacity(1 << 14)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(plan.latency_ms));
    let mut sim = builder.build();
    start(&mut sim, &context);
    let mut run = Run {
        sim,
        context,
        rng: StdRng::seed_from_u64(seed ^ 0xd1ce),
        down: Vec::new(),
        cut: Vec::new(),
        crashes: 0,
        watched: Watched::default(),
    };
    let ending = run.turbulence(&plan);
    let failure = ending.and_then(|ending| run.calm(ending)).err();
    let (done, has_wallet) = {
        let user = run.context.user();
        (user.done, user.addresses.is_some())
    };
    let is_backed_up = run
        .wallet()
        .is_some_and(|wallet| wallet.active_backup().is_some());
    let violation = run.context.user().violation.clone();
    let recorded = run.context.record.check(backups.mode()).err();
    Outcome {
        failure: violation.or(failure).or(recorded),
        catastrophe: plan.catastrophe,
        backup_mode: backups.mode(),
        done,
        faults: faults.injected(),
        crashes: run.crashes,
        has_wallet,
        is_backed_up,
        fingerprint: run.context.record.fingerprint(),
    }
}

/// A customer, its webhook and a client, made before anything fails.
fn set_up(
    seed: u64,
    faults: &Faults,
    clock: &SimulatedClock,
    store: &MemoryStore,
    backups: Backups,
) -> Context {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let made = async {
        let operator = Operator::new(Arc::new(store.clone()), Arc::new(clock.clone()), POLICY);
        let webhook = WebhookSettings {
            base_url: "http://localhost/".to_owned(),
            secret: SecretBytes::new(WEBHOOK_SECRET.as_bytes().to_vec()),
        };
        let created = operator
            .create_custodian("Customer", "simulation", Some(webhook), backups.mode())
            .await
            .ok()?;
        let raw = SigningPolicy {
            raw_signing: true,
            ..SigningPolicy::default()
        };
        operator
            .put_signing_policy(created.environment_id, &raw)
            .await
            .ok()?;
        operator.create_client(created.environment_id).await.ok()
    };
    let made = runtime.ok().and_then(|runtime| runtime.block_on(made));
    let (client, api_key) = made.unwrap_or((ClientId(uuid::Uuid::nil()), String::new()));
    let (faults, clock, store) = (faults.clone(), clock.clone(), store.clone());
    Context::new(seed, faults, clock, backups, store, client, api_key)
}

const POLICY: WebhookPolicy = WebhookPolicy {
    allow_http_to_loopback: true,
    allow_private: false,
};

/// Puts every process on its host.
fn start(sim: &mut Sim<'_>, context: &Context) {
    for host in SERVERS {
        let context = context.on(host);
        sim.host(host, move || serve(context.clone(), host));
    }
    let on_backend = context.on(BACKEND);
    sim.host(BACKEND, move || backend::serve(on_backend.clone()));
    for host in DEVICES {
        let context = context.on(host);
        sim.host(host, move || device::live(context.clone(), host));
    }
}

async fn serve(context: Context, host: &'static str) -> turmoil::Result {
    let store = Arc::new(FaultyStore {
        inner: context.store.clone(),
        faults: context.faults.clone(),
        record: context.record.clone(),
        host,
    });
    let parts = Parts {
        clock: Arc::new(context.clock.clone()),
        policy: POLICY,
        webhooks: Arc::new(ToBackend {
            connections: context.connections.clone(),
            record: context.record.clone(),
        }),
        limits: Limits {
            // Short, so that what has died is known to be dead while the run lasts.
            session_timeout: Duration::from_secs(20),
            frame_timeout: Duration::from_secs(10),
            garbage_interval: Duration::from_secs(10),
            // They would go by the machine's clock.
            rates: RateLimits::NONE,
            ..Limits::default()
        },
        metrics: portal_server::Metrics::default(),
    };
    let app = App::of_parts(store, parts);
    let listening = Listening::bind(context.connections.clone()).await?;
    portal_server::serve(app, listening, std::future::pending()).await?;
    Ok(())
}

struct Run<'a> {
    sim: Sim<'a>,
    context: Context,
    rng: StdRng,
    /// Processes that have ended, and in how many steps each starts again.
    down: Vec<(&'static str, u64)>,
    /// Links that are cut off, and for how many more steps.
    cut: Vec<(&'static str, &'static str, u64)>,
    crashes: u64,
    watched: Watched,
}

/// What was seen of the wallet at the last step.
#[derive(Default)]
struct Watched {
    generation: Generation,
    signing: Option<Generation>,
    backup: Option<PerCurve<BackupSharePairId>>,
    /// From then on a pair may come into force on a device that is lost, or of the checker's.
    are_devices_others: bool,
    /// From then on a backup may come into force of which a part is lost.
    is_backup_lost: bool,
}

impl Run<'_> {
    /// Faults at work.
    fn turbulence(&mut self, plan: &Plan) -> Result<Ending, String> {
        let mut copy = None;
        let mut is_over = false;
        let mut days = plan.days;
        while self.sim.elapsed() < plan.turbulent {
            let now = self.sim.elapsed();
            if copy.is_none() && now >= plan.copy_at {
                copy = Some((self.context.store.copy(), self.wallet()));
            }
            if !is_over && now >= plan.catastrophe_at {
                is_over = true;
                if let Some((copy, wallet)) = &copy {
                    self.happen(plan.catastrophe, copy, wallet.as_ref())?;
                }
            }
            if days > 0 && now >= plan.turbulent / 2 {
                self.context.clock.advance(days * DAY_MS);
                days = 0;
            }
            self.misfortune(plan);
            self.step()?;
        }
        Ok(Ending {
            catastrophe: plan.catastrophe,
            copied: copy.and_then(|(_, wallet)| wallet),
        })
    }

    fn happen(
        &mut self,
        catastrophe: Catastrophe,
        copy: &MemoryStore,
        copied: Option<&Wallet>,
    ) -> Result<(), String> {
        match catastrophe {
            Catastrophe::None => {}
            Catastrophe::Phone => self.lose(PHONE),
            Catastrophe::Tablet => self.lose(TABLET),
            Catastrophe::Cloud => {
                self.watched.is_backup_lost = true;
                self.context.cloud.clear();
            }
            Catastrophe::Backend => {
                self.watched.is_backup_lost = true;
                self.context.kept.lose();
            }
            Catastrophe::Database => {
                for host in SERVERS {
                    self.end(host, 1);
                }
                self.context.store.put_back(copy);
                let at = self.context.clock.now();
                let origin = Origin {
                    actor: Actor::Operator,
                    trace_id: TraceId::make(at, [0; 10]),
                };
                let raised = self.context.store.raise_epoch(at, origin);
                now(raised)?.map_err(|error| error.to_string())?;
                self.watched = Watched::default();
                if copied.is_none_or(|wallet| wallet.active_backup().is_none()) {
                    // P3 promises nothing of what such a copy does not know.
                    self.context.user().addresses = None;
                }
            }
        }
        Ok(())
    }

    fn lose(&mut self, device: &'static str) {
        self.end(device, 1);
        self.watched.are_devices_others = true;
        self.context.lose_device(device);
    }

    /// What may happen at any moment.
    fn misfortune(&mut self, plan: &Plan) {
        for host in self.context.faults.ended() {
            let ticks = self.rng.random_range(1..DOWN_TICKS);
            self.end(host, ticks);
        }
        if self.rng.random_bool(plan.crash) {
            let hosts = [SERVERS[0], SERVERS[1], BACKEND, PHONE, TABLET];
            let host = hosts[self.rng.random_range(0..hosts.len())];
            self.crashes += 1;
            let ticks = self.rng.random_range(1..DOWN_TICKS);
            self.end(host, ticks);
        }
        if self.rng.random_bool(plan.cut) {
            let server = SERVERS[self.rng.random_range(0..2)];
            let others = [PHONE, TABLET, BACKEND];
            let other = others[self.rng.random_range(0..others.len())];
            if self.rng.random_bool(0.5) {
                self.sim.hold(server, other);
            } else {
                self.sim.partition(server, other);
            }
            let ticks = self.rng.random_range(1..CUT_TICKS);
            self.cut.push((server, other, ticks));
        }
    }

    fn end(&mut self, host: &'static str, ticks: u64) {
        if self.down.iter().all(|(down, _)| *down != host) {
            self.crash(host);
            self.down.push((host, ticks));
        }
    }

    fn crash(&mut self, host: &'static str) {
        let connections = self.context.connections.of(host);
        connections.end(|| self.sim.crash(host));
    }

    /// One step of time: what is down comes up, what is cut off is mended.
    fn step(&mut self) -> Result<(), String> {
        let mut up = Vec::new();
        self.down.retain_mut(|(host, ticks)| {
            *ticks = ticks.saturating_sub(1);
            if *ticks == 0 {
                up.push(*host);
            }
            *ticks > 0
        });
        for host in up {
            self.sim.bounce(host);
        }
        let mut mended = Vec::new();
        self.cut.retain_mut(|(one, other, ticks)| {
            *ticks = ticks.saturating_sub(1);
            if *ticks == 0 {
                mended.push((*one, *other));
            }
            *ticks > 0
        });
        for (one, other) in mended {
            self.sim.release(one, other);
            self.sim.repair(one, other);
        }
        let tick_ms = u64::try_from(TICK.as_millis()).unwrap_or(0);
        self.context.clock.advance(tick_ms);
        self.sim.step().map_err(|error| error.to_string())?;
        match self.wallet() {
            Some(wallet) => self.watch(&wallet),
            None => Ok(()),
        }
    }

    /// What holds at every moment.
    fn watch(&mut self, wallet: &Wallet) -> Result<(), String> {
        if wallet.generation < self.watched.generation {
            let (before, after) = (self.watched.generation, wallet.generation);
            return Err(format!("I3: {after:?} after {before:?}"));
        }
        self.watched.generation = wallet.generation;
        let current = wallet.current_signing().map(|pair| pair.generation);
        if current != self.watched.signing {
            self.watched.signing = current;
            if let Some(generation) = current.filter(|_| !self.watched.are_devices_others)
                && !self.context.is_held(generation)
            {
                let broken = format!("I4: {generation:?} is in force, and no device has it");
                return Err(broken);
            }
        }
        let active = wallet.active_backup().map(|pair| pair.ids);
        if active != self.watched.backup {
            self.watched.backup = active;
            if let Some(ids) = active.filter(|_| !self.watched.is_backup_lost) {
                let key = now(self.context.cloud.read(&KeyName::of_backup(&ids)))?;
                if !self.context.kept.holds(ids) || !matches!(key, Ok(Some(_))) {
                    return Err("I5: a backup is in force, and a part of it is nowhere".to_owned());
                }
            }
        }
        Ok(())
    }

    /// All faults cease; everybody tries again.
    fn calm(&mut self, ending: Ending) -> Result<(), String> {
        self.context.faults.cease();
        for host in self.context.faults.ended() {
            self.end(host, 1);
        }
        for cut in &mut self.cut {
            cut.2 = 1;
        }
        for down in &mut self.down {
            down.1 = 1;
        }
        self.step()?;
        // The apps are closed; whoever checks uses their keychains.
        for device in DEVICES {
            self.crash(device);
        }
        self.watched.are_devices_others = true;
        let result = Arc::new(std::sync::Mutex::new(None));
        let (context, told) = (self.context.on(CHECKER), Arc::clone(&result));
        self.sim.client(CHECKER, async move {
            let checked = check(&context, &ending).await;
            if let Ok(mut told) = told.lock() {
                *told = Some(checked);
            }
            Ok(())
        });
        loop {
            self.step()?;
            let told = result.lock().ok().and_then(|mut told| told.take());
            if let Some(checked) = told {
                return checked;
            }
        }
    }

    fn wallet(&self) -> Option<Wallet> {
        let stored = now(self.context.store.wallet(self.context.client)).ok()?;
        stored.ok().flatten().map(|stored| stored.wallet)
    }
}

/// The value of a future that never waits, as the storage in memory makes them.
pub(super) fn now<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = std::pin::pin!(future);
    let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut nobody) {
        std::task::Poll::Ready(value) => Ok(value),
        std::task::Poll::Pending => Err("a storage in memory does not wait".to_owned()),
    }
}
