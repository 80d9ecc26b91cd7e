//! A WebSocket client that sends whatever it likes.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use portal_api::session::{ClientFrame, Operation, PATH, PROTOCOL_VERSION, ServerFrame, Start};
use portal_api::{Base64Bytes, Problem};
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{DeviceId, OperationId};
use portal_server::clock::{Clock as _, SystemClock};
use portal_server::entropy;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

const DEADLINE: Duration = Duration::from_secs(30);

/// A connection after the server's greeting.
pub(crate) struct Raw {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) device_id: DeviceId,
    pub(crate) client_nonce: [u8; 32],
    pub(crate) server_nonce: [u8; 32],
}

/// What the server sent.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    Frame(ServerFrame),
    Binary(Vec<u8>),
    Closed,
}

impl Raw {
    /// Connects; a refused upgrade gives its status and problem.
    pub(crate) async fn try_open(url: &str, token: Option<&str>) -> Result<Self, (u16, Value)> {
        let url = format!("{}{PATH}", url.replacen("http", "ws", 1));
        let mut request = url.into_client_request().expect("a request");
        if let Some(token) = token {
            let bearer = HeaderValue::from_str(&format!("Bearer {token}")).expect("a header");
            request.headers_mut().insert("authorization", bearer);
        }
        let stream = match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => stream,
            Err(WsError::Http(answer)) => {
                let status = answer.status().as_u16();
                let body = answer.into_body().unwrap_or_default();
                return Err((status, serde_json::from_slice(&body).unwrap_or_default()));
            }
            Err(error) => panic!("expected a connection or an answer, seen {error}"),
        };
        let mut raw = Self {
            stream,
            device_id: DeviceId::make(now(), entropy::bytes()),
            client_nonce: entropy::bytes(),
            server_nonce: [0; 32],
        };
        let Heard::Frame(ServerFrame::Hello { server_nonce, .. }) = raw.hear().await else {
            panic!("expected the server's greeting");
        };
        raw.server_nonce = server_nonce.to_array().expect("32 bytes");
        Ok(raw)
    }

    pub(crate) async fn open(url: &str, token: &str) -> Self {
        let opened = Self::try_open(url, Some(token)).await;
        opened.unwrap_or_else(|refused| panic!("expected a session, seen {refused:?}"))
    }

    /// The first frame of this connection, for `operation`.
    pub(crate) fn start_frame(&self, operation: Operation) -> Start {
        Start {
            protocol_version: PROTOCOL_VERSION,
            token: None,
            trace_id: None,
            device_id: self.device_id,
            operation_id: OperationId::make(now(), entropy::bytes()),
            client_nonce: Base64Bytes(self.client_nonce.to_vec()),
            deadline_ms: None,
            operation,
        }
    }

    pub(crate) async fn start(&mut self, operation: Operation) {
        let start = self.start_frame(operation);
        self.send_start(start).await;
    }

    pub(crate) async fn send_start(&mut self, start: Start) {
        let text = serde_json::to_string(&ClientFrame::Start(start)).expect("JSON");
        self.send(Message::text(text)).await;
    }

    /// Sends; a server that has closed meanwhile will be heard.
    pub(crate) async fn send(&mut self, message: Message) {
        let _ = self.stream.send(message).await;
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        loop {
            let next = tokio::time::timeout(DEADLINE, self.stream.next()).await;
            match next.expect("expected the server's next frame in time") {
                Some(Ok(Message::Text(text))) => {
                    let frame = serde_json::from_str(&text);
                    return Heard::Frame(frame.unwrap_or_else(|error| panic!("{error}: {text}")));
                }
                Some(Ok(Message::Binary(bytes))) => return Heard::Binary(bytes.into()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Heard::Closed,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Expects to be asked whether this client is still there.
    pub(crate) async fn hear_ping(&mut self) {
        let next = tokio::time::timeout(DEADLINE, self.stream.next()).await;
        let heard = next.expect("expected a ping in time");
        assert!(
            matches!(heard, Some(Ok(Message::Ping(_)))),
            "expected a ping, seen {heard:?}"
        );
    }

    /// Expects that the operation begins.
    pub(crate) async fn hear_started(&mut self) -> portal_api::session::Started {
        match self.hear().await {
            Heard::Frame(ServerFrame::Started(started)) => started,
            other => panic!("expected that the operation begins, seen {other:?}"),
        }
    }

    /// Expects a problem, and then the end.
    pub(crate) async fn hear_problem(&mut self) -> Problem {
        match self.hear().await {
            Heard::Frame(ServerFrame::Problem { problem }) => {
                assert_eq!(self.hear().await, Heard::Closed, "after a problem");
                problem
            }
            other => panic!("expected a problem, seen {other:?}"),
        }
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}
