//! The server killed in the middle of operations.
//!
//! When exactly is told by its log: it dies as soon as it has written the n-th line since the
//! operation began, which spreads the moments over an operation without a clock.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::installation::Installation;
use crate::signing::addresses;

const PASSWORD: &str = "a password of the end user";
const MOMENTS: usize = 7;

/// The command, with the server killed after `lines` lines of its log, then as often as it takes.
fn through_a_kill(
    installation: &mut Installation,
    device: &str,
    arguments: &[&str],
    lines: usize,
) -> Value {
    let log = installation.path("server.log");
    let written = || {
        fs::read(&log)
            .unwrap()
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
    };
    let begun = written();
    let mut child = installation
        .wallet_command(device, arguments)
        .arg("--json")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while child.try_wait().unwrap().is_none() {
        if written() >= begun + lines {
            break;
        }
        std::thread::yield_now();
    }
    installation.kill_and_restart_server();
    child.wait().unwrap();
    for _ in 0..5 {
        let output = installation
            .wallet_command(device, arguments)
            .arg("--json")
            .output()
            .unwrap();
        if output.status.success() {
            return serde_json::from_slice(&output.stdout).unwrap();
        }
        // The killed run had got as far as it goes; only its answer was lost.
        let status = installation.wallet(device, &["status"]);
        if arguments == ["create"] && status["isOnDevice"] == true {
            return status;
        }
    }
    panic!("{arguments:?} did not succeed after a kill at line {lines}")
}

#[test]
fn no_operation_loses_a_wallet_when_the_server_is_killed_in_it() {
    let mut installation = Installation::start();
    fs::write(installation.path("password"), PASSWORD).unwrap();
    let by_password = ["--password-file", "password"];
    for lines in 0..MOMENTS {
        let (phone, tablet) = (format!("phone-{lines}"), format!("tablet-{lines}"));
        let made = installation.client(&phone, &["create"]);
        let client = made["clientId"].as_str().unwrap();
        through_a_kill(&mut installation, &phone, &["create"], lines);
        let before = addresses(&installation, &phone);
        let backup = ["backup", by_password[0], by_password[1]];
        through_a_kill(&mut installation, &phone, &backup, lines);
        through_a_kill(&mut installation, &phone, &["refresh"], lines);
        assert_eq!(addresses(&installation, &phone), before, "after a refresh");

        installation.client(&tablet, &["login", "--client", client]);
        let recover = ["recover", by_password[0], by_password[1]];
        through_a_kill(&mut installation, &tablet, &recover, lines);
        assert_eq!(
            addresses(&installation, &tablet),
            before,
            "after a recovery"
        );
        let status = installation.wallet(&tablet, &["status"]);
        for wallet in status["client"]["wallets"].as_array().unwrap() {
            let pairs = wallet["signingSharePairs"].as_array().unwrap();
            let active = pairs
                .iter()
                .filter(|pair| pair["status"] == "STORED_CLIENT")
                .count();
            assert_eq!(active, 1, "one active pair: {wallet}");
        }
        assert_eq!(status["client"]["isBackedUp"], true);
    }
}
