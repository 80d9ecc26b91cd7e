//! A customer's API keys: two may be in force, so that backends move from one to the other.

use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::EnvironmentId;

use super::{Operator, OperatorError, origin};
use crate::credential::{self, Kind};

/// Keys of one environment that may be in force at once.
const KEYS: u32 = 2;
/// Bytes of a key's hash that name it.
const NAME_BYTES: usize = 8;

/// An API key, by what may be shown of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustodianKey {
    /// The first digits of its hash.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl Operator {
    /// Makes another API key of an environment; gives the key, and its name.
    ///
    /// # Errors
    ///
    /// [`OperatorError::TwoKeysInForce`], or storage failed; there is no new key then.
    pub async fn create_custodian_key(
        &self,
        environment: EnvironmentId,
    ) -> Result<(String, String), OperatorError> {
        let (key, hash) = credential::make(Kind::Custodian);
        let now = self.clock.now();
        let store = &self.store;
        if store
            .add_custodian_key(environment, hash, KEYS, origin(), now)
            .await?
        {
            Ok((key.expose().to_owned(), name(&hash.0))) // to be shown
        } else {
            Err(OperatorError::TwoKeysInForce { environment })
        }
    }

    /// All API keys that an environment ever had, oldest first.
    ///
    /// # Errors
    ///
    /// Storage failed.
    pub async fn custodian_keys(
        &self,
        environment: EnvironmentId,
    ) -> Result<Vec<CustodianKey>, OperatorError> {
        let keys = self.store.custodian_keys(environment).await?;
        let shown = keys.iter().map(|key| CustodianKey {
            name: name(&key.hash.0),
            created_at: key.created_at,
            revoked_at: key.revoked_at,
        });
        Ok(shown.collect())
    }

    /// Ends an API key, by its name, at once.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchKey`] where none in force has that name, or storage failed.
    pub async fn revoke_custodian_key(
        &self,
        environment: EnvironmentId,
        key: &str,
    ) -> Result<(), OperatorError> {
        let keys = self.store.custodian_keys(environment).await?;
        let named = keys.iter().find(|known| name(&known.hash.0) == key);
        let revoked = match named {
            Some(known) => {
                let now = self.clock.now();
                self.store
                    .revoke_custodian_key(environment, known.hash, origin(), now)
                    .await?
            }
            None => false,
        };
        revoked
            .then_some(())
            .ok_or_else(|| OperatorError::NoSuchKey {
                environment,
                key: key.to_owned(),
            })
    }
}

fn name(hash: &[u8; 32]) -> String {
    hex::encode(hash.get(..NAME_BYTES).unwrap_or_default())
}
