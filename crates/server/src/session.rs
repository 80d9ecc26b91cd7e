//! MPC sessions over WebSocket: one connection, one operation.
//!
//! The machine that runs a protocol never does I/O; this module does, and never looks inside a
//! message. An output is committed before the message that makes the client count on it leaves.

mod check;
mod custodian_proof;
mod guard;
mod pair;
mod sign;
mod socket;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use portal_api::Base64Bytes;
use portal_api::limits::FRAME_BYTES;
use portal_api::session::{
    ClientFrame, Done, Operation, Outcome, PROTOCOL_VERSION, ServerFrame, Start,
};
use portal_lifecycle::ids::TraceId;
use portal_lifecycle::{ErrorId, Plan};
use portal_mpc::{Abort, HeldMessage, Machine, Step};
use portal_store::ClientAuth;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::auth::Origin;
use crate::error::Operation as Failing;
use crate::openapi::{conversation, problems};
use crate::rates::Address;
use crate::{ApiError, App, auth, entropy, trace};
pub(crate) use guard::{Signing, SigningTurns};
use socket::Socket;

/// Buffers of a connection; most messages of a protocol fit in.
const BUFFER_BYTES: usize = 8 * 1024;

problems!(Upgrading: BadRequest at 426);

/// Opens the WebSocket over which one MPC operation runs.
#[utoipa::path(
    get,
    path = "/api/v3/clients/me/mpc",
    operation_id = "openMpcSession",
    description = conversation(),
    tag = "client",
    security((), ("clientApiKey" = []), ("clientSessionToken" = [])),
    responses((status = 101, description = "The connection is a WebSocket from here on."), Upgrading)
)]
pub(crate) async fn upgrade(
    State(app): State<App>,
    Origin(address): Origin,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    // In a browser the token comes with the first message; elsewhere it is checked right here.
    let client = match auth::bearer(&headers) {
        Some(token) => Some(auth::client(&app, token, address).await?),
        None => None,
    };
    let upgrade = upgrade.map_err(|_| ApiError::no_upgrade())?;
    if app.is_draining() {
        return Err(stopping());
    }
    let trace_id = trace::current();
    // It outlives the request, whose span ends with the answer.
    let span = tracing::info_span!(parent: None, "session", %trace_id);
    trace::beside(&span);
    // Who has not said who it is takes no place from those who have.
    let places = if client.is_some() {
        &app.sessions
    } else {
        &app.strangers
    };
    let place = place_of(places)?;
    // Counted from here on: the service waits for it.
    let token = app.tasks.token();
    Ok(upgrade
        .max_frame_size(FRAME_BYTES)
        .max_message_size(FRAME_BYTES)
        // The library takes 128 KiB for each by itself.
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_write_buffer_size(2 * FRAME_BYTES)
        .on_upgrade(move |socket| async move {
            let caller = Caller {
                client,
                address,
                trace_id,
                place,
            };
            let session = trace::scope(trace_id, run(app, socket, caller));
            session.instrument(span).await;
            drop(token);
        }))
}

fn place_of(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ApiError> {
    let place = Arc::clone(places).try_acquire_owned();
    place.map_err(|_| too_many())
}

/// Who comes too late for a place; another server may have one.
fn too_many() -> ApiError {
    ApiError::new(
        ErrorId::Unavailable,
        "this server has as many sessions as it may; try again shortly",
    )
}

fn stopping() -> ApiError {
    ApiError::new(
        ErrorId::Unavailable,
        "the server is stopping; try again shortly",
    )
}

/// One session, from greeting to end; whatever goes wrong is told as a problem.
async fn run(app: App, socket: WebSocket, mut caller: Caller) {
    let limits = app.limits;
    let _open = app.metrics.session();
    let mut socket = Socket::new(socket, limits.frame_timeout, limits.ping_interval);
    let session = converse(&app, &mut socket, &mut caller);
    let session = tokio::time::timeout(limits.session_timeout, session);
    let ended = tokio::select! {
        biased;
        () = app.stopped() => Err(stopping()),
        ended = session => ended.unwrap_or_else(|_| {
            Err(too_long(limits.session_timeout))
        }),
    };
    let trace_id = caller.trace_id;
    if let Err(error) = ended {
        tracing::info!(%trace_id, id = %error.id(), "session ended with a problem");
        let problem = error.problem(trace_id);
        // The client may be gone; then there is nobody to tell.
        let _ = socket.send(&ServerFrame::Problem { problem }).await;
    }
    socket.close().await;
}

/// Who opened the connection, as far as that is known by then.
struct Caller {
    client: Option<ClientAuth>,
    address: Address,
    /// A browser says in its first frame under which one it wants to be found.
    trace_id: TraceId,
    /// Among strangers, until it is known who it is; held to the connection's end.
    place: OwnedSemaphorePermit,
}

async fn converse(app: &App, socket: &mut Socket, caller: &mut Caller) -> Result<(), ApiError> {
    let server_nonce: [u8; 32] = entropy::bytes();
    let hello = ServerFrame::Hello {
        protocol_version: PROTOCOL_VERSION,
        server_nonce: Base64Bytes(server_nonce.to_vec()),
    };
    socket.send(&hello).await?;
    let ClientFrame::Start(start) = socket.receive_first(app.limits.first_frame_timeout).await?
    else {
        let what = "expected a start frame, got another";
        return Err(ApiError::new(ErrorId::WsMsgMalformed, what));
    };
    let opened_under = caller.trace_id;
    let trace_id = start.trace_id.unwrap_or(opened_under);
    caller.trace_id = trace_id;
    let span = tracing::info_span!(
        "operation",
        %trace_id,
        kind = Empty,
        outcome = Empty,
        otel.status_code = Empty,
    );
    if trace_id != opened_under {
        trace::elsewhere(&span, trace_id);
    }
    let answered = answer(app, socket, caller, start, server_nonce);
    trace::scope(trace_id, answered.instrument(span)).await
}

/// Takes the first frame for what it asks.
async fn answer(
    app: &App,
    socket: &mut Socket,
    caller: &mut Caller,
    start: Start,
    server_nonce: [u8; 32],
) -> Result<(), ApiError> {
    if start.protocol_version != PROTOCOL_VERSION {
        let detail = format!(
            "expected protocol version {PROTOCOL_VERSION}, got {}; update the older side",
            start.protocol_version
        );
        return Err(ApiError::new(ErrorId::MpcProtocolUnsupported, detail));
    }
    let client = match (caller.client, &start.token) {
        (Some(client), _) => client,
        (None, Some(token)) => {
            let client = auth::client(app, token, caller.address).await?;
            caller.place = place_of(&app.sessions)?;
            client
        }
        (None, None) => return Err(auth::refused()),
    };
    app.rates.operation(client.client_id)?;
    let client_nonce = start
        .client_nonce
        .to_array()
        .ok_or_else(|| ApiError::new(ErrorId::BadRequest, "expected a clientNonce of 32 bytes"))?;
    let nonces = Nonces {
        client: client_nonce,
        server: server_nonce,
    };
    if app.is_draining() {
        return Err(stopping());
    }
    let deadline = start
        .deadline_ms
        .map_or(Duration::MAX, Duration::from_millis);
    let begun = Instant::now();
    let mut running = app.metrics.operation(&start.operation);
    let span = Span::current();
    span.record("kind", running.kind());
    // On the heap: what it holds while it waits is too much for the stack that it is moved over.
    let operation = Box::pin(operate(app, socket, client, start, nonces));
    // The caller has given up by then; whoever comes next need not wait for the lease.
    let allowed = deadline.min(app.limits.session_timeout);
    let ended = tokio::time::timeout(allowed, operation)
        .await
        .unwrap_or_else(|_| Err(too_long(allowed)));
    running.ended(&ended);
    span.record("outcome", running.outcome());
    if ended.is_err() {
        trace::failed(&span);
    }
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(outcome = running.outcome(), elapsed_ms, "operation ended");
    ended
}

fn too_long(allowed: Duration) -> ApiError {
    let allowed = allowed.as_secs_f64();
    ApiError::new(
        ErrorId::WsTimeout,
        format!("the session took over {allowed} s"),
    )
}

async fn operate(
    app: &App,
    socket: &mut Socket,
    auth: ClientAuth,
    start: Start,
    nonces: Nonces,
) -> Result<(), ApiError> {
    let begun = Instant::now();
    let waited_before = socket.waited();
    // A session that makes a pair is large: on the heap, it does not fill a worker's stack.
    let outcome = match start.operation.clone() {
        Operation::Sign {
            curve,
            signing_share_pair_id,
            wanted,
        } => {
            let asking = sign::Asking {
                client: auth,
                curve,
                pair: signing_share_pair_id,
                wanted,
            };
            sign::run(app, socket, nonces, asking).await?
        }
        Operation::Generate => {
            let asked = Plan::Generate.into();
            Box::pin(pair::run(app, socket, auth, nonces, &start, asked)).await?
        }
        Operation::Backup {
            backup_method: method,
            backup_mode: mode,
            signing_share_pair_ids: source,
        } => {
            let asked = pair::Asked {
                plan: Plan::Backup {
                    source,
                    method,
                    mode,
                },
                mode,
                blinded: None,
            };
            Box::pin(pair::run(app, socket, auth, nonces, &start, asked)).await?
        }
        Operation::Recover {
            backup_share_pair_ids: source,
            blinded,
        } => {
            let asked = pair::Asked {
                blinded,
                ..Plan::Recover { source }.into()
            };
            Box::pin(pair::run(app, socket, auth, nonces, &start, asked)).await?
        }
        Operation::Refresh {
            signing_share_pair_ids: source,
        } => {
            let asked = Plan::Refresh { source }.into();
            Box::pin(pair::run(app, socket, auth, nonces, &start, asked)).await?
        }
        Operation::CheckBackup {
            backup_share_pair_ids: ids,
            cipher_text_digest,
            proofs,
        } => {
            let claim = check::Claim {
                ids,
                cipher_text_digest,
                proofs,
            };
            check::run(app, socket, auth, nonces, claim).await?
        }
    };
    let busy = begun
        .elapsed()
        .saturating_sub(socket.waited().saturating_sub(waited_before));
    done(socket, outcome, busy).await
}

async fn done(socket: &mut Socket, outcome: Outcome, busy: Duration) -> Result<(), ApiError> {
    let server_us = u64::try_from(busy.as_micros()).unwrap_or(u64::MAX);
    let done = ServerFrame::Done(Done { outcome, server_us });
    // What was made is durable, and the client may have all it needs and be gone.
    let _ = socket.send(&done).await;
    Ok(())
}

/// Both parties' 32 random bytes for this session.
#[derive(Clone, Copy)]
struct Nonces {
    client: [u8; 32],
    server: [u8; 32],
}

/// What a server's machine made: the output, and the message that must wait for its commit.
struct Made<T> {
    output: T,
    last: HeldMessage,
}

/// How a run of a machine ended early.
enum RunError {
    Protocol(Abort),
    Other(ApiError),
}

impl RunError {
    fn public(self, operation: Failing) -> ApiError {
        match self {
            Self::Protocol(abort) => ApiError::from_abort(operation, &abort),
            Self::Other(error) => error,
        }
    }
}

impl From<ApiError> for RunError {
    fn from(error: ApiError) -> Self {
        Self::Other(error)
    }
}

/// Drives a machine with the client's messages until its output is made.
async fn drive<M>(
    app: &App,
    socket: &mut Socket,
    mut machine: M,
) -> Result<Made<M::Output>, RunError>
where
    M: Machine + Send + 'static,
    M::Output: Send,
{
    loop {
        let message = socket.receive_binary().await?;
        match step(app, machine, message)
            .await?
            .map_err(RunError::Protocol)?
        {
            Step::Continue { next, message } => {
                socket.send_binary(message.into_bytes()).await?;
                machine = next;
            }
            Step::Finish { output, last } => {
                return Ok(Made {
                    output,
                    last: held(last)?,
                });
            }
        }
    }
}

/// A server's machine always has a last message.
fn held(last: Option<HeldMessage>) -> Result<HeldMessage, ApiError> {
    last.ok_or_else(|| ApiError::internal("the machine has no last message"))
}

/// One step, on a thread that may compute.
async fn step<M>(
    app: &App,
    machine: M,
    message: Vec<u8>,
) -> Result<Result<Step<M>, Abort>, ApiError>
where
    M: Machine + Send + 'static,
    M::Output: Send,
{
    let work = move || machine.step(&message, &mut entropy::rng());
    computed(app, work)
        .instrument(tracing::debug_span!("step"))
        .await
}

/// Computes on a thread that may, as soon as there is a place: so many at once as there are cores.
pub(crate) async fn computed<T: Send + 'static>(
    app: &App,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let gone = |_| ApiError::new(ErrorId::Unavailable, "the server is stopping");
    let turn = Arc::clone(&app.computing)
        .acquire_owned()
        .await
        .map_err(gone)?;
    let work = move || {
        // Held by the thread: a session that gives up does not stop it.
        let _turn = turn;
        work()
    };
    let done = compute(work).await;
    done.ok_or_else(|| ApiError::internal("a computation did not end"))
}

/// Computes on a thread that may; in a simulation, which has one thread, here and now. None if
/// that panicked.
async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    #[cfg(feature = "simulation")]
    if crate::simulated::is_seeded() {
        tokio::task::yield_now().await;
        return Some(work());
    }
    tokio::task::spawn_blocking(work).await.ok()
}
