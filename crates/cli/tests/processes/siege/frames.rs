//! WebSocket frames (RFC 6455 §5.2) as no client should send them.

use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _};

/// The beginning of a text frame that says it is as long as a frame may be.
pub(super) static HALF_A_FRAME: [u8; 60_000] = {
    let mut frame = [b' '; 60_000];
    // Final, text; masked, and a length of eight bytes: 128 KiB less a little.
    let head = [0x81, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0, 0, 0];
    let mut at = 0;
    while at < head.len() {
        frame[at] = head[at];
        at += 1;
    }
    frame
};

/// One of what is wrong with frames, and bytes of no meaning.
pub(super) fn malformed(number: usize, rng: &mut StdRng) -> Vec<u8> {
    match number % 12 {
        // Not masked.
        0 => vec![0x81, 0x02, b'{', b'}'],
        // Reserved bits.
        1 => vec![0xf1, 0x80, 0, 0, 0, 0],
        // Reserved operation codes.
        2 => vec![0x83, 0x80, 0, 0, 0, 0],
        3 => vec![0x8b, 0x80, 0, 0, 0, 0],
        // The length of everything.
        4 => vec![
            0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
        ],
        // One more than a frame may be long.
        5 => vec![0x82, 0xff, 0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0],
        // A control frame in pieces, and one that is too long.
        6 => vec![0x09, 0x80, 0, 0, 0, 0],
        7 => vec![0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0],
        // A piece of nothing that was begun.
        8 => vec![0x80, 0x81, 0, 0, 0, 0, b'x'],
        // No UTF-8.
        9 => vec![0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28],
        // Well framed, and no start.
        10 => vec![0x81, 0x82, 0, 0, 0, 0, b'{', b'}'],
        _ => {
            let mut noise = vec![0; rng.random_range(1..2_000)];
            rng.fill_bytes(&mut noise);
            noise
        }
    }
}
