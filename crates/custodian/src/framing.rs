//! One unambiguous byte string out of several, for what is authenticated.

/// Each part after its length (4 bytes, big-endian), so that no two lists give the same bytes.
pub(crate) fn framed(parts: &[&[u8]]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|part| {
            // Parts are tags and ids of a few bytes; a length that does not fit cannot occur.
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            length.to_be_bytes().into_iter().chain(part.iter().copied())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::framed;

    #[test]
    fn parts_keep_their_borders() {
        assert_eq!(framed(&[b"ab", b"c"]), b"\0\0\0\x02ab\0\0\0\x01c");
        assert_ne!(framed(&[b"ab", b"c"]), framed(&[b"a", b"bc"]));
    }
}
