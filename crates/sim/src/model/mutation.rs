//! Mistakes, sown one at a time: each must be seen by a property.

/// A mistake in the rules, or in what a side does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// A pair is active once the server has it.
    ActiveAtStoredDatabase,
    /// A confirmation leaves the former pair in force as well.
    FormerStaysInForce,
    /// A confirmation is taken though its generation is not newer.
    StaleConfirmation,
    /// The confirmation of a second Generate replaces the key.
    SecondGenerateReplacesKey,
    /// A commit under an old fence is taken.
    OldFence,
    /// A lease never runs out.
    LeaseForever,
    /// A lease is given out though another device holds one.
    LeaseIgnored,
    /// A backup is active once the custodian has its share.
    BackupActiveAtCustodian,
    /// A backup is completed though its key is not known to be stored: neither the device nor the
    /// rules wait for that.
    KeyNotAskedFor,
    /// The late confirmation of an older backup supersedes a newer one.
    LateBackupConfirmation,
    /// The collector counts ages from before the epoch.
    AgesFromBeforeEpoch,
    /// The collector takes no notice of a restore.
    RestoreIgnored,
    /// A superseded share is purged though its successor was never used.
    PurgedUnused,
    /// A pair signs after a restore without a proof.
    SignsUnproved,
    /// A proof for an earlier epoch counts.
    OldProof,
    /// After a restore generations and fences are handed out again.
    CountsRepeat,
    /// A frozen pair signs.
    FrozenSigns,
    /// A frozen pair cannot be refreshed.
    FrozenForever,
    /// A freeze is answered before it is durable.
    FreezeNotDurable,
    /// The server erases the former share at the commit.
    FormerErasedAtCommit,
    /// The outbox is erased when its content is sent.
    OutboxErasedOnSend,
    /// The outbox is kept after the acknowledgement.
    OutboxKept,
    /// An E18 message names every backup pair of the wallet.
    EveryBackupNamed,
    /// The device hands out the address when it has stored its share.
    AddressBeforeConfirmed,
    /// The device deletes the former share before it hears the confirmation.
    FormerDeletedEarly,
    /// The device does not prove itself again after a restore.
    NeverProvesAgain,
    /// The device confirms before its keychain write is durable.
    ConfirmsBeforeDurable,
    /// The device says that the key is stored without reading back a write that was lost.
    KeyNotReadBack,
    /// The device hands the key to the app together with the cipher text.
    KeyBesideCipherText,
    /// The custodian answers before its share is durable, and is believed.
    ReceiptBeforeStored,
    /// The custodian erases a share when its pair is abandoned, not when it is purged: in a copy of
    /// the database that is days old, the pair may still be completed.
    ErasedWhenAbandoned,
    /// The custodian keeps one share for each wallet.
    CustodianKeyedByWallet,
    /// The app keeps one cipher text for each wallet.
    CipherTextKeyedByWallet,
}

impl Mutation {
    /// Every mistake.
    pub const ALL: [Self; 33] = [
        Self::ActiveAtStoredDatabase,
        Self::FormerStaysInForce,
        Self::StaleConfirmation,
        Self::SecondGenerateReplacesKey,
        Self::OldFence,
        Self::LeaseIgnored,
        Self::LeaseForever,
        Self::BackupActiveAtCustodian,
        Self::KeyNotAskedFor,
        Self::LateBackupConfirmation,
        Self::AgesFromBeforeEpoch,
        Self::RestoreIgnored,
        Self::PurgedUnused,
        Self::SignsUnproved,
        Self::OldProof,
        Self::CountsRepeat,
        Self::FrozenSigns,
        Self::FrozenForever,
        Self::FreezeNotDurable,
        Self::FormerErasedAtCommit,
        Self::OutboxErasedOnSend,
        Self::OutboxKept,
        Self::EveryBackupNamed,
        Self::AddressBeforeConfirmed,
        Self::FormerDeletedEarly,
        Self::NeverProvesAgain,
        Self::ConfirmsBeforeDurable,
        Self::KeyNotReadBack,
        Self::KeyBesideCipherText,
        Self::ReceiptBeforeStored,
        Self::ErasedWhenAbandoned,
        Self::CustodianKeyedByWallet,
        Self::CipherTextKeyedByWallet,
    ];
}
