//! What the database says of each wallet, read beside the server or while it is down.

use std::collections::HashMap;
use std::sync::Arc;

use portal_lifecycle::{Generation, SigningStatus, Wallet};
use portal_store::kms::KeyFileKms;
use portal_store::{SqlStore, WalletStore as _};

use super::finding::Finding;
use crate::installation::Installation;

/// The numbers that never fall, as they were last seen.
#[derive(Default)]
pub(super) struct Ledger(HashMap<String, Seen>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    generation: u64,
    fence: u64,
    signing: Option<Generation>,
    backup: Option<Generation>,
    pairs: usize,
}

impl Ledger {
    /// Compares each client's wallet with what it was.
    pub(super) fn look<'a>(
        &mut self,
        installation: &Installation,
        clients: impl Iterator<Item = &'a str>,
    ) -> Vec<Finding> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let store = open(installation).await;
            let mut findings = Vec::new();
            for client in clients {
                let wallet = store.wallet(client.parse().unwrap()).await.unwrap();
                if let Some(stored) = wallet {
                    findings.extend(self.compare(client, &stored.wallet));
                }
            }
            store.close().await;
            findings
        })
    }

    fn compare(&mut self, client: &str, wallet: &Wallet) -> Option<Finding> {
        let signing = &wallet.signing_pairs;
        let in_force =
            |status| matches!(status, SigningStatus::StoredClient | SigningStatus::Frozen);
        let now = Seen {
            generation: wallet.generation.0,
            fence: wallet.fence.0,
            signing: wallet.current_signing().map(|pair| pair.generation),
            backup: wallet.active_backup().map(|pair| pair.generation),
            pairs: signing.len() + wallet.backup_pairs.len(),
        };
        let seen = self.0.insert(client.to_owned(), now).unwrap_or_default();
        let fell = now.generation < seen.generation
            || now.fence < seen.fence
            || now.signing < seen.signing
            || now.backup < seen.backup
            || now.pairs < seen.pairs;
        let out_of_order = signing
            .windows(2)
            .any(|two| two[0].generation >= two[1].generation);
        let active = signing.iter().filter(|pair| in_force(pair.status)).count();
        let what = if fell {
            format!("fell from {seen:?} to {now:?}")
        } else if out_of_order {
            "has generations out of order".to_owned()
        } else if active > 1 {
            format!("has {active} signing pairs in force")
        } else {
            return None;
        };
        Some(Finding::Forbidden(format!("the wallet of {client} {what}")))
    }
}

/// The servers' storage.
async fn open(installation: &Installation) -> SqlStore {
    let kms = KeyFileKms::open(&installation.path("server/portal.key")).unwrap();
    let kms = Arc::new(kms);
    match installation.database() {
        Some(url) => SqlStore::postgres(url, kms).await.unwrap(),
        None => {
            let path = installation.path("server/portal.db");
            SqlStore::sqlite(&path, kms).await.unwrap()
        }
    }
}
