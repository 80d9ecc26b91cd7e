//! The server's wrapping key replaced while everything goes on.

use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use portal_keychain::MemoryKeychain;
use serde_json::Value;

use crate::end_user::EndUser;
use crate::expect::granted;
use crate::installation::{Installation, Setup, expect_success, portal};
use crate::signing::{SIGN_EVM, addresses};

/// Wallets, and how often each is refreshed: together more secrets than are rewrapped in one
/// transaction.
const WALLETS: usize = 4;
const REFRESHES: usize = 14;
const SECRETS: u64 = (2 * WALLETS * (REFRESHES + 1)) as u64;
/// Rotations that are killed.
const KILLS: u32 = 8;

#[test]
fn a_rotation_disturbs_nobody_and_goes_on_where_it_was_killed() {
    let installation = Installation::start_with(Setup {
        log: "warn",
        ..Setup::default()
    });
    make_secrets(&installation);
    installation.client("phone", &["create"]);
    installation.wallet("phone", &["create"]);
    let before = addresses(&installation, "phone");
    let key_file = installation.path("server/portal.key");
    let old_key = fs::read_to_string(&key_file).unwrap();
    assert_eq!(old_key.lines().count(), 1);

    let over = AtomicBool::new(false);
    let signatures = AtomicUsize::new(0);
    let (signed_at, rotated) = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // Fails the test where it does not succeed.
                installation.wallet("phone", &SIGN_EVM);
                signatures.fetch_add(1, Ordering::Relaxed);
            }
        });
        let rotated = std::panic::catch_unwind(|| rotate_through_kills(&installation));
        over.store(true, Ordering::Relaxed);
        (signatures.load(Ordering::Relaxed), rotated)
    });
    let rotated = rotated.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    assert!(signed_at > 0, "expected signatures during the rotation");
    let forgot = rotate(&installation, &["--forget", "--settle-s", "1"]);
    assert_eq!(forgot["rewrapped"], 0, "{rotated} was the last of it");

    let new_key = fs::read_to_string(&key_file).unwrap();
    assert_eq!(new_key.lines().count(), 1, "the former keys are gone");
    assert_ne!(new_key, old_key);
    assert_eq!(addresses(&installation, "phone"), before);
    the_old_key_opens_nothing(installation, &old_key, &new_key, &before);
}

/// What wraps managed backups is not left behind on one machine, nor drawn by each.
#[test]
fn who_wraps_managed_backups_is_said_where_a_key_file_would_be_one_machines() {
    let directory = tempfile::tempdir().unwrap();
    let environment = "019a0000-0000-7000-8000-000000000000";
    let moved = ["--kms", "vault:transit/portal", "--former-kms", "file"];
    let on_no_disk = ["--kms", "vault:transit/portal", "--backup-mode", "managed"];
    let for_several = [
        "--database",
        "postgres://portal@127.0.0.1/portal",
        "--backup-mode",
        "managed",
    ];
    for (command, arguments) in [
        (&["keys", "rotate"][..], &moved[..]),
        (&["custodian", "create", "--name", "Solo"], &on_no_disk),
        (&["custodian", "create", "--name", "Solo"], &for_several),
        (
            &["custodian", "backup-mode", "--environment", environment],
            &for_several,
        ),
    ] {
        let mut refused = portal(directory.path());
        refused.args(command).args(["--data", "server"]);
        let output = refused.args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        let asks = error.contains("expected --backup-kms");
        assert!(asks, "{command:?} {arguments:?}: {error}");
        assert!(
            !directory.path().join("server").exists(),
            "{command:?}: nothing is made"
        );
    }
}

/// Kills rotations after ever longer times, then lets one finish.
fn rotate_through_kills(installation: &Installation) -> Value {
    let begun = Instant::now();
    rotate(installation, &["--new-key"]);
    let whole = begun.elapsed();
    for kill in 1..=KILLS {
        let mut command = installation.operator(&["keys", "rotate", "--new-key"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // Waits for nothing: it is the moment of the kill.
        std::thread::sleep(whole * kill / KILLS);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let rotated = rotate(installation, &[]);
    println!("after {KILLS} kills within {whole:?}, the last rotation: {rotated}");
    rotated
}

fn rotate(installation: &Installation, arguments: &[&str]) -> Value {
    let mut command = installation.operator(&["keys", "rotate"]);
    command.args(arguments);
    let rotated = expect_success(command);
    let secrets = rotated["secrets"].as_u64().unwrap();
    assert!(
        secrets >= SECRETS,
        "expected {SECRETS} secrets, seen {rotated}"
    );
    rotated
}

/// Signing shares of other wallets.
fn make_secrets(installation: &Installation) {
    let server = installation.server(0).url.clone();
    let api_key = fs::read_to_string(installation.path("api-key")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut wallets = tokio::task::JoinSet::new();
        for _ in 0..WALLETS {
            let (server, api_key) = (server.clone(), api_key.clone());
            wallets.spawn(async move {
                let user = EndUser::join(&server, &api_key).await;
                let device = Arc::<MemoryKeychain>::default();
                let portal = granted(user.portal(&server, &device).await, "starting the SDK");
                granted(portal.create_wallet().await, "creating a wallet");
                for _ in 0..REFRESHES {
                    granted(portal.refresh_wallet().await, "refreshing");
                }
            });
        }
        wallets.join_all().await;
    });
}

fn the_old_key_opens_nothing(
    mut installation: Installation,
    old_key: &str,
    new_key: &str,
    before: &Value,
) {
    let key_file = installation.path("server/portal.key");
    installation.stop_server(0);
    fs::write(&key_file, old_key).unwrap();
    // Not even to start: what it sealed would be of no use to anybody.
    let mut serve = installation.operator(&["serve", "--listen", "127.0.0.1:0"]);
    let refused = serve.stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "expected a refusal, seen {told}");
    assert!(told.contains("do not open with this KMS"), "seen {told}");
    // Nor is a key drawn in the place of one that is gone.
    fs::remove_file(&key_file).unwrap();
    let mut serve = installation.operator(&["serve", "--listen", "127.0.0.1:0"]);
    let refused = serve.stdin(Stdio::null()).output().unwrap();
    assert!(
        !refused.status.success(),
        "expected a refusal without a key"
    );
    assert!(!key_file.exists(), "a new key would open nothing");
    fs::write(&key_file, new_key).unwrap();
    installation.start_server(0);
    assert_eq!(addresses(&installation, "phone"), *before);
}
