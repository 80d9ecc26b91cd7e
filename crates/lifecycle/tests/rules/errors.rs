//! The error reference: the ids that callers branch on, and their pages.

use std::collections::BTreeSet;

use portal_lifecycle::{ErrorId, Retry};

/// Every id, in the order of the published reference.
const REFERENCE: &[&str] = &[
    // General
    "BAD_REQUEST",
    "NOT_FOUND",
    "AUTH_FAILED",
    "FORBIDDEN",
    "RATE_LIMITED",
    "PAYLOAD_TOO_LARGE",
    "INTERNAL_ERROR",
    "UNAVAILABLE",
    "OPERATION_IN_PROGRESS",
    "STATE_INVALID",
    "IDEMPOTENT_REQUEST_IN_PROGRESS",
    "IDEMPOTENT_REQUEST_MISMATCH",
    // Wallet
    "WALLET_ALREADY_EXISTS",
    "WALLET_NOT_FOUND",
    "SIGNING_SHARE_NOT_ON_DEVICE",
    "SIGNING_SHARE_SUPERSEDED",
    "SIGNING_SHARE_FROZEN",
    "SIGN_SHARE_MISMATCH",
    "BACKUP_NOT_COMPLETE",
    "BACKUP_SHARE_MISMATCH",
    "BACKUP_MODE_MISMATCH",
    "RECOVERY_NOT_OPEN",
    "SEALING_KEY_UNKNOWN",
    "WALLET_EJECTED",
    "EJECT_NOT_ENABLED",
    // MPC
    "DKG_FAILED",
    "RESHARE_FAILED",
    "SIGN_FAILED",
    "MPC_SESSION_MISMATCH",
    "MPC_PEER_MISBEHAVED",
    "MPC_PROTOCOL_UNSUPPORTED",
    "WS_MSG_MALFORMED",
    "WS_CLOSED",
    "WS_TIMEOUT",
    // Storage
    "KEYCHAIN_UNAVAILABLE",
    "KEYCHAIN_READ_FAILED",
    "KEYCHAIN_WRITE_FAILED",
    "BACKUP_STORAGE_UNAVAILABLE",
    "BACKUP_KEY_NOT_FOUND",
    "PASSWORD_REQUIRED",
    "ENCRYPT_FAILED",
    "DECRYPT_FAILED",
    "CIPHER_TEXT_UNSUPPORTED",
    "WEBHOOK_FAILED",
    "WEBHOOK_NOT_CONFIGURED",
    "CUSTODIAN_SHARE_NOT_FOUND",
    // Chains
    "METHOD_UNSUPPORTED",
    "CHAIN_UNSUPPORTED",
    "TX_BUILD_FAILED",
    "MSG_BUILD_FAILED",
    "SIGNATURE_REJECTED",
    "ADDRESS_BLOCKED",
    "RPC_OP_FAILED",
];

#[test]
fn the_ids_are_those_of_the_reference() {
    let seen: Vec<_> = ErrorId::ALL.iter().map(|id| id.as_str()).collect();
    assert_eq!(seen, REFERENCE);
}

#[test]
fn no_id_stands_twice() {
    let names: BTreeSet<_> = ErrorId::ALL.iter().map(|id| id.as_str()).collect();
    assert_eq!(names.len(), ErrorId::ALL.len());
}

#[test]
fn an_id_comes_back_from_the_wire() {
    for &id in ErrorId::ALL {
        let name = id.as_str();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{name}\""), "as JSON");
        assert_eq!(serde_json::from_str::<ErrorId>(&json).unwrap(), id);
        assert_eq!(ErrorId::from_wire(name), Some(id));
        assert_eq!(id.to_string(), name, "as text");
    }
    for unknown in [
        "",
        "bad_request",
        "BadRequest",
        "BAD_REQUEST ",
        "NO_SUCH_ID",
    ] {
        assert_eq!(ErrorId::from_wire(unknown), None, "{unknown:?}");
        assert!(serde_json::from_str::<ErrorId>(&format!("\"{unknown}\"")).is_err());
    }
}

#[test]
fn every_page_says_something() {
    for &id in ErrorId::ALL {
        let page = id.page();
        assert_eq!(page.id, id);
        let sentences = [
            ("meaning", page.meaning),
            ("when", page.when.unwrap_or("Not raised yet.")),
            ("what to do", page.what_to_do),
        ];
        for (part, text) in sentences.into_iter().chain([("title", page.title)]) {
            assert!(
                !text.is_empty() && text.trim() == text,
                "{id}: expected {part} to be a text, got {text:?}"
            );
        }
        let markdown = page.markdown();
        for (part, text) in sentences {
            assert!(
                text.ends_with('.'),
                "{id}: {part} ends in no full stop: {text:?}"
            );
            assert!(markdown.contains(text), "{id}: {part} is not on {markdown}");
        }
    }
}

#[test]
fn every_status_is_one_of_an_error() {
    for &id in ErrorId::ALL {
        let status = id.http_status();
        assert!(
            (400..=599).contains(&status),
            "{id}: expected 400 to 599, got {status}"
        );
    }
}

/// What callers build their retries on.
#[test]
fn the_page_decides_what_is_retried() {
    for &id in ErrorId::ALL {
        assert_eq!(id.is_retryable(), id.page().retry == Retry::Yes, "{id}");
        let passing = matches!(id.http_status(), 429 | 500 | 502 | 503 | 504);
        assert!(
            !passing || id.is_retryable(),
            "{id}: expected {} to be worth a retry",
            id.http_status()
        );
    }
    for (id, expected) in [
        (ErrorId::OperationInProgress, true),
        (ErrorId::IdempotentRequestInProgress, true),
        (ErrorId::MpcSessionMismatch, true),
        (ErrorId::IdempotentRequestMismatch, false),
        (ErrorId::SigningShareSuperseded, false),
        (ErrorId::MpcPeerMisbehaved, false),
        (ErrorId::DecryptFailed, false),
    ] {
        assert_eq!(id.is_retryable(), expected, "{id}");
    }
}
