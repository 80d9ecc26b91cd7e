//! Strangers who take their time.

use portal_serving::ConnectionLimits;
use tokio::io::AsyncWriteExt as _;

use crate::service::{
    DEADLINE, GET, SOON, answer, ask, connect, drip, limited, serve, until_closed,
};

#[tokio::test]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let served = serve(limited(ConnectionLimits {
        head_timeout: SOON,
        ..ConnectionLimits::default()
    }));
    let served = served.await;
    for said in ["", "GET /hello HTTP/1.1\r\nhost: x\r\n"] {
        let mut io = connect(&served).await;
        io.write_all(said.as_bytes()).await.unwrap();
        assert_eq!(until_closed(&mut io).await, "", "{said:?}");
    }
    // Nor is one that comes byte by byte.
    let mut io = connect(&served).await;
    io.write_all(b"GET /hello HTTP/1.1\r\nx: ").await.unwrap();
    assert_eq!(drip(&mut io, "x").await, "");
    // Nor is the next request of a connection that had one.
    let mut io = connect(&served).await;
    assert!(ask(&mut io, GET).await.starts_with("HTTP/1.1 200"));
    assert_eq!(until_closed(&mut io).await, "");
}

#[tokio::test]
async fn a_head_that_grows_is_refused() {
    let served = serve(limited(ConnectionLimits::default())).await;
    let long = format!("GET /hello HTTP/1.1\r\nx: {}", "x".repeat(64 * 1024));
    let many = format!("GET /hello HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(100));
    for head in [long, many] {
        let mut io = connect(&served).await;
        let _ = io.write_all(head.as_bytes()).await;
        let told = answer(&mut io).await;
        // What was sent and not read resets the connection, and may take the answer with it.
        assert!(
            told.is_empty() || told.starts_with("HTTP/1.1 431"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_body_that_does_not_end_is_not_waited_for() {
    let served = serve(limited(ConnectionLimits {
        body_timeout: SOON,
        ..ConnectionLimits::default()
    }));
    let served = served.await;
    let head = "POST /body HTTP/1.1\r\nhost: x\r\n";
    let mut io = connect(&served).await;
    let told = ask(&mut io, &format!("{head}content-length: 9\r\n\r\nhalf")).await;
    assert!(told.starts_with("HTTP/1.1 408"), "{told}");
    until_closed(&mut io).await;
    // Nor is one that comes byte by byte.
    let mut io = connect(&served).await;
    let begun = format!("{head}transfer-encoding: chunked\r\n\r\n");
    io.write_all(begun.as_bytes()).await.unwrap();
    let told = drip(&mut io, "1\r\nx\r\n").await;
    assert!(told.starts_with("HTTP/1.1 408"), "{told}");
}

#[tokio::test]
async fn a_body_that_comes_whole_is_read() {
    let served = serve(limited(ConnectionLimits::default())).await;
    let mut io = connect(&served).await;
    let told = ask(
        &mut io,
        "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody",
    );
    assert!(told.await.ends_with("\r\n\r\nbody"));
    // What nobody would read to its end costs no more than what is read.
    for framing in ["content-length: 1073741824", "transfer-encoding: chunked"] {
        let mut io = connect(&served).await;
        let head = format!("POST /body HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n");
        io.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        let (mut reader, mut writer) = io.split();
        let sending = async { while writer.write_all(chunk.as_bytes()).await.is_ok() {} };
        let ((), told) = tokio::join!(sending, until_closed(&mut reader));
        assert!(
            told.is_empty() || told.starts_with("HTTP/1.1 413"),
            "{framing}: {told}"
        );
    }
}

/// Nobody reads the answer; then nobody goes on writing it.
#[tokio::test]
async fn who_does_not_read_is_cut_off() {
    let served = serve(limited(ConnectionLimits {
        connections: 1,
        stall_timeout: SOON,
        ..ConnectionLimits::default()
    }));
    let served = served.await;
    let mut deaf = connect(&served).await;
    deaf.write_all(b"GET /flood HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    deaf.readable().await.unwrap();
    // Its place is free again, though it never hung up.
    let freed = async {
        loop {
            let mut io = connect(&served).await;
            if ask(&mut io, GET).await.starts_with("HTTP/1.1 200") {
                break;
            }
            tokio::time::sleep(SOON).await;
        }
    };
    let freed = tokio::time::timeout(DEADLINE, freed).await;
    freed.expect("expected a place that is free again");
    drop(deaf);
}
