//! Whole numbers as WebAssembly writes them: seven bits in a byte, the lowest first.

/// Writes a number.
pub(crate) fn write(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let [low, ..] = number.to_le_bytes();
        let low = low & 0x7f;
        number >>= 7;
        if number == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// Writes a text with its length before it.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    write(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Reads a number of 32 bits, and how many bytes it took.
pub(crate) fn read(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut number = 0_u64;
    for (place, byte) in bytes.iter().take(5).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            let number = u32::try_from(number).ok()?;
            return Some((number as usize, place + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for number in [0, 1, 127, 128, 300, 65_535, 1 << 31] {
            let mut bytes = Vec::new();
            write(&mut bytes, number);
            assert_eq!(read(&bytes), Some((number, bytes.len())));
            assert_eq!(read(bytes.get(..bytes.len() - 1).unwrap()), None);
        }
        assert_eq!(read(&[0xff; 6]), None);
    }
}
