//! Custodians, API keys, signing policies.

use portal_lifecycle::BackupMode;
use portal_lifecycle::ids::{ClientId, CustodianId, EnvironmentId};

use super::fixture::{fresh, fresh_hash, kms, new_custodian, now, origin};
use super::{Backend, audit_log, new_client};
use crate::audit::KeyId;
use crate::{
    ClientStore as _, CustodianAuth, CustodianStore as _, NewCustodian, NewEnvironment,
    SigningPolicies, Store as _, StoreError, Tenant, WebhookStore as _,
};

/// A key names the environment it was made for, and an unknown key none.
pub async fn a_key_names_its_environment(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    store.ping().await.expect("the database answers");
    for _ in 0..2 {
        let new = new_custodian();
        store
            .create_custodian(new.clone(), origin())
            .await
            .expect("made");
        assert_eq!(
            store.custodian_by_key(new.api_key).await.expect("read"),
            Some(CustodianAuth {
                custodian_id: new.custodian_id,
                environment_id: new.environment_id,
                key: KeyId::of(new.api_key),
            })
        );
    }
    let unknown = store.custodian_by_key(fresh_hash()).await.expect("read");
    assert_eq!(unknown, None);
}

/// A policy comes back as it was put, and is never another environment's or client's.
pub async fn signing_policies_are_of_their_environment_and_client(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (one, other) = (new_custodian(), new_custodian());
    let mut clients = Vec::new();
    for custodian in [&one, &other] {
        store
            .create_custodian(custodian.clone(), origin())
            .await
            .expect("made");
        let client = new_client(custodian.environment_id);
        store
            .create_client(client.clone(), origin())
            .await
            .expect("made");
        clients.push(client.client_id);
    }
    let (mine, others) = (clients[0], clients[1]);
    let environment = one.environment_id;
    let read = async |client| store.signing_policies(environment, client).await;
    assert_eq!(
        read(Some(mine)).await.expect("read"),
        SigningPolicies::default()
    );
    for (client, policy) in [(None, Some("all")), (Some(mine), Some("mine"))] {
        let put = store.put_signing_policy(environment, client, policy, origin(), now());
        put.await.expect("put");
    }
    let both = SigningPolicies {
        environment: Some("all".to_owned()),
        client: Some("mine".to_owned()),
    };
    assert_eq!(read(Some(mine)).await.expect("read"), both);
    for (environment, client) in [
        (environment, Some(others)),
        (EnvironmentId(fresh()), None),
        (environment, Some(ClientId(fresh()))),
    ] {
        let put = store.put_signing_policy(environment, client, Some("stolen"), origin(), now());
        let refused = put.await;
        let expected = matches!(refused, Err(StoreError::NoSuchRow { .. }));
        assert!(expected, "{refused:?}");
        let refused = store.signing_policies(environment, client).await;
        let expected = matches!(refused, Err(StoreError::NoSuchRow { .. }));
        assert!(expected, "{refused:?}");
    }
    let untouched = store.signing_policies(other.environment_id, Some(others));
    assert_eq!(untouched.await.expect("read"), SigningPolicies::default());
    let removed = store.put_signing_policy(environment, Some(mine), None, origin(), now());
    removed.await.expect("removed");
    let left = SigningPolicies {
        client: None,
        ..both
    };
    assert_eq!(read(Some(mine)).await.expect("read"), left);
}

/// Another mode is that environment's, and nobody else's.
pub async fn a_backup_mode_is_changed_for_its_environment(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut clients = Vec::new();
    for _ in 0..2 {
        let custodian = new_custodian();
        let made = store.create_custodian(custodian.clone(), origin());
        made.await.expect("made");
        let client = new_client(custodian.environment_id);
        let made = store.create_client(client.clone(), origin());
        made.await.expect("made");
        clients.push((custodian.environment_id, client.client_id));
    }
    for mode in [BackupMode::Managed, BackupMode::Plain, BackupMode::Plain] {
        let put = store.put_backup_mode(clients[0].0, mode, origin(), now());
        put.await.expect("put");
        for ((_, client), expected) in clients.iter().zip([mode, BackupMode::Sealed]) {
            let tenant = store.tenant(*client).await.expect("read");
            assert_eq!(tenant.backup_mode, expected);
        }
    }
    let nobodys = EnvironmentId(fresh());
    let put = store.put_backup_mode(nobodys, BackupMode::Managed, origin(), now());
    let refused = put.await;
    let expected = matches!(refused, Err(StoreError::NoSuchRow { .. }));
    assert!(expected, "{refused:?}");
}

/// A custodian whose key is another's is not there at all.
pub async fn a_custodian_is_made_whole_or_not_at_all(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let first = new_custodian();
    store
        .create_custodian(first.clone(), origin())
        .await
        .expect("made");
    let second = NewCustodian {
        api_key: first.api_key,
        ..new_custodian()
    };
    let refused = store.create_custodian(second.clone(), origin()).await;
    assert!(
        matches!(
            refused,
            Err(StoreError::Statement { .. } | StoreError::Refused { .. })
        ),
        "{refused:?}"
    );
    let orphan = store
        .create_client(new_client(second.environment_id), origin())
        .await;
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
    store.create_custodian(again, origin()).await.expect("made");
}

/// A second environment has key, clients and mode of its own; nothing of it is the first one's.
pub async fn environments_of_a_custodian_are_apart_and_listed(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (first, other) = (new_custodian(), new_custodian());
    for new in [&first, &other] {
        let made = store.create_custodian(new.clone(), origin()).await;
        made.expect("made");
    }
    let second = NewEnvironment {
        custodian_id: first.custodian_id,
        environment_id: EnvironmentId(fresh()),
        name: "staging".to_owned(),
        backup_mode: BackupMode::Managed,
        api_key: fresh_hash(),
        webhook: None,
        created_at: now(),
    };
    for refused in [
        NewEnvironment {
            custodian_id: CustodianId(fresh()),
            ..second.clone()
        },
        NewEnvironment {
            api_key: first.api_key,
            ..second.clone()
        },
    ] {
        let made = store.create_environment(refused, origin()).await;
        assert!(made.is_err(), "{made:?}");
    }
    let made = store.create_environment(second.clone(), origin()).await;
    made.expect("made");
    for (key, environment) in [
        (first.api_key, first.environment_id),
        (second.api_key, second.environment_id),
    ] {
        let owner = store.custodian_by_key(key).await.expect("read");
        let owner = owner.map(|owner| (owner.custodian_id, owner.environment_id));
        assert_eq!(owner, Some((first.custodian_id, environment)));
    }
    let client = new_client(second.environment_id);
    let made = store.create_client(client.clone(), origin()).await;
    made.expect("made");
    let seen = store.client(first.environment_id, client.client_id).await;
    assert_eq!(seen.expect("read"), None, "seen from the first");
    let webhook = store.webhook(second.environment_id).await.expect("read");
    assert!(webhook.is_none(), "{webhook:?}");
    let lines = audit_log(&store, second.environment_id).await;
    let acts: Vec<_> = lines.iter().map(|line| line.act.as_str()).collect();
    assert_eq!(acts, ["ENVIRONMENT_MADE", "CLIENT_MADE"]);

    let tenant = |custodian: &NewCustodian| Tenant {
        custodian_id: custodian.custodian_id,
        custodian_name: custodian.custodian_name.clone(),
        environment_id: custodian.environment_id,
        environment_name: custodian.environment_name.clone(),
        backup_mode: custodian.backup_mode,
    };
    let added = Tenant {
        environment_id: second.environment_id,
        environment_name: second.name,
        backup_mode: second.backup_mode,
        ..tenant(&first)
    };
    let mut expected = [tenant(&first), tenant(&other), added];
    expected.sort_by_key(|tenant| tenant.environment_id);
    let all = store.tenants(None, 10).await.expect("read");
    assert_eq!(all, expected);
    let after = Some(expected[0].environment_id);
    let next = store.tenants(after, 1).await.expect("read");
    assert_eq!(next, expected[1..2]);
}

/// So many keys of an environment are in force at once, and a revoked one is none from then on.
pub async fn so_many_keys_live_side_by_side_and_end_at_once(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (mine, other) = (new_custodian(), new_custodian());
    for new in [&mine, &other] {
        let made = store.create_custodian(new.clone(), origin()).await;
        made.expect("made");
    }
    let environment = mine.environment_id;
    let add = async |key| {
        let later = now().plus_ms(1);
        let added = store
            .add_custodian_key(environment, key, 2, origin(), later)
            .await;
        added.expect("told")
    };
    let owner = async |key| {
        let owner = store.custodian_by_key(key).await.expect("read");
        owner.map(|owner| owner.environment_id)
    };
    let (second, third) = (fresh_hash(), fresh_hash());
    assert!(add(second).await);
    assert!(!add(third).await, "two are in force");
    for key in [mine.api_key, second] {
        assert_eq!(owner(key).await, Some(environment));
    }
    assert_eq!(owner(third).await, None);
    let revoke = async |environment, key| {
        let revoked = store
            .revoke_custodian_key(environment, key, origin(), now().plus_ms(2))
            .await;
        revoked.expect("told")
    };
    assert!(
        !revoke(other.environment_id, mine.api_key).await,
        "another's"
    );
    assert!(!revoke(environment, third).await, "no key");
    assert!(revoke(environment, mine.api_key).await);
    assert!(!revoke(environment, mine.api_key).await, "revoked already");
    assert_eq!(owner(mine.api_key).await, None);
    assert_eq!(owner(second).await, Some(environment));
    assert_eq!(owner(other.api_key).await, Some(other.environment_id));
    assert!(add(third).await);
    let keys = store.custodian_keys(environment).await.expect("read");
    let keys: Vec<_> = keys.iter().map(|key| (key.hash, key.revoked_at)).collect();
    assert_eq!(
        keys,
        [
            (mine.api_key, Some(now().plus_ms(2))),
            (second, None),
            (third, None)
        ]
    );
    let nowhere = store
        .add_custodian_key(EnvironmentId(fresh()), fresh_hash(), 2, origin(), now())
        .await;
    assert!(
        matches!(nowhere, Err(StoreError::NoSuchRow { .. })),
        "{nowhere:?}"
    );
}
