//! A user's password.

use core::fmt;

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::BackupError;

/// A password that is not empty, in Unicode normalisation form C (UAX #15); erased when dropped.
///
/// Normalised because users type one password on several devices, and keyboards differ in
/// whether `é` is one character or two. Nothing else is changed: spaces and capitals count.
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes what the user typed.
    ///
    /// # Errors
    ///
    /// [`BackupError::PasswordEmpty`] (`PASSWORD_REQUIRED`).
    pub fn new(typed: &str) -> Result<Self, BackupError> {
        if typed.is_empty() {
            return Err(BackupError::PasswordEmpty);
        }
        // Form C is at most three times as long in UTF-8 (UAX #15 §9): the text never moves
        // in memory, leaving a copy behind.
        let mut password = Zeroizing::new(String::with_capacity(typed.len().saturating_mul(3)));
        if typed.is_ascii() {
            password.push_str(typed);
        } else {
            password.extend(typed.nfc());
        }
        Ok(Self(password))
    }

    /// The bytes to derive a key from.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}
