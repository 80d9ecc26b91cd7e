//! A self-test finds every way in which a keychain does not work.

use async_trait::async_trait;
use portal_keychain::{
    EntryName, Failed, Keychain, KeychainError, MemoryKeychain, SecretBytes, SelfTestStep,
    self_test,
};
use portal_lifecycle::ErrorId;

use crate::{secret, told};

/// A keychain with one fault.
struct Faulty {
    fault: Fault,
    sound: MemoryKeychain,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    WriteFails,
    WriteForgets,
    ReadFails,
    ReadAlters,
    DeleteFails,
    DeleteForgets,
}

fn failure() -> KeychainError {
    KeychainError::Backend {
        failed: Failed::Write,
        problem: "the fault of the test".to_owned(),
    }
}

#[async_trait]
impl Keychain for Faulty {
    async fn write(&self, entry: &EntryName, secret: &SecretBytes) -> Result<(), KeychainError> {
        match self.fault {
            Fault::WriteFails => Err(failure()),
            Fault::WriteForgets => Ok(()),
            _ => self.sound.write(entry, secret).await,
        }
    }

    async fn read(&self, entry: &EntryName) -> Result<Option<SecretBytes>, KeychainError> {
        let read = self.sound.read(entry).await?;
        match self.fault {
            Fault::ReadFails => Err(failure()),
            Fault::ReadAlters => Ok(read.map(|_| secret(b"altered"))),
            _ => Ok(read),
        }
    }

    async fn delete(&self, entry: &EntryName) -> Result<(), KeychainError> {
        match self.fault {
            Fault::DeleteFails => Err(failure()),
            Fault::DeleteForgets => Ok(()),
            _ => self.sound.delete(entry).await,
        }
    }

    async fn list(&self) -> Result<Vec<EntryName>, KeychainError> {
        self.sound.list().await
    }
}

#[tokio::test]
async fn every_fault_is_found_at_its_step() {
    for (fault, expected) in [
        (Fault::WriteFails, SelfTestStep::Write),
        (Fault::WriteForgets, SelfTestStep::ReadBack),
        (Fault::ReadFails, SelfTestStep::ReadBack),
        (Fault::ReadAlters, SelfTestStep::ReadBack),
        (Fault::DeleteFails, SelfTestStep::Delete),
        (Fault::DeleteForgets, SelfTestStep::ReadAbsent),
    ] {
        let keychain = Faulty {
            fault,
            sound: MemoryKeychain::new(),
        };
        let error = self_test(&keychain, &[9; 32]).await.unwrap_err();
        assert_eq!(error.id(), ErrorId::KeychainUnavailable, "{fault:?}");
        let KeychainError::SelfTest { step, .. } = &error else {
            panic!("expected a failed self-test for {fault:?}, got {error:?}");
        };
        assert_eq!(*step, expected, "{fault:?}");
        assert!(!told(&error).contains("0909"), "{}", told(&error));
    }
}

#[tokio::test]
async fn a_failed_self_test_still_removes_its_entry() {
    let keychain = Faulty {
        fault: Fault::ReadAlters,
        sound: MemoryKeychain::new(),
    };
    self_test(&keychain, &[9; 32]).await.unwrap_err();
    assert_eq!(keychain.list().await.unwrap(), []);
}

#[tokio::test]
async fn a_keychain_behind_the_port_can_be_tested() {
    let keychain: Box<dyn Keychain> = Box::new(MemoryKeychain::new());
    self_test(keychain.as_ref(), &[9; 32]).await.unwrap();
}

#[test]
fn an_outside_keychain_chooses_its_id() {
    for (failed, id) in [
        (Failed::Access, ErrorId::KeychainUnavailable),
        (Failed::Read, ErrorId::KeychainReadFailed),
        (Failed::Write, ErrorId::KeychainWriteFailed),
    ] {
        let problem = "locked".to_owned();
        assert_eq!(KeychainError::Backend { failed, problem }.id(), id);
    }
}
