//! The life of a wallet in managed mode.

use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{BackupMethod, BackupMode, Event, PerCurve};

use super::fixture::{Life, origin};
use crate::Store;

impl<S: Store> Life<'_, S> {
    /// Makes a managed backup with its cipher text, up to `STORED_CLIENT_BACKUP_SHARE`.
    pub async fn back_up_managed(&mut self, cipher_text: &str) -> PerCurve<BackupSharePairId> {
        let ids = self.begin_managed(cipher_text).await;
        self.complete_backup(ids).await;
        ids
    }

    /// The same, but it is not completed.
    pub async fn begin_managed(&mut self, cipher_text: &str) -> PerCurve<BackupSharePairId> {
        let (mode, method) = (BackupMode::Managed, BackupMethod::Password);
        let ids = self.make_backup_in(mode, method).await;
        let kept = self
            .store
            .keep_cipher_text(self.client, ids, cipher_text, origin(), self.now);
        assert!(kept.await.expect("stored"), "another text is stored");
        ids
    }

    /// The backup in force shows that it would recover the wallet; then so much time passes.
    pub async fn prove_backup_and_wait(&mut self, ms: u64) {
        let active = self.wallet.active_backup().expect("a backup is in force");
        let event = Event::ProveBackup {
            ids: active.ids,
            cipher_text_digest: active.cipher_text_digest.expect("complete"),
        };
        self.happen(event).await;
        self.now = self.now.plus_ms(ms);
    }

    /// Whether both halves of a managed backup are there; there are both or none.
    pub async fn has_both_halves(&self, ids: PerCurve<BackupSharePairId>) -> bool {
        let text = self.store.cipher_text(self.client, ids).await;
        let text = text.expect("a cipher text can be read");
        for (curve, id) in ids.iter() {
            let share = self.store.custodian_share(self.client, curve, *id).await;
            let share = share.expect("a share can be read");
            assert_eq!(
                share.is_some(),
                text.is_some(),
                "one half without the other"
            );
        }
        text.is_some()
    }
}
