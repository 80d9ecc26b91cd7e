//! Which keys a database is under: drawn once, the same on every server, moved from one KMS to
//! another.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use portal_store::conformance::postgres_cluster::Cluster;

use crate::installation::{expect_success, portal};
use crate::transit::{Expected, TOKEN, Transit};

const MANAGED: [&str; 4] = ["--backup-mode", "managed", "--backup-kms", "file"];
/// Opens the database, and changes nothing else.
const LOOKS: [&str; 2] = ["restore-check", "--dry-run"];
const KEY: &str = "portal.key";
const BACKUP_KEY: &str = "portal-backup.key";

/// What an operator runs for the server of that name.
fn operator(root: &Path, server: &str, command: &[&str]) -> Command {
    let mut portal = portal(root);
    portal.args(command).args(["--data", server]);
    portal.env("PORTAL_LOG", "warn");
    portal.stdout(Stdio::piped()).stderr(Stdio::piped());
    portal
}

/// What is told instead of running it.
fn refusal(mut command: Command) -> String {
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{command:?}: {told}");
    told
}

#[test]
fn of_servers_that_start_at_once_one_has_the_databases_keys() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let database = Cluster::shared().database();
    let on_it = |server: &str, command: &[&str]| {
        let mut command = operator(root, server, command);
        command.args(["--database", &database]);
        command
    };
    let create = |server: &str| {
        let mut create = on_it(server, &["custodian", "create", "--name", server]);
        create.args(MANAGED);
        create
    };
    let servers = ["one", "other", "third"];
    let started = servers.map(|server| create(server).spawn().unwrap());
    let mut ended = started.map(|child| child.wait_with_output().unwrap());
    let won = ended.each_ref().map(|ended| ended.status.success());
    let winner = won.iter().position(|won| *won);
    let winner = winner.unwrap_or_else(|| panic!("expected that one has it, seen {ended:?}"));
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{ended:?}");
    ended.swap(0, winner);
    for ended in &ended[1..] {
        let told = String::from_utf8_lossy(&ended.stderr);
        // It was too late with the key that it drew, or saw before that it must draw none: of the
        // one, or with that one drawn of the other.
        let says_why = [
            ("secrets do not open with this KMS", KEY),
            ("secrets are under a key", KEY),
            ("managed backups are under a key", BACKUP_KEY),
        ];
        let mut says_why = says_why.into_iter();
        let is_told = says_why.any(|(why, key)| told.contains(why) && told.contains(key));
        assert!(is_told, "seen {told}");
    }
    let (winner, late) = (servers[winner], servers[usize::from(winner == 0)]);

    // With the winner's key, and a backup key of its own.
    let copy = |key: &str| {
        fs::copy(root.join(winner).join(key), root.join(late).join(key)).unwrap();
    };
    copy(KEY);
    fs::write(root.join(late).join(BACKUP_KEY), hex::encode([7; 32])).unwrap();
    for command in [create(late), on_it(late, &LOOKS)] {
        let told = refusal(command);
        let says_why = told.contains("managed backups do not open with this KMS");
        assert!(says_why && told.contains(BACKUP_KEY), "seen {told}");
    }
    for key in [KEY, BACKUP_KEY] {
        let path = root.join(late).join(key);
        fs::remove_file(&path).unwrap();
        let told = refusal(on_it(late, &LOOKS));
        assert!(told.contains("is not there"), "{key}: seen {told}");
        assert!(!path.exists(), "{key}: none is drawn that opens nothing");
        copy(key);
    }
    expect_success(on_it(late, &LOOKS));
    expect_success(create(late));
}

/// Also one that holds nothing yet.
#[test]
fn a_database_without_its_key_is_not_given_a_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let key = root.join("server").join(KEY);
    expect_success(operator(root, "server", &LOOKS));
    fs::remove_file(&key).unwrap();
    let told = refusal(operator(root, "server", &LOOKS));
    assert!(
        told.contains("is not there") && told.contains(KEY),
        "seen {told}"
    );
    assert!(!key.exists(), "none is drawn that opens nothing");
}

/// A customer in managed mode makes the KMS that is named then the one of all servers, before there
/// is a backup.
#[test]
fn turning_managed_mode_on_says_whose_key_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let backup_key = root.join("server").join(BACKUP_KEY);
    let replace_key = || fs::write(&backup_key, hex::encode([7; 32])).unwrap();
    expect_success(operator(root, "server", &LOOKS));
    // Nobody keeps a backup yet: any key will do.
    replace_key();
    expect_success(operator(root, "server", &LOOKS));
    fs::remove_file(&backup_key).unwrap();
    let mut create = operator(root, "server", &["custodian", "create", "--name", "Solo"]);
    create.args(["--backup-mode", "managed"]);
    expect_success(create);
    replace_key();
    let told = refusal(operator(root, "server", &LOOKS));
    let says_why = told.contains("managed backups do not open with this KMS");
    assert!(says_why, "seen {told}");
}

/// What either KMS wrapped is moved by itself: no key file is asked for where there never was one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_key_is_moved_from_its_file_alone() {
    let vault = Transit::start(Expected {
        base: "",
        mount: "transit",
        key: "portal",
        namespace: None,
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let with = |command: &[&str], kms: &[&str]| {
        let mut command = operator(root, "server", command);
        command.args(["--kms", "vault:transit/portal"]).args(kms);
        command
            .env("VAULT_ADDR", &vault.url)
            .env("VAULT_TOKEN", TOKEN);
        command
    };
    let create = ["custodian", "create", "--name", "Solo"];
    expect_success(with(&create, &MANAGED));
    let (key, backup_key) = (
        root.join("server/portal.key"),
        root.join("server").join(BACKUP_KEY),
    );
    assert!(!key.exists() && backup_key.exists());

    let moved = ["--backup-kms", "vault:transit/portal"];
    let moving = [&moved[..], &["--former-backup-kms", "file"]].concat();
    let told = refusal(with(&LOOKS, &moved));
    assert!(told.contains("managed backups do not open"), "seen {told}");
    expect_success(with(&LOOKS, &moving));
    let rotated = expect_success(with(&["keys", "rotate"], &moving));
    assert_eq!(
        (&rotated["secrets"], &rotated["rewrapped"]),
        (&2.into(), &1.into())
    );
    let again = expect_success(with(&["keys", "rotate"], &moving));
    assert_eq!(
        (&again["secrets"], &again["rewrapped"]),
        (&2.into(), &0.into())
    );

    fs::remove_file(&backup_key).unwrap();
    expect_success(with(&LOOKS, &moved));
    assert!(!key.exists() && !backup_key.exists());
    let told = refusal(with(&LOOKS, &["--backup-kms", "file"]));
    assert!(told.contains("is not there"), "seen {told}");
    assert!(!backup_key.exists(), "none is drawn that opens nothing");
}
