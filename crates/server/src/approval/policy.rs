//! From the signing policy as it is sent and stored to the one that is held.

use std::collections::BTreeMap;

use portal_api::signing_policy::{Approval, POLICY_ENTRIES, SigningPolicy, ValueCap};
use portal_chains::{Account, Amount, Asset, ChainId, ChainRule, Policy};
use portal_lifecycle::ErrorId;

use crate::ApiError;

/// Digits of 2^256 − 1.
const AMOUNT_DIGITS: usize = 78;

/// Reads a policy as it was stored.
pub(crate) fn stored(text: Option<&str>) -> Result<Option<SigningPolicy>, ApiError> {
    text.map(serde_json::from_str)
        .transpose()
        .map_err(|_| ApiError::internal("a stored signing policy cannot be read"))
}

/// A policy as it is stored, if all of it can be held.
///
/// # Errors
///
/// `BAD_REQUEST` that names the field.
pub(crate) fn storable(policy: &SigningPolicy) -> Result<String, ApiError> {
    holdable(policy)?;
    serde_json::to_string(policy)
        .map_err(|_| ApiError::internal("the signing policy cannot be written"))
}

/// Whether all of a policy can be held: nobody shall rely on a rule that keeps nothing out.
fn holdable(policy: &SigningPolicy) -> Result<(), ApiError> {
    checked(policy)?;
    entries("chains", policy.chains.as_deref(), |text| {
        let rule = chain_rule(text)?;
        rule.only_as().map_or(Ok(()), |whole| {
            Err(format!(
                "what is signed for {rule} does not say so, and is as good on the other networks \
                 of its kind; expected {whole}, which allows all of them"
            ))
        })
    })?;
    Ok(())
}

/// The policy as it is held.
///
/// # Errors
///
/// `BAD_REQUEST` that names the field.
pub(crate) fn checked(policy: &SigningPolicy) -> Result<Policy, ApiError> {
    let chains = entries("chains", policy.chains.as_deref(), |text| chain_rule(text))?;
    let recipients = entries("recipients", policy.recipients.as_deref(), |text| {
        account(text)
    })?;
    let methods = entries("methods", policy.methods.as_deref(), |text| {
        Ok(text.to_owned())
    })?;
    let blocked = entries("blocklist", Some(&policy.blocklist), |text| account(text))?;
    let caps = entries("valueCaps", Some(&policy.value_caps), cap)?;
    let caps = caps.unwrap_or_default();
    let mut value_caps = BTreeMap::new();
    for (place, max) in caps {
        // Of two caps for one asset both hold.
        value_caps
            .entry(place)
            .and_modify(|least: &mut Amount| *least = max.min(*least))
            .or_insert(max);
    }
    Ok(Policy {
        methods: methods.map(|all| all.into_iter().collect()),
        chains: chains.map(|all| all.into_iter().collect()),
        recipients: recipients.map(|all| all.into_iter().collect()),
        value_caps,
        trusts_messages: policy.trust_messages,
        is_shown: policy.approval == Approval::Webhook,
        blocked: blocked.unwrap_or_default().into_iter().collect(),
    })
}

fn entries<E, T>(
    field: &'static str,
    list: Option<&[E]>,
    read: impl Fn(&E) -> Result<T, String>,
) -> Result<Option<Vec<T>>, ApiError> {
    let Some(list) = list else { return Ok(None) };
    if list.len() > POLICY_ENTRIES {
        let found = list.len();
        return Err(bad(format!(
            "{field}: expected at most {POLICY_ENTRIES} entries, got {found}"
        )));
    }
    let read = |(index, entry): (usize, &E)| {
        read(entry).map_err(|error| bad(format!("{field}[{index}]: {error}")))
    };
    let all: Result<_, _> = list.iter().enumerate().map(read).collect();
    all.map(Some)
}

fn chain_rule(text: &str) -> Result<ChainRule, String> {
    text.parse()
        .map_err(|error: portal_chains::ChainError| error.to_string())
}

fn account(text: &str) -> Result<Account, String> {
    text.parse::<Account>().map_err(|error| error.to_string())
}

fn cap(cap: &ValueCap) -> Result<((ChainId, Asset), Amount), String> {
    let chain: ChainId = cap.chain.parse().map_err(|error| format!("{error}"))?;
    let asset = match &cap.token {
        None => Asset::Native,
        Some(token) => match (account(token)?, chain.namespace()) {
            (Account::Evm(contract), portal_chains::Namespace::Eip155) => Asset::Evm(contract),
            (Account::Solana(mint), portal_chains::Namespace::Solana) => Asset::Solana(mint),
            _ => return Err(format!("token: expected one of {chain}")),
        },
    };
    let digits = (1..=AMOUNT_DIGITS).contains(&cap.max.len())
        && cap.max.bytes().all(|byte| byte.is_ascii_digit());
    let max = digits
        .then(|| Amount::from_str_radix(&cap.max, 10).ok())
        .flatten()
        .ok_or("max: expected a decimal number of the smallest unit, below 2^256")?;
    Ok(((chain, asset), max))
}

fn bad(what: String) -> ApiError {
    ApiError::new(ErrorId::BadRequest, what)
}
