//! Compressed files: gzip, zstd and xz are read to the end of their last part, other kinds are
//! refused by name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::DataError;

/// The most memory that an xz file may ask for, in KiB: 1 GiB.
const XZ_MEMORY: u32 = 1 << 20;

/// A compression that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
    Xz,
}

impl Compression {
    /// Returns the compression of a file that starts with these bytes.
    pub(crate) fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1F, 0x8B, ..] => Some(Self::Gzip),
            // A frame, or one that is skipped, as parallel compressors write at the start.
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Self::Zstd),
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            _ => None,
        }
    }

    /// Decompresses a stream. What was joined of several compressed files is read to the end of the
    /// last.
    pub(crate) fn reader<'a>(self, stream: impl BufRead + 'a) -> Box<dyn Read + 'a> {
        match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(stream)),
            Self::Zstd => Box::new(ZstdFrames::new(stream)),
            Self::Xz => Box::new(XzReader::new_mem_limit(stream, true, XZ_MEMORY)),
        }
    }

    /// Returns the first bytes that the first bytes of a file decompress to, up to `count`.
    pub(crate) fn start(self, compressed: &[u8], count: u64) -> Vec<u8> {
        let mut start = Vec::new();
        // The end is missing, which is an error after the bytes before it.
        let _ = self.reader(compressed).take(count).read_to_end(&mut start);
        start
    }
}

/// Opens a file, decompressed if it is compressed.
pub(crate) fn open_decompressed(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let file = File::open(path).map_err(DataError::read(path))?;
    let mut file = BufReader::with_capacity(1 << 16, file);
    let compression = Compression::of(file.fill_buf().map_err(DataError::read(path))?);
    Ok(match compression {
        Some(compression) => compression.reader(file),
        None => Box::new(file),
    })
}

/// Returns what a file of another kind is and how to convert it, by its first bytes.
pub(crate) fn unsupported(start: &[u8]) -> Option<String> {
    const KINDS: [(&[u8], &str, &str); 9] = [
        (b"BZh", "compressed with bzip2", "decompress it with `bunzip2 FILE`"),
        (b"7z\xBC\xAF\x27\x1C", "a 7z archive", "unpack it with `7z x FILE`"),
        (b"Rar!\x1A\x07", "a RAR archive", "unpack it with `unrar x FILE`"),
        (b"\x04\x22\x4D\x18", "compressed with LZ4", "decompress it with `unlz4 FILE`"),
        (b"LZIP", "compressed with lzip", "decompress it with `lzip -d FILE`"),
        (b"\x1F\x9D", "compressed with `compress`", "decompress it with `uncompress FILE`"),
        (b"\x89HDF\r\n\x1A\n", "an HDF5 file", "save its arrays with `numpy.savez`"),
        (b"MATLAB 5.0", "a MATLAB file", "save its arrays with `numpy.savez`"),
        (b"ARROW1", "an Arrow file", "save it as Parquet, with `Dataset.to_parquet`"),
    ];
    let (_, kind, remedy) = KINDS.iter().find(|(magic, ..)| start.starts_with(magic))?;
    Some(format!("it is {kind}, which is not read; {remedy}"))
}

/// The content of zstd frames, one after the other.
struct ZstdFrames<R> {
    source: R,
    decoder: FrameDecoder,
    within: bool,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(source: R) -> Self {
        Self { source, decoder: FrameDecoder::new(), within: false }
    }

    /// Starts with the next frame; returns false if there is none.
    fn next_frame(&mut self) -> io::Result<bool> {
        use FrameDecoderError::ReadFrameHeaderError as Header;
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(Header(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let mut skipped = (&mut self.source).take(length.into());
                    if io::copy(&mut skipped, &mut io::sink())? < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.within && !self.next_frame()? {
                return Ok(0);
            }
            self.within = true;
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.source, one).map_err(io::Error::other)?;
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            let (stored, computed) =
                (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
            if stored.is_some() && stored != computed {
                return Err(io::Error::other("a checksum does not match"));
            }
            self.within = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        let compression = Compression::of(bytes).expect("a compression");
        compression.reader(bytes).read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn zstd_is_read_to_its_last_frame_and_checked() {
        let raw = |text: &[u8]| {
            // Without a checksum: one raw block that is the last.
            let header = [0x28, 0xB5, 0x2F, 0xFD, 0x20, u8::try_from(text.len()).unwrap()];
            let size = (u32::try_from(text.len()).unwrap() << 3) | 1;
            [&header[..], &size.to_le_bytes()[..3], text].concat()
        };
        let skipped = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc";
        let joined = [&skipped[..], &raw(b"first "), skipped, &raw(b"second")].concat();
        assert_eq!(read(&joined).unwrap(), "first second");
        assert!(read(&joined[..joined.len() - 3]).is_err());
        // A frame with a checksum, which is not that of its text.
        let wrong = b"\x28\xb5\x2f\xfd\x24\x06\x31\x00\x00first \x4f\x8f\x2f\x6d";
        assert!(read(wrong).unwrap_err().to_string().contains("checksum"));
    }

    #[test]
    fn other_kinds_are_named_with_a_remedy() {
        assert!(unsupported(b"BZh91AY").unwrap().contains("bunzip2"));
        assert!(unsupported(b"Rar!\x1A\x07\x00").unwrap().contains("RAR"));
        assert_eq!(unsupported(b"text"), None);
    }
}
