//! MPC sessions over WebSocket: one connection, one operation.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use portal_api::sealed::SealedBlind;
use portal_api::session::{
    ClientFrame, Done, Operation, PATH, PROTOCOL_VERSION, ServerFrame, Start, Started,
};
use portal_api::webhook::custodian_challenge;
use portal_api::{Base64Bytes, Problem};
use portal_lifecycle::ids::{DeviceId, OperationId};
use portal_lifecycle::{Curve, ErrorId, PerCurve};
use portal_mpc::{self as mpc, BothCurves, KeyContext, Machine, Message, Step};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error as WsError, Message as Frame};

use crate::error::Run;
use crate::meter::Meter;
use crate::rest::Rest;
use crate::transport::Frames;
use crate::{Error, ambient};

/// Longest wait for the server's next frame; a backup's waits for the custodian's webhook.
const FRAME_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest silence: the server pings every ten seconds, so it is gone then, or the way to it is.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(35);
/// Longest session; the server is told, and frees the wallet for others then.
const SESSION_TIMEOUT: Duration = Duration::from_secs(120);

/// A connection that has been greeted.
pub(crate) struct Session<'a> {
    stream: Box<dyn Frames>,
    meter: &'a mut Meter,
    pub(crate) nonces: Nonces,
}

/// Both parties' 32 random bytes for this session.
#[derive(Clone, Copy)]
pub(crate) struct Nonces {
    client: [u8; 32],
    pub(crate) server: [u8; 32],
}

impl Nonces {
    /// What the custodian's proofs of this session are made for.
    pub(crate) fn custodian_challenge(&self) -> [u8; 32] {
        custodian_challenge(&self.server, &self.client)
    }

    pub(crate) const fn session(self, operation: mpc::Operation, generation: u64) -> mpc::Session {
        mpc::Session {
            operation,
            generation,
            client_nonce: self.client,
            server_nonce: self.server,
        }
    }
}

/// What the server answers to a start.
pub(crate) enum Begun {
    /// The operation runs.
    Started(Started),
    /// The same operation id has made it before; ids are fresh here, so it never has.
    Done,
}

enum Received {
    Text(ServerFrame),
    Binary(Vec<u8>),
}

impl<'a> Session<'a> {
    /// Connects, and takes the server's greeting.
    pub(crate) async fn open(rest: &Rest, meter: &'a mut Meter) -> Result<Self, Error> {
        let mut url = rest.base().clone();
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        let bad = || {
            Error::new(
                ErrorId::BadRequest,
                "expected a server URL such as https://portal.example.com",
            )
        };
        url.set_scheme(scheme).map_err(|()| bad())?;
        let url = url.join(PATH.trim_start_matches('/')).map_err(|_| bad())?;
        let mut request = url.as_str().into_client_request().map_err(|_| bad())?;
        let headers = request.headers_mut();
        headers.insert("authorization", rest.bearer()?);
        for (name, value) in meter.trace_headers() {
            headers.insert(name, value.parse().map_err(|_| bad())?);
        }
        let connecting = rest.transport().websocket(request);
        let connecting = tokio::time::timeout(FRAME_TIMEOUT, connecting);
        let stream = meter
            .wait(connecting)
            .await
            .map_err(|_| timed_out(FRAME_TIMEOUT))?
            .map_err(refused)?;
        let nonces = Nonces {
            client: ambient::bytes(),
            server: [0; 32],
        };
        let mut session = Self {
            stream,
            meter,
            nonces,
        };
        let Received::Text(ServerFrame::Hello {
            protocol_version,
            server_nonce,
        }) = session.receive().await?
        else {
            return Err(malformed());
        };
        if protocol_version != PROTOCOL_VERSION {
            let detail = format!(
                "expected protocol version {PROTOCOL_VERSION}, the server speaks {protocol_version}"
            );
            return Err(Error::new(ErrorId::MpcProtocolUnsupported, detail));
        }
        session.nonces.server = server_nonce.to_array().ok_or_else(malformed)?;
        Ok(session)
    }

    /// Asks for an operation.
    pub(crate) async fn start(
        &mut self,
        device_id: DeviceId,
        operation: Operation,
    ) -> Result<(), Error> {
        let start = ClientFrame::Start(Start {
            protocol_version: PROTOCOL_VERSION,
            token: None,
            trace_id: Some(self.meter.trace_id()),
            device_id,
            operation_id: OperationId::make(ambient::now(), ambient::bytes()),
            client_nonce: Base64Bytes(self.nonces.client.to_vec()),
            deadline_ms: u64::try_from(SESSION_TIMEOUT.as_millis()).ok(),
            operation,
        });
        self.send_text(&start).await
    }

    /// Sends what a sealed backup is made of beside its MPC messages.
    pub(crate) async fn seal(&mut self, blinds: PerCurve<SealedBlind>) -> Result<(), Error> {
        self.send_text(&ClientFrame::Blinds { blinds }).await
    }

    async fn send_text(&mut self, frame: &ClientFrame) -> Result<(), Error> {
        let text = serde_json::to_string(frame)
            .map_err(|_| Error::new(ErrorId::InternalError, "a frame cannot be written"))?;
        self.meter.sent(text.len());
        self.write(Frame::text(text)).await
    }

    /// Takes the answer to a start.
    pub(crate) async fn begun(&mut self) -> Result<Begun, Error> {
        match self.receive().await? {
            Received::Text(ServerFrame::Started(started)) => Ok(Begun::Started(started)),
            Received::Text(ServerFrame::Done(_)) => Ok(Begun::Done),
            _ => Err(malformed()),
        }
    }

    /// Runs a machine to its output.
    pub(crate) async fn run<M>(
        &mut self,
        run: Run,
        machine: M,
        first: Message,
    ) -> Result<M::Output, Error>
    where
        M: Machine + Send + 'static,
        M::Output: Send,
    {
        let (mut machine, mut message) = (machine, first);
        loop {
            self.send(message).await?;
            let Received::Binary(answer) = self.receive().await? else {
                return Err(malformed());
            };
            let stepped = compute(move || machine.step(&answer, &mut ambient::rng())).await?;
            match stepped.map_err(|abort| Error::from_abort(run, &abort))? {
                Step::Continue {
                    next,
                    message: following,
                } => {
                    machine = next;
                    message = following;
                }
                Step::Finish { output, .. } => return Ok(output),
            }
        }
    }

    /// Takes the end of a session that went well.
    pub(crate) async fn done(&mut self) -> Result<Done, Error> {
        match self.receive().await? {
            Received::Text(ServerFrame::Done(done)) => {
                self.meter.served(Duration::from_micros(done.server_us));
                Ok(done)
            }
            _ => Err(malformed()),
        }
    }

    /// Takes the end, if it comes: everything that matters is already known.
    pub(crate) async fn done_if_told(&mut self) {
        if let Err(error) = self.done().await {
            tracing::debug!(%error, "the session's end was not told");
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), Error> {
        let bytes = message.into_bytes();
        self.meter.sent(bytes.len());
        self.write(Frame::binary(bytes)).await
    }

    async fn write(&mut self, frame: Frame) -> Result<(), Error> {
        let sending = tokio::time::timeout(FRAME_TIMEOUT, self.stream.send(frame));
        let sent = self.meter.wait(sending).await;
        let sent = sent.map_err(|_| timed_out(FRAME_TIMEOUT))?;
        if sent.is_ok() {
            return Ok(());
        }
        // A server that refuses says so before it closes; that says more than a broken pipe.
        match self.receive().await {
            Err(problem) => Err(problem),
            Ok(_) => Err(Error::closed()),
        }
    }

    async fn receive(&mut self) -> Result<Received, Error> {
        // One deadline for the answer: pings do not put it off.
        let deadline = tokio::time::Instant::now() + FRAME_TIMEOUT;
        loop {
            let silent_at = tokio::time::Instant::now() + SILENCE_TIMEOUT;
            let next = tokio::time::timeout_at(deadline.min(silent_at), self.stream.next());
            let frame = self.meter.wait(next).await;
            let frame = frame.map_err(|_| timed_out(FRAME_TIMEOUT.min(SILENCE_TIMEOUT)))?;
            match frame {
                Some(Ok(Frame::Text(text))) => {
                    self.meter.received(text.len());
                    let frame = serde_json::from_str(&text).map_err(|_| malformed())?;
                    return match frame {
                        ServerFrame::Problem { problem } => Err(problem.into()),
                        frame => Ok(Received::Text(frame)),
                    };
                }
                Some(Ok(Frame::Binary(bytes))) => {
                    self.meter.received(bytes.len());
                    return Ok(Received::Binary(bytes.into()));
                }
                Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => {}
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return Err(Error::closed()),
            }
        }
    }
}

/// The contexts of both curves, as the server named them.
pub(crate) fn key_contexts(started: &Started) -> BothCurves<KeyContext> {
    let key = |curve: Curve| KeyContext {
        wallet_id: started.wallet_ids.of(curve).to_bytes(),
        new_pair: Some(started.new_pair.to_bytes(curve)),
        source_pair: started.source_pair.map(|source| source.to_bytes(curve)),
    };
    BothCurves {
        secp256k1: key(Curve::Secp256k1),
        ed25519: key(Curve::Ed25519),
    }
}

/// Computes on a thread that may; in a simulation, which has one thread, here and now.
pub(crate) async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    #[cfg(feature = "simulation")]
    if crate::simulated::is_seeded() {
        tokio::task::yield_now().await;
        return Ok(work());
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::new(ErrorId::InternalError, "a computation did not end"))
}

/// A refused upgrade is answered with a problem, like any other request.
fn refused(error: WsError) -> Error {
    let WsError::Http(response) = error else {
        return Error::unreachable("the server cannot be reached");
    };
    let problem = response
        .body()
        .as_ref()
        .and_then(|body| serde_json::from_slice::<Problem>(body).ok());
    problem.map_or_else(
        || Error::unreachable("the server did not open a WebSocket"),
        Error::from,
    )
}

fn timed_out(allowed: Duration) -> Error {
    let allowed = allowed.as_secs();
    Error::new(
        ErrorId::WsTimeout,
        format!("the server did not answer within {allowed} s"),
    )
}

fn malformed() -> Error {
    Error::new(
        ErrorId::WsMsgMalformed,
        "the server sent a frame that is out of turn or malformed",
    )
}
