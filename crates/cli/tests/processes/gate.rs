//! A way between a device and its server that ends at a request that a test names.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// What of the request still passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loses {
    /// Nothing: the server never hears of it.
    Request,
    /// The request; its answer does not.
    Answer,
}

/// Passes everything on until it closes.
pub(crate) struct Gate {
    /// What the device takes for its server.
    pub(crate) url: String,
    closed: Arc<AtomicBool>,
}

impl Gate {
    /// Leads to `server` until a request begins with `first_line`.
    pub(crate) fn before(server: &str, first_line: &'static str, loses: Loses) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = server.trim_start_matches("http://").to_owned();
        let closed = Arc::new(AtomicBool::new(false));
        let of_gate = Arc::clone(&closed);
        thread::spawn(move || {
            for device in listener.incoming() {
                let (device, server) = (device.unwrap(), TcpStream::connect(&server).unwrap());
                let way = Way {
                    first_line,
                    loses,
                    is_over: Arc::default(),
                    closed: Arc::clone(&of_gate),
                };
                let back = (server.try_clone().unwrap(), device.try_clone().unwrap());
                let answers = way.clone();
                thread::spawn(move || way.requests(device, server));
                thread::spawn(move || answers.answers(back.0, back.1));
            }
        });
        Self { url, closed }
    }

    /// Whether the request was made and, where its answer is lost, answered.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

/// One connection.
#[derive(Clone)]
struct Way {
    first_line: &'static str,
    loses: Loses,
    /// Whether the request was made here.
    is_over: Arc<AtomicBool>,
    closed: Arc<AtomicBool>,
}

impl Way {
    fn requests(&self, mut device: TcpStream, mut server: TcpStream) {
        let mut bytes = [0; 64 * 1024];
        while let Ok(length @ 1..) = device.read(&mut bytes) {
            // A client writes the head of a request in one piece, and no two requests in one.
            if bytes[..length].starts_with(self.first_line.as_bytes()) {
                self.is_over.store(true, Ordering::SeqCst);
                if self.loses == Loses::Request {
                    self.closed.store(true, Ordering::SeqCst);
                    continue;
                }
            }
            if server.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        let _ = server.shutdown(Shutdown::Write);
    }

    fn answers(&self, mut server: TcpStream, mut device: TcpStream) {
        let mut bytes = [0; 64 * 1024];
        while let Ok(length @ 1..) = server.read(&mut bytes) {
            if self.is_over.load(Ordering::SeqCst) {
                self.closed.store(true, Ordering::SeqCst);
            } else if device.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
    }
}
