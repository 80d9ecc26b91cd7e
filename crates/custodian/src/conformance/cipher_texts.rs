//! Cipher texts: stored once under both pair ids, found by client and method.

use portal_lifecycle::ids::ClientId;
use portal_lifecycle::{BackupMethod, PerCurve};

use super::{Backend, at, client, opened, pair};
use crate::{CipherText, CustodianStore as _, InsertError, NewCipherText};

fn text_of(client_id: ClientId, n: u128, text: &str) -> NewCipherText {
    NewCipherText {
        client_id,
        backup_method: BackupMethod::Password,
        backup_share_pair_ids: PerCurve::new(pair(n), pair(n + 1_000)),
        cipher_text: CipherText::new(text.to_owned()).expect("a text of the right length"),
    }
}

/// By the id of either curve, and of no other client or method.
pub async fn a_cipher_text_is_found_by_method_and_pair(backend: &impl Backend) {
    let store = opened(backend).await;
    let stored = store.insert_cipher_text(text_of(client(1), 1, "text"), at(5));
    let stored = stored.await.expect("stored");
    let (password, passkey) = (BackupMethod::Password, BackupMethod::Passkey);
    for (client_id, method, pair_id, is_there) in [
        (client(1), password, pair(1), true),
        (client(1), password, pair(1_001), true),
        (client(1), password, pair(2), false),
        (client(1), passkey, pair(1), false),
        (client(2), password, pair(1), false),
    ] {
        let found = store.cipher_text_of_pair(client_id, method, pair_id).await;
        let found = found.expect("read");
        let told = format!("{client_id} {method} {pair_id}");
        assert_eq!(found.is_some(), is_there, "{told}");
        if let Some(found) = found {
            assert_eq!(found.cipher_text, stored.cipher_text);
            assert_eq!(found.backup_method, password);
            assert_eq!(found.backup_share_pair_ids, stored.backup_share_pair_ids);
            assert_eq!(found.created_at, at(5));
        }
    }
}

/// With the time of the first.
pub async fn the_same_again_gives_what_was_stored_first(backend: &impl Backend) {
    let store = opened(backend).await;
    for ms in 5..8 {
        let stored = store.insert_cipher_text(text_of(client(1), 1, "text"), at(ms));
        assert_eq!(stored.await.expect("stored").created_at, at(5));
    }
}

/// Another text, or the same for another method.
pub async fn another_cipher_text_is_refused(backend: &impl Backend) {
    let store = opened(backend).await;
    let first = store.insert_cipher_text(text_of(client(1), 1, "first"), at(0));
    first.await.expect("stored");
    let mut other_method = text_of(client(1), 1, "first");
    other_method.backup_method = BackupMethod::Passkey;
    for other in [text_of(client(1), 1, "second"), other_method] {
        let refused = store.insert_cipher_text(other, at(1)).await;
        assert!(matches!(refused, Err(InsertError::Taken)), "{refused:?}");
    }
    let newest = store.newest_cipher_text(client(1), BackupMethod::Password);
    let newest = newest.await.expect("read").expect("a cipher text");
    assert_eq!(newest.cipher_text.as_str(), "first");
}

/// Last by insertion, whatever the clock says.
pub async fn the_one_stored_last_is_the_newest(backend: &impl Backend) {
    let store = opened(backend).await;
    let newest = store.newest_cipher_text(client(1), BackupMethod::Password);
    assert!(newest.await.expect("read").is_none());
    for (n, ms) in [(1, 9), (2, 8), (3, 7)] {
        let new = text_of(client(1), n, &format!("text-{n}"));
        let stored = store.insert_cipher_text(new, at(ms)).await;
        stored.expect("stored");
        let newest = store.newest_cipher_text(client(1), BackupMethod::Password);
        let newest = newest.await.expect("read").expect("a cipher text");
        assert_eq!(newest.cipher_text.as_str(), format!("text-{n}"));
    }
}
