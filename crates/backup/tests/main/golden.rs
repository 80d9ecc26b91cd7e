//! What version 1 looks like must open for ever.

use portal_backup::{
    BackupStorage, CipherText, KeyName, KeySource, MemoryStorage, Password, fetch_key,
};
use portal_lifecycle::BackupMethod;

use crate::{SUBJECT, secret, shares};

const GOLDEN: &str = include_str!("../../../../vectors/backup-v1.txt");

fn golden(field: &str) -> &'static str {
    GOLDEN
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(" = "))
        .unwrap()
}

fn parse(field: &str) -> CipherText {
    let text = CipherText::parse(golden(field)).unwrap();
    assert_eq!(text.header().subject, SUBJECT);
    let digest = golden(&format!("digest of {field}"));
    assert_eq!(hex::encode(text.digest().0), digest);
    text
}

#[test]
fn version_1_opens_with_its_password() {
    let text = parse("cipher text by password");
    assert_eq!(text.header().backup_method, BackupMethod::Password);
    let password = Password::new(golden("password")).unwrap();
    assert_eq!(text.decrypt_with_password(&password).unwrap(), shares());
}

#[tokio::test]
async fn version_1_opens_with_its_stored_key() {
    let text = parse("cipher text by key");
    assert_eq!(text.header().backup_method, BackupMethod::GDrive);
    let KeySource::Stored { key_name } = &text.header().key_source else {
        panic!("expected a stored key, got {:?}", text.header());
    };
    assert_eq!(
        *key_name,
        KeyName::of_backup(&SUBJECT.backup_share_pair_ids)
    );
    let storage = MemoryStorage::new();
    let stored = secret(golden("stored key").as_bytes());
    storage.write(key_name, &stored).await.unwrap();
    let key = fetch_key(&storage, key_name).await.unwrap();
    assert_eq!(text.decrypt_with_key(&key).unwrap(), shares());
}
