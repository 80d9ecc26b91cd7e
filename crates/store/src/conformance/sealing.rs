//! What lies in the database is of no use without the key.

use portal_lifecycle::{BackupMethod, Curve, OperationKind};
use portal_seal::SealingKey;

use super::Backend;
use super::fixture::{Life, key, now};
use crate::{CustodianStore as _, OutboxStore as _, StoreError, WalletStore as _};

/// Under another key no share and no secret opens, and everything else can be read.
pub async fn nothing_opens_under_another_key(backend: &impl Backend) {
    fn is_sealed<T>(result: &Result<T, StoreError>) -> bool {
        matches!(result, Err(StoreError::Unsealing { .. }))
    }
    let store = backend.open(key()).await;
    let mut life = Life::new(&store).await;
    let signing = life.sign_up(OperationKind::Generate).await;
    let backup = life.make_backup(BackupMethod::GDrive).await;

    let other_key = SealingKey::from_bytes([0x5f; 32].into());
    let other = backend.open(other_key).await;
    for curve in Curve::ALL {
        let pair = *signing.of(curve);
        let share = other.signing_share(life.client, curve, pair).await;
        assert!(is_sealed(&share), "{share:?}");
    }
    let delivery = other.delivery(life.client, backup).await;
    assert!(is_sealed(&delivery), "{delivery:?}");
    let due = other.due_deliveries(now().plus_ms(1_000_000), 10).await;
    assert!(is_sealed(&due), "{due:?}");
    let webhook = other.webhook(life.environment).await;
    assert!(is_sealed(&webhook), "{webhook:?}");
    let stored = other.wallet(life.client).await.expect("read");
    assert_eq!(stored.map(|stored| stored.wallet), Some(life.wallet));
}
