//! Connections from a listener, requests to a router.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderName, HeaderValue, Request, header};
use axum::middleware;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::admitted::Admitted;
use crate::body::Timely;
use crate::gate::{Full, Gate};
use crate::limits::{HEAD_BYTES, HEAD_FIELDS};
use crate::metrics;
use crate::{ConnectionLimits, HttpMetrics, Origins, Tls};

/// A year, once the server itself speaks TLS (RFC 6797).
const ONLY_BY_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// How connections are taken.
#[derive(Clone, Default)]
pub struct Door {
    /// What strangers may hold.
    pub limits: ConnectionLimits,
    /// Plain HTTP without.
    pub tls: Option<Tls>,
    /// Pages that may call from a browser.
    pub origins: Origins,
    /// Where connections and requests are counted.
    pub metrics: Option<HttpMetrics>,
    /// What who is not let in is told: a problem document (RFC 9457).
    pub problem_when_full: Option<Arc<str>>,
}

/// Connections that were still open when the door was shut.
pub struct Open(watch::Sender<()>);

impl Open {
    /// Returns when every request that is under way is answered. Connections without one are
    /// closed; those that have become WebSockets are not waited for.
    pub async fn finish(self) {
        self.0.send_replace(());
        self.0.closed().await;
    }
}

impl Door {
    /// Takes connections until `shutdown` is ready; nobody reaches the listener after that.
    ///
    /// Requests carry their peer as [`ConnectInfo<SocketAddr>`].
    pub async fn serve<L>(
        &self,
        mut listener: L,
        router: Router,
        shutdown: impl Future<Output = ()>,
    ) -> Open
    where
        L: Listener<Addr = SocketAddr>,
        L::Io: 'static,
    {
        let gate = Gate::new(&self.limits);
        let connections = watch::Sender::new(());
        let entrance = Entrance {
            http: self.http(),
            router: self.layered(router),
            limits: self.limits,
        };
        let refusal = self.refusal();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let (mut io, peer) = tokio::select! {
                biased;
                () = &mut shutdown => break,
                accepted = listener.accept() => accepted,
            };
            match gate.enter(peer.ip()) {
                Err(full) => self.refuse(&mut io, full, &refusal).await,
                Ok(place) => {
                    let counted = self.metrics.as_ref().map(HttpMetrics::opened);
                    let stall = self.limits.stall_timeout;
                    let io = Admitted::new(io, place, stall, counted);
                    let entrance = entrance.clone();
                    let shut = connections.subscribe();
                    match self.tls.clone() {
                        None => tokio::spawn(entrance.http(io, peer, shut)),
                        Some(tls) => tokio::spawn(entrance.tls(tls, io, peer, shut)),
                    };
                }
            }
        }
        Open(connections)
    }

    /// HTTP/1 by itself: who tells it from HTTP/2 first waits for the first byte without end.
    fn http(&self) -> Builder {
        let mut http = Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_timeout)
            .max_headers(HEAD_FIELDS)
            .max_buf_size(HEAD_BYTES);
        http
    }

    fn layered(&self, router: Router) -> Router {
        let always = |name: HeaderName, value| SetResponseHeaderLayer::overriding(name, value);
        let mut router = router;
        if let Some(metrics) = self.metrics.clone() {
            router = router.layer(middleware::from_fn_with_state(metrics, metrics::measure));
        }
        if let Some(cors) = self.origins.layer() {
            router = router.layer(cors);
        }
        if self.tls.is_some() {
            router = router.layer(always(header::STRICT_TRANSPORT_SECURITY, ONLY_BY_TLS));
        }
        // Answers hold tokens, shares, and the state of wallets: nothing for a cache on the way.
        router
            .layer(always(
                header::CACHE_CONTROL,
                HeaderValue::from_static("no-store"),
            ))
            .layer(always(
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ))
    }

    /// The answer to who is not let in, where that costs nothing.
    fn refusal(&self) -> Vec<u8> {
        let problem = self.problem_when_full.as_deref().unwrap_or_default();
        let media_type = match problem {
            "" => "",
            _ => "content-type: application/problem+json\r\n",
        };
        format!(
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\n\
             {media_type}content-length: {}\r\n\r\n{problem}",
            problem.len()
        )
        .into_bytes()
    }

    /// One attempt to say so, and no waiting: it must cost less than it costs who connects.
    async fn refuse<S: AsyncWrite + Unpin>(&self, io: &mut S, full: Full, refusal: &[u8]) {
        if let Some(metrics) = &self.metrics {
            metrics.refused(full);
        }
        tracing::debug!(?full, "a connection is refused: there are too many");
        if self.tls.is_none() {
            std::future::poll_fn(|cx| {
                let _ = Pin::new(&mut *io).poll_write(cx, refusal);
                std::task::Poll::Ready(())
            })
            .await;
        }
    }
}

/// What becomes of a connection that was let in.
#[derive(Clone)]
struct Entrance {
    http: Builder,
    router: Router,
    limits: ConnectionLimits,
}

impl Entrance {
    async fn tls<S>(self, tls: Tls, io: Admitted<S>, peer: SocketAddr, shut: watch::Receiver<()>)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let handshake = tls.acceptor().accept(io);
        match tokio::time::timeout(self.limits.handshake_timeout, handshake).await {
            Ok(Ok(io)) => self.http(io, peer, shut).await,
            // Strangers may send what they like; it says nothing about the service.
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn http<I>(self, io: I, peer: SocketAddr, mut shut: watch::Receiver<()>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let body_timeout = self.limits.body_timeout;
        let router = TowerToHyperService::new(self.router);
        let service = service_fn(move |request| router.call(prepared(request, peer, body_timeout)));
        let connection = self.http.serve_connection(TokioIo::new(io), service);
        let mut connection = std::pin::pin!(connection.with_upgrades());
        // A connection that breaks is its client's affair.
        tokio::select! {
            biased;
            _ = connection.as_mut() => {}
            _ = shut.changed() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }
}

fn prepared(
    mut request: Request<Incoming>,
    peer: SocketAddr,
    body_timeout: Duration,
) -> Request<Body> {
    request.extensions_mut().insert(ConnectInfo(peer));
    request.map(|body| Body::new(Timely::new(body, body_timeout)))
}
