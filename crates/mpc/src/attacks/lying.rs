//! A peer that changes what it sends, byte by byte.
//!
//! Every byte of every message, in both directions: each change ends the run, by an abort that blames the
//! sender or nobody. Where many bytes cost long computing, `cargo test` takes all of them too; run
//! with `--skip every_byte` while something else is looked for.

use std::num::NonZeroUsize;
use std::thread;

use super::*;

const EDGE_BYTES: usize = 70;

/// Changes bytes of every flight: all of them, or one in `step` and those at the ends.
fn every_change_aborts<C, S>(recording: &Recording<C, S>, step: usize)
where
    C: Machine + Clone + Sync,
    S: Machine + Clone + Sync,
{
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    for flight in 1..=recording.flights() {
        thread::scope(|scope| {
            for thread in 0..threads {
                scope.spawn(move || {
                    let length = recording.body(flight).unwrap().len();
                    // Fields that are not lists stand at the ends.
                    let spread = (0..length).filter(|at| {
                        at % step == 0 || *at < EDGE_BYTES || at + EDGE_BYTES > length
                    });
                    for position in spread.skip(thread).step_by(threads) {
                        change_aborts(recording, flight, position);
                    }
                });
            }
        });
    }
}

fn change_aborts<C, S>(recording: &Recording<C, S>, flight: usize, position: usize)
where
    C: Machine + Clone,
    S: Machine + Clone,
{
    let sender = recording.sender(flight).unwrap();
    let mut body = recording.body(flight).unwrap().to_vec();
    let bit = position % 8;
    body[position] ^= 1 << bit;
    let ending = recording.replay(flight, &body, &mut scenes::seeded("lie"));
    let what = format!("flight {flight}, byte {position}, bit {bit}");
    match ending.unwrap() {
        // What the liar's own machine makes of its lie is its own affair.
        Ending::Aborted { by, .. } if by == sender => {}
        Ending::Aborted {
            abort: Abort::SessionMismatch { .. },
            ..
        } => {}
        Ending::Aborted {
            abort: Abort::Blamed { party, .. },
            ..
        } => assert_eq!(party, sender, "{what}"),
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn generate_takes_no_change() {
    every_change_aborts(&scenes::generate().unwrap(), 1999);
}

#[test]
fn backup_takes_no_change() {
    every_change_aborts(&scenes::backup().unwrap(), 1);
}

#[test]
fn recover_takes_no_change() {
    every_change_aborts(&scenes::recover().unwrap(), 1999);
}

#[test]
fn ecdsa_takes_no_change() {
    every_change_aborts(&scenes::ecdsa().unwrap(), 1999);
}

#[test]
fn eddsa_takes_no_change() {
    every_change_aborts(&scenes::eddsa().unwrap(), 1);
}

#[test]
fn every_byte_of_generate_counts() {
    every_change_aborts(&scenes::generate().unwrap(), 1);
}

#[test]
fn every_byte_of_recover_counts() {
    every_change_aborts(&scenes::recover().unwrap(), 1);
}

#[test]
fn every_byte_of_ecdsa_counts() {
    every_change_aborts(&scenes::ecdsa().unwrap(), 1);
}

/// A body that is longer, shorter or empty is not read.
fn other_lengths_abort<C, S>(recording: &Recording<C, S>)
where
    C: Machine + Clone,
    S: Machine + Clone,
{
    for flight in 1..=recording.flights() {
        let sender = recording.sender(flight).unwrap();
        let honest = recording.body(flight).unwrap();
        let longer = [honest, &[0]].concat();
        let others = [&longer, &honest[..honest.len() - 1], &honest[1..], &[]];
        for body in others {
            let ending = recording.replay(flight, body, &mut scenes::seeded("length"));
            let expected = Ending::Aborted {
                by: sender.peer(),
                abort: Abort::blame(sender, Check::Encoding),
            };
            let what = format!("flight {flight}, {} bytes of {}", body.len(), honest.len());
            // A field that is cut off elsewhere may fail another check first; the last must fail this one.
            if body.len() != honest.len() - 1 || body == &honest[..body.len()] {
                assert_eq!(ending, Some(expected), "{what}");
            }
            assert_ne!(ending, Some(Ending::Completed), "{what}");
        }
    }
}

#[test]
fn a_body_of_another_length_is_not_read() {
    other_lengths_abort(&scenes::generate().unwrap());
    other_lengths_abort(&scenes::backup().unwrap());
    other_lengths_abort(&scenes::recover().unwrap());
    other_lengths_abort(&scenes::ecdsa().unwrap());
    other_lengths_abort(&scenes::eddsa().unwrap());
}
