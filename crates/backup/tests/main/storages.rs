//! The storage in memory, and what a self-test and a kept key find out.

use async_trait::async_trait;
use portal_backup::{
    BackupError, BackupStorage, KeyName, MemoryStorage, SecretBytes, SelfTestStep, conformance,
    keep_key, self_test,
};
use portal_lifecycle::ErrorId;

use crate::{key, name, secret, told};

#[tokio::test]
async fn memory_passes_the_suite() {
    conformance::keeps_its_promises(&MemoryStorage::new()).await;
}

#[tokio::test]
async fn memory_does_not_print_a_key() {
    let storage = MemoryStorage::new();
    storage
        .write(&name("k"), &secret(b"hunter2"))
        .await
        .unwrap();
    assert_eq!(format!("{storage:?}"), "MemoryStorage(1 keys)");
}

/// A storage with one fault.
struct Faulty {
    fault: Fault,
    sound: MemoryStorage,
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

impl Faulty {
    fn new(fault: Fault) -> Self {
        let sound = MemoryStorage::new();
        Self { fault, sound }
    }
}

fn failure() -> BackupError {
    BackupError::Backend {
        problem: "the fault of the test".to_owned(),
    }
}

#[async_trait]
impl BackupStorage for Faulty {
    async fn write(&self, name: &KeyName, key: &SecretBytes) -> Result<(), BackupError> {
        match self.fault {
            Fault::WriteFails => Err(failure()),
            Fault::WriteForgets => Ok(()),
            _ => self.sound.write(name, key).await,
        }
    }

    async fn read(&self, name: &KeyName) -> Result<Option<SecretBytes>, BackupError> {
        let read = self.sound.read(name).await?;
        match self.fault {
            Fault::ReadFails => Err(failure()),
            Fault::ReadAlters => Ok(read.map(|_| secret(b"altered"))),
            _ => Ok(read),
        }
    }

    async fn delete(&self, name: &KeyName) -> Result<(), BackupError> {
        match self.fault {
            Fault::DeleteFails => Err(failure()),
            Fault::DeleteForgets => Ok(()),
            _ => self.sound.delete(name).await,
        }
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
        let storage: Box<dyn BackupStorage> = Box::new(Faulty::new(fault));
        let error = self_test(storage.as_ref(), &[9; 32]).await.unwrap_err();
        assert_eq!(error.id(), ErrorId::BackupStorageUnavailable, "{fault:?}");
        let BackupError::SelfTest { step, .. } = &error else {
            panic!("expected a failed self-test for {fault:?}, got {error:?}");
        };
        assert_eq!(*step, expected, "{fault:?}");
        assert!(!told(&error).contains("0909"), "{}", told(&error));
    }
}

#[tokio::test]
async fn a_key_is_kept_only_if_it_reads_back() {
    for fault in [
        Fault::WriteFails,
        Fault::WriteForgets,
        Fault::ReadFails,
        Fault::ReadAlters,
    ] {
        let storage = Faulty::new(fault);
        let error = keep_key(&storage, &name("k"), &key(1)).await.unwrap_err();
        assert_eq!(error.id(), ErrorId::BackupStorageUnavailable, "{fault:?}");
    }
}
