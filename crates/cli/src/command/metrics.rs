//! `/metrics`, on an address of its own.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use portal_serving::{ConnectionLimits, Door, scrape_routes};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use crate::telemetry::DroppedSpans;

/// Whoever scrapes needs few.
const CONNECTIONS: usize = 64;

/// Everything that is counted in this process.
pub(crate) struct Counting {
    registry: Registry,
    listener: TcpListener,
    /// Where it is fetched.
    pub(crate) url: String,
}

impl Counting {
    /// Begins, if an address is given.
    pub(crate) async fn begin(
        listen: Option<SocketAddr>,
        dropped: &DroppedSpans,
    ) -> anyhow::Result<Option<Self>> {
        let Some(listen) = listen else {
            return Ok(None);
        };
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen} for --metrics-listen"))?;
        let mut registry = Registry::default();
        let built = Family::<[(&str, &str); 1], Gauge>::default();
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        built.get_or_create(&version).set(1);
        registry.register("portal_build", "The version that runs", built);
        dropped.register(&mut registry);
        Ok(Some(Self {
            registry,
            url: format!("http://{}/metrics", listener.local_addr()?),
            listener,
        }))
    }

    pub(crate) const fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    /// Serves what is counted until the process ends, `refresh` before each time.
    pub(crate) fn serve<F>(self, refresh: impl Fn() -> F + Clone + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let routes = scrape_routes(Arc::new(Mutex::new(self.registry)), refresh);
        let door = Door {
            limits: ConnectionLimits {
                connections: CONNECTIONS,
                ..ConnectionLimits::default()
            },
            ..Door::default()
        };
        let listener = self.listener;
        tokio::spawn(async move {
            door.serve(listener, routes, std::future::pending()).await;
        });
    }
}
