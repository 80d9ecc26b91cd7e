//! What a caller sees of each refusal.

use portal_lifecycle::{BackupStatus, ErrorId, Generation, OperationKind, Refusal, SigningStatus};

use crate::world::{at, device, operation, signing};

#[test]
fn each_refusal_has_its_id_and_status() {
    let rows: [(Refusal, ErrorId, u16); 23] = [
        (Refusal::Ejected, ErrorId::WalletEjected, 409),
        (Refusal::EjectNotEnabled, ErrorId::EjectNotEnabled, 403),
        (
            Refusal::EjectWindow {
                min_ms: 60_000,
                max_ms: 604_800_000,
            },
            ErrorId::BadRequest,
            400,
        ),
        (
            Refusal::LeaseHeld {
                device_id: device(1),
                operation_id: operation(1),
                kind: OperationKind::Refresh,
                expires_at: at(1),
            },
            ErrorId::OperationInProgress,
            409,
        ),
        (
            Refusal::OperationIdReused {
                operation_id: operation(1),
                ran: OperationKind::Backup,
            },
            ErrorId::IdempotentRequestMismatch,
            409,
        ),
        (
            Refusal::Fenced {
                what: "signing pair",
            },
            ErrorId::OperationInProgress,
            409,
        ),
        (
            Refusal::WalletAlreadyExists,
            ErrorId::WalletAlreadyExists,
            409,
        ),
        (Refusal::WalletNotFound, ErrorId::WalletNotFound, 404),
        (Refusal::BackupNotComplete, ErrorId::BackupNotComplete, 409),
        (Refusal::BackupNotActive, ErrorId::BackupShareMismatch, 409),
        (Refusal::PairIdTaken, ErrorId::InternalError, 500),
        (Refusal::BackupKeyNotStored, ErrorId::StateInvalid, 409),
        (Refusal::PossessionUnproved, ErrorId::StateInvalid, 409),
        (
            Refusal::EpochPassed {
                given: 0,
                current: 1,
            },
            ErrorId::StateInvalid,
            409,
        ),
        (Refusal::PairNotFound, ErrorId::NotFound, 404),
        (
            Refusal::SigningSuperseded {
                given: Generation(1),
                active: signing(2),
                active_generation: Generation(2),
            },
            ErrorId::SigningShareSuperseded,
            409,
        ),
        (
            Refusal::SigningNotActive {
                status: SigningStatus::StoredDatabase,
            },
            ErrorId::StateInvalid,
            409,
        ),
        (Refusal::SigningFrozen, ErrorId::SigningShareFrozen, 409),
        (Refusal::KeyChanged, ErrorId::ReshareFailed, 422),
        (
            Refusal::BackupAwaitsCustodian,
            ErrorId::OperationInProgress,
            425,
        ),
        (Refusal::CipherTextDigestMissing, ErrorId::BadRequest, 400),
        (
            Refusal::CipherTextDigestDiffers,
            ErrorId::BackupShareMismatch,
            409,
        ),
        (
            Refusal::BackupSuperseded {
                status: BackupStatus::Abandoned,
            },
            ErrorId::BackupShareMismatch,
            409,
        ),
    ];
    for (refusal, id, status) in rows {
        assert_eq!(
            (refusal.id(), refusal.http_status()),
            (id, status),
            "{refusal:?}"
        );
    }
}

/// The caller reads them in `detail`: they name what stands in the way.
#[test]
fn a_refusal_names_what_stands_in_the_way() {
    let held = Refusal::LeaseHeld {
        device_id: device(1),
        operation_id: operation(2),
        kind: OperationKind::Refresh,
        expires_at: at(60_000),
    };
    assert_eq!(
        held.to_string(),
        "device 01010101-0101-0101-0101-010101010101 holds this wallet for refresh \
         02020202-0202-0202-0202-020202020202 until 60000 ms; \
         wait for it to finish, or try again after that"
    );
    let superseded = Refusal::SigningSuperseded {
        given: Generation(1),
        active: signing(2),
        active_generation: Generation(2),
    };
    assert_eq!(
        superseded.to_string(),
        "this share belongs to generation 1 and the wallet is at generation 2, with the signing \
         pairs 51020202-0202-0202-0202-020202020202 and e5020202-0202-0202-0202-020202020202; \
         recover the wallet on this device"
    );
    let waiting = Refusal::SigningNotActive {
        status: SigningStatus::StoredDatabase,
    };
    assert_eq!(
        waiting.to_string(),
        "this pair is STORED_DATABASE, not STORED_CLIENT; confirm it, then sign"
    );
    let gone = Refusal::BackupSuperseded {
        status: BackupStatus::Abandoned,
    };
    assert_eq!(
        gone.to_string(),
        "this backup is ABANDONED and can no longer be completed; make a new backup"
    );
}
