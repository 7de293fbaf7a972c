//! Files that grow at their end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// A file to which whole records are appended; what fails half way is taken back.
#[derive(Debug)]
pub(crate) struct AppendFile {
    file: File,
    /// The length of the whole records.
    length: u64,
    /// Whether a part of a record may lie behind them.
    is_torn: bool,
}

impl AppendFile {
    /// Opens the file at `path`, which exists and has `length` bytes.
    pub(crate) fn open(path: &Path, length: usize) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).open(path)?;
        Ok(Self { file, length: length as u64, is_torn: false })
    }

    /// Appends `record`, in one write, so that it is torn only if the system stops in it.
    pub(crate) fn append(&mut self, record: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.length)?;
        }
        self.is_torn = true;
        self.file.write_all(record)?;
        self.is_torn = false;
        self.length += record.len() as u64;
        Ok(())
    }
}

/// Returns the content of the file at `path`, empty if there is none.
///
/// A device or a pipe is an error: reading it could last forever.
pub(crate) fn read_log(path: &Path) -> io::Result<Vec<u8>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(found) if found.is_file() => fs::read(path),
        Ok(_) => Err(io::Error::other("there is a folder or a device of this name")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_after_a_torn_one_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "one\n").unwrap();
        let mut file = AppendFile::open(&path, 4).unwrap();
        // As after a write that ended half way because the disk was full.
        file.file.write_all(b"tw").unwrap();
        file.is_torn = true;
        file.append(b"two\n").unwrap();
        file.append(b"three\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_and_a_pipe_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert_eq!(read_log(&path).unwrap(), b"");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        assert!(read_log(&path).is_err(), "it has zeros without end");
    }
}
