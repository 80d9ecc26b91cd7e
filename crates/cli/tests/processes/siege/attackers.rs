//! What strangers do, and what somebody else does meanwhile.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use portal_api::session::PATH;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use super::frames;
use crate::end_user::http;
use crate::installation::Installation;

/// Longest wait for the server to close what it must close.
const DEADLINE: Duration = Duration::from_secs(60);
/// Between two bytes.
const DRIP: Duration = Duration::from_millis(250);
/// Attackers that connect at once; the others wait their turn in no queue of the server's.
const CONNECTING: usize = 200;
/// Addresses that attackers come from, unless told.
const ADDRESSES: usize = 50;
const SEED: u64 = 7;

pub(super) const SLOW_HEAD: Slow = Slow {
    at_once: b"GET /live HTTP/1.1\r\nx: ",
    then: b"x",
};
pub(super) const SLOW_BODY: Slow = Slow {
    at_once: b"POST /api/v3/custodians/me/clients HTTP/1.1\r\nhost: x\r\n\
        authorization: Bearer {key}\r\ncontent-type: application/json\r\n\
        content-length: 60000\r\n\r\n{",
    then: b" ",
};
pub(super) const SLOW_CHUNKS: Slow = Slow {
    at_once: b"POST /api/v3/custodians/me/clients HTTP/1.1\r\nhost: x\r\n\
        authorization: Bearer {key}\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n",
    then: b"1\r\n \r\n",
};
/// The beginning of a ClientHello of 512 bytes.
pub(super) const SLOW_HANDSHAKE: Slow = Slow {
    at_once: &[22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3],
    then: b"\x01",
};

/// What is said at once, and then byte by byte.
#[derive(Clone, Copy)]
pub(super) struct Slow {
    at_once: &'static [u8],
    then: &'static [u8],
}

/// How long a body is said to be.
#[derive(Clone, Copy)]
pub(super) enum Framing {
    Length,
    Chunked,
}

/// The server, and somebody who only wants an answer.
#[derive(Clone)]
pub(super) struct Target {
    address: SocketAddr,
    url: String,
    api_key: String,
    other: reqwest::Client,
}

impl Target {
    pub(super) async fn of(installation: &Installation, authority: Option<&Path>) -> Self {
        // The provider of TLS is set up by it.
        drop(http());
        let mut other = reqwest::Client::builder()
            .no_proxy()
            .local_address(Some(Ipv4Addr::new(127, 0, 9, 9).into()))
            // A connection for each request: new ones must come in too.
            .pool_max_idle_per_host(0);
        let mut url = installation.server(0).url.clone();
        let address = url.rsplit("//").next().unwrap().parse().unwrap();
        if let Some(authority) = authority {
            let authority = std::fs::read(authority).unwrap();
            let authority = reqwest::Certificate::from_pem(&authority).unwrap();
            other = other
                .tls_certs_only([authority])
                .resolve("localhost", address);
            url = format!("https://localhost:{}", address.port());
        }
        Self {
            address,
            url,
            api_key: std::fs::read_to_string(installation.path("api-key")).unwrap(),
            other: other.build().unwrap(),
        }
    }

    /// A request that needs the database.
    pub(super) async fn ask(&self) -> Result<(), String> {
        let path = "api/v3/custodians/me/clients?take=1";
        let request = self.other.get(format!("{}/{path}", self.url));
        let answer = request.bearer_auth(&self.api_key).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(answer.status().to_string()),
            Err(error) => Err(format!("{error:?}")),
        }
    }

    /// A connection from one of so many addresses; Linux has 127.0.0.0/8 on loopback.
    async fn connect(&self, number: usize, addresses: usize) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        let from = u8::try_from(number % addresses).unwrap();
        let from = Ipv4Addr::new(127, 0, 1, from);
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        socket.connect(self.address).await.unwrap()
    }
}

/// Runs `attacker` so many times at once.
async fn all<T: Send + 'static, F>(
    target: &Target,
    number: usize,
    addresses: usize,
    attacker: impl Fn(TcpStream, usize) -> F + Clone + Send + 'static,
) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let connecting = Arc::new(Semaphore::new(CONNECTING));
    let tasks = (0..number).map(|number| {
        let (target, attacker) = (target.clone(), attacker.clone());
        let connecting = Arc::clone(&connecting);
        tokio::spawn(async move {
            let turn = connecting.acquire_owned().await.unwrap();
            let io = target.connect(number, addresses).await;
            drop(turn);
            attacker(io, number).await
        })
    });
    let done = join_all(tasks.collect::<Vec<_>>()).await;
    done.into_iter().map(|done| done.unwrap()).collect()
}

/// All that comes until the server closes, which it must.
async fn until_closed(io: &mut TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    let closed = tokio::time::timeout(DEADLINE, io.read_to_end(&mut heard)).await;
    let _ = closed.expect("expected that the server closes the connection");
    heard
}

/// Sockets that say nothing.
pub(super) async fn hold_idle(target: &Target, number: usize) -> Vec<TcpStream> {
    all(target, number, ADDRESSES, async |io, _| io).await
}

/// Comes in with a request from so many addresses, and stays; gives how many were refused.
pub(super) async fn crowd(target: &Target, number: usize, addresses: usize) -> usize {
    let inside = all(target, number, addresses, async |mut io: TcpStream, _| {
        let mut byte = [0; 12];
        let sent = io.write_all(b"GET /live HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let heard = tokio::time::timeout(DEADLINE, io.read_exact(&mut byte)).await;
        let heard = heard.expect("expected an answer, or the end");
        let inside = sent.is_ok() && heard.is_ok() && byte.ends_with(b"204");
        inside.then_some(io)
    });
    inside
        .await
        .iter()
        .filter(|inside| inside.is_none())
        .count()
}

/// Says something at once and then byte by byte, until the server closes.
pub(super) async fn drip(target: &Target, number: usize, slow: Slow) {
    let at_once = replace(slow.at_once, b"{key}", target.api_key.trim().as_bytes());
    all(target, number, ADDRESSES, move |mut io: TcpStream, _| {
        let at_once = at_once.clone();
        async move {
            let _ = io.write_all(&at_once).await;
            let (mut reader, mut writer) = io.split();
            let dripping = async {
                for byte in slow.then.iter().cycle() {
                    if writer.write_all(&[*byte]).await.is_err() {
                        break;
                    }
                    tokio::time::sleep(DRIP).await;
                }
                std::future::pending::<()>().await;
            };
            let mut heard = Vec::new();
            let closed = tokio::time::timeout(DEADLINE, reader.read_to_end(&mut heard));
            tokio::select! {
                closed = closed => drop(closed.expect("expected that the server closes")),
                () = dripping => {}
            }
        }
    })
    .await;
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match text.windows(from.len()).position(|window| window == from) {
        Some(at) => [&text[..at], to, &text[at + from.len()..]].concat(),
        None => text.to_vec(),
    }
}

/// Opens a WebSocket without saying who it is; true where the server lets it.
async fn open_websocket(io: &mut TcpStream) -> bool {
    let head = format!(
        "GET {PATH} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    io.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    let heard = tokio::time::timeout(DEADLINE, io.read_exact(&mut status)).await;
    heard.expect("expected an answer").is_ok() && status.ends_with(b"101")
}

/// WebSockets that begin a frame, or not even that, and wait until the server closes.
pub(super) async fn websockets(target: &Target, number: usize, begun: &'static [u8]) {
    let opened = all(
        target,
        number,
        ADDRESSES,
        move |mut io: TcpStream, _| async move {
            let opened = open_websocket(&mut io).await;
            let _ = io.write_all(begun).await;
            until_closed(&mut io).await;
            opened
        },
    );
    let opened = opened.await;
    assert!(
        opened.iter().all(|opened| *opened),
        "expected that all are let in"
    );
}

/// Bodies of a size that nobody takes; gives how many bytes the server took of all, at the most.
pub(super) async fn giants(
    target: &Target,
    number: usize,
    framing: Framing,
    giant_bytes: u64,
) -> u64 {
    let key = target.api_key.trim().to_owned();
    let taken = all(target, number, ADDRESSES, move |mut io: TcpStream, _| {
        let framed = match framing {
            Framing::Length => format!("content-length: {giant_bytes}"),
            Framing::Chunked => "transfer-encoding: chunked".to_owned(),
        };
        let head = format!(
            "POST /api/v3/custodians/me/clients HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\
             \r\ncontent-type: application/json\r\n{framed}\r\n\r\n"
        );
        async move {
            let chunk = match framing {
                Framing::Length => vec![b' '; 0x10000],
                Framing::Chunked => [b"10000\r\n", &[b' '; 0x10000][..], b"\r\n"].concat(),
            };
            io.write_all(head.as_bytes()).await.unwrap();
            let mut taken = 0;
            while taken < giant_bytes && io.write_all(&chunk).await.is_ok() {
                taken += chunk.len() as u64;
            }
            taken
        }
    });
    taken.await.iter().sum()
}

/// Requests that are none.
pub(super) async fn malformed_requests(target: &Target, number: usize) {
    all(
        target,
        number,
        ADDRESSES,
        async |mut io: TcpStream, number| {
            let mut rng = StdRng::seed_from_u64(SEED + number as u64);
            let _ = io.write_all(&malformed_request(number, &mut rng)).await;
            let heard = until_closed(&mut io).await;
            let refused = heard.is_empty() || heard.starts_with(b"HTTP/1.1 4");
            assert!(refused, "{number}: {}", String::from_utf8_lossy(&heard));
        },
    )
    .await;
}

fn malformed_request(number: usize, rng: &mut StdRng) -> Vec<u8> {
    let post = "POST /api/v3/custodians/me/clients HTTP/1.1\r\nhost: x\r\n";
    let text = match number % 12 {
        0 => "\r\n\r\nGET\r\n\r\n".to_owned(),
        1 => "GET /live HTTP/9.9\r\n\r\n".to_owned(),
        2 => "GET /live HTTP/1.1\r\nno colon\r\n\r\n".to_owned(),
        3 => "GET /live HTTP/1.1\r\nx: \0\r\n\r\n".to_owned(),
        4 => format!("{post}content-length: -1\r\n\r\n"),
        5 => format!("{post}content-length: 1\r\ncontent-length: 2\r\n\r\nxx"),
        6 => format!("{post}transfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n"),
        7 => format!("{post}transfer-encoding: gzip\r\n\r\n"),
        8 => format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000)),
        9 => format!("GET /live HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(500)),
        10 => format!("{post}content-length: 99999999999999999999\r\n\r\n"),
        _ => {
            let mut noise = vec![0; rng.random_range(1..2_000)];
            rng.fill_bytes(&mut noise);
            return noise;
        }
    };
    text.into_bytes()
}

/// Frames that are none.
pub(super) async fn malformed_frames(target: &Target, number: usize) {
    all(
        target,
        number,
        ADDRESSES,
        async |mut io: TcpStream, number| {
            let mut rng = StdRng::seed_from_u64(SEED + number as u64);
            if open_websocket(&mut io).await {
                let _ = io.write_all(&frames::malformed(number, &mut rng)).await;
                until_closed(&mut io).await;
            }
        },
    )
    .await;
}

/// A server named localhost that vouches for itself; its certificate and key as files.
pub(super) fn certificate(directory: &Path) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (certificate, key)
}
