//! What a device pins, and that nothing but the user's word makes it pin nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use crate::installation::{Installation, error_in, expect_success};

/// A customer's backend that answers everything alike.
fn answering(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\
                 content-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

/// `portal client create`, with a customer's backend at `base`.
fn create(installation: &Installation, base: &str) -> Command {
    let mut command = installation.session_command("phone", &["create"]);
    command.env_remove("PORTAL_PLAIN_BACKUPS");
    command.args(["--custodian", base]);
    let data = installation.path("custodian");
    command.arg("--custodian-data").arg(data);
    command
}

fn is_refused(mut command: Command) -> String {
    let output = command.arg("--json").output().unwrap();
    assert!(!output.status.success(), "expected a refusal");
    let told = error_in(&String::from_utf8(output.stderr).unwrap());
    told["detail"].as_str().unwrap().to_owned()
}

#[test]
fn who_keeps_the_sealing_key_away_does_not_choose_the_mode() {
    let installation = Installation::start();
    let none = r#"{"type":"t","title":"t","status":404,"detail":"no sealing keys",
        "id":"NOT_FOUND","retryable":false,"traceId":"00000000-0000-7000-8000-000000000000"}"#;
    let without = answering("404 Not Found", none);
    for base in [
        without.clone(),
        answering("404 Not Found", ""),
        answering("500 Internal Server Error", ""),
        answering("200 OK", r#"{"keys":[]}"#),
        answering("200 OK", "no keys"),
        "http://127.0.0.1:1".to_owned(),
    ] {
        is_refused(create(&installation, &base));
        assert!(!installation.path("phone").exists(), "nothing is made");
    }
    let told = is_refused(create(&installation, &without));
    assert!(told.contains("--plain-backups"), "{told}");

    let mut plain = create(&installation, &without);
    plain.arg("--plain-backups");
    expect_success(plain);
}
