#![no_main]

use portal_mpc::attack::fuzz_share;

libfuzzer_sys::fuzz_target!(|input: &[u8]| portal_fuzz::report(fuzz_share(input)));
