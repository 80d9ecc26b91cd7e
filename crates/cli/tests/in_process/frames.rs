//! Cuts the bytes of one direction of a connection into HTTP messages and WebSocket frames.

use std::collections::VecDeque;

/// One HTTP message, or one WebSocket frame (RFC 6455 §5.2), as it stands on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Http { head: String, bytes: Vec<u8> },
    Frame { bytes: Vec<u8> },
}

impl Piece {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Http { bytes, .. } | Self::Frame { bytes } => bytes,
        }
    }

    /// What a frame holds, without its header and mask.
    pub(crate) fn payload(&self) -> Option<Vec<u8>> {
        let Self::Frame { bytes } = self else {
            return None;
        };
        let is_masked = bytes.get(1)? & 0x80 != 0;
        let header = match bytes.get(1)? & 0x7f {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        let Some(mask) = bytes.get(header..header + 4).filter(|_| is_masked) else {
            return bytes.get(header..).map(<[u8]>::to_vec);
        };
        let payload = bytes.get(header + 4..)?.iter().zip(mask.iter().cycle());
        Some(payload.map(|(byte, mask)| byte ^ mask).collect())
    }

    pub(crate) const fn is_frame(&self) -> bool {
        matches!(self, Self::Frame { .. })
    }
}

/// What has come of a direction, and has not been cut yet.
#[derive(Default)]
pub(crate) struct Cutter {
    bytes: VecDeque<u8>,
    upgraded: bool,
}

impl Cutter {
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.bytes.extend(chunk);
    }

    /// The next piece, once it is whole.
    pub(crate) fn next_piece(&mut self) -> Option<Piece> {
        let so_far = self.bytes.make_contiguous();
        if self.upgraded {
            let length = frame_length(so_far)?;
            let bytes = self.take(length)?;
            return Some(Piece::Frame { bytes });
        }
        let end = so_far.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(so_far.get(..end)?).to_ascii_lowercase();
        let bytes = self.take(end + body_length(&head))?;
        self.upgraded = head.contains("\r\nupgrade: websocket");
        Some(Piece::Http { head, bytes })
    }

    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        (self.bytes.len() >= length).then(|| self.bytes.drain(..length).collect())
    }
}

fn body_length(head: &str) -> usize {
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length:"));
    length.map_or(0, |length| length.trim().parse().expect("a length"))
}

/// The length of the frame that the bytes begin with, header included.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let second = *bytes.get(1)?;
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (header, payload) = match second & 0x7f {
        126 => {
            let length = bytes.get(2..4)?.try_into().ok()?;
            (4, usize::from(u16::from_be_bytes(length)))
        }
        127 => {
            let length = bytes.get(2..10)?.try_into().ok()?;
            (10, usize::try_from(u64::from_be_bytes(length)).ok()?)
        }
        short => (2, usize::from(short)),
    };
    Some(header + mask + payload)
}

#[test]
fn messages_and_frames_are_cut_wherever_the_chunks_end() {
    let mut wire = b"PATCH /x HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc".to_vec();
    wire.extend(b"GET /y HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
    wire.extend([0x81, 0x02, b'h', b'i']);
    wire.extend([0x82, 126, 0, 200]);
    wire.extend([7; 200]);
    for chunk in [1, 2, 5, wire.len()] {
        let mut cutter = Cutter::default();
        let mut seen = Vec::new();
        for part in wire.chunks(chunk) {
            cutter.push(part);
            seen.extend(std::iter::from_fn(|| cutter.next_piece()));
        }
        let lengths: Vec<_> = seen
            .iter()
            .map(|piece| (piece.is_frame(), piece.bytes().len()))
            .collect();
        let expected = [(false, 43), (false, 39), (true, 4), (true, 204)];
        assert_eq!(lengths, expected, "in chunks of {chunk}");
    }
}
