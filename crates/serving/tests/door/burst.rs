//! Many who connect before anybody is taken.

use std::time::Duration;

use portal_serving::listen;
use tokio::net::TcpStream;

const CONNECTIONS: usize = 400;
/// Longest wait for something that must happen.
const DEADLINE: Duration = Duration::from_secs(30);

/// A queue that is full answers nobody: they would wait here for ever, since nobody is taken.
#[tokio::test]
async fn a_burst_waits_in_the_queue() {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let mut connected = Vec::new();
    for number in 0..CONNECTIONS {
        let connecting = tokio::time::timeout(DEADLINE, TcpStream::connect(address));
        let connection = connecting.await;
        let connection = connection.unwrap_or_else(|_| panic!("{number} wait, the next may not"));
        connected.push(connection.unwrap());
    }
}
