//! The SQLite backend: what every backend keeps to, and what only a file can break.

mod sqlite;

portal_store::conformance_tests!(sqlite::SqliteBackend::new());
