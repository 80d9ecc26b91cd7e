//! What a device believes of a customer's backend: the key that it pins, which nothing but the user's
//! word makes none; and that a cipher text is the one that it asked for.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::installation::{Installation, error_in, expect_success};

/// A customer's backend that answers everything alike.
fn answering(status: &'static str, body: impl Into<String>) -> String {
    let body = body.into();
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

/// What the customer's backend has of the client's cipher texts.
async fn stored(installation: &Installation, query: &str) -> Value {
    let text = fs::read_to_string(installation.path("phone/profile.toml")).unwrap();
    let profile: toml::Table = text.parse().unwrap();
    let field = |name: &str| profile[name].as_str().unwrap();
    let (base, client) = (installation.custodian_url(), field("client_id"));
    let url = format!("{base}/app/clients/{client}/cipher-texts/PASSWORD{query}");
    let request = reqwest::Client::new().get(url);
    let sent = request.bearer_auth(field("custodian_token")).send();
    sent.await.unwrap().json().await.unwrap()
}

/// A backend gives the text of a former backup, or says of one text what is true of another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cipher_text_of_another_pair_is_not_taken_for_the_one_asked_for() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let installation = Installation::start();
    fs::write(installation.path("password"), "correct horse").unwrap();
    let by_password = ["--password-file", "password"];
    installation.client("phone", &["create"]);
    installation.wallet("phone", &["create"]);
    let back_up = [&["backup"], &by_password[..]].concat();
    let former = installation.wallet("phone", &back_up);
    let former = former["backupSharePairIds"][0].as_str().unwrap();
    let former = stored(&installation, &format!("?backupSharePairId={former}")).await;
    installation.wallet("phone", &back_up);
    let right = stored(&installation, "").await;
    let with = |field: &str, value: &Value| {
        let mut answer = right.clone();
        answer[field] = value.clone();
        answer
    };
    let check = |answer: &Value| {
        let base = answering("200 OK", answer.to_string());
        let check = [&["check-backup", "--custodian", &base], &by_password[..]].concat();
        installation.wallet_command("phone", &check)
    };
    let id = former["backupSharePairIds"]["secp256k1"].as_str().unwrap();
    for (what, answer, seen) in [
        ("the former backup's", former.clone(), id),
        (
            "of that, as if of this",
            with("cipherText", &former["cipherText"]),
            id,
        ),
        (
            "as if of the former",
            with("backupSharePairIds", &former["backupSharePairIds"]),
            id,
        ),
        (
            "as if by another method",
            with("backupMethod", &json!("GDRIVE")),
            "got that of the GDRIVE backup",
        ),
    ] {
        let output = check(&answer)
            .arg("--json")
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert!(!output.status.success(), "{what}");
        let told = error_in(&String::from_utf8(output.stderr).unwrap());
        assert_eq!(told["id"], "BACKUP_SHARE_MISMATCH", "{what}: {told}");
        let detail = told["detail"].as_str().unwrap();
        let mut asked = right["backupSharePairIds"].as_object().unwrap().values();
        let names = |id: &Value| detail.contains(&format!("backup {}", id.as_str().unwrap()));
        assert!(asked.any(names), "{what}: {detail}");
        assert!(detail.contains(seen), "{what}: {detail}");
    }
    expect_success(check(&right));
}
