//! A proxy between SDK and server that breaks, holds or alters what a test names.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

use crate::frames::{Cutter, Piece};

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// Where the proxy stops passing on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The n-th frame, from 1, that this side sends in a WebSocket session.
    Frame(Side, usize),
    /// A request whose first line begins so (in small letters).
    Request(&'static str),
    /// The answer to such a request, which itself reaches the server.
    AnswerTo(&'static str),
}

/// What it does there, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Closes the connection without passing the piece on.
    Break,
    /// Waits for [`Proxy::release`], then passes the piece on.
    Hold,
    /// Alters one bit of the last byte.
    Alter,
    /// Alters the letter after the last place where this stands.
    AlterAfter(&'static str),
}

/// A proxy on a port of its own.
pub(crate) struct Proxy {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: Mutex<SocketAddr>,
    trap: Mutex<Option<(Place, Deed)>>,
    heard: Mutex<Vec<Vec<u8>>>,
    held: Notify,
    release: Notify,
}

impl Proxy {
    pub(crate) async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared {
            upstream: Mutex::new(address(server)),
            trap: Mutex::new(None),
            heard: Mutex::default(),
            held: Notify::new(),
            release: Notify::new(),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { url, shared }
    }

    /// Every request and answer that passed, and what every WebSocket frame held, of both sides.
    pub(crate) fn everything(&self) -> Vec<Vec<u8>> {
        self.shared.heard.lock().expect("no panic").clone()
    }

    /// Connects to another server from now on.
    pub(crate) fn lead_to(&self, server: &str) {
        *self.shared.upstream.lock().expect("no panic") = address(server);
    }

    /// Sets a trap; it springs once.
    pub(crate) fn set(&self, place: Place, deed: Deed) {
        *self.shared.trap.lock().expect("no panic") = Some((place, deed));
    }

    /// Whether the trap has sprung.
    pub(crate) fn has_sprung(&self) -> bool {
        self.shared.trap.lock().expect("no panic").is_none()
    }

    /// Takes the trap away, and says whether it had sprung.
    pub(crate) fn clear(&self) -> bool {
        self.shared.trap.lock().expect("no panic").take().is_none()
    }

    /// Waits until a trap holds something.
    pub(crate) async fn held(&self) {
        self.shared.held.notified().await;
    }

    pub(crate) fn release(&self) {
        self.shared.release.notify_one();
    }
}

impl Shared {
    /// Springs the trap if this is its place.
    fn spring(&self, is_there: impl FnOnce(Place) -> bool) -> Option<Deed> {
        let mut trap = self.trap.lock().expect("no panic");
        let sprung = trap.take_if(|(place, _)| is_there(*place));
        sprung.map(|(_, deed)| deed)
    }
}

fn address(url: &str) -> SocketAddr {
    let address = url.strip_prefix("http://").expect("plain HTTP");
    address.parse().expect("an address and a port")
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let upstream = *shared.upstream.lock().expect("no panic");
        // Refused: dropping the client's connection tells it the same.
        let Ok(server) = TcpStream::connect(upstream).await else {
            continue;
        };
        let (client_reads, client_writes) = client.into_split();
        let (server_reads, server_writes) = server.into_split();
        let link = Arc::new(Link {
            shared: Arc::clone(&shared),
            broken: watch::Sender::new(false),
            answer: Mutex::new(None),
        });
        let up = Arc::clone(&link).pass(Side::Client, client_reads, server_writes);
        tokio::spawn(up);
        tokio::spawn(link.pass(Side::Server, server_reads, client_writes));
    }
}

/// One connection.
struct Link {
    shared: Arc<Shared>,
    broken: watch::Sender<bool>,
    /// What to do to the next answer.
    answer: Mutex<Option<Deed>>,
}

impl Link {
    async fn pass(self: Arc<Self>, from: Side, reads: OwnedReadHalf, writes: OwnedWriteHalf) {
        let mut broken = self.broken.subscribe();
        tokio::select! {
            () = self.pump(from, reads, writes) => {}
            _ = broken.wait_for(|broken| *broken) => {}
        }
    }

    async fn pump(&self, from: Side, mut reads: OwnedReadHalf, mut writes: OwnedWriteHalf) {
        let mut cutter = Cutter::default();
        let mut chunk = vec![0; 64 * 1024];
        let mut frames = 0;
        loop {
            let read = reads.read(&mut chunk).await.unwrap_or(0);
            if read == 0 {
                // The other side hears of it; the other direction goes on until it ends too.
                let _ = writes.shutdown().await;
                return;
            }
            cutter.push(chunk.get(..read).expect("at most as much"));
            while let Some(piece) = cutter.next_piece() {
                frames += usize::from(piece.is_frame());
                let Some(bytes) = self.judge(from, piece, frames).await else {
                    self.broken.send_replace(true);
                    return;
                };
                if writes.write_all(&bytes).await.is_err() {
                    return;
                }
            }
        }
    }

    /// What becomes of a piece: its bytes as they go on, or nothing at all.
    async fn judge(&self, from: Side, piece: Piece, frames: usize) -> Option<Vec<u8>> {
        let heard = piece.payload().unwrap_or_else(|| piece.bytes().to_vec());
        self.shared.heard.lock().expect("no panic").push(heard);
        let deed = self.deed(from, &piece, frames);
        let mut bytes = piece.bytes().to_vec();
        match deed {
            Some(Deed::Break) => return None,
            Some(Deed::Hold) => {
                self.shared.held.notify_one();
                self.shared.release.notified().await;
            }
            Some(Deed::Alter) => {
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1;
                }
            }
            Some(Deed::AlterAfter(text)) => {
                let mut places = bytes.windows(text.len());
                let place = places.rposition(|seen| seen == text.as_bytes());
                let after = place.expect("the text") + text.len();
                let letter = bytes.get_mut(after).expect("a letter after it");
                *letter = if *letter == b'A' { b'B' } else { b'A' };
            }
            None => {}
        }
        Some(bytes)
    }

    fn deed(&self, from: Side, piece: &Piece, frames: usize) -> Option<Deed> {
        let Piece::Http { head, .. } = piece else {
            let here = Place::Frame(from, frames);
            return self.shared.spring(|place| place == here);
        };
        if from == Side::Server {
            return self.answer.lock().expect("no panic").take();
        }
        let is_line = |line: &str| head.starts_with(line);
        let awaited = self
            .shared
            .spring(|place| matches!(place, Place::AnswerTo(line) if is_line(line)));
        *self.answer.lock().expect("no panic") = awaited;
        self.shared
            .spring(|place| matches!(place, Place::Request(line) if is_line(line)))
    }
}
