#![no_main]

use portal_mpc::attack::{Protocol, fuzz};

libfuzzer_sys::fuzz_target!(|input: &[u8]| portal_fuzz::report(fuzz(Protocol::Recover, 1, input)));
