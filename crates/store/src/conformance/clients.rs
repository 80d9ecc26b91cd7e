//! Clients, sessions, pages.

use portal_lifecycle::ids::{ClientId, EnvironmentId};
use portal_lifecycle::{BackupMethod, OperationKind, Timestamp};

use super::Backend;
use super::fixture::{
    Life, environment, fresh, fresh_hash, kms, new_client, new_custodian, new_session, now, origin,
};
use crate::{
    ClientAuth, ClientRecord, ClientStore as _, CredentialHash, CredentialKind,
    CustodianStore as _, NewClient, NewSession, Store, StoreError, Tenant, WalletStore as _,
};

const IDLE_MS: u64 = 10_000;

fn record(new: &NewClient) -> ClientRecord {
    ClientRecord {
        client_id: new.client_id,
        environment_id: new.environment_id,
        is_account_abstracted: new.is_account_abstracted,
        created_at: new.created_at,
    }
}

async fn add(store: &impl Store, environment: EnvironmentId) -> NewClient {
    let new = new_client(environment);
    store
        .create_client(new.clone(), origin())
        .await
        .expect("made");
    new
}

/// Whom `credential` belongs to, `after_ms` after everything began, used with ten idle seconds.
async fn used(
    store: &impl Store,
    credential: CredentialHash,
    after_ms: u64,
) -> Option<CredentialKind> {
    let at = now().plus_ms(after_ms);
    let auth = store.client_by_credential(credential, at, at.plus_ms(IDLE_MS));
    auth.await.expect("read").map(|auth| auth.kind)
}

/// A client comes back as it was made, and only to whom it belongs.
pub async fn a_client_is_seen_in_its_environment_only(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (mine, other) = (environment(&store).await, environment(&store).await);
    for is_account_abstracted in [true, false] {
        let new = NewClient {
            is_account_abstracted,
            ..new_client(mine)
        };
        store
            .create_client(new.clone(), origin())
            .await
            .expect("made");
        let seen = store.client(mine, new.client_id).await.expect("read");
        assert_eq!(seen, Some(record(&new)));
        let elsewhere = store.client(other, new.client_id).await.expect("read");
        assert_eq!(elsewhere, None, "seen from another environment");
    }
    let unknown = store.client(mine, ClientId(fresh())).await.expect("read");
    assert_eq!(unknown, None);
}

/// Pages go by id, whatever was made first; a cursor shifts them, the total stays.
pub async fn pages_follow_ids_and_count_all(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (mine, other, empty) = (
        environment(&store).await,
        environment(&store).await,
        environment(&store).await,
    );
    let mut made: Vec<_> = (0..5).map(|_| new_client(mine)).collect();
    for new in made.iter().rev() {
        store
            .create_client(new.clone(), origin())
            .await
            .expect("made");
        add(&store, other).await;
    }
    made.sort_by_key(|new| new.client_id);
    let all: Vec<_> = made.iter().map(record).collect();
    for (after, take, expected) in [
        (None, 100, 0..5),
        (None, 2, 0..2),
        (Some(1), 2, 2..4),
        (Some(3), 2, 4..5),
        (Some(4), 2, 5..5),
        (None, 0, 0..0),
    ] {
        let cursor = after.and_then(|index: usize| all.get(index).map(|client| client.client_id));
        let page = store.clients(mine, cursor, take).await.expect("read");
        let records: Vec<_> = page.entries.into_iter().map(|(client, _)| client).collect();
        assert_eq!(
            Some(records.as_slice()),
            all.get(expected),
            "{take} after entry {after:?}"
        );
        assert_eq!(page.total, 5, "{take} after entry {after:?}");
    }
    let nobody = store.clients(empty, None, 10).await.expect("read");
    assert_eq!((nobody.entries.len(), nobody.total), (0, 0));
}

/// A page has each client's wallet as it is read alone, and no other's.
pub async fn a_page_has_the_wallets_of_its_clients(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut one = Life::new(&store).await;
    let mut other = Life::of(&store, one.environment).await;
    let mut stranger = Life::new(&store).await;
    for life in [&mut one, &mut other, &mut stranger] {
        life.sign_up(OperationKind::Generate).await;
        life.back_up(BackupMethod::Password).await;
        life.sign_up(OperationKind::Refresh).await;
    }
    add(&store, one.environment).await;
    let page = store.clients(one.environment, None, 10).await;
    let entries = page.expect("read").entries;
    let mut with_a_wallet = 0;
    for (client, wallet) in &entries {
        let alone = store.wallet(client.client_id).await.expect("read");
        assert_eq!(*wallet, alone, "{}", client.client_id);
        with_a_wallet += usize::from(alone.is_some());
    }
    assert_eq!((entries.len(), with_a_wallet), (3, 2));
    let after = entries.first().map(|(client, _)| client.client_id);
    let page = store.clients(one.environment, after, 1).await;
    assert_eq!(page.expect("read").entries, entries[1..2]);
}

/// A client with another's credential, or of no environment, is not there at all.
pub async fn a_client_is_made_whole_or_not_at_all(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let first = add(&store, home).await;
    for second in [
        NewClient {
            api_key: first.api_key,
            ..new_client(home)
        },
        NewClient {
            session: first.session,
            ..new_client(home)
        },
        NewClient {
            client_id: first.client_id,
            ..new_client(home)
        },
    ] {
        let refused = store.create_client(second.clone(), origin()).await;
        assert!(
            matches!(
                refused,
                Err(StoreError::Statement { .. } | StoreError::Refused { .. })
            ),
            "{refused:?}"
        );
        let page = store.clients(home, None, 10).await.expect("read");
        assert_eq!(page.entries, [(record(&first), None)]);
        for credential in [second.api_key, second.session.token] {
            let auth = store.client_by_credential(credential, now(), now());
            let owner = auth.await.expect("read").map(|auth| auth.client_id);
            assert!(owner.is_none_or(|owner| owner == first.client_id));
        }
    }
    let homeless = store
        .create_client(new_client(EnvironmentId(fresh())), origin())
        .await;
    assert!(
        matches!(homeless, Err(StoreError::NoSuchRow { .. })),
        "{homeless:?}"
    );
}

/// Both credentials name the client, its environment and their kind; unknown ones nobody.
pub async fn credentials_name_their_client(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let (one, other) = (add(&store, home).await, add(&store, home).await);
    for client in [&one, &other] {
        for (credential, kind) in [
            (client.api_key, CredentialKind::ApiKey),
            (client.session.token, CredentialKind::Session),
        ] {
            let auth = store.client_by_credential(credential, now(), now());
            let expected = ClientAuth {
                client_id: client.client_id,
                environment_id: home,
                kind,
                credential,
            };
            assert_eq!(auth.await.expect("read"), Some(expected));
            let owner = store.owner_of_credential(credential, now()).await;
            assert_eq!(owner.expect("read"), Some(expected));
        }
    }
    assert_eq!(used(&store, fresh_hash(), 0).await, None);
}

/// A session that nobody uses ends; the API key does not.
pub async fn an_idle_session_ends(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let client = add(&store, home).await;
    let token = client.session.token;
    assert_eq!(
        used(&store, token, IDLE_MS).await,
        None,
        "idle for too long"
    );
    assert_eq!(used(&store, token, IDLE_MS + 1).await, None);
    assert_eq!(
        used(&store, client.api_key, u64::from(u32::MAX)).await,
        Some(CredentialKind::ApiKey)
    );
    let other = add(&store, home).await.session.token;
    let just = used(&store, other, IDLE_MS - 1).await;
    assert_eq!(just, Some(CredentialKind::Session), "in its last moment");
}

/// Each use moves a session's end on, but not past its last end.
pub async fn a_used_session_lives_on_until_its_end(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let token = add(&store, home).await.session.token;
    for after_ms in [
        9_000, 18_000, 27_000, 36_000, 45_000, 54_000, 63_000, 72_000, 81_000, 90_000, 99_999,
    ] {
        let seen = used(&store, token, after_ms).await;
        assert_eq!(seen, Some(CredentialKind::Session), "at {after_ms} ms");
    }
    assert_eq!(used(&store, token, 100_000).await, None, "at its last end");
    assert_eq!(
        used(&store, token, 100_001).await,
        None,
        "after its last end"
    );
}

/// A request that was held up does not take from a session what a newer one gave it.
pub async fn a_late_request_shortens_no_session(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let token = add(&store, home).await.session.token;
    for after_ms in [9_000, 1_000, 18_999] {
        let seen = used(&store, token, after_ms).await;
        assert_eq!(seen, Some(CredentialKind::Session), "at {after_ms} ms");
    }
}

/// Another session takes nothing from the first; one for nobody is refused.
pub async fn sessions_live_side_by_side(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let client = add(&store, home).await;
    let later = now().plus_ms(5_000);
    let second = NewSession {
        created_at: later,
        idle_until: later.plus_ms(IDLE_MS),
        ..new_session()
    };
    let made = store
        .create_session(client.client_id, second, origin())
        .await;
    made.expect("another session");
    for token in [client.session.token, second.token] {
        let seen = used(&store, token, 6_000).await;
        assert_eq!(seen, Some(CredentialKind::Session));
    }
    // A third, made when the first two are over, brings neither back.
    let much_later = now().plus_ms(50_000);
    let third = NewSession {
        created_at: much_later,
        idle_until: much_later.plus_ms(IDLE_MS),
        ..new_session()
    };
    let made = store
        .create_session(client.client_id, third, origin())
        .await;
    made.expect("a third session");
    let kind = used(&store, third.token, 50_001).await;
    assert_eq!(kind, Some(CredentialKind::Session));
    for token in [client.session.token, second.token] {
        assert_eq!(used(&store, token, 50_001).await, None);
    }
    let nobody = store
        .create_session(ClientId(fresh()), new_session(), origin())
        .await;
    assert!(
        matches!(nobody, Err(StoreError::NoSuchRow { .. })),
        "{nobody:?}"
    );
}

/// The last time there is, which a saturating addition gives, can be stored.
pub async fn times_without_end_are_stored(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let end = Timestamp::from_ms(u64::MAX);
    let session = NewSession {
        idle_until: end,
        expires_at: end,
        ..new_session()
    };
    let new = NewClient {
        session,
        ..new_client(home)
    };
    store.create_client(new, origin()).await.expect("made");
    let auth = store.client_by_credential(session.token, now(), end).await;
    assert!(auth.expect("read").is_some());
}

/// A client's tenant carries the names that the custodian gave.
pub async fn a_tenant_is_named(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let custodian = new_custodian();
    let made = store.create_custodian(custodian.clone(), origin()).await;
    made.expect("a custodian");
    let client = add(&store, custodian.environment_id).await;
    assert_eq!(
        store.tenant(client.client_id).await.expect("read"),
        Tenant {
            custodian_id: custodian.custodian_id,
            custodian_name: custodian.custodian_name,
            environment_id: custodian.environment_id,
            environment_name: custodian.environment_name,
            backup_mode: custodian.backup_mode,
        }
    );
    let nobody = store.tenant(ClientId(fresh())).await;
    assert!(
        matches!(nobody, Err(StoreError::NoSuchRow { .. })),
        "{nobody:?}"
    );
}

/// Whoever has a revoked credential is nobody, and others go on.
pub async fn credentials_are_revoked_at_once(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let (client, other) = (add(&store, home).await, add(&store, home).await);
    let revoked = store.revoke_client(client.client_id, CredentialKind::Session, origin(), now());
    revoked.await.expect("revoked");
    let seen = used(&store, client.session.token, 0).await;
    assert_eq!(seen, None, "its session");
    let seen = used(&store, client.api_key, 0).await;
    assert_eq!(seen, Some(CredentialKind::ApiKey), "its key");
    let key = fresh_hash();
    let replaced = store.replace_client_key(client.client_id, key, origin(), now());
    replaced.await.expect("replaced");
    assert_eq!(used(&store, client.api_key, 0).await, None, "the former");
    let seen = used(&store, key, 0).await;
    assert_eq!(seen, Some(CredentialKind::ApiKey), "the new one");
    let revoked = store.revoke_client(client.client_id, CredentialKind::ApiKey, origin(), now());
    revoked.await.expect("revoked");
    assert_eq!(used(&store, key, 0).await, None, "the new one, revoked");
    for (credential, kind) in [
        (other.api_key, CredentialKind::ApiKey),
        (other.session.token, CredentialKind::Session),
    ] {
        assert_eq!(used(&store, credential, 0).await, Some(kind), "another's");
    }
    let session = store
        .create_session(client.client_id, new_session(), origin())
        .await;
    session.expect("another session");
    let nobody = store
        .replace_client_key(ClientId(fresh()), fresh_hash(), origin(), now())
        .await;
    assert!(
        matches!(nobody, Err(StoreError::NoSuchRow { .. })),
        "{nobody:?}"
    );
}

/// A one-time password is good once, until its end, for the client it was made for.
pub async fn a_web_otp_is_taken_once_and_in_time(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let client = add(&store, home).await;
    let (otp, late, unknown) = (fresh_hash(), fresh_hash(), fresh_hash());
    for otp in [otp, late] {
        let made =
            store.create_web_otp(client.client_id, otp, origin(), now(), now().plus_ms(1_000));
        made.await.expect("made");
    }
    let redeem = async |otp, after_ms| {
        let session = NewSession {
            created_at: now().plus_ms(after_ms),
            ..new_session()
        };
        let redeemed = store.redeem_web_otp(otp, session, origin().trace_id).await;
        let redeemed = redeemed.expect("read");
        (redeemed, session.token)
    };
    assert_eq!(redeem(unknown, 0).await.0, None, "unknown");
    for (otp, after_ms, owner) in [
        (otp, 999, Some((record(&client), false))),
        (otp, 1_000, None),
        (unknown, 0, None),
    ] {
        let seen = store.web_otp(otp, now().plus_ms(after_ms)).await;
        let seen = seen.expect("read").map(|seen| (seen.client, seen.is_taken));
        assert_eq!(seen, owner, "looked at after {after_ms} ms");
    }
    let (redeemed, token) = redeem(otp, 999).await;
    assert_eq!(redeemed, Some(record(&client)), "in its last moment");
    let seen = used(&store, token, 999).await;
    assert_eq!(seen, Some(CredentialKind::Session));
    let (again, token) = redeem(otp, 999).await;
    assert_eq!(again, None, "taken before");
    let known = store.web_otp(otp, now().plus_ms(999)).await.expect("read");
    assert!(known.is_some_and(|known| known.is_taken), "known as taken");
    assert_eq!(used(&store, token, 999).await, None);
    let (over, token) = redeem(late, 1_000).await;
    assert_eq!(over, None, "over");
    assert_eq!(used(&store, token, 1_000).await, None);
    let nobody = store
        .create_web_otp(
            ClientId(fresh()),
            fresh_hash(),
            origin(),
            now(),
            now().plus_ms(1),
        )
        .await;
    assert!(
        matches!(nobody, Err(StoreError::NoSuchRow { .. })),
        "{nobody:?}"
    );
}

/// With a client's sessions end the passwords that would give it others; another's go on.
pub async fn web_otps_end_with_the_sessions(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let (client, other) = (add(&store, home).await, add(&store, home).await);
    let (mine, others) = (fresh_hash(), fresh_hash());
    for (client, otp) in [(&client, mine), (&other, others)] {
        let made =
            store.create_web_otp(client.client_id, otp, origin(), now(), now().plus_ms(1_000));
        made.await.expect("made");
    }
    let revoke = async |kind| {
        let revoked = store.revoke_client(client.client_id, kind, origin(), now());
        revoked.await.expect("revoked");
    };
    revoke(CredentialKind::ApiKey).await;
    let seen = store.web_otp(mine, now()).await.expect("read");
    let seen = seen.map(|seen| seen.client);
    assert_eq!(seen, Some(record(&client)), "only the key is revoked");
    revoke(CredentialKind::Session).await;
    for (otp, owner) in [(mine, None), (others, Some(record(&other)))] {
        let redeemed = store.redeem_web_otp(otp, new_session(), origin().trace_id);
        assert_eq!(redeemed.await.expect("read"), owner);
    }
}
