//! Server, custodian's backend and SDK in one process, over real sockets on loopback: bad
//! input, lost messages and lost devices. After each of them the wallet still signs, or is
//! recovered and signs.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in what its modules share as well"
)]

// What the tests stand on.
mod alive;
mod app_backend;
mod by_hand;
mod clock;
mod expect;
mod faulty;
mod frames;
mod misbehaving;
mod names;
mod proxy;
mod raw;
mod receiver;
mod rest;
mod wallet;
mod world;

// The tests.
mod approval;
mod audit;
mod browser;
mod cipher_texts;
mod crash_backup;
mod crash_signing;
mod credentials;
mod crowded;
mod described;
mod devices;
mod ejecting;
mod engines;
mod frozen;
mod garbage;
mod given_up;
mod health;
mod held_back;
mod keychains;
mod managed;
mod odd_paths;
mod once;
mod operation_ids;
mod order;
mod outages;
mod passed_on;
mod progress;
mod proofs;
mod provider;
mod rates;
mod read_by_custodian;
mod readiness;
mod refused_requests;
mod restored;
mod sealed;
mod side_by_side;
mod statuses;
mod still_allowed;
mod stopping;
mod strangers;
mod sweep;
mod tampering;
mod tenants;
mod webhook_guard;
mod webhook_in_backup;
mod webhook_in_recover;
mod webhook_receiver_elsewhere;
mod webhook_test_call;
mod webhook_transport;
