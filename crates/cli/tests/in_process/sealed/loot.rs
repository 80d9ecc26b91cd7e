//! What a thief has, and whether it is the key.
//!
//! Every 32 bytes in a row of what was taken are tried as a scalar, if they could have been drawn at
//! random. The key is sought as a sum or
//! difference of up to two of them, and of any number of those that stand in a share: a sum of
//! scalars times the generator is the sum of their points, and `x·G = Q` tells the key.

use std::collections::{BTreeSet, HashSet};
use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};

use portal_api::Base64Bytes;
use portal_backup::{CipherText, KeySource, fetch_key};
use portal_custodian::CustodianStore as _;
use portal_lifecycle::PerCurve;
use portal_mpc::{Ed25519, Group, KeyShare, Secp256k1};
use portal_sdk::{MemoryStorage, Portal};
use portal_seal::SecretBytes;
use portal_store::{OutboxStore as _, WalletStore as _};
use tracing_subscriber::filter::LevelFilter;

use crate::alive::Keys;
use crate::wallet::{Wallet, backup_pairs, signing_pairs, state_of};
use crate::world::World;

/// Where the scalar stands in a share.
const SCALAR: std::ops::Range<usize> = 28..60;

#[derive(Default)]
pub(super) struct Loot {
    blobs: Vec<Vec<u8>>,
}

impl Loot {
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.blobs.push(bytes.to_vec());
        self.take_words(&String::from_utf8_lossy(bytes));
    }

    pub(super) fn take_texts(&mut self, texts: &[String]) {
        for text in texts {
            self.take(text.as_bytes());
        }
    }

    /// Words that are bytes in base64 or hexadecimal.
    fn take_words(&mut self, text: &str) {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        let words = text.split(|letter| !is_letter(letter));
        for word in words.filter(|word| word.len() >= 43) {
            self.blobs
                .extend(Base64Bytes::parse(word).map(|bytes| bytes.0));
            self.blobs.extend(hex::decode(word));
        }
    }

    /// The outbox of the newest backup, opened with the server's own keys.
    pub(super) async fn take_outbox(&mut self, world: &World, wallet: &Wallet) {
        let state = state_of(&wallet.portal).await;
        let (ids, _) = *backup_pairs(&state).last().expect("a pair");
        let waiting = world.store().delivery(wallet.user.id, ids).await;
        let waiting = waiting.expect("read").expect("in the outbox");
        for (_, share) in waiting.shares.iter() {
            self.take(share.expose());
        }
        for blinds in waiting.blinds.iter() {
            for (_, blind) in blinds.iter() {
                self.take(blind);
            }
        }
    }

    /// The files of the server's database, as they lie there.
    pub(super) fn take_files(&mut self, world: &World) {
        let database = world.database();
        let directory = database.parent().expect("a directory");
        for file in std::fs::read_dir(directory).expect("readable") {
            let path = file.expect("an entry").path();
            self.take(&std::fs::read(&path).expect("a file"));
        }
    }

    /// Every share of the server's, opened with its own keys.
    pub(super) async fn take_database(&mut self, world: &World, wallet: &Wallet, portal: &Portal) {
        for (ids, _) in signing_pairs(&state_of(portal).await) {
            for (curve, id) in ids.iter() {
                let share = world
                    .store()
                    .signing_share(wallet.user.id, curve, *id)
                    .await;
                self.take(share.expect("read").expect("a share").expose());
            }
        }
    }

    /// The user's cloud, and generously the cipher text too.
    pub(super) fn take_cloud(&mut self, wallet: &Wallet, text: &str) {
        let shares = opened(&wallet.user.storage, text);
        for (_, share) in shares.iter() {
            self.take(share.expose());
        }
        self.take(text.as_bytes());
    }

    pub(super) async fn take_custodian(&mut self, world: &World, wallet: &Wallet) {
        let shares = world.shares.shares_of(wallet.user.id).await.expect("read");
        for share in &shares {
            self.take(share.share.expose().as_bytes());
        }
    }

    /// How many different shares it holds on each curve.
    pub(super) fn shares(&self) -> [usize; 2] {
        [
            self.scalars_in_shares::<Secp256k1>().len(),
            self.scalars_in_shares::<Ed25519>().len(),
        ]
    }

    /// Whether it is the key of each curve.
    pub(super) fn finds(&self, keys: &Keys) -> [bool; 2] {
        [
            self.finds_on::<Secp256k1>(&keys.secp256k1),
            self.finds_on::<Ed25519>(&keys.ed25519),
        ]
    }

    fn finds_on<G: Group>(&self, key: &[u8]) -> bool {
        let key = G::decode_point(key).expect("a key");
        self.finds_in_shares::<G>(&key) || self.finds_in_bytes::<G>(&key)
    }

    /// Any number of shares, each added, subtracted or left out.
    fn finds_in_shares<G: Group>(&self, key: &G::Point) -> bool {
        let mut sums = vec![None];
        for share in self.scalars_in_shares::<G>() {
            let point = G::base_mul(&G::decode_scalar(&share).expect("a scalar"));
            let key = *key;
            let minus = (key - point) - key;
            let more: Vec<_> = sums
                .iter()
                .flat_map(|sum: &Option<G::Point>| {
                    [point, minus].map(|term| Some(sum.map_or(term, |sum| sum + term)))
                })
                .collect();
            sums.extend(more);
        }
        sums.iter().flatten().any(|sum| sum == key)
    }

    /// Up to two of all scalars that the bytes can be read as.
    fn finds_in_bytes<G: Group>(&self, key: &G::Point) -> bool {
        let scalars: BTreeSet<[u8; 32]> = self
            .blobs
            .iter()
            .flat_map(|blob| blob.windows(32))
            .filter(|bytes| could_be_drawn(bytes))
            .map(|bytes| bytes.try_into().expect("32 bytes"))
            .collect();
        let scalars = scalars.iter().filter_map(G::decode_scalar);
        let points: Vec<_> = scalars
            .map(|scalar| G::base_mul(&scalar))
            .filter(|point| !G::is_identity(point))
            .collect();
        let seen: HashSet<_> = points.iter().map(G::encode_point).collect();
        points.iter().any(|point| {
            // x = a, x = b + a, x = b − a or x = a − b, for some b that was seen.
            let differences = [*key - *point, *key + *point, *point - *key];
            point == key
                || differences.iter().any(|difference| {
                    !G::is_identity(difference) && seen.contains(&G::encode_point(difference))
                })
        })
    }

    fn scalars_in_shares<G: Group>(&self) -> BTreeSet<[u8; 32]> {
        let read = |blob: &Vec<u8>| {
            // A signing share of secp256k1 begins with its key share.
            let length = 28 + 32 + 3 * G::POINT_BYTES + 32;
            let bytes = blob.get(..length)?;
            KeyShare::<G>::decode(bytes).ok()?;
            bytes[SCALAR].try_into().ok()
        };
        self.blobs.iter().filter_map(read).collect()
    }
}

/// Whether 32 random bytes could look so: they are no text, and hardly any are alike.
fn could_be_drawn(bytes: &[u8]) -> bool {
    let different: BTreeSet<u8> = bytes.iter().copied().collect();
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    different.len() >= 16 && !bytes.iter().all(is_text)
}

/// The client's shares inside a cipher text, by the key in the user's storage.
pub(super) fn opened(storage: &Arc<MemoryStorage>, text: &str) -> PerCurve<SecretBytes> {
    let text = CipherText::parse(text).expect("a cipher text");
    let KeySource::Stored { key_name } = &text.header().key_source else {
        panic!("expected a key in the user's storage");
    };
    let (storage, key_name) = (Arc::clone(storage), key_name.clone());
    let key = futures_util::FutureExt::now_or_never(async move {
        fetch_key(storage.as_ref(), &key_name).await
    });
    let key = key.expect("memory answers at once").expect("a key");
    text.decrypt_with_key(&key).expect("opens")
}

/// What tells a process that it runs one test alone.
const ALONE: &str = "PORTAL_TEST_ALONE";

/// Whether this process runs one test and no other.
pub(super) fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Runs the test of that name in a process of its own, where every thread's log is its own.
pub(super) fn run_alone(test: &str) {
    let program = std::env::current_exe().expect("this program");
    let run = Command::new(program)
        .args(["--exact", test])
        .env(ALONE, "1")
        .output()
        .expect("a process");
    let told = String::from_utf8_lossy(&run.stdout);
    let is_passed = run.status.success() && told.contains("test result: ok. 1 passed");
    assert!(
        is_passed,
        "expected that {test} passes alone, seen {}\n{told}\n{}",
        run.status,
        String::from_utf8_lossy(&run.stderr)
    );
}

/// Everything that this process logs, on any thread, at every level.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Once in a process.
    pub(super) fn start() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_writer(move || writer.clone())
            .init();
        // As what takes long is done by the services.
        let elsewhere = std::thread::spawn(|| tracing::trace!("said on another thread"));
        elsewhere.join().expect("no panic");
        let said = log.0.lock().expect("no panic").clone();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(
            said.contains("said on another thread"),
            "expected the log of every thread, seen {said:?}"
        );
        log
    }

    pub(super) fn taken(&self) -> String {
        let mut log = self.0.lock().expect("no panic");
        String::from_utf8_lossy(&std::mem::take(&mut *log)).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
