//! `portal serve`

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use portal_server::clock::SystemClock;
use portal_server::{
    App, CountedKms, HttpWebhooks, Limits, Metrics, Parts, RateLimits, WebhookPolicy,
};
use portal_serving::{HttpMetrics, listen};
use portal_store::SqlStore;
use portal_store::kms::Kms;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde_json::json;

use super::door::{door, scheme};
use super::metrics::Counting;
use crate::args::ServeArgs;
use crate::output::Output;
use crate::storage;
use crate::telemetry::DroppedSpans;

pub(crate) async fn run(
    args: ServeArgs,
    output: Output,
    dropped: &DroppedSpans,
) -> anyhow::Result<()> {
    let mut door = door(&args.door)?;
    let mut counting = Counting::begin(args.door.metrics_listen, dropped).await?;
    let metrics = counting.as_mut().map_or_else(Metrics::default, |counting| {
        door.metrics = Some(HttpMetrics::register(counting.registry()));
        Metrics::register(counting.registry())
    });
    let alone = storage::serve_alone(&args.storage)?;
    let counted = |kms| Arc::new(CountedKms::new(kms, metrics.clone())) as Arc<dyn Kms>;
    let store = storage::open_counted(&args.storage, counted).await?;
    let app = app(&args, &store, metrics.clone())?;
    let listener =
        listen(args.listen).with_context(|| format!("cannot listen on {}", args.listen))?;
    let stop = super::asked_to_stop()?;
    let url = format!("{}://{}", scheme(&door), listener.local_addr()?);
    output.result(
        format!(
            "Portal server on {url}, data in {}",
            args.storage.data.display()
        ),
        &json!({
            "listening": url,
            "metrics": counting.as_ref().map(|counting| &counting.url),
        }),
    );
    if let Some(mut counting) = counting {
        let pool = Pool::register(counting.registry(), Arc::clone(&store));
        let app = app.clone();
        counting.serve(move || {
            let (metrics, app, pool) = (metrics.clone(), app.clone(), pool.clone());
            async move {
                pool.look();
                metrics.look_at_outbox(&app).await;
            }
        });
    }
    portal_server::serve_through(&door, app, listener, stop).await?;
    store.close().await;
    drop(alone);
    Ok(())
}

fn app(args: &ServeArgs, store: &Arc<SqlStore>, metrics: Metrics) -> anyhow::Result<App> {
    let policy = WebhookPolicy::from(&args.webhooks);
    let limits = Limits {
        session_timeout: Duration::from_secs(args.session_timeout_s),
        drain_timeout: Duration::from_secs(args.drain_timeout_s),
        drain_delay: Duration::from_secs(args.drain_delay_s),
        first_frame_timeout: Duration::from_secs(args.first_frame_timeout_s),
        sessions: args.max_sessions,
        strangers: args.max_unauthenticated_sessions,
        late_delivery: Duration::from_secs(args.late_delivery_s),
        rates: RateLimits {
            client_requests_per_minute: args.rates.client_requests_per_minute,
            custodian_requests_per_minute: args.rates.custodian_requests_per_minute,
            client_operations_per_minute: args.rates.client_operations_per_minute,
            failed_authentications_per_minute: args.rates.failed_authentications_per_minute,
        },
        proxies: args.rates.proxies,
        fixed_webhooks: args.fixed_webhooks,
        body_bytes: args.door.max_body_bytes,
        ..Limits::default()
    };
    let parts = Parts {
        clock: Arc::new(SystemClock),
        policy,
        webhooks: Arc::new(HttpWebhooks::new(policy)?),
        limits,
        metrics,
    };
    Ok(App::of_parts(Arc::clone(store) as _, parts))
}

/// The connections to the database, as they are when somebody asks.
#[derive(Clone)]
struct Pool {
    store: Arc<SqlStore>,
    open: Gauge,
    in_use: Gauge,
}

impl Pool {
    fn register(registry: &mut Registry, store: Arc<SqlStore>) -> Self {
        let (open, in_use) = (Gauge::default(), Gauge::default());
        registry.register(
            "portal_database_connections_open",
            "Connections to the database that are open",
            open.clone(),
        );
        registry.register(
            "portal_database_connections_in_use",
            "Connections to the database that somebody uses",
            in_use.clone(),
        );
        Self {
            store,
            open,
            in_use,
        }
    }

    fn look(&self) {
        let connections = self.store.connections();
        self.open.set(connections.open.into());
        self.in_use.set(connections.in_use.into());
    }
}
