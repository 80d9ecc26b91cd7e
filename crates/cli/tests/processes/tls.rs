//! A wallet over TLS, with a private authority.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use portal_keychain::MemoryKeychain;
use portal_sdk::{ErrorId, Portal};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::expect::until;
use crate::installation::{Installation, Setup, error_in, expect_success};
use crate::signing::SIGN_SOLANA;

/// Makes an authority, and has it vouch for a server on this machine; writes all that into files.
fn vouch(directory: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    for (name, text) in [
        ("ca.pem", authority.pem()),
        ("cert.pem", certificate.pem()),
        ("key.pem", key.serialize_pem()),
    ] {
        fs::write(directory.join(name), text).unwrap();
    }
}

/// Server and devices over TLS; the customer's backend is on this machine and over plain HTTP.
fn start(files: &Path) -> Installation {
    vouch(files);
    let file = |name: &str| files.join(name).to_str().unwrap().to_owned();
    let serve = [
        "--tls-cert",
        &file("cert.pem"),
        "--tls-key",
        &file("key.pem"),
    ];
    Installation::start_with(Setup {
        serve: serve.map(str::to_owned).to_vec(),
        ..Setup::default()
    })
}

#[test]
fn a_device_believes_the_authority_that_it_was_told_and_no_other() {
    let files = tempfile::tempdir().unwrap();
    let installation = start(files.path());
    let url = &installation.server(0).url;
    assert!(url.starts_with("https://"), "{url}");
    let ca = files.path().join("ca.pem");
    let ca = ca.to_str().unwrap();
    // The device keeps it in its profile.
    installation.client("phone", &["create", "--ca-file", ca]);
    installation.wallet("phone", &["create"]);
    installation.wallet("phone", &SIGN_SOLANA);

    let other = tempfile::tempdir().unwrap();
    vouch(other.path());
    let other = other.path().join("ca.pem");
    for arguments in [
        &["create"][..],
        &["create", "--ca-file", other.to_str().unwrap()],
    ] {
        let mut command = installation.client_command("stranger", arguments);
        let refused = command.arg("--json").output().unwrap();
        let told = error_in(&String::from_utf8(refused.stderr).unwrap());
        assert_eq!(told["id"], "UNAVAILABLE", "{arguments:?}: {told}");
    }
    let refused = [&["status", "--ca-file", other.to_str().unwrap()][..]].concat();
    assert_eq!(
        installation.wallet_refusal("phone", &refused),
        "UNAVAILABLE"
    );

    let profile = fs::read_to_string(installation.path("phone").join("profile.toml")).unwrap();
    let id = profile
        .lines()
        .find_map(|line| line.strip_prefix("client_id = "));
    let id = id.unwrap().trim_matches('"');
    let revoke = ["revoke", "--client", id, "--ca-file", ca];
    installation.client("phone", &revoke);
    assert_eq!(
        installation.wallet_refusal("phone", &["status"]),
        "AUTH_FAILED"
    );
}

/// Without a word of authorities, those of the machine count: for REST and for sessions alike.
#[test]
fn the_machines_authorities_vouch_for_sessions_too() {
    let files = tempfile::tempdir().unwrap();
    let installation = start(files.path());
    let ca = files.path().join("ca.pem");
    let mut create = installation.client_command("phone", &["create"]);
    create.env("SSL_CERT_FILE", &ca);
    expect_success(create);
    let mut create = installation.wallet_command("phone", &["create"]);
    create.env("SSL_CERT_FILE", &ca);
    expect_success(create);
}

/// A login that says nothing of authorities goes on with those that the device was told.
#[test]
fn a_login_keeps_the_authority_that_the_device_was_told() {
    let files = tempfile::tempdir().unwrap();
    let installation = start(files.path());
    let ca = files.path().join("ca.pem");
    let created = installation.client("phone", &["create", "--ca-file", ca.to_str().unwrap()]);
    installation.wallet("phone", &["create"]);
    let login = ["login", "--client", created["clientId"].as_str().unwrap()];
    expect_success(installation.session_command("phone", &login));
    installation.wallet("phone", &SIGN_SOLANA);
}

/// The SDK's REST calls and sessions go on through a change of certificates.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_taken_up_on_sighup() {
    let files = tempfile::tempdir().unwrap();
    let installation = start(files.path());
    let url = installation.server(0).url.clone();
    let former = fs::read(files.path().join("ca.pem")).unwrap();
    let ca = files.path().join("ca.pem");
    let created = installation.client("phone", &["create", "--ca-file", ca.to_str().unwrap()]);
    assert!(created["clientId"].is_string(), "{created}");
    let profile = fs::read_to_string(installation.path("phone").join("profile.toml")).unwrap();
    let token = profile
        .lines()
        .find_map(|line| line.strip_prefix("client_token = "));
    let token = token.unwrap().trim_matches('"').to_owned();

    let device = Arc::<MemoryKeychain>::default();
    let join = async |authority: &[u8]| {
        let builder = Portal::builder(&url, &token, Arc::clone(&device) as _);
        builder.trust_only(authority).build().await
    };
    let portal = join(&former).await.unwrap();
    portal.create_wallet().await.unwrap();

    // A bad file first: the former certificate is used on.
    fs::write(files.path().join("key.pem"), "no key").unwrap();
    installation.server(0).hang_up();
    until("a word about the bad file", async || {
        let log = fs::read_to_string(installation.path("server.log")).unwrap();
        log.contains("the former one still is").then_some(())
    })
    .await;
    join(&former).await.unwrap();

    vouch(files.path());
    let successor = fs::read(files.path().join("ca.pem")).unwrap();
    installation.server(0).hang_up();
    until("the new certificate", async || join(&successor).await.ok()).await;
    let refused = join(&former).await.err().unwrap();
    assert_eq!(refused.id(), ErrorId::Unavailable, "{refused}");
    // Nothing but TLS was changed.
    let portal = join(&successor).await.unwrap();
    portal
        .raw_sign(portal_lifecycle::Curve::Ed25519, b"hello")
        .await
        .unwrap();
}
