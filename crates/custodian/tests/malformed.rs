//! What is no proper request.

use portal_api::limits::BODY_BYTES;
use portal_lifecycle::ErrorId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::backend::{Backend, SECRET, cipher_texts_path, client, pair, problem, share_of};
use crate::sealed_only::{BACKEND_SECRET, sealed};

/// Stands wherever a caller might put a share by mistake.
const MARK: &str = "leaked-7f3a";

fn share_without(field: &str, instead: Option<Value>) -> Vec<u8> {
    let mut body = serde_json::to_value(share_of(client(1), 1, MARK)).expect("JSON");
    let fields = body.as_object_mut().expect("an object");
    fields.remove(field);
    if let Some(value) = instead {
        fields.insert(field.to_owned(), value);
    }
    serde_json::to_vec(&body).expect("JSON")
}

#[tokio::test]
async fn a_problem_names_the_field_and_repeats_no_value() {
    let backend = Backend::start().await;
    let marked = || Some(json!(MARK));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (share_without("share", None), "the field share is missing"),
        (
            share_without("share", Some(json!([MARK]))),
            "the field share is not",
        ),
        (share_without("curve", marked()), "the field curve is not"),
        (
            share_without("clientId", marked()),
            "the field clientId is not",
        ),
        (
            share_without("backupMethod", marked()),
            "the field backupMethod is not",
        ),
        (
            share_without("generation", marked()),
            "the field generation is not",
        ),
        (
            share_without("generation", Some(json!(-1))),
            "the field generation is not",
        ),
        (
            format!("[\"{MARK}\"]").into_bytes(),
            "the body is not an object",
        ),
        (
            format!("\"{MARK}\"").into_bytes(),
            "the body is not an object",
        ),
        (
            format!("{{\"share\": \"{MARK}").into_bytes(),
            "the body is not JSON from line 1",
        ),
        (
            format!("{{\"share\": {MARK}}}").into_bytes(),
            "the body is not JSON from line 1",
        ),
        (
            b"{\"share\": \"\xff\"}".to_vec(),
            "the body is not JSON from line 1",
        ),
        (
            [share_without("", None), MARK.into()].concat(),
            "the body is not JSON",
        ),
        (Vec::new(), "the body is not JSON from line 1"),
    ];
    for (body, expected) in cases {
        let sent = String::from_utf8_lossy(&body).into_owned();
        let answer = backend.post("/backup", body).await;
        let told = problem(answer, 400, ErrorId::BadRequest).await.detail;
        assert!(
            told.starts_with(expected),
            "for {sent}: expected {expected:?}, got {told:?}"
        );
        assert!(!told.contains(MARK), "for {sent}: {told}");
    }
}

#[tokio::test]
async fn names_that_are_not_known_are_not_repeated_either() {
    let backend = Backend::start().await;
    let ids = json!({"secp256k1": pair(1), "ed25519": pair(2)});
    let cases = [
        (
            json!({"backupSharePairIds": ids, "cipherText": "x", MARK: 1}),
            "the body has a field that is not known",
        ),
        (
            json!({"backupSharePairIds": {"secp256k1": pair(1)}, "cipherText": "x"}),
            "the field backupSharePairIds.ed25519 is missing",
        ),
        (
            json!({"backupSharePairIds": {"secp256k1": MARK}, "cipherText": "x"}),
            "the field backupSharePairIds.secp256k1 is not of the expected form",
        ),
    ];
    for (body, expected) in cases {
        let answer = backend
            .app(client(1), Method::PUT, client(1))
            .json(&body)
            .send()
            .await
            .expect("an answer");
        let told = problem(answer, 400, ErrorId::BadRequest).await.detail;
        assert_eq!(told, expected, "for {body}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let backend = Backend::start().await;
    let mut body = serde_json::to_vec(&share_of(client(1), 1, "text")).expect("JSON");
    body.resize(BODY_BYTES, b' ');
    let at_limit = backend.post("/backup", body.clone()).await;
    assert_eq!(
        at_limit.status().as_u16(),
        200,
        "white space up to the limit"
    );
    body.push(b' ');
    let over = backend.post("/backup", body).await;
    problem(over, 413, ErrorId::PayloadTooLarge).await;
}

#[tokio::test]
async fn a_body_may_be_as_large_as_its_receiver_says() {
    let dir = std::sync::Arc::new(tempfile::tempdir().expect("a directory"));
    let backend = Backend::start_with(dir, |store, tokens, secret| {
        let receiver = portal_custodian::Receiver::builder(store, secret).app_auth(tokens);
        let receiver = receiver.plain_backups(true);
        receiver.body_bytes(2 * BODY_BYTES).build()
    });
    let backend = backend.await;
    let mut body = serde_json::to_vec(&share_of(client(1), 1, "text")).expect("JSON");
    body.resize(2 * BODY_BYTES, b' ');
    let at_limit = backend.post("/backup", body.clone()).await;
    assert_eq!(at_limit.status().as_u16(), 200);
    body.push(b' ');
    let over = backend.post("/backup", body).await;
    problem(over, 413, ErrorId::PayloadTooLarge).await;
}

#[tokio::test]
async fn a_body_that_does_not_say_it_is_json_is_refused() {
    let backend = Backend::start().await;
    let call = |media_type: &'static str| {
        backend
            .request(Method::POST, "/backup/fetch")
            .header("x-webhook-secret", SECRET)
            .header("content-type", media_type)
            .body(format!(r#"{{"clientId":"{}"}}"#, client(1)))
            .send()
    };
    let plain = call("text/plain").await.expect("an answer");
    problem(plain, 415, ErrorId::BadRequest).await;
    let json = call("Application/JSON; charset=utf-8").await;
    assert_eq!(json.expect("an answer").status().as_u16(), 200);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let backend = Backend::start().await;
    for path in ["/", "/backups", "/app/clients", "/backup/fetch/more"] {
        let answer = backend.request(Method::GET, path).send().await;
        problem(answer.expect("an answer"), 404, ErrorId::NotFound).await;
    }
    for (method, path, allowed) in [
        (Method::GET, "/backup", "POST"),
        (Method::DELETE, "/backup/fetch", "POST"),
        (Method::POST, "/live", "GET,HEAD"),
        (
            Method::DELETE,
            "/app/clients/x/cipher-texts/PASSWORD",
            "PUT,GET,HEAD",
        ),
    ] {
        let answer = backend
            .request(method, path)
            .send()
            .await
            .expect("an answer");
        let allow = answer.headers().get("allow").cloned();
        problem(answer, 405, ErrorId::BadRequest).await;
        assert_eq!(allow.expect("an allow header"), allowed, "for {path}");
    }
}

/// No id, and bytes that are not even text.
#[tokio::test]
async fn paths_and_queries_that_name_nothing_are_problems_too() {
    let backend = sealed(false).await;
    let app = backend.tokens.mint(client(1));
    for id in ["x", "%ff"] {
        let recoveries = format!("/backend/clients/{id}/recoveries");
        let recovery = format!("/app/clients/{id}/recovery");
        let texts = format!("/app/clients/{id}/cipher-texts/PASSWORD");
        let own = cipher_texts_path(client(1));
        let query = format!("{own}?backupSharePairId={id}");
        for (path, secret, methods, status, expected) in [
            (
                &recoveries,
                BACKEND_SECRET,
                "POST GET DELETE",
                400,
                ErrorId::BadRequest,
            ),
            (
                &recoveries,
                app.expose(),
                "POST GET DELETE",
                401,
                ErrorId::AuthFailed,
            ),
            (
                &recovery,
                app.expose(),
                "GET DELETE",
                403,
                ErrorId::RecoveryNotOpen,
            ),
            (&texts, app.expose(), "GET PUT", 404, ErrorId::NotFound),
            (&query, app.expose(), "GET", 400, ErrorId::BadRequest),
        ] {
            for method in methods.split(' ') {
                let method = method.parse().expect("a method");
                let call = backend.request(method, path).bearer_auth(secret);
                let answer = call.json(&json!({})).send().await.expect("an answer");
                problem(answer, status, expected).await;
            }
        }
    }
}
