//! The backend in memory under the suite of all backends.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use portal_store::MemoryStore;
use portal_store::conformance::Backend;
use portal_store::kms::Kms;

/// One memory, for as many openings as a test makes.
pub(crate) struct MemoryBackend(Mutex<Option<MemoryStore>>);

impl MemoryBackend {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }
}

#[async_trait]
impl Backend for MemoryBackend {
    type Store = MemoryStore;

    async fn open(&self, kms: Arc<dyn Kms>) -> MemoryStore {
        let mut opened = self.0.lock().unwrap();
        match &*opened {
            Some(store) => store.reopened(kms),
            None => opened.insert(MemoryStore::new(kms)).clone(),
        }
    }

    async fn open_with(&self, kms: Arc<dyn Kms>, backup_kms: Arc<dyn Kms>) -> MemoryStore {
        self.open(kms).await.with_backup_kms(backup_kms)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_requests_one_is_acted_on() {
    crate::races::of_racing_requests_one_is_acted_on(&MemoryBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_keys_one_is_the_databases() {
    crate::races::of_racing_keys_one_is_the_databases(&MemoryBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn turns_exclude_each_other() {
    crate::races::turns_exclude_each_other(&MemoryBackend::new()).await;
}

/// What a simulated catastrophe does.
#[tokio::test]
async fn a_copy_is_put_back() {
    use portal_lifecycle::OperationKind;
    use portal_store::WalletStore as _;
    use portal_store::conformance::{Life, kms};
    let store = MemoryStore::new(kms());
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let copy = store.copy();
    let then = store.wallet(life.client).await.unwrap();
    life.sign_up(OperationKind::Refresh).await;
    store.put_back(&copy);
    assert_eq!(store.wallet(life.client).await.unwrap(), then);
}
