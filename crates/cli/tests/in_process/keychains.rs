//! Keychains that are damaged, or fail.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use portal_keychain::{FileKeychain, MemoryKeychain, SealingKey};
use portal_sdk::ErrorId;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::alive::{Keys, assert_signs};
use crate::expect::{granted, refused};
use crate::faulty::{Fault, FaultyKeychain};
use crate::wallet::CUSTOM;
use crate::world::World;

fn file_keychain(directory: &Path) -> Arc<FileKeychain> {
    let key = SealingKey::from_bytes(Zeroizing::new([9; 32]));
    Arc::new(FileKeychain::open(directory, key, UnwrapErr(SysRng)).expect("a keychain"))
}

/// The files of the shares in a keychain.
fn share_files(directory: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(directory).expect("a directory");
    files
        .map(|file| file.expect("an entry").path())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("signing."))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_edited_by_hand_is_not_used() {
    let world = World::start().await;
    let user = world.user().await;
    let home = tempfile::tempdir().expect("a directory");
    let directory = home.path().join("keychain");
    let portal = world.portal(&user, file_keychain(&directory)).await;
    granted(portal.create_wallet().await, "creating");
    let keys = Keys::of(&portal).await;
    world.back_up(&user, &portal).await;

    let files = share_files(&directory);
    let [file] = files.as_slice() else {
        panic!("expected one share, seen {files:?}");
    };
    let whole = std::fs::read(file).expect("readable");
    let mut flipped = whole.clone();
    *flipped.last_mut().expect("not empty") ^= 1;
    let cut = whole[..whole.len() - 1].to_vec();
    for damaged in [flipped, cut, b"edited by hand".to_vec(), Vec::new()] {
        std::fs::write(file, &damaged).expect("writable");
        let when = format!("{} bytes in place of {}", damaged.len(), whole.len());
        let failed = ErrorId::KeychainReadFailed;
        for curve in portal_sdk::Curve::ALL {
            refused(portal.raw_sign(curve, &[7; 32]).await, failed, &when);
        }
        refused(portal.refresh_wallet().await, failed, &when);
        refused(portal.backup_wallet(CUSTOM).await, failed, &when);
        // A share that cannot be read is not a share that is not there.
        refused(portal.is_wallet_on_device().await, failed, &when);
        refused(portal.addresses().await, failed, &when);
        let exists = ErrorId::WalletAlreadyExists;
        refused(portal.create_wallet().await, exists, &when);
    }
    std::fs::write(file, &whole).expect("writable");
    let portal = world.portal(&user, file_keychain(&directory)).await;
    assert_signs(&portal, &keys, "the share is whole again").await;
}

/// The error reference: "a damaged entry needs a recovery". On the very device, and nothing
/// there is deleted for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_with_a_damaged_share_recovers() {
    let world = World::start().await;
    let user = world.user().await;
    let home = tempfile::tempdir().expect("a directory");
    let directory = home.path().join("keychain");
    let portal = world.portal(&user, file_keychain(&directory)).await;
    granted(portal.create_wallet().await, "creating");
    let keys = Keys::of(&portal).await;
    let text = world.back_up(&user, &portal).await;
    let damaged = share_files(&directory).remove(0);
    std::fs::write(&damaged, b"edited by hand").expect("writable");

    let portal = world.portal(&user, file_keychain(&directory)).await;
    granted(portal.recover_wallet(CUSTOM, &text).await, "recovering");
    assert_signs(&portal, &keys, "after the recovery").await;
    let portal = world.portal(&user, file_keychain(&directory)).await;
    assert_signs(&portal, &keys, "after a restart").await;
    let kept = std::fs::read(&damaged).expect("still there");
    assert_eq!(kept, b"edited by hand");
}

/// Marks and the device's id can be made anew: their damage costs no wallet, not even one that
/// has no backup.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_marks_do_not_disable_a_device() {
    let world = World::start().await;
    let user = world.user().await;
    let home = tempfile::tempdir().expect("a directory");
    let directory = home.path().join("keychain");
    let portal = world.portal(&user, file_keychain(&directory)).await;
    granted(portal.create_wallet().await, "creating");
    let keys = Keys::of(&portal).await;
    for begins in ["index.", "device"] {
        let files = std::fs::read_dir(&directory).expect("a directory");
        let damaged: Vec<_> = files
            .map(|file| file.expect("an entry").path())
            .filter(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with(begins))
            })
            .collect();
        assert_eq!(damaged.len(), 1, "{begins}");
        for path in damaged {
            let mut content = std::fs::read(&path).expect("readable");
            *content.last_mut().expect("not empty") ^= 1;
            std::fs::write(&path, content).expect("writable");
        }
        let portal = world.portal(&user, file_keychain(&directory)).await;
        assert_signs(&portal, &keys, begins).await;
        granted(portal.refresh_wallet().await, begins);
        assert_signs(&portal, &keys, begins).await;
    }
}

/// Each write of `create_wallet` fails once, before or after it took effect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creating_survives_a_failure_of_each_write() {
    let world = World::start().await;
    for fault in [Fault::Lost, Fault::Applied] {
        let mut nth = 1;
        loop {
            let when = format!("write {nth}, {fault:?}");
            let user = world.user().await;
            let kept = Arc::new(MemoryKeychain::new());
            let faulty = FaultyKeychain::new(Arc::clone(&kept), nth, fault);
            let portal = world.portal(&user, Arc::clone(&faulty) as _).await;
            let created = portal.create_wallet().await;
            if !faulty.has_failed() {
                granted(created, &when);
                break;
            }
            let expected = match nth {
                1 => ErrorId::KeychainUnavailable,
                _ => ErrorId::KeychainWriteFailed,
            };
            refused(created, expected, &when);
            let portal = world.portal(&user, kept).await;
            match portal.create_wallet().await {
                // What was interrupted was finished when the SDK started.
                Err(error) if error.id() == ErrorId::WalletAlreadyExists => {}
                created => {
                    granted(created, &when);
                }
            }
            assert_signs(&portal, &Keys::of(&portal).await, &when).await;
            nth += 1;
        }
        assert!(nth > 4, "expected several writes, seen {nth}");
    }
}

/// The same in a recovery: the phone signs until the new device has confirmed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recovering_survives_a_failure_of_each_write() {
    let world = World::start().await;
    let (wallet, text) = world.backed_up_wallet().await;
    let mut signs = world
        .portal(&wallet.user, Arc::clone(&wallet.phone) as _)
        .await;
    let mut nth = 1;
    loop {
        let when = format!("write {nth}");
        let kept = Arc::new(MemoryKeychain::new());
        let faulty = FaultyKeychain::new(Arc::clone(&kept), nth, Fault::Lost);
        let tablet = world.portal(&wallet.user, Arc::clone(&faulty) as _).await;
        let recovered = tablet.recover_wallet(CUSTOM, &text).await;
        if !faulty.has_failed() {
            granted(recovered, &when);
            break;
        }
        let expected = match nth {
            1 => ErrorId::KeychainUnavailable,
            _ => ErrorId::KeychainWriteFailed,
        };
        refused(recovered, expected, &when);
        if !granted(tablet.is_wallet_on_device().await, &when) {
            assert_signs(&signs, &wallet.keys, &when).await;
        }
        signs = world.portal(&wallet.user, kept).await;
        granted(signs.recover_wallet(CUSTOM, &text).await, &when);
        assert_signs(&signs, &wallet.keys, &when).await;
        nth += 1;
    }
    assert!(nth > 4, "expected several writes, seen {nth}");
}
