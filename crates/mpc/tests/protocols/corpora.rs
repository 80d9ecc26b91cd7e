//! What the fuzzers found worth keeping, put to every protocol again.

use std::fs;
use std::path::Path;

use portal_mpc::attack::{Protocol, fuzz, fuzz_share};

fn protocol(name: &str) -> Protocol {
    match name {
        "generate" => Protocol::Generate,
        "backup" => Protocol::Backup,
        "recover" => Protocol::Recover,
        "ecdsa" => Protocol::Ecdsa,
        "eddsa" => Protocol::Eddsa,
        other => panic!("no protocol {other}"),
    }
}

/// `fuzz/corpus/<protocol>_<flight>/*` and `fuzz/corpus/share/*`.
#[test]
fn what_fuzzing_kept_finds_nothing() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut targets = 0;
    let mut inputs = 0;
    for target in fs::read_dir(corpora).unwrap() {
        let target = target.unwrap();
        let name = target.file_name().into_string().unwrap();
        for input in fs::read_dir(target.path()).unwrap() {
            let path = input.unwrap().path();
            let input = fs::read(&path).unwrap();
            let found = match name.rsplit_once('_') {
                Some((name, flight)) => fuzz(protocol(name), flight.parse().unwrap(), &input),
                None => fuzz_share(&input),
            };
            assert_eq!(found, Ok(()), "{}", path.display());
            inputs += 1;
        }
        targets += 1;
    }
    assert_eq!(targets, 25, "one for each message, and one for shares");
    assert!(inputs > 500, "{inputs}");
}
