//! The shares on this device: old and new side by side, until the server has confirmed.
//!
//! Each pair is one keychain entry that is written once and never changed. Beside them lies an
//! index of small marks, which can be lost or late without harm: [`Device::pairs`] takes its
//! pairs from the entries, and the server's state says which is in force.

mod record;

use std::sync::Arc;

use portal_keychain::{EntryName, Keychain};
use portal_lifecycle::ids::{ClientId, DeviceId};
use portal_lifecycle::{ErrorId, Generation, Timestamp};
use portal_seal::SecretBytes;
use serde::{Deserialize, Serialize};

pub(crate) use record::PairRecord;

use crate::{Error, ambient};

/// What this device knows of one of its pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mark {
    /// Stored; the server has not confirmed it.
    New,
    /// Confirmed; to be used.
    Active,
    /// A newer one was confirmed since; kept for 30 days (E7).
    Superseded,
    /// The server refused it; not used, and not deleted (E8).
    Refused,
    /// The server cheated while signing with it; never signs again, but can be refreshed (E13).
    Frozen,
}

/// A mark, and since when it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marked {
    generation: u64,
    mark: Mark,
    since_ms: u64,
}

/// The pairs on a device. One that cannot be read must not stand in the way of a newer one, nor
/// of a recovery; but nor may it be taken for one that is not there.
pub(crate) struct Pairs {
    /// Oldest first.
    pub(crate) readable: Vec<PairRecord>,
    /// What is wrong with one that cannot be read.
    pub(crate) damaged: Option<Error>,
}

impl Pairs {
    /// "No" for sure, or what stands in the way of knowing.
    pub(crate) fn none(self) -> Result<(), Error> {
        self.damaged.map_or(Ok(()), Err)
    }
}

/// The shares of one client in a keychain.
#[derive(Clone)]
pub(crate) struct Device {
    keychain: Arc<dyn Keychain>,
    client_id: ClientId,
    /// Held from the reading of the marks to their writing: no mark is lost between.
    marking: Arc<tokio::sync::Mutex<()>>,
}

const DEVICE_ENTRY: &str = "device";

impl Device {
    pub(crate) fn new(keychain: Arc<dyn Keychain>, client_id: ClientId) -> Self {
        Self {
            keychain,
            client_id,
            marking: Arc::default(),
        }
    }

    /// Proves that the keychain writes, reads and deletes.
    pub(crate) async fn self_test(&self) -> Result<(), Error> {
        Ok(portal_keychain::self_test(self.keychain.as_ref(), &ambient::bytes()).await?)
    }

    /// This installation's id, made on first use.
    pub(crate) async fn id(&self) -> Result<DeviceId, Error> {
        let entry = entry(DEVICE_ENTRY)?;
        if let Some(stored) = self.read_unless_damaged(&entry).await? {
            let text = std::str::from_utf8(stored.expose()).ok(); // an id, not a secret
            return text.and_then(|text| text.parse().ok()).ok_or_else(|| {
                Error::new(
                    ErrorId::KeychainReadFailed,
                    "the device's id in the keychain is damaged",
                )
            });
        }
        let id = DeviceId::make(ambient::now(), ambient::bytes());
        self.keychain
            .write(&entry, &SecretBytes::new(id.to_string().into_bytes()))
            .await?;
        Ok(id)
    }

    /// Every pair of this client on this device.
    pub(crate) async fn pairs(&self) -> Result<Pairs, Error> {
        let prefix = self.pair_prefix();
        let mut names = self.keychain.list().await?;
        names.retain(|name| name.as_str().starts_with(&prefix));
        let mut pairs = Pairs {
            readable: Vec::with_capacity(names.len()),
            damaged: None,
        };
        for name in names {
            match self.read_pair(&name).await {
                Ok(pair) => pairs.readable.extend(pair),
                Err(error) => {
                    tracing::warn!(%error, "a signing pair in the keychain cannot be read");
                    pairs.damaged = Some(error);
                }
            }
        }
        pairs.readable.sort_by_key(|pair| pair.generation);
        Ok(pairs)
    }

    async fn read_pair(&self, name: &EntryName) -> Result<Option<PairRecord>, Error> {
        let stored = self.keychain.read(name).await?;
        stored
            .map(|stored| PairRecord::decode(stored.expose()))
            .transpose() // read to be used
    }

    /// E3: stores a pair beside the others, and reads it back; gives what was read.
    pub(crate) async fn store(&self, pair: &PairRecord) -> Result<PairRecord, Error> {
        let name = entry(&format!("{}{:020}", self.pair_prefix(), pair.generation.0))?;
        let written = pair.encode();
        if self
            .keychain
            .read(&name)
            .await?
            .is_some_and(|there| there != written)
        {
            return Err(Error::new(
                ErrorId::KeychainWriteFailed,
                "another share of this generation is in the keychain and is not overwritten; run \
                 the operation again, which makes a newer one",
            ));
        }
        self.keychain.write(&name, &written).await?;
        let read = self
            .keychain
            .read(&name)
            .await?
            .filter(|read| *read == written);
        let read = read.ok_or_else(|| {
            Error::new(
                ErrorId::KeychainWriteFailed,
                "the new share did not read back as it was written; the former one is untouched",
            )
        })?;
        self.mark(pair.generation, Mark::New).await?;
        PairRecord::decode(read.expose()) // read to be proven
    }

    /// Whether a pair on this device was confirmed, and is in use as far as this device knows.
    pub(crate) async fn holds_a_wallet(&self) -> Result<bool, Error> {
        let in_use = |marked: &Marked| matches!(marked.mark, Mark::Active | Mark::Frozen);
        Ok(self.marks().await?.iter().any(in_use))
    }

    /// What is known of a pair; new where nothing is.
    pub(crate) async fn mark_of(&self, generation: Generation) -> Result<Mark, Error> {
        let marks = self.marks().await?;
        let found = marks
            .iter()
            .find(|marked| marked.generation == generation.0);
        Ok(found.map_or(Mark::New, |marked| marked.mark))
    }

    /// E7: the pair is in use from now on; the former one is kept.
    pub(crate) async fn activate(&self, generation: Generation) -> Result<(), Error> {
        let _marking = self.marking.lock().await;
        let mut marks = self.marks().await?;
        let now = ambient::now();
        for marked in &mut marks {
            if marked.mark == Mark::Active && marked.generation != generation.0 {
                (marked.mark, marked.since_ms) = (Mark::Superseded, now.as_ms());
            }
        }
        set(&mut marks, generation, Mark::Active, now);
        self.write_marks(&marks).await
    }

    /// Notes what became of a pair.
    pub(crate) async fn mark(&self, generation: Generation, mark: Mark) -> Result<(), Error> {
        let _marking = self.marking.lock().await;
        let mut marks = self.marks().await?;
        set(&mut marks, generation, mark, ambient::now());
        self.write_marks(&marks).await
    }

    async fn marks(&self) -> Result<Vec<Marked>, Error> {
        let stored = self.read_unless_damaged(&self.index_entry()?).await?;
        // A damaged index is like a lost one: the server's state tells the same again.
        Ok(stored
            .and_then(|stored| serde_json::from_slice(stored.expose()).ok())
            .unwrap_or_default())
    }

    /// For entries that can be made anew: a damaged one is like one that is not there.
    async fn read_unless_damaged(&self, entry: &EntryName) -> Result<Option<SecretBytes>, Error> {
        match self.keychain.read(entry).await {
            Err(error) if error.is_damage() => {
                tracing::warn!(%error, "a damaged entry is made anew");
                Ok(None)
            }
            read => Ok(read?),
        }
    }

    async fn write_marks(&self, marks: &[Marked]) -> Result<(), Error> {
        let bytes = serde_json::to_vec(marks).map_err(|_| {
            Error::new(
                ErrorId::InternalError,
                "the device's index cannot be written",
            )
        })?;
        Ok(self
            .keychain
            .write(&self.index_entry()?, &SecretBytes::new(bytes))
            .await?)
    }

    fn index_entry(&self) -> Result<EntryName, Error> {
        entry(&format!("index.{}", self.client_id))
    }

    fn pair_prefix(&self) -> String {
        format!("signing.{}.", self.client_id)
    }
}

fn set(marks: &mut Vec<Marked>, generation: Generation, mark: Mark, now: Timestamp) {
    match marks
        .iter_mut()
        .find(|marked| marked.generation == generation.0)
    {
        Some(marked) if marked.mark == mark => {}
        Some(marked) => (marked.mark, marked.since_ms) = (mark, now.as_ms()),
        None => marks.push(Marked {
            generation: generation.0,
            mark,
            since_ms: now.as_ms(),
        }),
    }
}

fn entry(name: &str) -> Result<EntryName, Error> {
    EntryName::parse(name).map_err(|error| Error::new(ErrorId::InternalError, error.to_string()))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use portal_keychain::{KeychainError, MemoryKeychain};
    use tokio::task::yield_now;

    use super::*;

    /// A keychain between whose calls others come to their turn.
    struct Slow(MemoryKeychain);

    #[async_trait]
    impl Keychain for Slow {
        async fn write(&self, name: &EntryName, secret: &SecretBytes) -> Result<(), KeychainError> {
            yield_now().await;
            self.0.write(name, secret).await
        }

        async fn read(&self, name: &EntryName) -> Result<Option<SecretBytes>, KeychainError> {
            yield_now().await;
            self.0.read(name).await
        }

        async fn delete(&self, name: &EntryName) -> Result<(), KeychainError> {
            self.0.delete(name).await
        }

        async fn list(&self) -> Result<Vec<EntryName>, KeychainError> {
            self.0.list().await
        }
    }

    /// A frozen share must not come back to signing because another operation ended just then.
    #[tokio::test]
    async fn of_marks_made_at_once_none_is_lost() {
        let client = ClientId(uuid::Uuid::from_u128(1));
        let device = Device::new(Arc::new(Slow(MemoryKeychain::default())), client);
        let (frozen, new) = (Generation(1), Generation(2));
        let (marked, activated) =
            tokio::join!(device.mark(frozen, Mark::Frozen), device.activate(new));
        marked.unwrap();
        activated.unwrap();
        assert_eq!(device.mark_of(frozen).await.unwrap(), Mark::Frozen);
        assert_eq!(device.mark_of(new).await.unwrap(), Mark::Active);
    }
}
