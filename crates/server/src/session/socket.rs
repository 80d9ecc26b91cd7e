//! The frames of one WebSocket connection.

use std::time::{Duration, Instant};

use axum::extract::ws::{Message, WebSocket};
use portal_api::session::{ClientFrame, ServerFrame};
use portal_lifecycle::ErrorId;

use crate::ApiError;

/// A connection that speaks frames and knows how long it waited for them.
pub(super) struct Socket {
    inner: WebSocket,
    timeout: Duration,
    /// Whoever stands between must see that the connection is alive, and so must the client.
    ping_every: Duration,
    waited: Duration,
}

impl Socket {
    pub(super) const fn new(inner: WebSocket, timeout: Duration, ping_every: Duration) -> Self {
        Self {
            inner,
            timeout,
            ping_every,
            waited: Duration::ZERO,
        }
    }

    /// Time spent waiting for the client.
    pub(super) const fn waited(&self) -> Duration {
        self.waited
    }

    pub(super) async fn send(&mut self, frame: &ServerFrame) -> Result<(), ApiError> {
        let text = serde_json::to_string(frame)
            .map_err(|_| ApiError::internal("a frame cannot be written"))?;
        self.write(Message::text(text)).await
    }

    pub(super) async fn send_binary(&mut self, message: Vec<u8>) -> Result<(), ApiError> {
        self.write(Message::binary(message)).await
    }

    /// The client's next text frame.
    pub(super) async fn receive(&mut self) -> Result<ClientFrame, ApiError> {
        match self.read().await? {
            Message::Text(text) => serde_json::from_str(text.as_str()).map_err(|error| {
                // The text itself may hold a token; where it goes wrong is enough.
                let (line, column) = (error.line(), error.column());
                malformed(&format!(
                    "expected a start frame; it goes wrong at line {line} column {column}"
                ))
            }),
            _ => Err(malformed("expected a text frame, got a binary one")),
        }
    }

    /// The client's first frame: nobody has said yet who it is, so it must come soon.
    pub(super) async fn receive_first(
        &mut self,
        timeout: Duration,
    ) -> Result<ClientFrame, ApiError> {
        let usual = self.timeout;
        self.timeout = timeout.min(usual);
        let received = self.receive().await;
        self.timeout = usual;
        received
    }

    /// The client's next MPC message.
    pub(super) async fn receive_binary(&mut self) -> Result<Vec<u8>, ApiError> {
        match self.read().await? {
            Message::Binary(bytes) => Ok(bytes.into()),
            _ => Err(malformed(
                "expected a binary frame with an MPC message, got a text one",
            )),
        }
    }

    /// Says goodbye; the client may have said so first.
    pub(super) async fn close(mut self) {
        let closing = self.inner.send(Message::Close(None));
        let _ = tokio::time::timeout(self.timeout, closing).await;
    }

    async fn write(&mut self, message: Message) -> Result<(), ApiError> {
        let sending = self.inner.send(message);
        match tokio::time::timeout(self.timeout, sending).await {
            Ok(sent) => sent.map_err(|_| closed()),
            Err(_) => Err(self.timed_out("take a frame")),
        }
    }

    async fn read(&mut self) -> Result<Message, ApiError> {
        let begun = Instant::now();
        let next = tokio::time::timeout(self.timeout, self.next()).await;
        self.waited += begun.elapsed();
        next.unwrap_or_else(|_| Err(self.timed_out("send its next frame")))
    }

    async fn next(&mut self) -> Result<Message, ApiError> {
        loop {
            let message = match tokio::time::timeout(self.ping_every, self.inner.recv()).await {
                Ok(message) => message,
                Err(_) => {
                    self.write(Message::Ping(Vec::new().into())).await?;
                    continue;
                }
            };
            match message {
                None | Some(Ok(Message::Close(_))) => return Err(closed()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Ok(message),
                Some(Err(_)) => {
                    return Err(malformed("the connection broke, or sent what is no frame"));
                }
            }
        }
    }

    /// Does work that is not the client's, while it waits: pings it, and hears when it leaves.
    ///
    /// # Errors
    ///
    /// `WS_CLOSED` where the client has left; the work is then dropped. `WS_MSG_MALFORMED` where
    /// it speaks out of turn.
    pub(super) async fn while_working<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, ApiError> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            message = self.next() => {
                message?;
                Err(malformed("expected the client to wait for the server"))
            }
        }
    }

    fn timed_out(&self, what: &str) -> ApiError {
        let allowed = self.timeout.as_secs_f64();
        ApiError::new(
            ErrorId::WsTimeout,
            format!("the client did not {what} within {allowed} s"),
        )
    }
}

fn closed() -> ApiError {
    ApiError::new(
        ErrorId::WsClosed,
        "the client closed the connection before the session ended",
    )
}

fn malformed(what: &str) -> ApiError {
    ApiError::new(ErrorId::WsMsgMalformed, what)
}
