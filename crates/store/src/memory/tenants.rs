//! Custodians, clients, and their credentials.

use async_trait::async_trait;
use portal_lifecycle::ids::{ClientId, EnvironmentId, TraceId};
use portal_lifecycle::{BackupMode, Timestamp};

use super::{ApiKey, Environment, MemoryStore, Session, State, WebOtp, audit, wallets, webhook};
use crate::audit::{Actor, AuditAct, KeyId, Origin};
use crate::{
    ClientAuth, ClientRecord, ClientStore, CredentialHash, CredentialKind, CustodianAuth,
    CustodianKey, CustodianStore, Grounds, NewClient, NewCustodian, NewEnvironment, NewSession,
    PageOf, SigningPolicies, StoreError, StoredWallet, Tenant,
};

/// What a unique index says in a database.
const TAKEN: StoreError = StoreError::Refused {
    guard: "an id or a credential is there once",
};

#[async_trait]
impl CustodianStore for MemoryStore {
    async fn create_custodian(&self, new: NewCustodian, origin: Origin) -> Result<(), StoreError> {
        let (name, first) = new.split();
        let webhook = self.sealed_webhook(&first).await?;
        let mut state = self.lock();
        if state.custodians.contains_key(&first.custodian_id) {
            return Err(TAKEN);
        }
        let custodian = first.custodian_id;
        insert_environment(&mut state, first, webhook, origin)?;
        state.custodians.insert(custodian, name);
        Ok(())
    }

    async fn create_environment(
        &self,
        new: NewEnvironment,
        origin: Origin,
    ) -> Result<(), StoreError> {
        let webhook = self.sealed_webhook(&new).await?;
        let mut state = self.lock();
        if !state.custodians.contains_key(&new.custodian_id) {
            return Err(StoreError::NoSuchRow {
                table: "custodians",
            });
        }
        insert_environment(&mut state, new, webhook, origin)
    }

    async fn tenants(
        &self,
        after: Option<EnvironmentId>,
        take: u32,
    ) -> Result<Vec<Tenant>, StoreError> {
        let state = self.lock();
        let environments = state.environments.keys();
        let later = environments.filter(|id| after.is_none_or(|after| **id > after));
        let tenants = later.filter_map(|id| tenant(&state, *id));
        Ok(tenants.take(take as usize).collect())
    }

    async fn custodian_keys(
        &self,
        environment: EnvironmentId,
    ) -> Result<Vec<CustodianKey>, StoreError> {
        let state = self.lock();
        let keys = state.custodian_keys.iter();
        let mut keys: Vec<_> = keys
            .filter(|(_, key)| key.environment == environment)
            .map(|(hash, key)| CustodianKey {
                hash: CredentialHash(*hash),
                created_at: key.created_at,
                revoked_at: key.revoked_at,
            })
            .collect();
        keys.sort_by_key(|key| (key.created_at, key.hash.0));
        Ok(keys)
    }

    async fn add_custodian_key(
        &self,
        environment: EnvironmentId,
        key: CredentialHash,
        most: u32,
        origin: Origin,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut state = self.lock();
        if !state.environments.contains_key(&environment) {
            return Err(StoreError::NoSuchRow {
                table: "environments",
            });
        }
        if state.custodian_keys.contains_key(&key.0) {
            return Err(TAKEN);
        }
        let keys = state.custodian_keys.values();
        let in_force = keys
            .filter(|key| key.environment == environment && key.revoked_at.is_none())
            .count();
        if in_force >= most as usize {
            return Ok(false);
        }
        state
            .custodian_keys
            .insert(key.0, api_key(environment, now));
        let made = AuditAct::CustodianKeyMade {
            key: KeyId::of(key),
        };
        audit::append(&mut state, environment, None, &[made], origin, now);
        Ok(true)
    }

    async fn revoke_custodian_key(
        &self,
        environment: EnvironmentId,
        key: CredentialHash,
        origin: Origin,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let found = state.custodian_keys.get_mut(&key.0);
        let found = found.filter(|key| key.environment == environment && key.revoked_at.is_none());
        let Some(found) = found else { return Ok(false) };
        found.revoked_at = Some(now);
        let ended = AuditAct::CustodianKeyRevoked {
            key: KeyId::of(key),
        };
        audit::append(&mut state, environment, None, &[ended], origin, now);
        Ok(true)
    }

    async fn custodian_by_key(
        &self,
        key: CredentialHash,
    ) -> Result<Option<CustodianAuth>, StoreError> {
        let state = self.lock();
        let known = state.custodian_keys.get(&key.0);
        let known = known.filter(|known| known.revoked_at.is_none());
        Ok(known.and_then(|known| {
            let environment_id = known.environment;
            let environment = state.environments.get(&environment_id)?;
            Some(CustodianAuth {
                custodian_id: environment.custodian,
                environment_id,
                key: KeyId::of(key),
            })
        }))
    }

    async fn put_backup_mode(
        &self,
        environment: EnvironmentId,
        mode: BackupMode,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        let found = state.environments.get_mut(&environment);
        let table = "environments";
        found.ok_or(StoreError::NoSuchRow { table })?.backup_mode = mode;
        let acts = [AuditAct::BackupModeChanged { mode }];
        audit::append(&mut state, environment, None, &acts, origin, now);
        Ok(())
    }

    async fn put_signing_policy(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
        policy: Option<&str>,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        find(&state, environment, client)?;
        let acts = [AuditAct::signing_policy_changed(policy)];
        audit::append(&mut state, environment, client, &acts, origin, now);
        let policy = policy.map(str::to_owned);
        match (client, policy) {
            (None, policy) => {
                if let Some(environment) = state.environments.get_mut(&environment) {
                    environment.signing_policy = policy;
                }
            }
            (Some(client), Some(policy)) => {
                state.signing_policies.insert(client, policy);
            }
            (Some(client), None) => {
                state.signing_policies.remove(&client);
            }
        }
        Ok(())
    }

    async fn signing_policies(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
    ) -> Result<SigningPolicies, StoreError> {
        policies(&self.lock(), environment, client)
    }
}

fn policies(
    state: &State,
    environment: EnvironmentId,
    client: Option<ClientId>,
) -> Result<SigningPolicies, StoreError> {
    find(state, environment, client)?;
    let of_environment = state.environments.get(&environment);
    Ok(SigningPolicies {
        environment: of_environment.and_then(|found| found.signing_policy.clone()),
        client: client.and_then(|client| state.signing_policies.get(&client).cloned()),
    })
}

/// Whether what an act was allowed by still stands.
pub(super) fn stand(
    state: &State,
    environment: EnvironmentId,
    client: ClientId,
    grounds: &Grounds,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let caller = grounds.caller;
    let is_known = auth_of(state, caller.credential, now) == Some(caller);
    let policies = policies(state, environment, Some(client))?;
    Ok(is_known && caller.client_id == client && policies == grounds.policies)
}

#[async_trait]
impl ClientStore for MemoryStore {
    async fn create_client(&self, new: NewClient, origin: Origin) -> Result<(), StoreError> {
        insert_client(&mut self.lock(), new, origin)
    }

    async fn client(
        &self,
        environment: EnvironmentId,
        client: ClientId,
    ) -> Result<Option<ClientRecord>, StoreError> {
        let record = self.lock().clients.get(&client).cloned();
        Ok(record.filter(|record| record.environment_id == environment))
    }

    async fn clients(
        &self,
        environment: EnvironmentId,
        after: Option<ClientId>,
        take: u32,
    ) -> Result<PageOf<(ClientRecord, Option<StoredWallet>)>, StoreError> {
        let state = self.lock();
        let all = || {
            let clients = state.clients.values();
            clients.filter(|record| record.environment_id == environment)
        };
        let is_later = |record: &&ClientRecord| after.is_none_or(|after| record.client_id > after);
        Ok(PageOf {
            entries: all()
                .filter(is_later)
                .take(take as usize)
                .map(|record| (record.clone(), wallets::stored(&state, record.client_id)))
                .collect(),
            total: all().count() as u64,
        })
    }

    async fn create_session(
        &self,
        client: ClientId,
        session: NewSession,
        origin: Origin,
    ) -> Result<(), StoreError> {
        replace_sessions(&mut self.lock(), client, session, None, origin)
    }

    async fn replace_client_key(
        &self,
        client: ClientId,
        key: CredentialHash,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        replace_client_key(&mut self.lock(), client, key, origin, now)
    }

    async fn revoke_client(
        &self,
        client: ClientId,
        kind: CredentialKind,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        append_about(&mut state, client, AuditAct::revoked(kind), origin, now)?;
        match kind {
            CredentialKind::ApiKey => state.client_keys.retain(|_, owner| *owner != client),
            CredentialKind::Session => {
                state.web_otps.retain(|_, otp| otp.client != client);
                state.sessions.retain(|_, session| session.client != client);
            }
        }
        Ok(())
    }

    async fn create_web_otp(
        &self,
        client: ClientId,
        otp: CredentialHash,
        origin: Origin,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        if !state.clients.contains_key(&client) {
            return Err(StoreError::NoSuchRow { table: "clients" });
        }
        if state.web_otps.contains_key(&otp.0) {
            return Err(TAKEN);
        }
        let act = AuditAct::WebOtpMade {
            otp: KeyId::of(otp),
        };
        append_about(&mut state, client, act, origin, now)?;
        state.web_otps.retain(|_, other| other.expires_at > now);
        let is_taken = false;
        let kept = WebOtp {
            client,
            is_taken,
            expires_at,
        };
        state.web_otps.insert(otp.0, kept);
        Ok(())
    }

    async fn web_otp(
        &self,
        otp: CredentialHash,
        now: Timestamp,
    ) -> Result<Option<crate::WebOtp>, StoreError> {
        Ok(owner_of(&self.lock(), otp, now))
    }

    async fn redeem_web_otp(
        &self,
        otp: CredentialHash,
        session: NewSession,
        trace_id: TraceId,
    ) -> Result<Option<ClientRecord>, StoreError> {
        take_web_otp(&mut self.lock(), otp, session, trace_id)
    }

    async fn client_by_credential(
        &self,
        credential: CredentialHash,
        now: Timestamp,
        idle_until: Timestamp,
    ) -> Result<Option<ClientAuth>, StoreError> {
        let mut state = self.lock();
        let session = state.sessions.get_mut(&credential.0);
        if let Some(session) = session.filter(|session| is_live(session, now)) {
            session.idle_until = session.idle_until.max(idle_until);
        }
        Ok(auth_of(&state, credential, now))
    }

    async fn owner_of_credential(
        &self,
        credential: CredentialHash,
        now: Timestamp,
    ) -> Result<Option<ClientAuth>, StoreError> {
        Ok(auth_of(&self.lock(), credential, now))
    }

    async fn tenant(&self, client: ClientId) -> Result<Tenant, StoreError> {
        let state = self.lock();
        let record = state.clients.get(&client);
        let found = record.and_then(|record| tenant(&state, record.environment_id));
        found.ok_or(StoreError::NoSuchRow { table: "clients" })
    }
}

impl MemoryStore {
    async fn sealed_webhook(
        &self,
        new: &NewEnvironment,
    ) -> Result<Option<webhook::Webhook>, StoreError> {
        Ok(match &new.webhook {
            Some(webhook) => Some(self.seal_webhook(new.environment_id, webhook).await?),
            None => None,
        })
    }
}

fn insert_environment(
    state: &mut State,
    new: NewEnvironment,
    webhook: Option<webhook::Webhook>,
    origin: Origin,
) -> Result<(), StoreError> {
    if state.environments.contains_key(&new.environment_id)
        || state.custodian_keys.contains_key(&new.api_key.0)
    {
        return Err(TAKEN);
    }
    let environment = Environment {
        custodian: new.custodian_id,
        name: new.name,
        backup_mode: new.backup_mode,
        webhook,
        signing_policy: None,
    };
    let made = AuditAct::EnvironmentMade {
        custodian: new.custodian_id,
    };
    let changed = new.webhook.as_ref().map(AuditAct::webhook_changed);
    let acts: Vec<_> = [made].into_iter().chain(changed).collect();
    let (id, at) = (new.environment_id, new.created_at);
    audit::append(state, id, None, &acts, origin, at);
    state.environments.insert(id, environment);
    state.custodian_keys.insert(new.api_key.0, api_key(id, at));
    Ok(())
}

fn tenant(state: &State, id: EnvironmentId) -> Option<Tenant> {
    let environment = state.environments.get(&id)?;
    Some(Tenant {
        custodian_id: environment.custodian,
        custodian_name: state.custodians.get(&environment.custodian)?.clone(),
        environment_id: id,
        environment_name: environment.name.clone(),
        backup_mode: environment.backup_mode,
    })
}

/// An environment and, if one is named, a client of it.
fn find(
    state: &State,
    environment: EnvironmentId,
    client: Option<ClientId>,
) -> Result<(), StoreError> {
    let missing = |table| StoreError::NoSuchRow { table };
    if !state.environments.contains_key(&environment) {
        return Err(missing("environments"));
    }
    let is_there = |client| {
        let record = state.clients.get(&client);
        record.is_some_and(|record| record.environment_id == environment)
    };
    if client.is_some_and(|client| !is_there(client)) {
        return Err(missing("clients"));
    }
    Ok(())
}

/// Whom a one-time password is for.
fn owner_of(state: &State, otp: CredentialHash, now: Timestamp) -> Option<crate::WebOtp> {
    let known = state.web_otps.get(&otp.0)?;
    let known = (known.expires_at > now).then_some(known)?;
    Some(crate::WebOtp {
        client: state.clients.get(&known.client)?.clone(),
        is_taken: known.is_taken,
    })
}

pub(super) fn take_web_otp(
    state: &mut State,
    otp: CredentialHash,
    session: NewSession,
    trace_id: TraceId,
) -> Result<Option<ClientRecord>, StoreError> {
    let found = owner_of(state, otp, session.created_at).filter(|found| !found.is_taken);
    let Some(crate::WebOtp { client, .. }) = found else {
        return Ok(None);
    };
    let origin = Origin {
        actor: Actor::Client(client.client_id),
        trace_id,
    };
    replace_sessions(state, client.client_id, session, Some(otp), origin)?;
    if let Some(taken) = state.web_otps.get_mut(&otp.0) {
        taken.is_taken = true;
    }
    Ok(Some(client))
}

/// A line about one client, at the end of the chain of its environment.
pub(super) fn append_about(
    state: &mut State,
    client: ClientId,
    act: AuditAct,
    origin: Origin,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(environment) = state.clients.get(&client).map(|found| found.environment_id) else {
        return Err(StoreError::NoSuchRow { table: "clients" });
    };
    audit::append(state, environment, Some(client), &[act], origin, at);
    Ok(())
}

pub(super) fn insert_client(
    state: &mut State,
    new: NewClient,
    origin: Origin,
) -> Result<(), StoreError> {
    if !state.environments.contains_key(&new.environment_id) {
        return Err(StoreError::NoSuchRow {
            table: "environments",
        });
    }
    if state.clients.contains_key(&new.client_id)
        || state.client_keys.contains_key(&new.api_key.0)
        || state.sessions.contains_key(&new.session.token.0)
    {
        return Err(TAKEN);
    }
    let record = ClientRecord {
        client_id: new.client_id,
        environment_id: new.environment_id,
        is_account_abstracted: new.is_account_abstracted,
        created_at: new.created_at,
    };
    state.clients.insert(new.client_id, record);
    state.client_keys.insert(new.api_key.0, new.client_id);
    insert_session(state, new.client_id, new.session);
    let (id, client, at) = (new.environment_id, Some(new.client_id), new.created_at);
    audit::append(state, id, client, &[AuditAct::ClientMade {}], origin, at);
    Ok(())
}

pub(super) fn replace_sessions(
    state: &mut State,
    client: ClientId,
    session: NewSession,
    otp: Option<CredentialHash>,
    origin: Origin,
) -> Result<(), StoreError> {
    if state.sessions.contains_key(&session.token.0) {
        return Err(TAKEN);
    }
    let now = session.created_at;
    let act = AuditAct::SessionMade {
        otp: otp.map(KeyId::of),
    };
    append_about(state, client, act, origin, now)?;
    state
        .sessions
        .retain(|_, other| other.client != client || is_live(other, now));
    insert_session(state, client, session);
    Ok(())
}

pub(super) fn replace_client_key(
    state: &mut State,
    client: ClientId,
    key: CredentialHash,
    origin: Origin,
    now: Timestamp,
) -> Result<(), StoreError> {
    if state.client_keys.contains_key(&key.0) {
        return Err(TAKEN);
    }
    append_about(state, client, AuditAct::ClientKeyReplaced {}, origin, now)?;
    state.client_keys.retain(|_, owner| *owner != client);
    state.client_keys.insert(key.0, client);
    Ok(())
}

const fn api_key(environment: EnvironmentId, created_at: Timestamp) -> ApiKey {
    ApiKey {
        environment,
        created_at,
        revoked_at: None,
    }
}

fn insert_session(state: &mut State, client: ClientId, new: NewSession) {
    let session = Session {
        client,
        idle_until: new.idle_until,
        expires_at: new.expires_at,
    };
    state.sessions.insert(new.token.0, session);
}

fn auth_of(state: &State, credential: CredentialHash, now: Timestamp) -> Option<ClientAuth> {
    let session = state.sessions.get(&credential.0);
    let session = session.filter(|session| is_live(session, now));
    let (client_id, kind) = match (state.client_keys.get(&credential.0), session) {
        (Some(client), _) => (*client, CredentialKind::ApiKey),
        (None, Some(session)) => (session.client, CredentialKind::Session),
        (None, None) => return None,
    };
    let record = state.clients.get(&client_id);
    record.map(|record| ClientAuth {
        client_id,
        environment_id: record.environment_id,
        kind,
        credential,
    })
}

fn is_live(session: &Session, now: Timestamp) -> bool {
    session.idle_until > now && session.expires_at > now
}
