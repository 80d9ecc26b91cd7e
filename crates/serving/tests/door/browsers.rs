//! What browsers and caches are told.

use portal_serving::{ConnectionLimits, Door, Origins};

use crate::service::{GET, ask, connect, limited, serve};

const OURS: &str = "https://app.example.com";

fn preflight(origin: &str) -> String {
    format!(
        "OPTIONS /hello HTTP/1.1\r\nhost: x\r\norigin: {origin}\r\n\
         access-control-request-method: GET\r\n\
         access-control-request-headers: authorization\r\n\r\n"
    )
}

#[tokio::test]
async fn no_page_may_call_unless_its_origin_is_listed() {
    let closed = serve(limited(ConnectionLimits::default())).await;
    let told = ask(&mut connect(&closed).await, &preflight(OURS)).await;
    assert!(!told.contains("access-control-allow"), "{told}");

    let listed = serve(Door {
        origins: Origins::parse(&[OURS]).unwrap(),
        ..Door::default()
    });
    let listed = listed.await;
    let told = ask(&mut connect(&listed).await, &preflight(OURS)).await;
    assert!(
        told.contains("access-control-allow-origin: https://app.example.com\r\n"),
        "{told}"
    );
    assert!(told.contains("authorization"), "{told}");
    assert!(!told.contains("access-control-allow-credentials"), "{told}");
    for stranger in [
        "https://evil.example",
        "https://app.example.com.evil.example",
        "null",
    ] {
        let told = ask(&mut connect(&listed).await, &preflight(stranger)).await;
        assert!(!told.contains("access-control-allow-origin"), "{told}");
    }
}

#[tokio::test]
async fn nothing_is_kept_or_guessed_at_on_the_way() {
    let served = serve(limited(ConnectionLimits::default())).await;
    for request in [GET, "GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let told = ask(&mut connect(&served).await, request).await;
        assert!(told.contains("cache-control: no-store\r\n"), "{told}");
        assert!(
            told.contains("x-content-type-options: nosniff\r\n"),
            "{told}"
        );
        assert!(
            !told.contains("strict-transport-security"),
            "over plain HTTP: {told}"
        );
    }
}
