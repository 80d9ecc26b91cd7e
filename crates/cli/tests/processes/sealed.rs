//! Sealed backups, which are what there is where nobody asks for another mode: a recovery and an
//! eject need a word of the app's own backend.

use std::fs;

use serde_json::Value;

use crate::eject::{assert_sign, enable};
use crate::installation::{Installation, error_in, expect_success, portal};
use crate::signing::{SIGN_EVM, addresses};

pub(crate) const BY_PASSWORD: [&str; 2] = ["--password-file", "password"];
const KEPT: [&str; 2] = ["--cipher-text-file", "cipher-text"];
const BY_TICKET: [&str; 2] = ["--recovery-ticket-file", "ticket"];

/// A client with a wallet on its phone and a backup by password. The customer's backend keeps its
/// cipher text where `kept` names no file.
pub(crate) fn backed_up(installation: &Installation, kept: &[&str]) -> String {
    fs::write(installation.path("password"), "correct horse").unwrap();
    let made = installation.client("phone", &["create"]);
    installation.wallet("phone", &["create"]);
    installation.wallet("phone", &[&["backup"][..], &BY_PASSWORD, kept].concat());
    made["clientId"].as_str().unwrap().to_owned()
}

#[test]
fn a_device_recovers_while_the_apps_backend_lets_it() {
    let mut installation = Installation::start_sealed();
    let client = backed_up(&installation, &[]);
    let before = addresses(&installation, "phone");
    installation.client("laptop", &["login", "--client", &client]);
    let recover = [&["recover"][..], &BY_PASSWORD].concat();
    let is_refused = |installation: &Installation, arguments: &[&str], id: &str, when: &str| {
        let refused = installation.wallet_refusal("laptop", arguments);
        assert_eq!(refused, id, "{when}");
    };
    let not_open = "RECOVERY_NOT_OPEN";
    is_refused(&installation, &recover, not_open, "nobody opened one");

    // Opened and closed by whoever has the backend's secret, and by nobody else.
    for what in ["open-recovery", "close-recovery"] {
        let mut stranger = installation.recovery_command(what, &client, "elsewhere");
        let refused = stranger.arg("--json").output().unwrap();
        assert!(!refused.status.success(), "{what}");
        let told = error_in(&String::from_utf8(refused.stderr).unwrap());
        assert_eq!(told["id"], "AUTH_FAILED", "{what}");
    }
    let keep_ticket = |opened: &Value| {
        let ticket = opened["ticket"].as_str().unwrap();
        fs::write(installation.path("ticket"), ticket).unwrap();
    };
    keep_ticket(&installation.recovery("open-recovery", &client));
    for _ in 0..2 {
        let closed = installation.recovery("close-recovery", &client);
        assert_eq!(closed["clientId"], *client);
    }
    let with_ticket = [&recover[..], &BY_TICKET].concat();
    is_refused(&installation, &recover, not_open, "closed");
    is_refused(&installation, &with_ticket, not_open, "closed, by ticket");

    let opened = installation.recovery("open-recovery", &client);
    is_refused(
        &installation,
        &with_ticket,
        "BACKUP_SHARE_MISMATCH",
        "by the ticket of a former recovery",
    );
    assert_eq!(addresses(&installation, "phone"), before, "it still signs");

    // By the ticket that the app was handed; what is open outlives every process.
    keep_ticket(&opened);
    installation.kill_and_restart_server();
    installation.kill_custodian();
    installation.start_custodian();
    installation.wallet("laptop", &with_ticket);
    assert_eq!(addresses(&installation, "laptop"), before);

    // It was the app's to close; a device that asked for the ticket itself closes it.
    installation.wallet("laptop", &recover);
    is_refused(&installation, &recover, not_open, "closed by the device");
    assert_eq!(addresses(&installation, "laptop"), before);
    let superseded = installation.wallet_refusal("phone", &SIGN_EVM);
    assert_eq!(superseded, "SIGNING_SHARE_SUPERSEDED");
}

/// A device whose app reaches the customer's backend by ways of its own: it is given the sealing
/// key, the cipher text and the ticket.
#[test]
fn a_device_that_knows_no_backend_recovers_by_what_it_is_given() {
    let installation = Installation::start_sealed();
    let client = backed_up(&installation, &KEPT);
    let before = addresses(&installation, "phone");
    let show = ["custodian", "sealing-key", "show", "--data", "custodian"];
    let mut shown = portal(installation.root());
    shown.args(show);
    let shown = expect_success(shown);
    let key = shown["keys"][0].as_str().unwrap();
    let login = ["login", "--client", &client, "--sealing-key", key];
    expect_success(installation.session_command("laptop", &login));

    let recover = [&["recover"][..], &BY_PASSWORD, &KEPT, &BY_TICKET].concat();
    let opened = installation.recovery("open-recovery", &client);
    fs::write(installation.path("ticket"), "no ticket").unwrap();
    let unread = installation.wallet_error("laptop", &recover);
    assert!(!unread["detail"].is_null(), "{unread}");
    let ticket = opened["ticket"].as_str().unwrap();
    // As an editor ends a file.
    fs::write(installation.path("ticket"), format!("{ticket}\n")).unwrap();
    installation.wallet("laptop", &recover);
    assert_eq!(addresses(&installation, "laptop"), before);
    installation.wallet(
        "laptop",
        &[&["check-backup"][..], &BY_PASSWORD, &KEPT].concat(),
    );
}

/// By the API key and by the secret of the app's backend: neither alone gives anything out.
#[test]
fn a_sealed_wallet_is_ejected_by_two_words_of_its_customer() {
    let mut installation = Installation::start_sealed();
    let client = backed_up(&installation, &KEPT);
    let before = addresses(&installation, "phone");
    let opened_by = [&BY_PASSWORD[..], &KEPT].concat();
    let eject = [&["eject", "--out", "keys.json"][..], &opened_by].concat();
    let is_refused = |id: &str, when: &str| {
        assert_eq!(installation.wallet_refusal("phone", &eject), id, "{when}");
        assert!(!installation.path("keys.json").exists(), "{when}");
    };
    installation.recovery("open-recovery", &client);
    is_refused("EJECT_NOT_ENABLED", "by the backend's secret alone");
    installation.recovery("close-recovery", &client);
    enable(&installation, "phone");
    is_refused("RECOVERY_NOT_OPEN", "by the API key alone");
    assert_eq!(addresses(&installation, "phone"), before, "it still signs");

    installation.recovery("open-recovery", &client);
    let told = installation.wallet("phone", &eject);
    assert_eq!(
        told["addresses"]["eip155"], before["eip155"]["address"],
        "the same key"
    );
    assert_sign(&installation, "keys.json", &before);
    installation.kill_and_restart_server();
    let recover = [&["recover"][..], &opened_by].concat();
    for ended in [&SIGN_EVM[..], &["refresh"]] {
        let refused = installation.wallet_refusal("phone", ended);
        assert_eq!(refused, "WALLET_EJECTED", "{ended:?}");
    }
    // Nothing is left open behind it.
    let refused = installation.wallet_refusal("phone", &recover);
    assert_eq!(refused, "RECOVERY_NOT_OPEN");
    installation.recovery("open-recovery", &client);
    let refused = installation.wallet_refusal("phone", &recover);
    assert_eq!(refused, "WALLET_EJECTED");

    // The custodian's share that never was at the server, and the backup, still are the key.
    let mut export = portal(installation.root());
    export.args(["custodian", "export-shares", "--data", "custodian"]);
    export.args(["-o", "shares", "--client", &client]);
    expect_success(export);
    let mut recover = portal(installation.root());
    recover.args(["recover-offline", "--custodian-shares", "shares"]);
    recover.args(["--out", "again.json"]).args(&opened_by);
    expect_success(recover);
    let [keys, again] = ["keys.json", "again.json"].map(|name| {
        let text = fs::read(installation.path(name)).unwrap();
        serde_json::from_slice::<Value>(&text).unwrap()
    });
    assert_eq!(keys, again);
}
