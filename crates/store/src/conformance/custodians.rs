//! Custodians, API keys, webhooks.

use portal_lifecycle::ids::EnvironmentId;
use portal_seal::SecretBytes;

use super::fixture::{fresh, fresh_hash, kms, new_custodian};
use super::{Backend, new_client};
use crate::{
    ClientStore as _, CustodianAuth, CustodianStore as _, NewCustodian, Store as _, StoreError,
    WebhookConfig,
};

/// A key names the environment it was made for, and an unknown key none.
pub async fn a_key_names_its_environment(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    store.ping().await.expect("the database answers");
    for _ in 0..2 {
        let new = new_custodian();
        store.create_custodian(new.clone()).await.expect("made");
        assert_eq!(
            store.custodian_by_key(new.api_key).await.expect("read"),
            Some(CustodianAuth {
                custodian_id: new.custodian_id,
                environment_id: new.environment_id,
            })
        );
    }
    let unknown = store.custodian_by_key(fresh_hash()).await.expect("read");
    assert_eq!(unknown, None);
}

/// A webhook comes back as it was put, and each environment has its own.
pub async fn a_webhook_is_replaced_and_comes_back(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let with = new_custodian();
    let without = NewCustodian {
        webhook: None,
        ..new_custodian()
    };
    for new in [&with, &without] {
        store.create_custodian(new.clone()).await.expect("made");
        let webhook = store.webhook(new.environment_id).await.expect("read");
        assert_eq!(webhook, new.webhook);
    }
    let other = WebhookConfig {
        base_url: "https://other.example".to_owned(),
        secret: SecretBytes::new(b"another secret".to_vec()),
    };
    for environment in [with.environment_id, without.environment_id] {
        store
            .put_webhook(environment, other.clone())
            .await
            .expect("put");
        let webhook = store.webhook(environment).await.expect("read");
        assert_eq!(webhook.as_ref(), Some(&other));
    }
    let unknown = EnvironmentId(fresh());
    let refused = store.put_webhook(unknown, other).await;
    assert!(
        matches!(refused, Err(StoreError::NoSuchRow { .. })),
        "{refused:?}"
    );
    assert_eq!(store.webhook(unknown).await.expect("read"), None);
}

/// A custodian whose key is another's is not there at all.
pub async fn a_custodian_is_made_whole_or_not_at_all(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let first = new_custodian();
    store.create_custodian(first.clone()).await.expect("made");
    let second = NewCustodian {
        api_key: first.api_key,
        ..new_custodian()
    };
    let refused = store.create_custodian(second.clone()).await;
    assert!(
        matches!(
            refused,
            Err(StoreError::Statement { .. } | StoreError::Refused { .. })
        ),
        "{refused:?}"
    );
    let orphan = store.create_client(new_client(second.environment_id)).await;
    assert!(
        matches!(orphan, Err(StoreError::NoSuchRow { .. })),
        "{orphan:?}"
    );
    let owner = store.custodian_by_key(first.api_key).await.expect("read");
    assert_eq!(
        owner.map(|owner| owner.custodian_id),
        Some(first.custodian_id)
    );
    // Nothing of it is in the way when it comes again with a key of its own.
    let again = NewCustodian {
        api_key: fresh_hash(),
        ..second
    };
    store.create_custodian(again).await.expect("made");
}
