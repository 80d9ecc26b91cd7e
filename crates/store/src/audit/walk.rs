//! A walk along a stored chain, in pages: what it needs does not grow with the chain.

use portal_lifecycle::ids::EnvironmentId;

use super::{AuditFinding, ChainVerifier, Checkpoint};
use crate::{AuditStore, StoreError};

/// Lines that are in memory at once.
const PAGE_LINES: u32 = 1_000;

/// What a walk has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkedChain {
    /// How many lines.
    pub lines: u64,
    /// The last of them: what an auditor keeps.
    pub end: Checkpoint,
    /// How many things were wrong.
    pub findings: u64,
}

/// Verifies an environment's chain, from its beginning or from a checkpoint, and shows what is
/// wrong to `tell`. Writers may go on beside it: every page is of one state of the database, and
/// the chain is followed up to where it ends by then.
///
/// # Errors
///
/// [`StoreError`] where the chain cannot be read.
pub async fn verify_chain(
    store: &(impl AuditStore + ?Sized),
    environment: EnvironmentId,
    since: Option<Checkpoint>,
    mut tell: impl FnMut(AuditFinding),
) -> Result<WalkedChain, StoreError> {
    let mut verifier = ChainVerifier::new(environment, since);
    let mut findings = 0_u64;
    let mut tell_all = |found: Vec<AuditFinding>| {
        for finding in found {
            findings = findings.saturating_add(1);
            tell(finding);
        }
    };
    loop {
        let after = verifier.last().sequence;
        let part = store.audit_chain(environment, after, PAGE_LINES).await?;
        for line in &part.lines {
            tell_all(verifier.see(line));
        }
        if u32::try_from(part.lines.len()).is_ok_and(|lines| lines < PAGE_LINES) {
            tell_all(verifier.end(part.head));
            return Ok(WalkedChain {
                lines: verifier.lines(),
                end: verifier.last(),
                findings,
            });
        }
    }
}
