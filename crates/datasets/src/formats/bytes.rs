//! The bytes of one member of an archive.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use crate::{DataError, DecodeError};

/// The place of a member's bytes.
#[derive(Clone, Debug)]
pub(crate) enum MemberBytes {
    /// In memory, from a compressed archive.
    Kept(Arc<[u8]>),
    /// In the archive, which is not compressed.
    At { offset: u64, length: u64 },
}

impl MemberBytes {
    /// Returns the number of bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Kept(bytes) => bytes.len() as u64,
            Self::At { length, .. } => *length,
        }
    }

    /// Returns the bytes, reading them if they are not in memory.
    pub(crate) fn read(&self, archive: &Path) -> Result<Cow<'_, [u8]>, DataError> {
        let (offset, length) = match self {
            Self::Kept(bytes) => return Ok(Cow::Borrowed(bytes)),
            Self::At { offset, length } => (*offset, *length),
        };
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(archive)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(length).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(DataError::read(archive))?;
        if (bytes.len() as u64) < length {
            let reason = DecodeError::Truncated.to_string();
            return Err(DataError::Format { path: archive.to_owned(), reason });
        }
        Ok(Cow::Owned(bytes))
    }
}
