//! The backends: what every one keeps to, and what only a file, or only a cluster, can break.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails while a test is set up fails the test"
)]

mod audit;
mod keys;
mod kms;
mod memory;
mod postgres;
mod purges;
mod races;
mod sqlite;

mod on_sqlite {
    portal_store::conformance_tests!(crate::sqlite::SqliteBackend::new());
}

mod on_postgres {
    portal_store::conformance_tests!(crate::postgres::PostgresBackend::new());
}

mod in_memory {
    portal_store::conformance_tests!(crate::memory::MemoryBackend::new());
}
