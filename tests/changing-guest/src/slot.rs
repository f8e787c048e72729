//! Which of the guest's releases a component is, written into its data by whoever loads it.

/// How the slot begins, unwritten.
pub const SLOT: &[u8; 16] = b"changing-slot:::";
/// Bytes of the slot, its beginning included.
pub const SLOT_BYTES: usize = 64;
