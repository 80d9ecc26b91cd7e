//! A service behind a door.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use hyper_util::rt::TokioIo;
use portal_serving::{BodyTooSlow, ConnectionLimits, Door};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Longest wait for what must happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// A time-out that is over soon.
pub(crate) const SOON: Duration = Duration::from_millis(200);
/// Between two bytes of somebody who drips them: no single wait is as long as [`SOON`].
pub(crate) const DRIP: Duration = Duration::from_millis(20);

pub(crate) const GET: &str = "GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";

pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A door with these limits, the others as usual.
pub(crate) fn limited(limits: ConnectionLimits) -> Door {
    Door {
        limits,
        ..Door::default()
    }
}

pub(crate) async fn serve(door: Door) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let never = std::future::pending();
        door.serve(listener, routes(), never).await;
    });
    Served { address, serving }
}

fn routes() -> Router {
    Router::new()
        .route("/hello", get(async || "hello"))
        .route("/body", post(read))
        .route("/flood", get(async || Body::new(Flood)))
        .route("/upgrade", get(upgrade))
}

async fn read(body: Body) -> Response {
    let error = match axum::body::to_bytes(body, 1_000).await {
        Ok(body) => return body.into_response(),
        Err(error) => error,
    };
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if error.is::<BodyTooSlow>() {
            return StatusCode::REQUEST_TIMEOUT.into_response();
        }
        cause = error.source();
    }
    StatusCode::PAYLOAD_TOO_LARGE.into_response()
}

/// An answer without end.
struct Flood;

impl http_body::Body for Flood {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        const MORE: &[u8] = &[b'x'; 65_536];
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(MORE)))))
    }
}

/// Speaks something else from then on, and gives back what it hears.
async fn upgrade(mut request: Request) -> Response {
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut io = TokioIo::new(upgraded.await.unwrap());
        let (mut reader, mut writer) = tokio::io::split(&mut io);
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
    });
    let switching = StatusCode::SWITCHING_PROTOCOLS;
    (switching, [("upgrade", "echo"), ("connection", "upgrade")]).into_response()
}

pub(crate) async fn connect(served: &Served) -> TcpStream {
    TcpStream::connect(served.address).await.unwrap()
}

/// All that comes until the server closes, which it must.
pub(crate) async fn until_closed(io: &mut (impl AsyncRead + Unpin)) -> String {
    let mut heard = Vec::new();
    let closed = tokio::time::timeout(DEADLINE, io.read_to_end(&mut heard)).await;
    // A reset is an end as well.
    let _ = closed.expect("expected that the server closes the connection");
    String::from_utf8_lossy(&heard).into_owned()
}

/// The head of an answer, and what came of its body with it.
pub(crate) async fn answer(io: &mut (impl AsyncRead + Unpin)) -> String {
    let mut heard = Vec::new();
    let complete = async {
        while !heard.windows(4).any(|end| end == b"\r\n\r\n") {
            if io.read_buf(&mut heard).await.unwrap_or(0) == 0 {
                break;
            }
        }
    };
    let complete = tokio::time::timeout(DEADLINE, complete).await;
    complete.expect("expected an answer in time");
    String::from_utf8_lossy(&heard).into_owned()
}

/// The answer to a request on this connection.
pub(crate) async fn ask(io: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> String {
    io.write_all(request.as_bytes()).await.unwrap();
    answer(io).await
}

/// Writes a byte now and then until the server closes.
pub(crate) async fn drip(io: &mut TcpStream, bytes: &str) -> String {
    let (mut reader, mut writer) = io.split();
    let dripping = async {
        for byte in bytes.bytes().cycle() {
            if writer.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(DRIP).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        heard = until_closed(&mut reader) => heard,
        () = dripping => unreachable!("it has no end"),
    }
}
