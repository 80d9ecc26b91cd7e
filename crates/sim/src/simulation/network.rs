//! The simulated network, as the server, its webhooks and the SDK use it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use futures_util::future::ready;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use portal_sdk::{Frames, Transport, Unreachable, websocket_config};
use portal_server::{WebhookAnswer, WebhookCall, WebhookTransport, WebhookUnreachable};
use tokio_tungstenite::tungstenite::{Error as WsError, Message as Frame};
use turmoil::net::TcpListener;
use zeroize::Zeroizing;

use super::connections::{Connection, Connections};
use super::record::{Place, Record};

/// Where everybody listens, each on its own host.
pub(crate) const PORT: u16 = 80;
/// The customer's backend.
pub(crate) const BACKEND: &str = "backend";

/// Longest wait of a client for an answer.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// A host's listener.
pub(crate) struct Listening {
    listener: TcpListener,
    connections: Connections,
}

impl Listening {
    pub(crate) async fn bind(connections: Connections) -> io::Result<Self> {
        let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
        Ok(Self {
            listener,
            connections,
        })
    }
}

impl axum::serve::Listener for Listening {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            if let Ok((stream, peer)) = self.listener.accept().await {
                return (self.connections.add(stream), peer);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One request on a connection of its own.
pub(crate) async fn exchange(
    connections: &Connections,
    host: &str,
    mut request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, Unreachable> {
    let stream = connections.connect(host).await;
    let stream = stream.map_err(|_| Unreachable)?;
    let opened = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = opened.map_err(|_| Unreachable)?;
    let connection = tokio::spawn(connection);
    let path = request.uri().path_and_query().cloned();
    if let Some(path) = path {
        *request.uri_mut() = path.into();
    }
    request
        .headers_mut()
        .insert("host", hyper::header::HeaderValue::from_static("simulated"));
    let request = request.map(|body| Full::new(Bytes::from(body)));
    let response = sender.send_request(request).await;
    let (head, body) = response.map_err(|_| Unreachable)?.into_parts();
    let body = body.collect().await.map_err(|_| Unreachable)?;
    drop(sender);
    connection.abort();
    Ok(Response::from_parts(head, body.to_bytes().to_vec()))
}

/// The SDK's way to one node of the server.
pub(crate) struct ToServer {
    pub(crate) server: &'static str,
    pub(crate) connections: Connections,
    pub(crate) record: Record,
}

#[async_trait]
impl Transport for ToServer {
    async fn request(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unreachable> {
        self.record.take(Place::Devices, request.body());
        let exchanging = exchange(&self.connections, self.server, request);
        let answered = tokio::time::timeout(CLIENT_TIMEOUT, exchanging).await;
        let answer = answered.unwrap_or(Err(Unreachable))?;
        self.record.take(Place::Devices, answer.body());
        Ok(answer)
    }

    async fn websocket(&self, request: Request<()>) -> Result<Box<dyn Frames>, WsError> {
        let stream = self.connections.connect(self.server).await?;
        let config = Some(websocket_config());
        let opening = tokio_tungstenite::client_async_with_config(request, stream, config);
        let (stream, _) = opening.await?;
        let (heard, said) = (self.record.clone(), self.record.clone());
        let stream = stream.inspect(move |frame| {
            if let Ok(frame) = frame {
                take(&heard, frame);
            }
        });
        Ok(Box::new(stream.with(move |frame: Frame| {
            take(&said, &frame);
            ready(Ok::<_, WsError>(frame))
        })))
    }
}

fn take(record: &Record, frame: &Frame) {
    if let Frame::Text(_) | Frame::Binary(_) = frame {
        record.take(Place::Devices, &frame.clone().into_data());
    }
}

/// The server's way to the customer's backend, whatever its URL says.
pub(crate) struct ToBackend {
    pub(crate) connections: Connections,
    pub(crate) record: Record,
}

#[async_trait]
impl WebhookTransport for ToBackend {
    async fn post(&self, call: WebhookCall) -> Result<WebhookAnswer, WebhookUnreachable> {
        self.record.take(Place::Calls, &call.body);
        let mut request = Request::post(call.url.as_str())
            .header("content-type", "application/json")
            .body(call.body.to_vec())
            .map_err(|_| WebhookUnreachable::NoConnection)?;
        for (name, value) in &call.headers {
            let value = value
                .parse()
                .map_err(|_| WebhookUnreachable::NoConnection)?;
            request.headers_mut().insert(*name, value);
        }
        let exchanging = exchange(&self.connections, BACKEND, request);
        let answered = tokio::time::timeout(WEBHOOK_TIMEOUT, exchanging).await;
        let answer = answered
            .map_err(|_| WebhookUnreachable::TimedOut)?
            .map_err(|Unreachable| WebhookUnreachable::Broken)?;
        self.record.take(Place::Answers, answer.body());
        Ok(WebhookAnswer {
            status: answer.status().as_u16(),
            body: Zeroizing::new(answer.into_body()),
        })
    }
}
