//! Where a name leads, asked once for a call, and judged where the connection is made.
//!
//! # Architecture invariant
//!
//! What is connected to is what was judged: the judge stands in the connector, and hands out only
//! addresses that the policy allows. There is no moment between the two in which a name could come
//! to lead elsewhere.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use portal_lifecycle::ids::EnvironmentId;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{WebhookPolicy, WebhookUnreachable};

/// Names that are asked for at once. Each holds a thread, and for as long as the system likes.
const LOOKUPS: usize = 128;
/// Those of one environment: a name server that does not answer must not hold up the others'.
const LOOKUPS_OF_ONE: usize = 4;

tokio::task_local! {
    /// Whose call it is that a connection is made for.
    pub(super) static CALLER: EnvironmentId;
}

/// Tells where a name leads.
#[async_trait]
pub trait Resolver: Send + Sync + 'static {
    /// All addresses of a name.
    ///
    /// # Errors
    ///
    /// Where there is none, or nobody knows.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// As this machine's programs are told.
#[derive(Debug, Clone, Default)]
pub struct SystemResolver(());

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let name = name.to_owned();
        let lookup = tokio::task::spawn_blocking(move || {
            let addresses = (name.as_str(), 0).to_socket_addrs()?;
            Ok(addresses.map(|address| address.ip()).collect())
        });
        lookup.await.map_err(io::Error::other)?
    }
}

/// Places of those who ask for a name.
struct Lookups {
    all: Arc<Semaphore>,
    of: Mutex<HashMap<EnvironmentId, Arc<Semaphore>>>,
}

impl Default for Lookups {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(LOOKUPS)),
            of: Mutex::default(),
        }
    }
}

impl Lookups {
    /// Its own environment's place first: who waits for that one holds none of the others'.
    async fn place(
        &self,
        environment: EnvironmentId,
    ) -> io::Result<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let own = self.of_one(environment).acquire_owned().await;
        let own = own.map_err(io::Error::other)?;
        let place = Arc::clone(&self.all).acquire_owned().await;
        Ok((own, place.map_err(io::Error::other)?))
    }

    fn of_one(&self, environment: EnvironmentId) -> Arc<Semaphore> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        of.retain(|_, places| {
            // Somebody is about to take a place, or has.
            Arc::strong_count(places) > 1 || places.available_permits() < LOOKUPS_OF_ONE
        });
        let own = of.entry(environment);
        Arc::clone(own.or_insert_with(|| Arc::new(Semaphore::new(LOOKUPS_OF_ONE))))
    }
}

/// The judge.
pub(super) struct Judged {
    policy: WebhookPolicy,
    resolver: Arc<dyn Resolver>,
    lookups: Arc<Lookups>,
}

impl Judged {
    pub(super) fn new(policy: WebhookPolicy, resolver: Arc<dyn Resolver>) -> Self {
        Self {
            policy,
            resolver,
            lookups: Arc::default(),
        }
    }
}

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, resolver) = (self.policy, Arc::clone(&self.resolver));
        let lookups = Arc::clone(&self.lookups);
        // Whoever calls without saying for whom shares the places of nobody.
        let caller = CALLER.try_with(|caller| *caller);
        let caller = caller.unwrap_or(EnvironmentId(uuid::Uuid::nil()));
        Box::pin(async move {
            let place = lookups.place(caller).await?;
            let name = name.as_str();
            let asked = name.to_owned();
            // A task of its own: whoever waits no longer does not set its place free.
            let lookup = tokio::spawn(async move {
                let found = resolver.resolve(&asked).await;
                drop(place);
                found
            });
            let found = lookup.await.map_err(io::Error::other)?;
            let found = found.map_err(|_| WebhookUnreachable::Unresolved)?;
            if found.is_empty() {
                return Err(WebhookUnreachable::Unresolved.into());
            }
            // All of them: one that is let through because another is good would be tried in turn.
            if !found.iter().all(|address| policy.allows(name, *address)) {
                return Err(WebhookUnreachable::NotPublic.into());
            }
            // Port 0 stands for the URL's.
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}
