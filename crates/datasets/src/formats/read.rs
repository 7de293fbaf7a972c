//! Reading files with a limit on memory.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::DataError;

/// The most bytes read into memory from one file, or from one member of it.
pub(crate) const MAX_BYTES: u64 = 16 << 30;

/// Reads all of a file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, DataError> {
    let file = File::open(path).map_err(DataError::read(path))?;
    read_stream(path, file)
}

/// Reads all of a stream that comes from the file at `path`.
pub(crate) fn read_stream(path: &Path, stream: impl Read) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    stream.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(DataError::read(path))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(DataError::too_large(path));
    }
    Ok(bytes)
}

/// Reads the first bytes of a file, up to `count`.
pub(crate) fn read_start(path: &Path, count: u64) -> Result<Vec<u8>, DataError> {
    let file = File::open(path).map_err(DataError::read(path))?;
    let mut bytes = Vec::new();
    file.take(count).read_to_end(&mut bytes).map_err(DataError::read(path))?;
    Ok(bytes)
}
