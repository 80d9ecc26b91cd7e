//! Names that only a server knows, which sees both the REST bodies and what they are made of.

use portal_chains::{ChainId, Namespace};
use portal_store::audit::AuditAct;
use serde_json::{Map, Value, json};

const EIP155: &str = "^eip155:[1-9][0-9]{0,17}$";
const SOLANA: &str = "^solana:[1-9A-HJ-NP-Za-km-z]{32}$";

/// Puts what the names are in the place of what the bodies say of them.
pub(super) fn describe(schemas: &mut Map<String, Value>) {
    let evm = names(Namespace::Eip155);
    let solana = names(Namespace::Solana);
    let mut bitcoin = names(Namespace::Bip122);
    bitcoin.extend(ids(Namespace::Bip122));
    let all = [evm.clone(), solana.clone(), bitcoin].concat();
    let wholes: Vec<String> = [Namespace::Eip155, Namespace::Solana, Namespace::Bip122]
        .iter()
        .map(|namespace| format!("{namespace}:*"))
        .collect();
    let rules = [evm.clone(), wholes].concat();
    for (name, schema) in [
        ("ChainName", chains(&all, &[EIP155, SOLANA])),
        ("EvmChainName", chains(&evm, &[EIP155])),
        ("SolanaChainName", chains(&solana, &[SOLANA])),
        ("ChainRule", chains(&rules, &[EIP155])),
        (
            "AuditActName",
            json!({ "type": "string", "enum": AuditAct::NAMES }),
        ),
    ] {
        let mut schema = schema;
        let described = schemas.get(name).and_then(|said| said.get("description"));
        if let (Some(schema), Some(described)) = (schema.as_object_mut(), described) {
            schema.insert("description".to_owned(), described.clone());
        }
        schemas.insert(name.to_owned(), schema);
    }
}

/// Texts of these names, and of these forms.
fn chains(names: &[String], patterns: &[&str]) -> Value {
    let patterns = patterns.iter().map(|pattern| json!({ "pattern": pattern }));
    let forms: Vec<Value> = std::iter::once(json!({ "enum": names }))
        .chain(patterns)
        .collect();
    json!({ "type": "string", "anyOf": forms })
}

/// The short names of a namespace's chains.
fn names(namespace: Namespace) -> Vec<String> {
    of(namespace).map(|(alias, _)| alias.to_owned()).collect()
}

/// Their CAIP-2 ids.
fn ids(namespace: Namespace) -> Vec<String> {
    of(namespace).map(|(_, id)| id.to_owned()).collect()
}

fn of(namespace: Namespace) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_of = move |id: &str| {
        id.parse::<ChainId>()
            .is_ok_and(|chain| chain.namespace() == namespace)
    };
    ChainId::aliases()
        .iter()
        .copied()
        .filter(move |(_, id)| is_of(id))
}
