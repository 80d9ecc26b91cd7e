//! An older copy of the server's database, put in its place: no wallet is lost (P3, E20).

use std::fs;
use std::path::Path;

use portal_api::rest::ClientState;
use portal_api::session::{Operation, Wanted};
use portal_lifecycle::{Curve, ErrorId};
use portal_store::conformance::postgres_cluster::Cluster;
use serde_json::{Value, json};

use crate::end_user::http;
use crate::installation::{Installation, Setup, expect_success};
use crate::raw::Raw;
use crate::signing::{SIGN_EVM, addresses};

/// Copies the stopped server's database, or puts the copy in its place.
type Step = fn(&mut Installation);

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_loses_no_wallet_on_sqlite() {
    let keep: Step = |installation| copy_database(installation, "server", "kept");
    let put_back: Step = |installation| copy_database(installation, "kept", "server");
    an_older_copy_loses_no_wallet(Setup::default(), keep, put_back).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_loses_no_wallet_on_postgres() {
    let setup = Setup {
        database: Some(Cluster::shared().database()),
        ..Setup::default()
    };
    let keep: Step = |installation| {
        let name = database_name(installation);
        let _ = Cluster::shared().copy(&name, &format!("{name}_kept"));
    };
    let put_back: Step = |installation| {
        let kept = format!("{}_kept", database_name(installation));
        installation.use_database(Cluster::shared().url(&kept));
    };
    an_older_copy_loses_no_wallet(setup, keep, put_back).await;
}

async fn an_older_copy_loses_no_wallet(setup: Setup, keep: Step, put_back: Step) {
    let mut installation = Installation::start_with(setup);
    let backup = ["backup", "--folder", "drive"];
    let recover = ["recover", "--folder", "drive"];
    // What they will do after the copy was made.
    for user in ["idle", "refreshes", "recovers", "backs-up"] {
        installation.client(user, &["create"]);
        installation.wallet(user, &["create"]);
        if user != "backs-up" {
            installation.wallet(user, &backup);
        }
    }
    let first =
        ["idle", "refreshes", "recovers", "backs-up"].map(|user| addresses(&installation, user));

    let client = state(&installation, "recovers").await.id.to_string();
    let login = ["login", "--client", &client];

    installation.stop_server(0);
    keep(&mut installation);
    installation.start_server(0);
    installation.client("tablet", &login);
    installation.wallet("refreshes", &["refresh"]);
    installation.wallet("tablet", &recover);
    installation.wallet("tablet", &["refresh"]);
    installation.wallet("backs-up", &backup);

    installation.stop_server(0);
    put_back(&mut installation);
    assert_eq!(restore_check(&installation, &[]), counts(0));
    installation.start_server(0);

    let idle = state(&installation, "idle").await;
    assert!(!idle.is_proved, "expected that it must prove itself");
    assert_eq!(
        sign_as_it_was(&installation, "idle", &idle).await,
        ErrorId::StateInvalid
    );
    assert_eq!(restore_check(&installation, &["--dry-run"]), counts(0));
    // An app that starts proves it by itself.
    assert_eq!(addresses(&installation, "idle"), first[0]);
    assert_eq!(restore_check(&installation, &["--dry-run"]), counts(1));
    assert!(state(&installation, "idle").await.is_proved);

    // The device has the copy's pair as well as the newer one, which nobody else knows now.
    assert_eq!(addresses(&installation, "refreshes"), first[1]);
    installation.wallet("refreshes", &["refresh"]);
    assert_eq!(addresses(&installation, "refreshes"), first[1]);

    // The tablet's session is younger than the copy; a new one takes its place.
    assert_eq!(
        installation.wallet_refusal("tablet", &SIGN_EVM),
        "AUTH_FAILED"
    );
    installation.client("tablet", &login);

    // The tablet has newer pairs only; the phone has the copy's.
    let refused = installation.wallet_refusal("tablet", &SIGN_EVM);
    assert_eq!(refused, "SIGNING_SHARE_SUPERSEDED");
    assert_eq!(addresses(&installation, "recovers"), first[2]);
    installation.wallet("tablet", &recover);
    assert_eq!(addresses(&installation, "tablet"), first[2]);
    assert_eq!(
        installation.wallet_refusal("recovers", &SIGN_EVM),
        "SIGNING_SHARE_SUPERSEDED"
    );

    // The backup that was made after the copy is not known any more; nobody is told otherwise.
    assert!(!state(&installation, "backs-up").await.is_backed_up);
    assert_eq!(addresses(&installation, "backs-up"), first[3]);
    installation.wallet("backs-up", &backup);
    assert_eq!(
        restore_check(&installation, &["--dry-run"]),
        json!({ "wallets": 4, "proved": 4, "backedUp": 4 })
    );
    installation.client("other-tablet", &login);
    installation.wallet("other-tablet", &recover);
    assert_eq!(addresses(&installation, "other-tablet"), first[2]);
}

/// Of the four wallets of which three were backed up when the copy was made.
fn counts(proved: u64) -> Value {
    json!({ "wallets": 4, "proved": proved, "backedUp": 3 })
}

fn restore_check(installation: &Installation, arguments: &[&str]) -> Value {
    let mut command = installation.operator(&["restore-check"]);
    command.args(arguments);
    expect_success(command)
}

/// What the server says of a client, without the SDK, which would prove the wallet.
async fn state(installation: &Installation, device: &str) -> ClientState {
    let url = format!("{}/api/v3/clients/me", installation.server(0).url);
    let request = http().get(url);
    let answer = request.bearer_auth(token(installation, device)).send();
    answer.await.unwrap().json().await.unwrap()
}

fn token(installation: &Installation, device: &str) -> String {
    let path = installation.path(device).join("profile.toml");
    let profile: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
    profile["client_token"].as_str().unwrap().to_owned()
}

/// Asks for a signature with the pair in force, as a device would that has not heard of it.
async fn sign_as_it_was(installation: &Installation, device: &str, state: &ClientState) -> ErrorId {
    let wallet = state
        .wallets
        .iter()
        .find(|wallet| wallet.curve == Curve::Ed25519);
    let pair = wallet.unwrap().signing_share_pairs.last().unwrap();
    let server = &installation.server(0).url;
    let mut raw = Raw::open(server, &token(installation, device)).await;
    raw.start(Operation::Sign {
        curve: Curve::Ed25519,
        signing_share_pair_id: pair.id,
        wanted: Wanted::raw(b"hello"),
    })
    .await;
    raw.hear_problem().await.id
}

/// The database's files alone: the key file stays where it is.
fn copy_database(installation: &Installation, from: &str, to: &str) {
    let (from, to) = (installation.path(from), installation.path(to));
    let files = |directory: &Path| -> Vec<_> {
        let entries = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let is_database = |path: &std::path::PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with("portal.db")
        };
        entries.filter(is_database).collect()
    };
    fs::create_dir_all(&to).unwrap();
    for file in files(&to) {
        fs::remove_file(file).unwrap();
    }
    for file in files(&from) {
        fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

fn database_name(installation: &Installation) -> String {
    let url = installation.database().unwrap().parse::<reqwest::Url>();
    url.unwrap().path().trim_start_matches('/').to_owned()
}
