//! What AWS's errors mean, each from a stand-in: moto gives few of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_config::BehaviorVersion;
use aws_config::Region;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use portal_store::kms::{AwsKms, AwsKmsError, Kms as _, KmsError, WrappedKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::aws::loader;
use super::{context, error_of, key, kind};

const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/0000";

/// An AWS that describes its key rightly, and answers everything else as it is told.
struct Standin {
    url: String,
    state: Arc<Told>,
    server: tokio::task::JoinHandle<()>,
}

struct Told {
    /// None: never.
    answer: Mutex<Option<(u16, Value)>>,
    calls: AtomicUsize,
}

impl Standin {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Told {
            answer: Mutex::new(None),
            calls: AtomicUsize::new(0),
        });
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&state));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, state, server }
    }

    async fn kms(&self) -> AwsKms {
        let kms = AwsKms::with_loader(ARN, Some(&self.url), loader()).await;
        kms.unwrap()
    }

    fn tell(&self, status: u16, body: Value) {
        *self.state.answer.lock().unwrap() = Some((status, body));
    }

    fn calls(&self) -> usize {
        self.state.calls.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(told): State<Arc<Told>>, request: Request) -> Response<Body> {
    let target = request.headers()["x-amz-target"].clone();
    let body = to_bytes(request.into_body(), 65_536).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["KeyId"], ARN);
    if target == "TrentService.DescribeKey" {
        let metadata = json!({"KeyMetadata": {
            "KeyId": "0000", "Arn": ARN, "KeyState": "Enabled", "Enabled": true,
            "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT",
        }});
        return respond(200, &metadata);
    }
    assert_eq!(
        body["EncryptionContext"],
        json!({"purpose": "signing share", "wallet": "w"})
    );
    assert_eq!(body["EncryptionAlgorithm"], "SYMMETRIC_DEFAULT");
    told.calls.fetch_add(1, Ordering::Relaxed);
    let answer = told.answer.lock().unwrap().clone();
    match answer {
        Some((status, body)) => respond(status, &body),
        None => std::future::pending().await,
    }
}

fn respond(status: u16, body: &Value) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.1")
        .body(Body::from(body.to_string()))
        .unwrap()
}

fn wrapped() -> WrappedKey {
    WrappedKey {
        key_id: format!("aws:{ARN}"),
        bytes: vec![7; 100],
    }
}

#[tokio::test]
async fn every_error_has_its_meaning() {
    let aws = Standin::start().await;
    let kms = aws.kms().await;
    for (expected, status, code) in [
        ("forbidden", 400, "AccessDeniedException"),
        ("forbidden", 400, "UnrecognizedClientException"),
        ("forbidden", 400, "ExpiredTokenException"),
        ("forbidden", 403, "InvalidSignatureException"),
        ("refused", 400, "InvalidCiphertextException"),
        ("refused", 400, "IncorrectKeyException"),
        ("unknown", 400, "NotFoundException"),
        ("unknown", 400, "DisabledException"),
        ("unknown", 400, "KMSInvalidStateException"),
        ("unknown", 400, "InvalidKeyUsageException"),
        ("malformed", 400, "ValidationException"),
        ("malformed", 404, "UnknownOperationException"),
        ("malformed", 400, ""),
    ] {
        aws.tell(
            status,
            json!({"__type": code, "message": "planted in a message"}),
        );
        for error in [
            error_of(kms.wrap(&key(1), &context("w")).await),
            error_of(kms.unwrap(&wrapped(), &context("w")).await),
        ] {
            let text = format!("{error} {error:?}");
            assert_eq!(kind(&error), expected, "{code}: {text}");
            // Only AWS's reason for denying access is passed on: it names caller and action.
            assert_eq!(
                text.contains("planted"),
                code == "AccessDeniedException",
                "{code}: {text}"
            );
        }
        assert_eq!(aws.calls(), 2, "{code}: none of these is tried again");
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_three_times() {
    let aws = Standin::start().await;
    let kms = aws.kms().await;
    for (status, code) in [(400, "ThrottlingException"), (500, "KMSInternalException")] {
        aws.tell(status, json!({"__type": code}));
        let error = error_of(kms.unwrap(&wrapped(), &context("w")).await);
        assert_eq!(kind(&error), "unavailable", "{code}: {error:?}");
        assert_eq!(aws.calls(), 3, "{code}");
    }
}

#[tokio::test]
async fn what_is_not_aws_s_answer_is_not_taken_for_one() {
    let aws = Standin::start().await;
    let kms = aws.kms().await;
    let other = ARN.replace("0000", "0001");
    for body in [
        json!({}),
        json!({"KeyId": ARN}),
        json!({"KeyId": ARN, "CiphertextBlob": "", "Plaintext": ""}),
        json!({"KeyId": ARN, "CiphertextBlob": "A".repeat(8_192), "Plaintext": "A".repeat(40)}),
        json!({"KeyId": other, "CiphertextBlob": "QUJD", "Plaintext": format!("{}A=", "A".repeat(42))}),
        json!({"CiphertextBlob": "QUJD", "Plaintext": format!("{}A=", "A".repeat(42))}),
    ] {
        aws.tell(200, body.clone());
        for error in [
            error_of(kms.wrap(&key(1), &context("w")).await),
            error_of(kms.unwrap(&wrapped(), &context("w")).await),
        ] {
            assert_eq!(kind(&error), "malformed", "{body}: {error:?}");
        }
    }
    // The same with the right key's ARN is taken.
    aws.tell(
        200,
        json!({"KeyId": ARN, "Plaintext": format!("{}A=", "A".repeat(42))}),
    );
    let opened = kms.unwrap(&wrapped(), &context("w")).await.unwrap();
    assert_eq!(opened.expose(), &[0; 32]);
}

/// What cannot be AWS's is not sent there.
#[tokio::test]
async fn nonsense_is_refused_without_a_call() {
    let aws = Standin::start().await;
    let kms = aws.kms().await;
    aws.tell(400, json!({"__type": "AccessDeniedException"}));
    for bytes in [Vec::new(), vec![7; 4_097]] {
        let changed = WrappedKey { bytes, ..wrapped() };
        let error = error_of(kms.unwrap(&changed, &context("w")).await);
        assert_eq!(kind(&error), "refused", "{error:?}");
    }
    for key_id in [
        String::new(),
        ARN.to_owned(),
        format!(" aws:{ARN}"),
        format!("aws:{ARN} "),
        format!("aws:{ARN}/1"),
        format!("aws:{}", ARN.trim_end_matches('0')),
        format!("aws:{}", ARN.replace("1111", "2222")),
        format!("aws:{}", ARN.replace(":key/", ":alias/")),
        "aws:alias/portal".to_owned(),
    ] {
        let moved = WrappedKey {
            key_id: key_id.clone(),
            ..wrapped()
        };
        let error = error_of(kms.unwrap(&moved, &context("w")).await);
        assert_eq!(kind(&error), "unknown", "{key_id}: {error:?}");
    }
    assert_eq!(aws.calls(), 0);
}

#[tokio::test]
async fn an_aws_that_is_not_there_is_unavailable() {
    // Bound and let go: nobody listens there.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = error_of(AwsKms::with_loader(ARN, Some(&url), loader()).await);
    assert!(
        matches!(error, AwsKmsError::Kms(KmsError::Unavailable { .. })),
        "{error:?}"
    );
}

/// The clock jumps where nothing else can happen: this takes no five seconds.
#[tokio::test]
async fn an_aws_that_does_not_answer_is_unavailable() {
    let aws = Standin::start().await;
    let kms = aws.kms().await;
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    let error = error_of(kms.unwrap(&wrapped(), &context("w")).await);
    assert_eq!(kind(&error), "unavailable", "{error:?}");
    let waited = before.elapsed().as_secs_f64();
    assert!((4.9..5.5).contains(&waited), "waited {waited} s");
}

#[tokio::test]
async fn without_credentials_the_error_says_so() {
    let aws = Standin::start().await;
    let bare = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .no_credentials();
    let error = error_of(AwsKms::with_loader(ARN, Some(&aws.url), bare).await);
    assert!(
        matches!(&error, AwsKmsError::Kms(KmsError::Unavailable { problem })
            if problem.contains("credentials")),
        "{error:?}"
    );
}
