//! The customer's backend as its app calls it: cipher texts.

use portal_api::custodian_app::{StoreCipherText, StoredCipherText};
use portal_backup::CipherText;
use portal_lifecycle::BackupMethod;
use reqwest::Method;

use crate::rest;
use crate::world::{User, World};

impl World {
    fn cipher_text_url(&self, user: &User, method: BackupMethod) -> String {
        let (base, id) = (&self.custodian, user.id);
        format!("{base}/app/clients/{id}/cipher-texts/{method}")
    }

    /// The app stores a cipher text.
    pub(crate) async fn store_cipher_text(&self, user: &User, cipher_text: &str) {
        let parsed = CipherText::parse(cipher_text).expect("a cipher text");
        let url = self.cipher_text_url(user, parsed.header().backup_method);
        let body = StoreCipherText {
            backup_share_pair_ids: parsed.header().subject.backup_share_pair_ids,
            cipher_text: cipher_text.to_owned(),
        };
        let body = serde_json::to_value(body).expect("JSON");
        let token = self.app_tokens.mint(user.id);
        let stored = rest::call(Method::PUT, url, token.expose(), Some(body)).await;
        assert_eq!(
            stored.status, 200,
            "expected it to be stored, seen {stored:?}"
        );
    }

    /// The app, on any device, reads the newest cipher text.
    pub(crate) async fn stored_cipher_text(&self, user: &User, method: BackupMethod) -> String {
        let url = self.cipher_text_url(user, method);
        let token = self.app_tokens.mint(user.id);
        let answer = rest::call(Method::GET, url, token.expose(), None).await;
        assert_eq!(
            answer.status, 200,
            "expected a cipher text, seen {answer:?}"
        );
        let stored: StoredCipherText = serde_json::from_value(answer.body).expect("a cipher text");
        stored.cipher_text
    }
}
