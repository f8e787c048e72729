//! `random`: bytes that nobody can guess.

use rand::Rng as _;

/// Bytes that one call gets in all.
pub(crate) const CALL: u32 = 64 << 10;

/// So many bytes, if the call has so many left.
pub(crate) fn bytes(left: &mut u32, length: u32) -> Option<Vec<u8>> {
    *left = left.checked_sub(length)?;
    let mut bytes = vec![0; length as usize];
    rand::rng().fill_bytes(&mut bytes);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_gets_so_many_and_no_more() {
        let mut left = CALL;
        let first = bytes(&mut left, 32).unwrap();
        let second = bytes(&mut left, 32).unwrap();
        assert!(first.len() == 32 && first != second);
        assert_eq!(bytes(&mut left, CALL - 63), None);
        assert_eq!(
            bytes(&mut left, CALL - 64).unwrap().len(),
            CALL as usize - 64
        );
        assert_eq!(bytes(&mut left, 1), None);
        assert_eq!(bytes(&mut left, 0), Some(vec![]));
    }
}
