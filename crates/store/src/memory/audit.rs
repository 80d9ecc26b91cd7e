//! The chains of the audit log.

use std::sync::Arc;

use async_trait::async_trait;
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{ClientId, EnvironmentId};

use super::{MemoryStore, State};
use crate::audit::{AuditAct, AuditFilter, AuditLine, ChainPart, Checkpoint, Origin};
use crate::{AuditStore, PageOf, StoreError};

/// Continues an environment's chain.
pub(super) fn append(
    state: &mut State,
    environment: EnvironmentId,
    client: Option<ClientId>,
    acts: &[AuditAct],
    origin: Origin,
    at: Timestamp,
) {
    let chain = state.audit_log.entry(environment).or_default();
    for act in acts {
        let head = chain
            .last()
            .map_or(Checkpoint::START, |line| line.checkpoint());
        let line = AuditLine::after(head, environment, client, act, origin, at);
        chain.push(Arc::new(line));
    }
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn audit_lines(
        &self,
        environment: EnvironmentId,
        filter: AuditFilter,
        after: u64,
        take: u32,
    ) -> Result<PageOf<AuditLine>, StoreError> {
        let state = self.lock();
        let owner = filter.wallet_id.map(|wallet| {
            let mut wallets = state.wallets.iter();
            let owned = wallets.find(|(_, stored)| {
                let ids = stored.wallet.ids;
                ids.secp256k1 == wallet || ids.ed25519 == wallet
            });
            owned.map(|(client, _)| *client)
        });
        let is_asked_for = |line: &&Arc<AuditLine>| {
            let of_client = filter.client_id.is_none_or(|id| line.client_id == Some(id));
            let of_wallet = owner.is_none_or(|owner| owner.is_some() && line.client_id == owner);
            of_client
                && of_wallet
                && filter.act.as_ref().is_none_or(|act| line.act == *act)
                && filter.since.is_none_or(|since| line.at >= since)
                && filter.until.is_none_or(|until| line.at < until)
        };
        let chain = state.audit_log.get(&environment);
        let chain = chain.map_or(&[][..], Vec::as_slice);
        let entries = chain
            .iter()
            .filter(is_asked_for)
            .filter(|line| line.sequence > after)
            .take(take as usize);
        Ok(PageOf {
            entries: entries.map(|line| AuditLine::clone(line)).collect(),
            total: chain.iter().filter(is_asked_for).count() as u64,
        })
    }

    async fn audit_chain(
        &self,
        environment: EnvironmentId,
        after: u64,
        take: u32,
    ) -> Result<ChainPart, StoreError> {
        let state = self.lock();
        let chain = state.audit_log.get(&environment);
        let chain = chain.map_or(&[][..], Vec::as_slice);
        let lines = chain.iter().filter(|line| line.sequence > after);
        let last = chain
            .last()
            .map_or(Checkpoint::START, |line| line.checkpoint());
        Ok(ChainPart {
            head: state
                .environments
                .contains_key(&environment)
                .then_some(last),
            lines: lines
                .take(take as usize)
                .map(|line| AuditLine::clone(line))
                .collect(),
        })
    }

    async fn audited_environments(
        &self,
        after: Option<EnvironmentId>,
        take: u32,
    ) -> Result<Vec<EnvironmentId>, StoreError> {
        let state = self.lock();
        let later = state
            .environments
            .keys()
            .filter(|environment| after.is_none_or(|after| **environment > after));
        Ok(later.take(take as usize).copied().collect())
    }
}
