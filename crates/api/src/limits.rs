//! Limits that both sides of a connection know.

/// Largest body of a REST request, in bytes, unless the operator sets another limit.
pub const BODY_BYTES: usize = 64 * 1024;

/// Largest question before a signature, in bytes: what came in one frame, and what was read of it.
pub const APPROVAL_BYTES: usize = 1024 * 1024;

/// Lowest such limit: a cipher text goes in, though each of its characters be escaped.
pub const LEAST_BODY_BYTES: usize = 2 * CIPHER_TEXT_BYTES + 1024;

/// Largest WebSocket frame and message, in bytes; the largest MPC message is well below it.
pub const FRAME_BYTES: usize = 128 * 1024;

/// Largest payload of a `sign` operation, in bytes.
pub const SIGN_PAYLOAD_BYTES: usize = 32 * 1024;

/// Largest cipher text of a backup, in bytes.
pub const CIPHER_TEXT_BYTES: usize = 16 * 1024;

/// Most entries in one page of a list.
pub const PAGE_ENTRIES: u32 = 100;
