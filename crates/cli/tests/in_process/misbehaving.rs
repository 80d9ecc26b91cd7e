//! A customer's backend on a bare socket, which answers as HTTP should not be answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it answers to every request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These bytes, and the end.
    Bytes(String),
    /// Nothing, for ever.
    Silence,
    /// A head, then a byte of the body now and then, for ever.
    Drip,
    /// A head, then bytes of the body as fast as they are taken, for ever.
    Flood,
}

impl Answer {
    pub(crate) fn redirect(location: &str) -> Self {
        Self::Bytes(format!(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
        ))
    }

    /// Ten gigabytes, so it says.
    pub(crate) fn boast() -> Self {
        Self::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n{".to_owned())
    }
}

/// A socket that listens, and counts who comes.
pub(crate) struct Misbehaving {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
}

impl Misbehaving {
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                // Whoever has heard enough hangs up: that is no failure.
                tokio::spawn(converse(connection, answer.clone()));
            }
        });
        Self { port, connections }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

async fn converse(mut connection: TcpStream, answer: Answer) -> std::io::Result<()> {
    let mut request = vec![0; 64 * 1024];
    let _ = connection.read(&mut request).await?;
    match answer {
        Answer::Bytes(bytes) => connection.write_all(bytes.as_bytes()).await,
        Answer::Silence => std::future::pending().await,
        Answer::Drip => {
            connection.write_all(CHUNKED).await?;
            let mut ticks = tokio::time::interval(Duration::from_millis(200));
            loop {
                ticks.tick().await;
                connection.write_all(b"1\r\n \r\n").await?;
            }
        }
        Answer::Flood => {
            connection.write_all(CHUNKED).await?;
            let chunk = format!("1000\r\n{}\r\n", " ".repeat(4096));
            loop {
                connection.write_all(chunk.as_bytes()).await?;
            }
        }
    }
}
