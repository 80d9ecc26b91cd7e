//! The connections of each process, and the order in which they end with it.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil::net::TcpStream;

use super::network::PORT;

/// The connections of one host's process; a clone shares them.
///
/// A process that ends closes them in the order in which they were made. Its runtime would drop
/// the tasks that hold them in an order that hangs on their ids, which Tokio counts through every
/// runtime of every thread; and with that order the peers would hear of it at other moments.
#[derive(Clone)]
pub(crate) struct Connections {
    host: &'static str,
    all: Arc<Mutex<All>>,
}

#[derive(Default)]
struct All {
    made: u64,
    /// By their number, with their host.
    open: BTreeMap<u64, (&'static str, TcpStream)>,
    /// Whose process is being ended.
    ending: Option<&'static str>,
}

impl Connections {
    /// Of a host, in a run that begins.
    pub(crate) fn new(host: &'static str) -> Self {
        Self {
            host,
            all: Arc::default(),
        }
    }

    /// Those of another host, in the same run.
    pub(crate) fn of(&self, host: &'static str) -> Self {
        Self {
            host,
            all: Arc::clone(&self.all),
        }
    }

    pub(crate) async fn connect(&self, host: &str) -> io::Result<Connection> {
        TcpStream::connect((host, PORT))
            .await
            .map(|stream| self.add(stream))
    }

    pub(crate) fn add(&self, stream: TcpStream) -> Connection {
        let mut all = self.lock();
        all.made += 1;
        let number = all.made;
        all.open.insert(number, (self.host, stream));
        drop(all);
        Connection {
            of: self.clone(),
            number,
        }
    }

    /// Ends the host's process, which drops what it holds.
    pub(crate) fn end(&self, crash: impl FnOnce()) {
        self.lock().ending = Some(self.host);
        crash();
        self.lock().ending = None;
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection.
pub(crate) struct Connection {
    of: Connections,
    number: u64,
}

impl Connection {
    /// The stream, unless the process has ended.
    fn with<T>(
        &self,
        poll: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match self.of.lock().open.get_mut(&self.number) {
            Some((_, stream)) => poll(Pin::new(stream)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut all = self.of.lock();
        // The first that is dropped with its process closes all of them.
        let is_closed = |number: &u64, host: &str| match all.ending {
            Some(ending) if ending == self.of.host => host == ending,
            _ => *number == self.number,
        };
        let closed = all.open.iter();
        let closed = closed.filter(|(number, (host, _))| is_closed(number, host));
        let closed: Vec<u64> = closed.map(|(number, _)| *number).collect();
        for number in closed {
            // Says so to the peer.
            all.open.remove(&number);
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(cx))
    }
}
