//! What everybody holds, what is on its way, and what the checker remembers beside it.

use portal_lifecycle::OperationKind;

use super::pairs::{BACKUP, Key, SIGNING, Set};
use super::record::{Count, Record};
use super::time::Time;

/// Devices of the one user.
pub(crate) const DEVICES: u8 = 2;
/// Sessions that the server can have going on at once.
pub(crate) const SESSIONS: usize = 2;
/// Epochs that there can be: a database is put back once at most.
pub(crate) const EPOCHS: usize = 2;

/// One moment of the whole system.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) now: Time,
    /// Portal's database, durable.
    pub(crate) database: Database,
    /// A copy of it that somebody took.
    pub(crate) copy: Option<Database>,
    /// Sessions on the server: they end with its process.
    pub(crate) sessions: [Option<Session>; SESSIONS],
    /// Freezes that are not durable; only a mistake leaves any.
    pub(crate) volatile_freezes: Set,
    pub(crate) devices: [Device; DEVICES as usize],
    /// Backup pairs whose encryption key lies in the user's own storage.
    pub(crate) cloud: Set,
    pub(crate) backend: Backend,
    pub(crate) network: Network,
    pub(crate) made: Made,
    pub(crate) ghost: Ghost,
}

/// What Portal keeps on disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Database {
    pub(crate) wallet: Record,
    /// Signing pairs whose custodian share is there.
    pub(crate) shares: Set,
    /// Backup pairs whose custodian share waits to be delivered.
    pub(crate) outbox: Set,
}

/// An MPC session on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Session {
    pub(crate) run: Start,
    pub(crate) fence: Count,
    pub(crate) stage: Stage,
}

/// What a device asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Start {
    pub(crate) device: u8,
    pub(crate) operation: u8,
    pub(crate) kind: OperationKind,
    /// The pair it is made from; of no meaning for a Generate.
    pub(crate) source: u8,
}

/// How far a session is on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    /// Recover: the custodian's share is to be fetched.
    Fetching,
    /// The protocol runs.
    Running,
    /// Committed as this pair; the last message is on its way.
    Committed(u8),
}

/// A device with the SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Device {
    /// Durable: the id of this installation.
    pub(crate) id: u8,
    /// Durable: signing pairs whose client share is in the keychain.
    pub(crate) shares: Set,
    /// Durable: what it knows of each.
    pub(crate) marks: [Mark; SIGNING],
    /// What the process is doing; forgotten when it ends.
    pub(crate) run: Run,
}

/// What a device knows of one of its pairs, as in the SDK. `Frozen` is not there: that one
/// says that the server cheated, and here it never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Mark {
    New,
    Active,
    Superseded,
    Refused,
}

/// What a device's process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Run {
    Idle,
    /// In a session of this operation, waiting for its last message.
    InSession(u8),
    /// Has computed its share of a signing pair.
    Computed(u8),
    /// Has stored it, and waits to hear that it is confirmed.
    Confirming(u8),
    /// Has computed its share of a backup pair, and waits for the custodian.
    Encrypting(u8),
    /// Has written the key, and waits to hear that Portal knows.
    KeyWritten(u8),
    /// Has handed the cipher text to the app.
    Handed(u8),
}

/// The customer's backend: the custodian's store and the app's. Both keep one entry for each
/// pair, and nothing is taken out but what an E18 message names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Backend {
    pub(crate) custodian: Set,
    pub(crate) cipher_texts: Set,
    /// Encryption keys; only a mistake leaves any here.
    pub(crate) keys: Set,
}

/// Messages. What was once sent can arrive at any later time, any number of times or never, so
/// loss, repetition and reordering are all there, and nothing is ever taken out but the answers
/// that a dead process waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Network {
    /// E4: with a proof for each epoch.
    pub(crate) confirmations: [Set; EPOCHS],
    /// To the webhook.
    pub(crate) deliveries: Set,
    /// From the webhook: receipt and fetch-back agree.
    pub(crate) receipts: Set,
    /// E16
    pub(crate) keys_stored: Set,
    /// E17
    pub(crate) backup_confirmations: Set,
    /// E18: that a pair is purged. That it was abandoned is told as well, and leads to nothing: a
    /// copy of the database may still complete it.
    pub(crate) purges: Set,
    /// The last start of each device, which it may repeat under the same operation id.
    pub(crate) starts: [Option<Start>; DEVICES as usize],
}

/// What pairs there are. Numbers are given at the server's commit and never again, whatever
/// becomes of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Made {
    pub(crate) operations: u8,
    pub(crate) signing: u8,
    pub(crate) backup: u8,
    pub(crate) generations: [Count; SIGNING],
    pub(crate) keys: [Key; SIGNING],
    pub(crate) backup_keys: [Key; BACKUP],
    pub(crate) strikes: u8,
}

/// What one fault more than all the crashes has destroyed. There is one at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Catastrophe {
    None,
    Device,
    Cloud,
    Backend,
    RollBack,
}

/// What no side knows, and the properties ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ghost {
    pub(crate) catastrophe: Catastrophe,
    /// The key whose address was handed out and whose wallet must not be lost.
    pub(crate) promised: Key,
    /// A key that the database knew nothing of any more when it was put back, though a backup of
    /// it was complete: it can only be ejected.
    pub(crate) ejectable: Key,
    /// The key that had a complete backup when the database was put back.
    pub(crate) was_backed_up: Key,
    /// Signing pairs that were ever in a keychain.
    pub(crate) was_stored: Set,
    /// Backup pairs whose parts were ever durable.
    pub(crate) was_delivered: Set,
    pub(crate) was_cipher_text: Set,
    pub(crate) was_key: Set,
    /// The highest ever handed out.
    pub(crate) generation: Count,
    pub(crate) fence: Count,
    /// When the database was copied.
    pub(crate) copied_at: Time,
    /// When the copy was put in its place.
    pub(crate) epoch_began: Time,
    /// Whether the pair in force has proved itself in this epoch.
    pub(crate) is_proved: bool,
    /// Signing pairs that signed or proved themselves in this epoch while in force.
    pub(crate) used: Set,
    /// Signing pairs that were struck in this epoch.
    pub(crate) struck: Set,
    pub(crate) wrongs: Wrongs,
}

/// Transitions that must never happen; the state that one leads to may look innocent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub(crate) enum Wrong {
    /// P1
    AddressOfUnconfirmedPair = 1,
    /// E1
    LeaseTakenFromHolder = 1 << 1,
    /// E2
    CommitUnderOldFence = 1 << 2,
    /// E9
    GivenUpTooSoon = 1 << 9,
    /// E10
    PurgedBeforeSuccessorUsed = 1 << 3,
    /// E11
    SignedByPairNotInForce = 1 << 4,
    /// E20
    UsedUnproved = 1 << 5,
    /// I3
    GenerationFell = 1 << 6,
    /// I8
    StruckTwice = 1 << 7,
    /// The model itself: a wallet does not fit its record.
    Unrepresentable = 1 << 8,
}

/// A set of [`Wrong`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Wrongs(u16);

impl Wrongs {
    pub(crate) const fn note(&mut self, wrong: Wrong) {
        self.0 |= wrong as u16;
    }

    pub(crate) const fn has(self, wrong: Wrong) -> bool {
        self.0 & wrong as u16 != 0
    }
}

impl Device {
    const fn new(id: u8) -> Self {
        Self {
            id,
            shares: Set::EMPTY,
            marks: [Mark::New; SIGNING],
            run: Run::Idle,
        }
    }

    /// The keychain is lost, and with it the process; the user begins on a new device.
    pub(crate) const fn lose(&mut self) {
        *self = Self::new(self.id + DEVICES);
    }
}

impl State {
    /// Nobody has anything.
    pub(crate) fn new() -> Self {
        Self {
            now: Time::START,
            database: Database {
                wallet: Record::new(),
                shares: Set::EMPTY,
                outbox: Set::EMPTY,
            },
            copy: None,
            sessions: [None; SESSIONS],
            volatile_freezes: Set::EMPTY,
            devices: [Device::new(0), Device::new(1)],
            cloud: Set::EMPTY,
            backend: Backend::default(),
            network: Network::default(),
            made: Made::default(),
            ghost: Ghost {
                catastrophe: Catastrophe::None,
                promised: Key::NONE,
                ejectable: Key::NONE,
                was_backed_up: Key::NONE,
                was_stored: Set::EMPTY,
                was_delivered: Set::EMPTY,
                was_cipher_text: Set::EMPTY,
                was_key: Set::EMPTY,
                generation: Count::default(),
                fence: Count::default(),
                copied_at: Time::START,
                epoch_began: Time::START,
                is_proved: true,
                used: Set::EMPTY,
                struck: Set::EMPTY,
                wrongs: Wrongs::default(),
            },
        }
    }

    pub(crate) fn device(&self, device: u8) -> &Device {
        &self.devices[usize::from(device % DEVICES)]
    }

    pub(crate) fn device_mut(&mut self, device: u8) -> &mut Device {
        &mut self.devices[usize::from(device % DEVICES)]
    }

    /// Backup pairs that are durable in all three parts.
    pub(crate) const fn complete_backups(&self) -> Set {
        let backend = &self.backend;
        backend.custodian.and(backend.cipher_texts).and(self.cloud)
    }

    /// Signing pairs of which some device holds the client share.
    pub(crate) fn held(&self) -> Set {
        let shares = self.devices.iter().map(|device| device.shares);
        shares.fold(Set::EMPTY, Set::or)
    }
}
