//! `portal wallet eject`, and a customer in managed mode, whose devices need no custodian.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::Value;

use crate::gate::{Gate, Loses};
use crate::installation::{Installation, error_in, expect_success, portal};
use crate::signing::{MESSAGE, SIGN_EVM, SIGN_SOLANA, addresses};
use crate::verify;

const BY_PASSWORD: [&str; 2] = ["--password-file", "password"];

/// Lets the client of a device take its keys out.
pub(crate) fn enable(installation: &Installation, device: &str) {
    let status = installation.wallet(device, &["status"]);
    let client = status["client"]["id"].as_str().unwrap();
    let wallet = status["client"]["wallets"][0]["id"].as_str().unwrap();
    let enable = ["enable-eject", "--client", client, "--wallet", wallet];
    let enabled = as_customer(installation, &enable);
    assert!(enabled["ejectableUntil"].is_string(), "{enabled}");
}

fn as_customer(installation: &Installation, arguments: &[&str]) -> Value {
    let mut command = portal(installation.root());
    command.arg("client").args(arguments);
    command.args(["--server", &installation.server(0).url]);
    command.args(["--api-key-file", "api-key"]);
    expect_success(command)
}

fn keys_in(installation: &Installation, file: &str) -> Value {
    serde_json::from_slice(&fs::read(installation.path(file)).unwrap()).unwrap()
}

/// The keys in a file are those of the addresses, and sign offline.
pub(crate) fn assert_sign(installation: &Installation, keys: &str, addresses: &Value) {
    let sign = |arguments: &[&str]| {
        let mut command = portal(installation.root());
        command
            .args(["offline-sign", "--keys", keys])
            .args(&arguments[1..]);
        expect_success(command)["signed"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let evm = addresses["eip155"]["address"].as_str().unwrap();
    let digest = verify::personal_digest(MESSAGE);
    assert_eq!(verify::evm_signer(digest, &sign(&SIGN_EVM)), evm);
    let signature: solana_signature::Signature = sign(&SIGN_SOLANA).parse().unwrap();
    let solana = addresses["solana"]["address"].as_str().unwrap();
    verify::ed25519(solana, MESSAGE.as_bytes(), signature.as_ref());
}

#[test]
fn an_ejected_wallet_is_its_owners_alone() {
    let mut installation = Installation::start();
    let made = installation.client("phone", &["create"]);
    fs::write(installation.path("password"), "correct horse").unwrap();
    installation.wallet("phone", &["create"]);
    let kept = ["--cipher-text-file", "cipher-text"];
    installation.wallet("phone", &[&["backup"][..], &BY_PASSWORD, &kept].concat());
    let before = addresses(&installation, "phone");
    let eject = ["eject", "--out", "keys.json", kept[0], kept[1]];
    let eject = [&eject[..], &BY_PASSWORD].concat();
    assert_eq!(
        installation.wallet_refusal("phone", &eject),
        "EJECT_NOT_ENABLED"
    );
    assert!(!installation.path("keys.json").exists());

    enable(&installation, "phone");
    // The keys are on the disk before the server hears of it: killed in between, it still signs.
    fs::write(installation.path("taken.json"), "another file").unwrap();
    let taken = ["eject", "--out", "taken.json", kept[0], kept[1]];
    let mut taken = installation.wallet_command("phone", &[&taken[..], &BY_PASSWORD].concat());
    let taken = taken.stderr(Stdio::null()).status().unwrap();
    assert!(
        !taken.success(),
        "a file that is no such file is left alone"
    );
    assert_eq!(
        fs::read(installation.path("taken.json")).unwrap(),
        b"another file"
    );
    assert_eq!(addresses(&installation, "phone"), before);

    for when in ["ejected", "said again"] {
        let told = installation.wallet("phone", &eject);
        assert_eq!(
            told["addresses"]["eip155"], before["eip155"]["address"],
            "{when}"
        );
    }
    assert_sign(&installation, "keys.json", &before);
    assert_eq!(
        installation.wallet_refusal("phone", &["refresh"]),
        "WALLET_EJECTED"
    );
    let recover = [&["recover"][..], &BY_PASSWORD, &kept].concat();
    assert_eq!(
        installation.wallet_refusal("phone", &recover),
        "WALLET_EJECTED"
    );
    installation.kill_and_restart_server();
    let mut sign = installation.wallet_command("phone", &SIGN_EVM);
    assert!(!sign.stderr(Stdio::null()).status().unwrap().success());

    // Portal is out of it, and the backup still is the key.
    let client = made["clientId"].as_str().unwrap();
    let mut export = portal(installation.root());
    export.args([
        "custodian",
        "export-shares",
        "--data",
        "custodian",
        "-o",
        "shares",
    ]);
    export.args(["--client", client]);
    expect_success(export);
    let mut recover = portal(installation.root());
    recover.args([
        "recover-offline",
        "--custodian-shares",
        "shares",
        "--out",
        "again.json",
    ]);
    recover.args(kept).args(BY_PASSWORD);
    expect_success(recover);
    let keys = keys_in(&installation, "keys.json");
    assert_eq!(keys, keys_in(&installation, "again.json"));
    // In another window they are given once more, should the file be lost.
    enable(&installation, "phone");
    let lost = ["eject", "--out", "lost.json", kept[0], kept[1]];
    installation.wallet("phone", &[&lost[..], &BY_PASSWORD].concat());
    assert_eq!(keys, keys_in(&installation, "lost.json"));
}

/// A device with a wallet that has a backup by password, in a window.
fn ejectable(installation: &Installation, device: &str) {
    installation.client(device, &["create"]);
    fs::write(installation.path("password"), "correct horse").unwrap();
    installation.wallet(device, &["create"]);
    installation.wallet(device, &[&["backup"][..], &BY_PASSWORD].concat());
    enable(installation, device);
}

fn is_ejected(installation: &Installation, device: &str) -> bool {
    let status = installation.wallet(device, &["status"]);
    !status["client"]["ejectedAt"].is_null()
}

/// Runs eject until it has asked for what the gate stops, and kills it there.
fn killed_at(installation: &Installation, device: &str, keys: &str, gate: &Gate) {
    let mut command = portal(installation.root());
    command
        .args(["wallet", "eject", "--out", keys])
        .args(BY_PASSWORD);
    command.args(["--server", &gate.url, "--device", device]);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    while !gate.is_closed() {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "it ended before it came there: {ended:?}");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Whenever the device dies, the keys are out before the server's share is gone, and the same
/// command finishes it.
#[test]
fn an_eject_that_is_killed_loses_nothing_and_is_finished_by_running_it_again() {
    is_killed_anywhere(&Installation::start(), |_| {});
}

#[test]
fn so_is_one_of_a_sealed_wallet() {
    let installation = Installation::start_sealed();
    is_killed_anywhere(&installation, |device| {
        let status = installation.wallet(device, &["status"]);
        let client = status["client"]["id"].as_str().unwrap();
        installation.recovery("open-recovery", client);
    });
}

/// `open` lets the client of a device have what the customer's backend keeps.
fn is_killed_anywhere(installation: &Installation, open: impl Fn(&str)) {
    const SHARE: &str = "POST /api/v3/clients/me/wallets/";
    const END: &str = "POST /api/v3/clients/me/eject ";
    for (number, (first_line, loses)) in [
        (SHARE, Loses::Request),
        (SHARE, Loses::Answer),
        (END, Loses::Request),
        (END, Loses::Answer),
    ]
    .into_iter()
    .enumerate()
    {
        let when = format!("{loses:?} of {first_line}");
        let (device, keys) = (format!("phone-{number}"), format!("keys-{number}.json"));
        ejectable(installation, &device);
        open(&device);
        let before = addresses(installation, &device);
        let gate = Gate::before(&installation.server(0).url, first_line, loses);
        killed_at(installation, &device, &keys, &gate);

        let ended = (first_line, loses) == (END, Loses::Answer);
        assert_eq!(is_ejected(installation, &device), ended, "{when}");
        let file = installation.path(&keys);
        let written = fs::read(&file).ok();
        assert_eq!(written.is_some(), first_line == END, "{when}: the file");
        if written.is_some() {
            let mode = fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{when}");
            assert_sign(installation, &keys, &before);
        }
        if !ended {
            installation.wallet(&device, &SIGN_EVM);
        }

        let eject = [&["eject", "--out", &keys][..], &BY_PASSWORD].concat();
        installation.wallet(&device, &eject);
        assert!(is_ejected(installation, &device), "{when}");
        assert_sign(installation, &keys, &before);
        if let Some(written) = written {
            assert_eq!(fs::read(&file).unwrap(), written, "{when}: the same file");
        }
        let refused = installation.wallet_refusal(&device, &SIGN_EVM);
        assert_eq!(refused, "WALLET_EJECTED", "{when}");
    }
}

/// A file of keys that is there already is told to the server only if they are this wallet's.
#[test]
fn a_file_with_another_wallets_keys_ends_nothing() {
    let installation = Installation::start();
    let client = |device| {
        let status = installation.wallet(device, &["status"]);
        status["client"]["id"].as_str().unwrap().to_owned()
    };
    for device in ["phone", "tablet"] {
        ejectable(&installation, device);
    }
    let eject = |keys| [&["eject", "--out", keys][..], &BY_PASSWORD].concat();
    installation.wallet("tablet", &eject("keys.json"));

    // Even where it says that it is this client's.
    let others = fs::read_to_string(installation.path("keys.json")).unwrap();
    let own = others.replace(&client("tablet"), &client("phone"));
    assert_ne!(own, others);
    for (name, text, id) in [
        ("others.json", &others, None),
        ("forged.json", &own, Some("BACKUP_SHARE_MISMATCH")),
    ] {
        fs::write(installation.path(name), text).unwrap();
        let mut command = installation.wallet_command("phone", &eject(name));
        let output = command
            .arg("--json")
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert!(!output.status.success(), "{name}");
        if let Some(id) = id {
            let told = error_in(&String::from_utf8(output.stderr).unwrap());
            assert_eq!(told["id"], id, "{name}");
        }
        assert!(!is_ejected(&installation, "phone"), "{name}");
        let read = fs::read_to_string(installation.path(name)).unwrap();
        assert_eq!(&read, text, "{name} is left as it is");
    }
    installation.wallet("phone", &SIGN_EVM);
    installation.wallet("phone", &eject("phone.json"));
    assert!(is_ejected(&installation, "phone"));
}

#[test]
fn in_managed_mode_a_device_needs_no_custodian() {
    let mut installation = Installation::start();
    installation.kill_custodian();
    fs::write(installation.path("password"), "correct horse").unwrap();
    let create = [
        "custodian",
        "create",
        "--name",
        "Managed",
        "--backup-mode",
        "managed",
    ];
    let made = expect_success(installation.operator(&create));
    fs::write(
        installation.path("api-key"),
        made["apiKey"].as_str().unwrap(),
    )
    .unwrap();
    let made = expect_success(installation.session_command("phone", &["create"]));
    let client = made["clientId"].as_str().unwrap().to_owned();
    installation.wallet("phone", &["create"]);
    let backup = [&["backup"][..], &BY_PASSWORD].concat();
    installation.wallet("phone", &backup);
    installation.wallet("phone", &[&["check-backup"][..], &BY_PASSWORD].concat());
    let before = addresses(&installation, "phone");

    let login = ["login", "--client", &client];
    expect_success(installation.session_command("laptop", &login));
    installation.wallet("laptop", &[&["recover"][..], &BY_PASSWORD].concat());
    assert_eq!(addresses(&installation, "laptop"), before);

    // Its shares are under a key of their own, which is rotated with the other.
    let keys = ["portal.key", "portal-backup.key"];
    let read =
        || keys.map(|name| fs::read_to_string(installation.path("server").join(name)).unwrap());
    let old = read();
    assert_ne!(old[0], old[1]);
    expect_success(installation.operator(&["keys", "rotate", "--new-key"]));
    let forget = ["keys", "rotate", "--forget", "--settle-s", "1"];
    expect_success(installation.operator(&forget));
    for (old, new) in old.iter().zip(&read()) {
        assert_ne!(old, new);
        assert_eq!(new.lines().count(), 1);
    }
    installation.wallet("laptop", &[&["check-backup"][..], &BY_PASSWORD].concat());

    enable(&installation, "laptop");
    let eject = [&["eject", "--out", "keys.json"][..], &BY_PASSWORD].concat();
    installation.wallet("laptop", &eject);
    assert_sign(&installation, "keys.json", &before);

    // Whoever loses file and device is given the keys again, while the customer lets them.
    expect_success(installation.session_command("another", &login));
    let again = [&["eject", "--out", "again.json"][..], &BY_PASSWORD].concat();
    as_customer(&installation, &["disable-eject", "--client", &client]);
    let refused = installation.wallet_refusal("another", &again);
    assert_eq!(refused, "EJECT_NOT_ENABLED");
    enable(&installation, "another");
    installation.wallet("another", &again);
    let keys = keys_in(&installation, "keys.json");
    assert_eq!(keys, keys_in(&installation, "again.json"));

    // Without its key the database does not start, and none is drawn in its place.
    installation.stop_server(0);
    let backup_key = installation.path("server/portal-backup.key");
    fs::remove_file(&backup_key).unwrap();
    let mut serve = installation.operator(&["serve", "--listen", "127.0.0.1:0"]);
    let refused = serve.stdin(Stdio::null()).output().unwrap();
    assert!(!refused.status.success());
    assert!(!backup_key.exists(), "no key is drawn");
}
