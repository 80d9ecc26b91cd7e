//! A listener whose queue takes a burst.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// Connections that the operating system completes before the door takes them; it caps this
/// itself (Linux: `net.core.somaxconn`).
///
/// The usual 128 are full in a burst, and who then knocks hears nothing and tries again a second
/// later (RFC 6298 §2.1).
const BACKLOG: u32 = 4_096;

/// Listens at `address`.
///
/// # Errors
///
/// Where the operating system does not let it.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Connections of a process before may not have ended everywhere yet.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
