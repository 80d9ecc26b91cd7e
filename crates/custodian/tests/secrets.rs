//! The secrets of a backend, from files.

use std::fs;
use std::path::Path;

use portal_custodian::Secrets;

const MARK: &str = "f00dfeed";

fn write_all(directory: &Path) {
    for name in [
        "custodian.key",
        "app-secret",
        "sealing-key",
        "backend-secret",
    ] {
        fs::write(directory.join(name), format!("{}\n", MARK.repeat(8))).expect("written");
    }
    let webhook = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";
    fs::write(directory.join("webhook-secret"), webhook).expect("written");
}

#[test]
fn they_are_read_from_their_files() {
    let directory = tempfile::tempdir().expect("a directory");
    write_all(directory.path());
    let secrets = Secrets::read(directory.path()).expect("secrets");
    assert_eq!(secrets.sealing_key.expose()[0], 0xf0);
    assert_eq!(secrets.sealing_keys.public().len(), 1);
    assert!(!format!("{secrets:?}").to_lowercase().contains(MARK));
}

/// Each file, spoilt in some way: the error names the file and nothing that stands in it.
#[test]
fn what_is_spoilt_is_named_and_not_shown() {
    for (name, spoilt) in [
        ("custodian.key", Some("f00dfeed")),
        ("custodian.key", Some("")),
        ("custodian.key", None),
        ("app-secret", Some("f00dfeed")),
        ("sealing-key", Some("f00dfeed\n")),
        ("backend-secret", Some("f00dfeed")),
        ("webhook-secret", Some("f00dfeed")),
        (
            "webhook-secret",
            Some("f00dfeedf00dfeed\nf00dfeedf00dfeed\nf00dfeedf00dfeed\n"),
        ),
    ] {
        let directory = tempfile::tempdir().expect("a directory");
        write_all(directory.path());
        match spoilt {
            Some(text) => fs::write(directory.path().join(name), text).expect("written"),
            None => fs::remove_file(directory.path().join(name)).expect("removed"),
        }
        let refused = Secrets::read(directory.path()).map(|_| ());
        let told = refused.expect_err(name).to_string();
        assert!(!told.contains(MARK), "{name}: {told}");
    }
}
