//! Nothing of a key reaches a core dump, whichever way a process ends.

use std::fs;
use std::process::{Command, Stdio};

use crate::installation::{Installation, portal};

/// The highest limit there is of the size of a core dump: neither now nor later is there one.
#[track_caller]
fn assert_no_core(process: u32) {
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core: Vec<_> = core.unwrap().split_whitespace().skip(4).take(2).collect();
    assert_eq!(core, ["0", "0"], "{limits}");
}

#[test]
fn both_services_leave_none() {
    let installation = Installation::start();
    assert_no_core(installation.server(0).id());
    assert_no_core(installation.custodian().id());
}

#[test]
fn whole_keys_are_in_none() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let mut command = portal(directory.path());
    command.args(["recover-offline", "--custodian-shares", "none"]);
    command.arg("--cipher-text-file").arg(&pipe);
    let mut process = command.stderr(Stdio::null()).spawn().unwrap();
    // Opens when the process reads it, and it waits for what is never written.
    let writer = fs::File::options().write(true).open(&pipe).unwrap();
    assert_no_core(process.id());
    drop(writer);
    assert!(!process.wait().unwrap().success());
}
