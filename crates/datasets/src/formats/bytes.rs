//! The bytes of one member of an archive.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use crate::{DataError, DecodeError};

/// The place of a member's bytes.
#[derive(Clone, Debug)]
pub(crate) enum MemberBytes {
    /// In memory, from a compressed archive.
    Kept(Arc<Vec<u8>>),
    /// In the archive, which is not compressed.
    At { offset: u64, length: u64 },
    /// In a zip archive.
    Zipped(Zipped),
}

/// The place of a member in a zip archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zipped {
    /// The place of its local header, behind which its bytes are.
    pub(crate) header: u64,
    /// Whether its bytes are compressed.
    pub(crate) deflated: bool,
    /// Bytes in the archive.
    pub(crate) packed: u64,
    /// Bytes once decompressed, and their checksum.
    pub(crate) length: u64,
    pub(crate) checksum: u32,
}

impl MemberBytes {
    /// Returns the number of bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Kept(bytes) => bytes.len() as u64,
            Self::At { length, .. } => *length,
            Self::Zipped(member) => member.length,
        }
    }

    /// Returns the bytes, reading them if they are not in memory.
    pub(crate) fn read(&self, archive: &Path) -> Result<Cow<'_, [u8]>, DataError> {
        let bytes = match self {
            Self::Kept(bytes) => return Ok(Cow::Borrowed(bytes)),
            Self::At { offset, length } => read_at(archive, *offset, *length),
            Self::Zipped(member) => member.read(archive),
        };
        let bytes = bytes.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                DataError::damaged(archive)(error.to_string())
            }
            _ => DataError::read(archive)(error),
        })?;
        if (bytes.len() as u64) < self.len() {
            return Err(DataError::damaged(archive)(DecodeError::Truncated.to_string()));
        }
        Ok(Cow::Owned(bytes))
    }
}

fn read_at(archive: &Path, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(archive)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Zipped {
    fn read(&self, archive: &Path) -> io::Result<Vec<u8>> {
        let damaged = |reason| io::Error::new(io::ErrorKind::InvalidData, reason);
        let mut file = BufReader::new(File::open(archive)?);
        file.seek(SeekFrom::Start(self.header))?;
        let mut header = [0; 30];
        file.read_exact(&mut header)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(damaged("a member is not where the directory says"));
        }
        let short = |at: usize| i64::from(u16::from_le_bytes([header[at], header[at + 1]]));
        file.seek_relative(short(26) + short(28))?; // its name and further fields
        let (packed, mut bytes) = (file.take(self.packed), Vec::new());
        if self.deflated {
            DeflateDecoder::new(packed).take(self.length).read_to_end(&mut bytes)?;
        } else {
            packed.take(self.length).read_to_end(&mut bytes)?;
        }
        let mut checksum = Crc::new();
        checksum.update(&bytes);
        if bytes.len() as u64 == self.length && checksum.sum() != self.checksum {
            return Err(damaged("the checksum of a member does not match"));
        }
        Ok(bytes)
    }
}
