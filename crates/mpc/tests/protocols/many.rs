//! Ten thousand signatures, each judged by libsecp256k1: low s, the right recovery id.

use std::thread;

use portal_mpc::{Operation, SigningShares, secp256k1};

use crate::run::{backup, generate, recover, sign_ecdsa};
use crate::wallet_life::assert_libsecp256k1_verifies;

const THREADS: u8 = 2;
const LIVES: u8 = 10;
const SIGNATURES_A_PAIR: usize = 125;

/// A fresh pair; the same refreshed; backed up and recovered; refreshed again.
fn pairs_of_a_life() -> Vec<(u8, SigningShares, SigningShares)> {
    let copy = |shares: &SigningShares| SigningShares {
        secp256k1: secp256k1::SigningShare::decode(&shares.secp256k1.encode()).unwrap(),
        ed25519: portal_mpc::KeyShare::decode(&shares.ed25519.encode()).unwrap(),
    };
    let mut pairs = Vec::new();
    let (client, server) = generate(1);
    let refreshed = recover(
        Operation::Refresh,
        1,
        2,
        copy(&client).into_keys(),
        copy(&server).into_keys(),
    );
    pairs.push((1, client, server));
    let (client, server) = refreshed.unwrap();
    let (client_backup, server_backup) =
        backup(2, 3, copy(&client).into_keys(), copy(&server).into_keys());
    pairs.push((2, client, server));
    let (client, server) = recover(Operation::Recover, 3, 4, client_backup, server_backup).unwrap();
    let again = recover(
        Operation::Refresh,
        4,
        5,
        copy(&client).into_keys(),
        copy(&server).into_keys(),
    );
    pairs.push((4, client, server));
    let (client, server) = again.unwrap();
    pairs.push((5, client, server));
    pairs
}

fn live(thread: u8) -> usize {
    let mut signatures = 0;
    for life in 0..LIVES {
        for (pair, client, server) in pairs_of_a_life() {
            let key = client.secp256k1.key().points().key();
            let (client, server) = (client.secp256k1.encode(), server.secp256k1.encode());
            for n in 0..SIGNATURES_A_PAIR {
                let share = |bytes| secp256k1::SigningShare::decode(bytes).unwrap();
                let mut digest: [u8; 32] = rand::random();
                // Some digests are not below q.
                if n % 25 == 0 {
                    digest[..16].fill(0xff);
                }
                let signature = sign_ecdsa(pair, share(&client), share(&server), digest)
                    .unwrap_or_else(|abort| panic!("{thread}.{life}.{pair}.{n}: {abort}"));
                assert_libsecp256k1_verifies(&key, digest, &signature);
                signatures += 1;
            }
        }
    }
    signatures
}

#[test]
fn ten_thousand_signatures_verify() {
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| thread::spawn(move || live(thread)))
        .collect();
    let signatures: usize = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .sum();
    assert_eq!(signatures, 10_000);
}
