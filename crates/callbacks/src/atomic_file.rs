//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::TrainError;

/// Writes `bytes` to `path` such that a reader sees the old content or the new, never a part.
///
/// A neighbor of the name `.NAME.tmp` is written, flushed to the disk and renamed.
///
/// # Errors
/// If the folder does not exist or cannot be written to; the old file is untouched then.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let neighbor = path.with_file_name(format!(".{name}.tmp"));
    let write = || {
        let mut file = File::create(&neighbor)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&neighbor, path)
    };
    write().map_err(|source| {
        let _ = fs::remove_file(&neighbor); // it may not exist; the first error counts
        TrainError::File { action: "write", path: path.to_owned(), source }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_the_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = write_atomically(&folder.path().join("no/b.txt"), b"").unwrap_err();
        assert!(error.to_string().ends_with("b.txt"), "{error}");
    }
}
