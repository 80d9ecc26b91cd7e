//! The keys of a key file, and how one wraps.

use std::path::Path;

use portal_seal::SealingKey;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use super::KeyFileError;
use crate::kms::{KeyContext, KmsError, WrappedKey};

/// What an id is derived under; another text makes every wrapped key unreadable.
const ID_CONTEXT: &str = "portal-store 2026 kms key file v1 key id";
/// Version of the encoding of what a data key is bound to.
const VERSION: &str = "1";
/// 64 digits and the line's end.
const LINE_BYTES: usize = 65;

/// At least one key.
pub(super) struct Keys {
    current: NamedKey,
    former: Vec<NamedKey>,
}

pub(super) struct NamedKey {
    id: String,
    key: SealingKey,
}

impl Keys {
    pub(super) fn one(key: SealingKey) -> Self {
        Self {
            current: NamedKey::new(key),
            former: Vec::new(),
        }
    }

    /// One key a line; the last line may end or not.
    pub(super) fn parse(path: &Path, content: &[u8]) -> Result<Self, KeyFileError> {
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        let mut keys = content.split(|&byte| byte == b'\n').enumerate().map(
            |(index, line)| -> Result<NamedKey, KeyFileError> {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                let mut key = Zeroizing::new([0; 32]);
                match hex::decode_to_slice(line, key.as_mut_slice()) {
                    Ok(()) => Ok(NamedKey::new(SealingKey::from_bytes(key))),
                    // Its own text shows digits.
                    Err(_) => Err(KeyFileError::BadLine {
                        path: path.to_owned(),
                        line: index.saturating_add(1),
                    }),
                }
            },
        );
        match keys.next() {
            Some(current) if !content.is_empty() => Ok(Self {
                current: current?,
                former: keys.collect::<Result<_, _>>()?,
            }),
            _ => Err(KeyFileError::Empty {
                path: path.to_owned(),
            }),
        }
    }

    /// What [`parse`](Self::parse) reads.
    pub(super) fn to_lines(&self) -> Zeroizing<Vec<u8>> {
        let count = self.former.len().saturating_add(1);
        // As large as it will be: growing would leave a copy behind.
        let mut lines = Zeroizing::new(Vec::with_capacity(count.saturating_mul(LINE_BYTES)));
        for named in core::iter::once(&self.current).chain(&self.former) {
            let mut digits = Zeroizing::new([0; 64]);
            // Exposed to be stored. It refuses only room of another size than twice the key's.
            let encoded = hex::encode_to_slice(named.key.expose(), digits.as_mut_slice());
            debug_assert!(encoded.is_ok(), "two digits a byte");
            lines.extend_from_slice(digits.as_slice());
            lines.push(b'\n');
        }
        lines
    }

    pub(super) const fn current(&self) -> &NamedKey {
        &self.current
    }

    pub(super) fn named(&self, id: &str) -> Option<&NamedKey> {
        core::iter::once(&self.current)
            .chain(&self.former)
            .find(|named| named.id == id)
    }

    /// `key` opens from now on, and wraps if it did; says its id.
    pub(super) fn add_former(&mut self, key: SealingKey) -> String {
        let named = NamedKey::new(key);
        let id = named.id.clone();
        if self.named(&id).is_none() {
            self.former.push(named);
        }
        id
    }

    /// The key of this id wraps from now on; the one that did becomes the first of the former.
    pub(super) fn make_current(&mut self, id: &str) {
        if let Some(index) = self.former.iter().position(|named| named.id == id) {
            let named = self.former.remove(index);
            let before = core::mem::replace(&mut self.current, named);
            self.former.insert(0, before);
        }
    }

    pub(super) fn forget_former(&mut self) {
        self.former.clear();
    }
}

impl NamedKey {
    fn new(key: SealingKey) -> Self {
        // Exposed to be told from others, by something that does not lead back to it.
        let derived = Zeroizing::new(blake3::derive_key(ID_CONTEXT, key.expose()));
        let (shown, _) = derived.split_at(8);
        Self {
            id: format!("file:{}", hex::encode(shown)),
            key,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn wrap(&self, data_key: &SealingKey, context: &KeyContext) -> WrappedKey {
        WrappedKey {
            key_id: self.id.clone(),
            bytes: portal_seal::seal(
                &self.key,
                &self.associated_data(context),
                // Exposed to be encrypted, nothing else.
                data_key.expose(),
                // A nonce is no business of a caller.
                &mut UnwrapErr(SysRng),
            ),
        }
    }

    pub(super) fn unwrap(
        &self,
        wrapped: &[u8],
        context: &KeyContext,
    ) -> Result<SealingKey, KmsError> {
        let opened = portal_seal::open(&self.key, &self.associated_data(context), wrapped)
            .map_err(|_| KmsError::Refused)?;
        let mut key = Zeroizing::new([0; 32]);
        // Exposed to become the key that it is.
        if opened.expose().len() != key.len() {
            return Err(KmsError::Refused);
        }
        key.copy_from_slice(opened.expose());
        Ok(SealingKey::from_bytes(key))
    }

    /// Three fields in front of the context's own, each with its length: no other use of the
    /// same key has them.
    fn associated_data(&self, context: &KeyContext) -> Vec<u8> {
        let head = KeyContext(vec![
            ("format", "portal-store key file".to_owned()),
            ("version", VERSION.to_owned()),
            ("key_id", self.id.clone()),
        ]);
        let mut bytes = head.to_bytes();
        bytes.extend(context.to_bytes());
        bytes
    }
}
