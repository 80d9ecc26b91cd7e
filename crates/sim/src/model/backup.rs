//! The way of a backup: outbox, custodian, the user's storage, the app.

use portal_lifecycle::{BackupStatus, Event};

use super::mutation::Mutation;
use super::pairs::{Set, backup_ids};
use super::record::digest;
use super::state::{Run, State};
use super::world::World;

impl World {
    /// The outbox sends; what was sent can arrive at any time.
    pub(super) fn deliver(&self, state: &mut State, pair: u8) -> Option<()> {
        if !state.database.outbox.has(pair) {
            return None;
        }
        state.network.deliveries.add(pair);
        match self.mutation {
            Some(Mutation::OutboxErasedOnSend) => state.database.outbox.remove(pair),
            Some(Mutation::ReceiptBeforeStored) => state.network.receipts.add(pair),
            _ => {}
        }
        Some(())
    }

    /// Insert-only, keyed by the pair's id. The same share again: the same receipt.
    pub(super) fn store_custodian_share(&self, state: &mut State, pair: u8) -> Option<()> {
        if !state.network.deliveries.has(pair) {
            return None;
        }
        if self.mutation == Some(Mutation::CustodianKeyedByWallet) {
            state.backend.custodian = Set::EMPTY;
        }
        state.backend.custodian.add(pair);
        state.ghost.was_delivered.add(pair);
        state.network.receipts.add(pair);
        Some(())
    }

    /// E15
    pub(super) fn receipt(&self, state: &mut State, pair: u8) -> Option<()> {
        if !state.network.receipts.has(pair) {
            return None;
        }
        let event = Event::CustodianAcknowledged {
            ids: backup_ids(pair),
        };
        self.transact(state, event).ok().map(|_| ())
    }

    /// E16: when the server has said that the custodian holds its share. The key is read back.
    pub(super) fn write_key(&self, state: &mut State, device: u8) -> Option<()> {
        let Run::Encrypting(pair) = state.device(device).run else {
            return None;
        };
        let status = state.database.wallet.backup_pair(pair)?.status;
        if status == BackupStatus::Pending || state.database.outbox.has(pair) {
            return None;
        }
        if self.mutation == Some(Mutation::KeyNotAskedFor) {
            state.device_mut(device).run = Run::Handed(pair);
            return Some(());
        }
        if self.mutation != Some(Mutation::KeyNotReadBack) {
            state.cloud.add(pair);
            state.ghost.was_key.add(pair);
        }
        state.network.keys_stored.add(pair);
        state.device_mut(device).run = Run::KeyWritten(pair);
        Some(())
    }

    /// E16: the server is told; when the device hears so, the app gets the cipher text.
    pub(super) fn key_stored(&self, state: &mut State, pair: u8, heard: bool) -> Option<()> {
        if !state.network.keys_stored.has(pair) {
            return None;
        }
        let event = Event::ClientKeyStored {
            ids: backup_ids(pair),
        };
        let answer = self.transact(state, event);
        if heard {
            let heard = match answer {
                Ok(_) => Run::Handed(pair),
                Err(_) => Run::Idle,
            };
            for device in &mut state.devices {
                if device.run == Run::KeyWritten(pair) {
                    device.run = heard;
                }
            }
        }
        Some(())
    }

    /// One cipher text for each pair; the digest is sent when it is durable.
    pub(super) fn store_cipher_text(&self, state: &mut State, device: u8) -> Option<()> {
        let Run::Handed(pair) = state.device(device).run else {
            return None;
        };
        match self.mutation {
            Some(Mutation::CipherTextKeyedByWallet) => state.backend.cipher_texts = Set::EMPTY,
            Some(Mutation::KeyBesideCipherText) => state.backend.keys.add(pair),
            _ => {}
        }
        state.backend.cipher_texts.add(pair);
        state.ghost.was_cipher_text.add(pair);
        state.network.backup_confirmations.add(pair);
        state.device_mut(device).run = Run::Idle;
        Some(())
    }

    /// E17: by digest, from anybody who has the cipher text.
    pub(super) fn confirm_backup(&self, state: &mut State, pair: u8) -> Option<()> {
        if !state.network.backup_confirmations.has(pair) {
            return None;
        }
        let event = Event::ConfirmBackup {
            ids: backup_ids(pair),
            cipher_text_digest: Some(digest(pair)),
        };
        self.transact(state, event).ok()?;
        // The user has it checked at once: without that, nothing is ever purged (E18).
        let event = Event::ProveBackup {
            ids: backup_ids(pair),
            cipher_text_digest: digest(pair),
        };
        let _ = self.transact(state, event);
        Some(())
    }

    /// E18: the custodian erases what the purge names, and nothing else.
    pub(super) fn erase_custodian_share(&self, state: &mut State, pair: u8) -> Option<()> {
        if !state.network.purges.has(pair) || !state.backend.custodian.has(pair) {
            return None;
        }
        state.backend.custodian.remove(pair);
        Some(())
    }
}
