//! The secrets of the customer's backend: drawn on a first start, and never silently beside a
//! database that was served with others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portal_store::conformance::postgres_cluster::Cluster;
use tempfile::TempDir;

use crate::installation::{error_in, expect_success, portal};
use crate::service::Service;

const KEY: &str = "custodian.key";
/// Every file, with what the error says that it is for.
const FILES: [(&str, &str); 5] = [
    (KEY, "every share in the database is sealed under it"),
    ("webhook-secret", "Portal signs its calls by it"),
    ("app-secret", "the tokens of the customer's apps"),
    ("sealing-key", "apps seal their backups to it"),
    ("backend-secret", "the app's backend opens recoveries by it"),
];

/// A backend's data, on SQLite or on a Postgres database.
struct Data {
    directory: TempDir,
    database: Option<String>,
}

/// Both, each served once.
fn served() -> [Data; 2] {
    [None, Some(Cluster::shared().database())].map(|database| {
        let data = Data {
            directory: tempfile::tempdir().unwrap(),
            database,
        };
        data.starts(&[]);
        data
    })
}

impl Data {
    fn command(&self, data: &str, flags: &[&str]) -> Command {
        let mut serve = portal(self.directory.path());
        serve.args([
            "custodian",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data",
            data,
        ]);
        if let Some(database) = &self.database {
            serve.args(["--database", database]);
        }
        serve.args(flags);
        serve
    }

    /// Starts, and stops again.
    fn starts(&self, flags: &[&str]) {
        let log = self.directory.path().join("custodian.log");
        let started = Service::start(self.command("data", flags), &log);
        let mut service = started.unwrap_or_else(|error| {
            panic!("{error}: {}", fs::read_to_string(&log).unwrap_or_default())
        });
        service.terminate();
        assert!(service.wait().success());
    }

    /// What is told instead of a start.
    fn refuses(&self, flags: &[&str]) -> String {
        // One that starts all the same fails the test, rather than being waited for.
        let log = self.directory.path().join("refusal.log");
        let _ = fs::remove_file(&log);
        let started = Service::start(self.command("data", flags), &log);
        assert!(started.is_err(), "expected a refusal, and it serves");
        detail_in(&fs::read_to_string(&log).unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join("data").join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    /// Another secret of the right form in the place of this one.
    fn spoil(&self, name: &str) {
        let other = if name == "webhook-secret" {
            format!("whsec_{}=", "A".repeat(43))
        } else {
            "09".repeat(32)
        };
        fs::write(self.file(name), other).unwrap();
    }
}

fn refusal(mut command: Command) -> String {
    let output = command.arg("--json").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{command:?}: {told}");
    detail_in(&told)
}

fn detail_in(told: &str) -> String {
    error_in(told)["detail"].as_str().unwrap().to_owned()
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("custodian.db"))
        .collect();
    names.sort();
    names
}

/// Whoever restores a database and forgets a file is told, and not served with something new.
#[test]
fn a_secret_that_is_gone_is_not_drawn_anew() {
    for data in served() {
        for (name, purpose) in FILES {
            let kept = data.read(name);
            fs::remove_file(data.file(name)).unwrap();
            let before = names_in(&data.file(""));
            let told = data.refuses(&[]);
            for expected in [name, purpose, "what to do: restore"] {
                assert!(told.contains(expected), "{name}: {told}");
            }
            for (other, purpose) in FILES.iter().filter(|(other, _)| *other != name) {
                assert!(!told.contains(purpose), "{other} is there: {told}");
            }
            assert_eq!(names_in(&data.file("")), before, "{name}: nothing is drawn");
            fs::write(data.file(name), kept).unwrap();
        }
        data.starts(&[]);
    }
}

/// One with nothing but the database, as on a new machine.
#[test]
fn everything_that_is_gone_is_told_at_once() {
    for data in served() {
        for (name, _) in FILES {
            fs::remove_file(data.file(name)).unwrap();
        }
        let told = data.refuses(&[]);
        for (name, purpose) in FILES {
            assert!(told.contains(purpose), "{name}: {told}");
        }
        assert!(names_in(&data.file("")).is_empty());
    }
}

#[test]
fn another_secret_than_before_is_refused() {
    for data in served() {
        for (name, purpose) in FILES {
            let kept = data.read(name);
            data.spoil(name);
            let told = data.refuses(&[]);
            let expected = if name == KEY {
                "sealed under another key"
            } else {
                purpose
            };
            assert!(
                told.contains(name) && told.contains(expected),
                "{name}: {told}"
            );
            fs::write(data.file(name), kept).unwrap();
        }
        data.starts(&[]);
    }
}

#[test]
fn a_secret_is_replaced_where_that_is_said() {
    for data in served() {
        for (name, _) in &FILES[1..] {
            let kept = data.read(name);
            data.spoil(name);
            let other = data.read(name);
            data.starts(&["--replace-secret", name]);
            assert_eq!(data.read(name), other, "what is there is taken");
            data.starts(&[]);
            fs::write(data.file(name), kept).unwrap();
            let told = data.refuses(&[]);
            assert!(told.contains(name), "the former one is over: {told}");
            fs::write(data.file(name), other).unwrap();
        }
        // Of several that are gone, each must be named.
        let kept = data.read("app-secret");
        for (name, _) in &FILES[2..] {
            fs::remove_file(data.file(name)).unwrap();
        }
        let told = data.refuses(&["--replace-secret", "app-secret,sealing-key"]);
        assert!(told.contains("no backend-secret,"), "{told}");
        assert!(!data.file("app-secret").exists(), "nothing is drawn");
        data.starts(&["--replace-secret", "app-secret,sealing-key,backend-secret"]);
        assert_ne!(data.read("app-secret"), kept);
        data.starts(&[]);
        // Portal would not know one that is drawn here; and nothing opens shares but their key.
        fs::remove_file(data.file("webhook-secret")).unwrap();
        let told = data.refuses(&["--replace-secret", "webhook-secret"]);
        assert!(told.contains("portal custodian webhook rotate"), "{told}");
    }
}

/// Several keys in one file; the one that apps seal to may not be missing any more.
#[test]
fn sealing_keys_are_rotated() {
    for data in served() {
        let rotate = || {
            let mut rotate = portal(data.directory.path());
            rotate.args(["custodian", "sealing-key", "rotate", "--data", "data"]);
            expect_success(rotate)["keys"].as_array().unwrap().len()
        };
        assert_eq!(rotate(), 2);
        data.starts(&[]);
        let two = data.read("sealing-key");
        assert_eq!(rotate(), 3);
        data.starts(&[]);
        let three = data.read("sealing-key");
        fs::write(data.file("sealing-key"), two).unwrap();
        let told = data.refuses(&[]);
        assert!(told.contains("or an older one"), "{told}");
        let newest = three.lines().next().unwrap();
        fs::write(data.file("sealing-key"), newest).unwrap();
        data.starts(&[]);
    }
}

/// The commands beside the service draw nothing either, once there was a service.
#[test]
fn no_command_beside_the_service_draws_a_secret() {
    let [data, _] = served();
    let client = "019a0000-0000-7000-8000-000000000000";
    let recovery = ["--client", client, "--custodian", "http://127.0.0.1:9"];
    for (name, command) in [
        ("sealing-key", &["sealing-key", "show"][..]),
        ("sealing-key", &["sealing-key", "rotate"]),
        (
            "backend-secret",
            &[&["open-recovery"][..], &recovery].concat(),
        ),
        (
            "backend-secret",
            &[&["close-recovery"][..], &recovery].concat(),
        ),
        (KEY, &["export-shares", "--all", "-o", "shares.json"]),
    ] {
        let kept = data.read(name);
        fs::remove_file(data.file(name)).unwrap();
        let mut run = portal(data.directory.path());
        run.arg("custodian").args(command).args(["--data", "data"]);
        let told = refusal(run);
        assert!(
            told.contains(&format!("no {name}, ")),
            "{command:?}: {told}"
        );
        assert!(!data.file(name).exists(), "{command:?}: none is drawn");
        fs::write(data.file(name), kept).unwrap();
    }
    data.starts(&[]);
    // Before there was one, they may: it takes what they drew.
    let mut show = portal(data.directory.path());
    show.args(["custodian", "sealing-key", "show", "--data", "new"]);
    let shown = expect_success(show);
    let log = data.directory.path().join("new.log");
    drop(Service::start(data.command("new", &[]), &log).unwrap());
    let mut show = portal(data.directory.path());
    show.args(["custodian", "sealing-key", "show", "--data", "new"]);
    assert_eq!(expect_success(show), shown);
}
