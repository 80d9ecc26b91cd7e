//! A proxy before the server that the server was not told of.

use crate::end_user::http;
use crate::installation::{Installation, Setup};

/// The operator hears of it once, not with every request.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_nobody_named_is_told_once() {
    const TOLD: &str = "--proxies";
    for (proxies, expected) in [("0", 1), ("1", 0)] {
        let installation = Installation::start_with(Setup {
            log: "warn",
            serve: ["--proxies", proxies].map(str::to_owned).to_vec(),
            ..Setup::default()
        });
        let url = format!("{}/api/v3/clients/me", installation.server(0).url);
        let told = || {
            let log = std::fs::read_to_string(installation.path("server.log")).unwrap();
            log.lines().filter(|line| line.contains(TOLD)).count()
        };
        http().get(&url).bearer_auth("x").send().await.unwrap();
        assert_eq!(told(), 0, "no proxy, --proxies {proxies}");
        for _ in 0..3 {
            let request = http().get(&url).bearer_auth("x");
            let request = request.header("x-forwarded-for", "192.0.2.1");
            request.send().await.unwrap();
        }
        assert_eq!(told(), expected, "--proxies {proxies}");
    }
}
