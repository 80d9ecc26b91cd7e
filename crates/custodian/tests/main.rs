//! The receiver over real sockets on loopback and a real SQLite file, and what every store keeps to.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in what its modules share as well"
)]

mod ambient;
mod approver;
mod backend;
mod cipher_texts;
mod durability;
mod example;
mod health;
mod insert_only;
mod kept;
mod malformed;
mod mounted;
mod panics;
mod postgres;
mod receiver;
mod released;
mod sealed_only;
mod seals;
mod secrecy;
mod secrets;
mod signatures;
mod sqlite;
mod tokens;

mod on_sqlite {
    portal_custodian::conformance_tests!(crate::sqlite::SqliteBackend::new());
}

mod on_postgres {
    portal_custodian::conformance_tests!(crate::postgres::PostgresBackend::new());
}
