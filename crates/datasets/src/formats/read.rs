//! Reading files without more memory than they may take.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::DataError;

/// Bytes of data that are read into memory at most, from one file or out of one.
pub(crate) const MAX_BYTES: u64 = 16 << 30;

/// All of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let file = File::open(path).map_err(DataError::read(path))?;
    read_to_end(path, file)
}

/// All that `stream`, which comes out of the file at `path`, has.
pub(crate) fn read_to_end(path: &Path, stream: impl Read) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    stream.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(DataError::read(path))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(DataError::too_much(path));
    }
    Ok(bytes)
}

/// The first bytes of a file, up to `count`.
pub(crate) fn start(path: &Path, count: u64) -> Result<Vec<u8>, DataError> {
    let file = File::open(path).map_err(DataError::read(path))?;
    let mut bytes = Vec::new();
    file.take(count).read_to_end(&mut bytes).map_err(DataError::read(path))?;
    Ok(bytes)
}
