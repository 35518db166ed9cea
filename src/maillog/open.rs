//! Log files as they lie there: plain, gzip or zstd, by their first octets.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// How much is read at once, in octets.
const BUFFER: usize = 256 * 1024;

/// Opens a log; `-` is standard input.
///
/// # Errors
/// Those of the file, and of a compressed one that is none.
pub fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let file: Box<dyn Read> = if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    unpack(BufReader::with_capacity(BUFFER, file))
}

/// A file as it lies there.
type Packed = BufReader<Box<dyn Read>>;

fn unpack(mut packed: Packed) -> io::Result<Box<dyn BufRead>> {
    let start = packed.fill_buf()?;
    if start.starts_with(&[0x1f, 0x8b]) {
        // Rotated logs are appended to each other as they are.
        return Ok(Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(packed))));
    }
    if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Ok(Box::new(BufReader::with_capacity(BUFFER, Frames::Between(packed))));
    }
    Ok(Box::new(packed))
}

/// The frames of a zstd file one behind the other (RFC 8878, section 3); the decoder knows one.
enum Frames {
    Between(Packed),
    Within(Box<StreamingDecoder<Packed, FrameDecoder>>),
    /// An error ended it.
    Broken,
}

impl Read for Frames {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(self, Self::Broken) {
                Self::Within(mut frame) => {
                    let read = frame.read(into)?;
                    *self = if read > 0 { Self::Within(frame) } else { Self::Between(frame.into_inner()) };
                    if read > 0 {
                        return Ok(read);
                    }
                }
                Self::Between(mut packed) => {
                    if packed.fill_buf()?.is_empty() {
                        *self = Self::Between(packed);
                        return Ok(0);
                    }
                    let frame = StreamingDecoder::new(packed);
                    let frame = frame.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
                    *self = Self::Within(Box::new(frame));
                }
                Self::Broken => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn unpacked(octets: Vec<u8>) -> io::Result<String> {
        let mut text = String::new();
        unpack(BufReader::new(Box::new(io::Cursor::new(octets))))?.read_to_string(&mut text)?;
        Ok(text)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    }

    /// Lost if it fails: of a log that was rotated and joined, only the first part would be read.
    #[test]
    fn packed_logs_are_read_to_their_end() {
        let zstd = |text: &str| compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
        let long = "a line\n".repeat(100_000);
        assert_eq!(unpacked(b"plain\n".to_vec()).unwrap(), "plain\n");
        assert_eq!(unpacked([gzip(&long), gzip("two")].concat()).unwrap(), format!("{long}two"));
        assert_eq!(unpacked([zstd(&long), zstd("two")].concat()).unwrap(), format!("{long}two"));
        assert_eq!(unpacked(Vec::new()).unwrap(), "");
    }

    /// Lost if it fails: half a log would count as a whole one.
    #[test]
    fn a_cut_log_is_an_error() {
        let long: String = (0..100_000).map(|number| format!("line {number}\n")).collect();
        for packed in [gzip(&long), compress_to_vec(long.as_bytes(), CompressionLevel::Fastest)] {
            assert!(unpacked(packed[..packed.len() / 2].to_vec()).is_err());
        }
        assert!(unpacked([gzip("one"), b"garbage".to_vec()].concat()).is_err());
    }
}
