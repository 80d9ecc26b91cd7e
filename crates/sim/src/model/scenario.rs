//! Where a search begins, and how far it goes.

use portal_lifecycle::OperationKind;

use super::action::Action;
use super::mutation::Mutation;
use super::state::{Catastrophe, State};
use super::world::{Limits, World};

/// A search: what it is called, where it begins and what may happen.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    pub(crate) beginning: Beginning,
    pub(crate) limits: Limits,
}

/// What device 0 has done before the search begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    Nothing,
    /// It has a wallet.
    Wallet,
    /// It has a wallet, and its backup is complete.
    BackedUp,
}

use OperationKind::{Backup, Generate, Recover, Refresh};

/// Little of everything.
pub(super) const LITTLE: Limits = Limits {
    devices: 2,
    kinds: &OperationKind::ALL,
    signing: 2,
    backup: 1,
    operations: 2,
    repeats: false,
    strikes: 0,
    leases: 0,
    weeks: 0,
    months: 0,
    catastrophe: Catastrophe::None,
};

impl Scenario {
    pub(crate) fn world(&self, mutation: Option<Mutation>, looks_out: bool) -> World {
        let beginning = self.beginning.state();
        let mut limits = self.limits;
        // Those that led to the beginning do not count.
        limits.operations += beginning.made.operations;
        World {
            limits,
            mutation,
            beginning,
            looks_out,
            stop: Default::default(),
        }
    }

    /// The searches of the tests: small enough for every run.
    #[must_use]
    pub fn small() -> Vec<Self> {
        let limits = Limits {
            leases: 1,
            ..LITTLE
        };
        let lost = |name, catastrophe| {
            let limits = Limits {
                catastrophe,
                ..limits
            };
            Self::new(name, Beginning::BackedUp, limits)
        };
        let operations = 3;
        let first = Limits {
            operations,
            ..limits
        };
        let put_back = Limits {
            catastrophe: Catastrophe::RollBack,
            ..limits
        };
        vec![
            Self::new("from nothing", Beginning::Nothing, first),
            lost("a lost device", Catastrophe::Device),
            lost("a lost user storage", Catastrophe::Cloud),
            lost("a lost backend", Catastrophe::Backend),
            Self::new("a database put back", Beginning::Wallet, put_back),
            Self::new(
                "a database put back, from nothing",
                Beginning::Nothing,
                Limits {
                    devices: 1,
                    kinds: &[Generate, Backup],
                    ..put_back
                },
            ),
            Self::new(
                "a recovery beside an open backup",
                Beginning::BackedUp,
                Limits {
                    kinds: &[Backup, Recover],
                    backup: 2,
                    leases: 0,
                    ..limits
                },
            ),
            Self::new(
                "the collector",
                Beginning::BackedUp,
                Limits {
                    backup: 2,
                    operations: 1,
                    strikes: 1,
                    weeks: 1,
                    months: 1,
                    ..limits
                },
            ),
        ]
    }

    /// The searches of the task: each comes to its end, and together they see more than ten
    /// million states.
    #[must_use]
    pub fn full() -> Vec<Self> {
        use Beginning::{BackedUp, Nothing};
        let wide = Limits {
            signing: 3,
            backup: 2,
            leases: 1,
            ..LITTLE
        };
        let struck = Limits { strikes: 1, ..wide };
        let renewing = Limits {
            kinds: &[Recover, Refresh],
            operations: 3,
            backup: 1,
            ..struck
        };
        let faults = [
            ("a lost device", Catastrophe::Device),
            ("a lost user storage", Catastrophe::Cloud),
            ("a lost backend", Catastrophe::Backend),
        ];
        let mut searches = vec![
            Self::new(
                "from nothing, four operations",
                Nothing,
                Limits {
                    operations: 4,
                    backup: 1,
                    ..wide
                },
            ),
            Self::new(
                "from nothing, starts repeated",
                Nothing,
                Limits {
                    signing: 2,
                    backup: 1,
                    operations: 3,
                    repeats: true,
                    weeks: 1,
                    ..wide
                },
            ),
            Self::new(
                "the collector",
                BackedUp,
                Limits {
                    leases: 0,
                    weeks: 1,
                    months: 1,
                    ..wide
                },
            ),
            Self::new(
                "two strikes",
                BackedUp,
                Limits {
                    operations: 3,
                    backup: 1,
                    leases: 0,
                    strikes: 2,
                    ..wide
                },
            ),
            Self::new(
                "a lost device, three renewals",
                BackedUp,
                Limits {
                    catastrophe: Catastrophe::Device,
                    ..renewing
                },
            ),
        ];
        searches.extend(faults.map(|(name, catastrophe)| {
            let limits = Limits {
                catastrophe,
                ..struck
            };
            Self::new(name, BackedUp, limits)
        }));
        searches.extend(Self::put_back(wide));
        searches
    }

    fn put_back(wide: Limits) -> [Self; 4] {
        use Beginning::{BackedUp, Nothing, Wallet};
        let wide = Limits {
            catastrophe: Catastrophe::RollBack,
            ..wide
        };
        [
            Self::new(
                "a database put back, from nothing",
                Nothing,
                Limits {
                    signing: 2,
                    backup: 1,
                    weeks: 1,
                    ..wide
                },
            ),
            Self::new(
                "a database put back, two backups",
                Wallet,
                Limits { weeks: 1, ..wide },
            ),
            Self::new(
                "a database put back, a strike",
                BackedUp,
                Limits {
                    backup: 1,
                    strikes: 1,
                    ..wide
                },
            ),
            Self::new(
                "a database put back, an old copy",
                BackedUp,
                Limits {
                    signing: 2,
                    leases: 0,
                    months: 1,
                    ..wide
                },
            ),
        ]
    }

    /// Searches without an end, one for each fault: as far as the bounds let them.
    #[must_use]
    pub fn endless() -> Vec<Self> {
        let everything = |name, catastrophe| {
            let limits = Limits {
                devices: 2,
                kinds: &OperationKind::ALL,
                signing: 3,
                backup: 2,
                operations: 5,
                repeats: true,
                strikes: 2,
                leases: 2,
                weeks: 1,
                months: 2,
                catastrophe,
            };
            Self::new(name, Beginning::Nothing, limits)
        };
        vec![
            everything("everything but a fault", Catastrophe::None),
            everything("everything and a lost device", Catastrophe::Device),
            everything("everything and a lost user storage", Catastrophe::Cloud),
            everything("everything and a lost backend", Catastrophe::Backend),
            everything("everything and a database put back", Catastrophe::RollBack),
        ]
    }

    pub(super) const fn new(name: &'static str, beginning: Beginning, limits: Limits) -> Self {
        Self {
            name,
            beginning,
            limits,
        }
    }
}

impl Beginning {
    fn state(self) -> State {
        let world = World {
            limits: LITTLE,
            mutation: None,
            beginning: State::new(),
            looks_out: false,
            stop: Default::default(),
        };
        let mut state = State::new();
        let device = 0;
        let session = 0;
        let make = |kind| {
            [
                Action::Start { device, kind },
                Action::Commit { session },
                Action::LastMessage { device },
            ]
        };
        let (pair, epoch, heard) = (0, 0, true);
        let wallet = [
            Action::StoreShare { device },
            Action::Confirm { pair, epoch, heard },
        ];
        let backup = [
            Action::Deliver { pair },
            Action::StoreCustodianShare { pair },
            Action::Receipt { pair },
            Action::WriteKey { device },
            Action::KeyStored { pair, heard },
            Action::StoreCipherText { device },
            Action::ConfirmBackup { pair },
        ];
        let mut steps = Vec::new();
        if self != Self::Nothing {
            steps.extend(make(Generate));
            steps.extend(wallet);
        }
        if self == Self::BackedUp {
            steps.extend(make(Backup));
            steps.extend(backup);
        }
        for step in steps {
            // A step without effect would leave the scenario short of its beginning, which its
            // test sees.
            let _ = world.step(&mut state, step);
        }
        // What is on its way is not what a search begins with.
        world.crash_server(&mut state);
        state
    }
}

#[cfg(test)]
mod tests {
    use super::{Beginning, State};

    fn seen(state: &State) -> (bool, bool) {
        let wallet = &state.database.wallet;
        (wallet.current().is_some(), wallet.active_backup().is_some())
    }

    #[test]
    fn each_beginning_is_what_it_says() {
        for (beginning, expected) in [
            (Beginning::Nothing, (false, false)),
            (Beginning::Wallet, (true, false)),
            (Beginning::BackedUp, (true, true)),
        ] {
            assert_eq!(seen(&beginning.state()), expected, "{beginning:?}");
        }
    }
}
