//! What every [`Kms`] keeps to, as tests.
//!
//! A backend says in [`Backend`] how it is opened and rotated, and [`kms_conformance_tests!`]
//! makes one test of each property, each with keys of its own:
//!
//! ```text
//! portal_store::kms_conformance_tests!(MyBackend::new().await);
//! ```
//!
//! [`kms_conformance_tests!`]: crate::kms_conformance_tests

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "these functions are tests: a panic is how they say no"
)]

use core::fmt;

use async_trait::async_trait;
use portal_seal::SealingKey;

use super::{KEY_ID_BYTES, KeyContext, Kms, KmsError, WRAPPED_BYTES, WrappedKey};

/// A KMS with one key, for one property.
#[async_trait]
pub trait Backend: Send + Sync {
    /// What is under test.
    type Kms: Kms;

    /// Opens the KMS as a server does when it starts.
    async fn open(&self) -> Self::Kms;

    /// Makes another key, or version of it, wrap from now on; the one before still opens.
    async fn rotate(&self);

    /// What must never be printed: tokens and keys, in the clear.
    fn secrets(&self) -> Vec<Vec<u8>>;

    /// Whether [`KmsError::Forbidden`] may also be the answer to a wrapped key that was changed.
    /// A KMS that finds its key by the cipher text says so of a key that it does not find.
    fn may_forbid_what_was_changed(&self) -> bool {
        false
    }
}

type Fields = Vec<(&'static str, String)>;

/// A data key like no other, which spells itself in any encoding that is looked for.
fn data_key() -> SealingKey {
    SealingKey::from_bytes((*b"a data key, planted to be found\x5e").into())
}

fn context() -> KeyContext {
    KeyContext(vec![
        ("purpose", "signing share".to_owned()),
        ("client", "019a0000-0000-7000-8000-000000000001".to_owned()),
        ("wallet", "019a0000-0000-7000-8000-000000000002".to_owned()),
        ("curve", "ED25519".to_owned()),
    ])
}

async fn wrap(kms: &impl Kms, context: &KeyContext) -> WrappedKey {
    let wrapped = kms.wrap(&data_key(), context).await;
    wrapped.unwrap_or_else(|error| panic!("expected a wrapped key, saw {error}: {error:?}"))
}

/// The data key must come back whole.
async fn opens(kms: &impl Kms, wrapped: &WrappedKey, context: &KeyContext) {
    match kms.unwrap(wrapped, context).await {
        // Exposed to be compared.
        Ok(key) => assert_eq!(
            key.expose(),
            data_key().expose(),
            "another data key came back"
        ),
        Err(error) => panic!("expected the data key from {wrapped:?}, saw {error}: {error:?}"),
    }
}

async fn refused(
    backend: &impl Backend,
    kms: &impl Kms,
    wrapped: &WrappedKey,
    context: &KeyContext,
    why: impl fmt::Display,
) {
    match kms.unwrap(wrapped, context).await {
        Err(KmsError::Refused | KmsError::UnknownKey { .. }) => {}
        Err(KmsError::Forbidden { .. }) if backend.may_forbid_what_was_changed() => {}
        other => panic!("expected a refusal ({why}), saw {other:?}"),
    }
}

/// What was wrapped opens, also for a server that starts later; the id is the one that
/// [`Kms::key_id`] names, and everything is as short as it must be.
pub async fn a_wrapped_key_opens(backend: &impl Backend) {
    let kms = backend.open().await;
    let wrapped = wrap(&kms, &context()).await;
    opens(&kms, &wrapped, &context()).await;
    opens(&backend.open().await, &wrapped, &context()).await;
    assert_eq!(kms.key_id().await.expect("an id"), wrapped.key_id);
    assert!(
        (1..=KEY_ID_BYTES).contains(&wrapped.key_id.len()),
        "{:?}",
        wrapped.key_id
    );
    assert!(
        (1..=WRAPPED_BYTES).contains(&wrapped.bytes.len()),
        "{}",
        wrapped.bytes.len()
    );
}

/// A context may be empty, and may hold any text.
pub async fn any_context_is_kept(backend: &impl Backend) {
    let kms = backend.open().await;
    for context in [
        KeyContext(Vec::new()),
        KeyContext(vec![(
            "base_url",
            "https://acme.example/π?a=\"b\"&c={d}\\ ".to_owned(),
        )]),
        KeyContext(vec![("base_url", "x".repeat(2_048))]),
    ] {
        let wrapped = wrap(&kms, &context).await;
        opens(&kms, &wrapped, &context).await;
    }
}

/// Nothing opens under another context: each field changed, removed, renamed, or exchanged for
/// another's value, and one more.
pub async fn nothing_opens_under_another_context(backend: &impl Backend) {
    let kms = backend.open().await;
    let wrapped = wrap(&kms, &context()).await;
    let fields = context().0;
    let mut others = vec![
        ("no field", Vec::new()),
        ("one more field", {
            let mut more = fields.clone();
            more.push(("role", "server".to_owned()));
            more
        }),
    ];
    for index in 0..fields.len() {
        let with = |change: &dyn Fn(&mut Fields)| {
            let mut changed = fields.clone();
            change(&mut changed);
            changed
        };
        let next = (index + 1) % fields.len();
        others.extend([
            ("a longer value", with(&|it| at(it, index).1.push(' '))),
            ("no value", with(&|it| at(it, index).1.clear())),
            (
                "another letter case",
                with(&|it| at(it, index).1 = swap_case(&at(it, index).1)),
            ),
            (
                "a missing field",
                with(&|it| {
                    it.remove(index);
                }),
            ),
            ("another name", with(&|it| at(it, index).0 = "other")),
            (
                "exchanged values",
                with(&|it| {
                    let here = core::mem::take(&mut at(it, index).1);
                    let there = core::mem::replace(&mut at(it, next).1, here);
                    at(it, index).1 = there;
                }),
            ),
        ]);
    }
    for (what, other) in others {
        let other = KeyContext(other);
        // Some values have no letters.
        if other != context() {
            refused(
                backend,
                &kms,
                &wrapped,
                &other,
                format_args!("{what}: {other:?}"),
            )
            .await;
        }
    }
    opens(&kms, &wrapped, &context()).await;
}

/// Nothing opens after any byte of it was changed, or some were cut off or added.
pub async fn nothing_opens_that_was_changed(backend: &impl Backend) {
    let kms = backend.open().await;
    let wrapped = wrap(&kms, &context()).await;
    let with = |bytes: Vec<u8>| WrappedKey {
        key_id: wrapped.key_id.clone(),
        bytes,
    };
    for index in 0..wrapped.bytes.len() {
        for flip in [0x01, 0x80] {
            let mut bytes = wrapped.bytes.clone();
            *at(&mut bytes, index) ^= flip;
            refused(
                backend,
                &kms,
                &with(bytes),
                &context(),
                format_args!("byte {index} xor {flip:#x}"),
            )
            .await;
        }
    }
    let mut longer = wrapped.bytes.clone();
    longer.push(b'A');
    let mut shorter = wrapped.bytes.clone();
    shorter.pop();
    let huge = vec![b'A'; WRAPPED_BYTES + 1];
    for bytes in [longer, shorter, huge, Vec::new()] {
        let length = bytes.len();
        refused(
            backend,
            &kms,
            &with(bytes),
            &context(),
            format_args!("{length} bytes"),
        )
        .await;
    }
    opens(&kms, &wrapped, &context()).await;
}

/// Two wraps of one data key share nothing that could tell that it is one.
pub async fn two_wraps_differ(backend: &impl Backend) {
    let kms = backend.open().await;
    let (a, b) = (wrap(&kms, &context()).await, wrap(&kms, &context()).await);
    assert_ne!(a.bytes, b.bytes);
    assert_eq!(a.key_id, b.key_id);
    opens(&kms, &a, &context()).await;
    opens(&kms, &b, &context()).await;
}

/// After a rotation another id wraps, and what was wrapped before opens; a server that runs
/// meanwhile opens both.
pub async fn a_rotation_keeps_what_was_wrapped(backend: &impl Backend) {
    let before = backend.open().await;
    let old = wrap(&before, &context()).await;
    backend.rotate().await;
    let after = backend.open().await;
    let new = wrap(&after, &context()).await;
    assert_ne!(old.key_id, new.key_id);
    assert_eq!(after.key_id().await.expect("an id"), new.key_id);
    for kms in [&before, &after] {
        opens(kms, &old, &context()).await;
        opens(kms, &new, &context()).await;
    }
    // Each under its own id only.
    for (wrapped, id) in [(&old, &new.key_id), (&new, &old.key_id)] {
        let moved = WrappedKey {
            key_id: id.clone(),
            bytes: wrapped.bytes.clone(),
        };
        refused(backend, &after, &moved, &context(), "under another id").await;
    }
}

/// An id that this KMS did not give is refused, and so is one that looks like it did.
pub async fn an_unknown_key_is_refused(backend: &impl Backend) {
    let kms = backend.open().await;
    let wrapped = wrap(&kms, &context()).await;
    let id = &wrapped.key_id;
    let last = id
        .chars()
        .last()
        .map(|last| if last == '9' { '8' } else { '9' });
    let (stem, _) = id.split_at(id.len() - 1);
    for other in [
        String::new(),
        "file:0123456789abcdef".to_owned(),
        "vault:transit/nobodys:v1".to_owned(),
        "aws:arn:aws:kms:eu-central-1:999999999999:key/00000000-0000-4000-8000-000000000000"
            .to_owned(),
        format!("{id}0"),
        format!("{id} "),
        format!(" {id}"),
        id.to_uppercase(),
        stem.to_owned(),
        format!("{stem}{}", last.unwrap_or('9')),
    ] {
        let wrapped = WrappedKey {
            key_id: other.clone(),
            bytes: wrapped.bytes.clone(),
        };
        refused(
            backend,
            &kms,
            &wrapped,
            &context(),
            format_args!("the id {other:?}"),
        )
        .await;
    }
}

/// No secret is in what a KMS, what it wraps or an error prints, nor in a wrapped key.
pub async fn nothing_prints_a_secret(backend: &impl Backend) {
    let kms = backend.open().await;
    let wrapped = wrap(&kms, &context()).await;
    let unknown = WrappedKey {
        key_id: "nobody's".to_owned(),
        bytes: wrapped.bytes.clone(),
    };
    let mut printed = vec![
        format!("{kms:?} {kms:#?}").into_bytes(),
        format!("{wrapped:?} {wrapped:#?}").into_bytes(),
        wrapped.key_id.clone().into_bytes(),
        wrapped.bytes.clone(),
    ];
    for (wrapped, context) in [(&wrapped, KeyContext(Vec::new())), (&unknown, context())] {
        match kms.unwrap(wrapped, &context).await {
            Ok(_) => panic!("expected a refusal of {wrapped:?} under {context:?}"),
            Err(error) => printed.push(format!("{error} {error:?}").into_bytes()),
        }
    }
    // Exposed to be looked for.
    let mut secrets = vec![data_key().expose().to_vec()];
    secrets.extend(backend.secrets());
    for secret in secrets {
        for spelled in spellings(&secret) {
            for text in &printed {
                assert!(
                    !crate::conformance::contains(text, &spelled),
                    "a secret, as {:?}, is in {:?}",
                    String::from_utf8_lossy(&spelled),
                    String::from_utf8_lossy(text)
                );
            }
        }
    }
}

/// How a secret may be printed.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let list = format!("{secret:?}");
    vec![
        secret.to_vec(),
        hex::encode(secret).into_bytes(),
        hex::encode_upper(secret).into_bytes(),
        base64::engine::general_purpose::STANDARD_NO_PAD
            .encode(secret)
            .into_bytes(),
        list.trim_matches(['[', ']']).as_bytes().to_vec(),
        secret.escape_ascii().to_string().into_bytes(),
    ]
}

fn swap_case(text: &str) -> String {
    let upper = text.to_uppercase();
    if upper == text {
        text.to_lowercase()
    } else {
        upper
    }
}

fn at<T>(items: &mut [T], index: usize) -> &mut T {
    items.get_mut(index).expect("an index of the items")
}

/// One `#[tokio::test]` for each property of [`kms::conformance`](crate::kms::conformance), on
/// the [`Backend`](crate::kms::conformance::Backend) that the expression makes anew for each.
#[macro_export]
macro_rules! kms_conformance_tests {
    ($backend:expr) => {
        $crate::kms_conformance_tests! { @each $backend;
            a_wrapped_key_opens
            any_context_is_kept
            nothing_opens_under_another_context
            nothing_opens_that_was_changed
            two_wraps_differ
            a_rotation_keeps_what_was_wrapped
            an_unknown_key_is_refused
            nothing_prints_a_secret
        }
    };
    (@each $backend:expr; $($property:ident)*) => {
        mod conformance {
            #[allow(unused_imports, reason = "what the expression names stands there")]
            use super::*;

            $(
                #[tokio::test]
                async fn $property() {
                    let backend = $backend;
                    $crate::kms::conformance::$property(&backend).await;
                }
            )*
        }
    };
}
