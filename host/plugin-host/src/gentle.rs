//! Writing a large file so that others can still have the disk.

use std::io::{self, Write};
use std::os::fd::AsFd;

/// Bytes that wait for the disk at most.
const PIECE: usize = 256 << 10;

/// Writes all of it, and lets the disk have each piece before the next is written.
///
/// Megabytes that are written at once are flushed at once, and whoever then commits a few bytes to
/// the same disk waits for all of them. The last piece is not flushed here. Where a file cannot be
/// flushed, such as a pipe, it is only written.
pub fn write_gently(file: &mut (impl Write + AsFd), bytes: &[u8]) -> io::Result<()> {
    let mut pieces = bytes.chunks(PIECE).peekable();
    while let Some(piece) = pieces.next() {
        file.write_all(piece)?;
        if pieces.peek().is_some() {
            file.flush()?;
            match rustix::fs::fdatasync(&*file) {
                Ok(()) | Err(rustix::io::Errno::INVAL) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Seek as _};

    fn bytes(length: usize) -> Vec<u8> {
        let byte = |place: usize| u8::try_from(place / 1000 % 256).unwrap();
        (0..length).map(byte).collect()
    }

    #[test]
    fn all_pieces_are_there_in_order() {
        for length in [0, 1, PIECE, PIECE + 1, 3 * PIECE] {
            let mut file = tempfile::tempfile().unwrap();
            write_gently(&mut file, &bytes(length)).unwrap();
            file.rewind().unwrap();
            let mut read = Vec::new();
            file.read_to_end(&mut read).unwrap();
            assert!(read == bytes(length), "{length} bytes");
        }
    }

    #[test]
    fn what_cannot_be_flushed_is_written() {
        let (mut reader, mut writer) = io::pipe().unwrap();
        let all = bytes(2 * PIECE);
        let expected = all.clone();
        let write = std::thread::spawn(move || write_gently(&mut writer, &all));
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        write.join().unwrap().unwrap();
        assert!(read == expected);
    }
}
