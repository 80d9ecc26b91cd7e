//! For each mistake a search that shows it.

use portal_lifecycle::OperationKind::{Backup, Generate, Recover, Refresh};

use super::mutation::Mutation;
use super::scenario::{Beginning, LITTLE, Scenario};
use super::state::Catastrophe;
use super::world::Limits;

impl Scenario {
    /// A search that shows a mistake, small enough for every run.
    #[must_use]
    pub fn showing(mutation: Mutation) -> Self {
        use Beginning::{BackedUp, Nothing, Wallet};
        use Mutation as M;
        let one = Limits {
            devices: 1,
            operations: 1,
            ..LITTLE
        };
        let generate = Limits {
            kinds: &[Generate],
            ..LITTLE
        };
        let refresh = Limits {
            kinds: &[Refresh],
            ..one
        };
        let backup = Limits {
            kinds: &[Backup],
            ..one
        };
        let put_back = Limits {
            catastrophe: Catastrophe::RollBack,
            ..refresh
        };
        let strikes = |strikes| Limits { strikes, ..refresh };
        let (beginning, limits) = match mutation {
            M::ActiveAtStoredDatabase
            | M::SecondGenerateReplacesKey
            | M::LeaseIgnored
            | M::ConfirmsBeforeDurable => (Nothing, generate),
            M::StaleConfirmation => {
                let kinds = &[Recover, Refresh];
                let signing = 3;
                (
                    BackedUp,
                    Limits {
                        kinds,
                        signing,
                        ..LITTLE
                    },
                )
            }
            M::OldFence => (
                Wallet,
                Limits {
                    operations: 2,
                    ..refresh
                },
            ),
            M::FormerErasedAtCommit | M::FormerDeletedEarly | M::FormerStaysInForce => {
                (Wallet, refresh)
            }
            M::AddressBeforeConfirmed => (Nothing, generate),
            M::ErasedWhenAbandoned => (
                Wallet,
                Limits {
                    kinds: &[Backup],
                    backup: 2,
                    operations: 2,
                    weeks: 1,
                    ..put_back
                },
            ),
            M::BackupActiveAtCustodian
            | M::KeyNotAskedFor
            | M::KeyNotReadBack
            | M::OutboxErasedOnSend
            | M::OutboxKept
            | M::KeyBesideCipherText
            | M::ReceiptBeforeStored => (Wallet, backup),
            M::LateBackupConfirmation => (
                Wallet,
                Limits {
                    operations: 2,
                    backup: 2,
                    ..backup
                },
            ),
            M::CustodianKeyedByWallet | M::CipherTextKeyedByWallet => (
                BackedUp,
                Limits {
                    backup: 2,
                    ..backup
                },
            ),
            M::EveryBackupNamed => (
                BackedUp,
                Limits {
                    backup: 2,
                    months: 1,
                    ..backup
                },
            ),
            M::AgesFromBeforeEpoch => (
                Wallet,
                Limits {
                    weeks: 1,
                    ..put_back
                },
            ),
            M::RestoreIgnored => (
                Nothing,
                Limits {
                    kinds: &[Generate],
                    weeks: 1,
                    ..put_back
                },
            ),
            M::OldProof => (
                Nothing,
                Limits {
                    kinds: &[Generate],
                    ..put_back
                },
            ),
            M::SignsUnproved | M::NeverProvesAgain => (Wallet, put_back),
            M::CountsRepeat => (
                Wallet,
                Limits {
                    operations: 2,
                    ..put_back
                },
            ),
            M::PurgedUnused => (
                Wallet,
                Limits {
                    months: 1,
                    ..refresh
                },
            ),
            M::FrozenSigns | M::FrozenForever => (Wallet, strikes(1)),
            M::FreezeNotDurable => (Wallet, strikes(2)),
            M::LeaseForever => (
                BackedUp,
                Limits {
                    kinds: &[Refresh],
                    catastrophe: Catastrophe::Device,
                    ..LITTLE
                },
            ),
        };
        Self::new("a mistake", beginning, limits)
    }
}
