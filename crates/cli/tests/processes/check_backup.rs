//! `portal wallet check-backup`: a backup that is good, and ones that are not any more.

use std::fs;

use serde_json::Value;

use crate::installation::Installation;
use crate::signing::addresses;

const CHECK: [&str; 3] = ["check-backup", "--folder", "drive"];

#[test]
fn a_good_backup_is_proved_and_a_bad_one_is_told() {
    let mut installation = Installation::start();
    installation.client("phone", &["create"]);
    installation.wallet("phone", &["create"]);
    let kept = ["--cipher-text-file", "cipher-text"];
    let backup = ["backup", "--folder", "drive", kept[0], kept[1]];
    installation.wallet("phone", &backup);
    assert!(proved_at(&installation).iter().all(Value::is_null));

    let check = [&CHECK[..], &kept].concat();
    let checked = installation.wallet("phone", &check);
    let proved = proved_at(&installation);
    assert_eq!(proved.len(), 2, "one of each curve");
    for at in &proved {
        assert_eq!(*at, checked["provedAt"], "as it was told");
    }
    let before = installation.wallet("phone", &["status"]);

    // Another folder, and one in which another key lies under the same name.
    let elsewhere = ["check-backup", "--folder", "elsewhere", kept[0], kept[1]];
    assert_eq!(
        installation.wallet_refusal("phone", &elsewhere),
        "BACKUP_KEY_NOT_FOUND"
    );
    put_another_key(&installation);
    assert_eq!(
        installation.wallet_refusal("phone", &elsewhere),
        "DECRYPT_FAILED"
    );
    // The customer has lost its store.
    installation.kill_custodian();
    let custodian = installation.path("custodian");
    let lost = installation.path("lost");
    fs::create_dir(&lost).unwrap();
    move_database(&custodian, &lost);
    installation.start_custodian();
    assert_eq!(
        installation.wallet_refusal("phone", &check),
        "WEBHOOK_FAILED"
    );
    assert_eq!(
        installation.wallet("phone", &["status"]),
        before,
        "nothing is changed by a check that fails"
    );

    // It is found again.
    installation.kill_custodian();
    for file in fs::read_dir(&custodian).unwrap() {
        let file = file.unwrap();
        if file
            .file_name()
            .to_string_lossy()
            .starts_with("custodian.db")
        {
            fs::remove_file(file.path()).unwrap();
        }
    }
    move_database(&lost, &custodian);
    installation.start_custodian();
    installation.wallet("phone", &check);
    addresses(&installation, "phone");
}

/// When each curve's backup was last proved.
fn proved_at(installation: &Installation) -> Vec<Value> {
    let status = installation.wallet("phone", &["status"]);
    let wallets = status["client"]["wallets"].as_array().unwrap().clone();
    let of = |wallet: &Value| wallet["backupSharePairs"][0]["provedAt"].clone();
    wallets.iter().map(of).collect()
}

/// The key of another wallet's backup, under the name of this one's.
fn put_another_key(installation: &Installation) {
    installation.client("other", &["create"]);
    installation.wallet("other", &["create"]);
    installation.wallet("other", &["backup", "--folder", "other-drive"]);
    let only = |folder: &str| {
        let mut files = fs::read_dir(installation.path(folder)).unwrap();
        files.next().unwrap().unwrap().path()
    };
    let name = only("drive").file_name().unwrap().to_owned();
    let into = installation.path("elsewhere").join(name);
    fs::copy(only("other-drive"), into).unwrap();
}

fn move_database(from: &std::path::Path, to: &std::path::Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        if file
            .file_name()
            .to_string_lossy()
            .starts_with("custodian.db")
        {
            fs::rename(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}
