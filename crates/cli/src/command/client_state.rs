//! A client's state, for people.

use portal_api::Time;
use portal_api::rest::ClientState;

/// Each key, and how far its pairs have come.
pub(crate) fn keys(state: &ClientState) -> Vec<String> {
    let mut lines = Vec::new();
    for wallet in &state.wallets {
        lines.push(format!("{} key {}", wallet.curve, wallet.id));
        for pair in &wallet.signing_share_pairs {
            lines.push(format!("  signing {} {}", pair.id, pair.status));
        }
        for pair in &wallet.backup_share_pairs {
            let proved = match pair.proved_at.and_then(Time::to_rfc3339) {
                Some(at) => format!(", proved good {at}"),
                None => String::new(),
            };
            lines.push(format!(
                "  backup  {} {} ({}){proved}",
                pair.id, pair.status, pair.backup_method
            ));
        }
    }
    lines
}

/// All that a customer's backend is told, as the server says it.
pub(crate) fn lines(state: &ClientState) -> Vec<String> {
    let mut lines = vec![format!(
        "Client {} of {}, {}",
        state.id, state.custodian.name, state.environment.name
    )];
    let namespaces = &state.metadata.namespaces;
    for (chain, known) in [
        ("EVM", &namespaces.eip155),
        ("Solana", &namespaces.solana),
        ("Bitcoin", &namespaces.bip122),
    ] {
        if let Some(known) = known {
            lines.push(format!("  {chain:8} {}", known.address));
            let testnet = known.testnet_address.iter();
            lines.extend(testnet.map(|address| format!("  {:8} {address} (test network)", "")));
        }
    }
    lines.extend(keys(state));
    lines.push(wallet(state).to_owned());
    lines
}

/// What has become of the wallet, in a sentence.
pub(crate) fn wallet(state: &ClientState) -> &'static str {
    let exists = || {
        let mut wallets = state.wallets.iter();
        wallets.any(|wallet| wallet.public_key.is_some())
    };
    match state.is_backed_up {
        _ if state.ejected_at.is_some() => "The private keys were taken out.",
        true => "The wallet is backed up.",
        false if exists() => "The wallet is NOT backed up: a lost device is a lost wallet.",
        false => "The wallet is not made yet.",
    }
}
