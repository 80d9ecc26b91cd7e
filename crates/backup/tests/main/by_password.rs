//! Cipher texts under a password. Few cases: each derivation takes 64 MiB and a while.

use std::sync::LazyLock;

use portal_backup::{BackupError, CipherText, KeySource, Password};
use portal_lifecycle::{BackupMethod, ErrorId};

use crate::{SUBJECT, key, put_together, shares, take_apart, told};

/// é and ü as one letter each.
const TYPED: &str = "h\u{e9}risson \u{fc}ber Bord";

static TEXT: LazyLock<CipherText> = LazyLock::new(|| {
    let password = Password::new(TYPED).unwrap();
    CipherText::encrypt_with_password(&password, SUBJECT, &shares(), &mut rand::rng()).unwrap()
});

fn decrypt(text: &CipherText, typed: &str) -> Result<(), BackupError> {
    let opened = text.decrypt_with_password(&Password::new(typed)?)?;
    assert_eq!(opened, shares());
    Ok(())
}

#[test]
fn shares_come_back_however_the_letters_are_composed() {
    let read = CipherText::parse(&TEXT.to_string()).unwrap();
    assert_eq!(read.header().backup_method, BackupMethod::Password);
    assert_eq!(read.header().subject, SUBJECT);
    let KeySource::Password(parameters) = &read.header().key_source else {
        panic!("expected a password's header, got {:?}", read.header());
    };
    let asked = (
        parameters.memory_kib(),
        parameters.iterations(),
        parameters.parallelism(),
    );
    assert_eq!(asked, (64 * 1024, 3, 1));
    decrypt(&read, TYPED).unwrap();
    // é and ü as a letter and an accent, as a Mac's file dialogue gives them.
    decrypt(&read, "he\u{301}risson u\u{308}ber Bord").unwrap();
}

#[test]
fn another_password_is_refused() {
    for wrong in ["herisson uber Bord", "h\u{e9}risson \u{fc}ber bord"] {
        let error = decrypt(&TEXT, wrong).unwrap_err();
        assert_eq!(error.id(), ErrorId::DecryptFailed);
        assert!(!told(&error).contains("Bord"), "{}", told(&error));
    }
}

#[test]
fn a_changed_salt_or_cost_is_refused() {
    let (header, sealed) = take_apart(&TEXT.to_string());
    let dearer = header.replace("\"iterations\":3", "\"iterations\":4");
    assert_ne!(dearer, header);
    let read = CipherText::parse(&put_together(&dearer, &sealed)).unwrap();
    let error = decrypt(&read, TYPED).unwrap_err();
    assert_eq!(error.id(), ErrorId::DecryptFailed);
}

/// With the same key, so that nothing but the associated data can refuse it.
#[test]
fn a_changed_client_is_refused() {
    let (header, sealed) = take_apart(&TEXT.to_string());
    let others = header.replacen("01010101", "09090909", 1);
    assert_ne!(others, header);
    let read = CipherText::parse(&put_together(&others, &sealed)).unwrap();
    let error = decrypt(&read, TYPED).unwrap_err();
    let BackupError::Decrypt { source } = &error else {
        panic!("expected a refusal, got {error:?}");
    };
    assert_eq!(*source, portal_seal::OpenError::NotAuthentic);
}

#[test]
fn a_key_is_no_password() {
    let error = TEXT.decrypt_with_key(&key(1)).unwrap_err();
    assert_eq!(error.id(), ErrorId::PasswordRequired);
}

#[test]
fn an_empty_password_is_refused() {
    let error = Password::new("").unwrap_err();
    assert_eq!(error.id(), ErrorId::PasswordRequired);
    Password::new(" ").unwrap();
}

#[test]
fn a_password_does_not_print_itself() {
    let password = Password::new("hunter2").unwrap();
    assert_eq!(format!("{password:?}"), "Password(…)");
}
