//! Where a name leads, asked once for a call, and judged where the connection is made.
//!
//! # Architecture invariant
//!
//! What is connected to is what was judged: the judge stands in the connector, and hands out only
//! addresses that the policy allows. There is no moment between the two in which a name could come
//! to lead elsewhere.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::{WebhookPolicy, WebhookUnreachable};

/// Names that are asked for at once. Each holds a thread, and for as long as the system likes.
const LOOKUPS: usize = 64;

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
#[derive(Debug, Clone)]
pub struct SystemResolver {
    lookups: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self {
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let permit = Arc::clone(&self.lookups).acquire_owned().await;
        let permit = permit.map_err(io::Error::other)?;
        let name = name.to_owned();
        let lookup = tokio::task::spawn_blocking(move || {
            // Held by the thread: whoever waits no longer does not set it free.
            let _permit = permit;
            let addresses = (name.as_str(), 0).to_socket_addrs()?;
            Ok(addresses.map(|address| address.ip()).collect())
        });
        lookup.await.map_err(io::Error::other)?
    }
}

/// The judge.
pub(super) struct Judged {
    pub(super) policy: WebhookPolicy,
    pub(super) resolver: Arc<dyn Resolver>,
}

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, resolver) = (self.policy, Arc::clone(&self.resolver));
        Box::pin(async move {
            let name = name.as_str();
            let found = resolver.resolve(name).await;
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
