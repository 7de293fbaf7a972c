//! Folders that one process uses at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::TrainError;

const LOCK: &str = ".lock";

/// Keeps other processes, and other runs of this one, out of a folder until it is dropped.
///
/// The lock is the system's and ends with the process, however that ends; a file that a killed
/// process has left means nothing. Where the file system has no locks, there is none.
#[derive(Debug)]
pub(crate) struct FolderLock {
    path: PathBuf,
    _file: File,
}

impl FolderLock {
    /// Locks a folder, which exists.
    pub(crate) fn take(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join(LOCK);
        loop {
            let open = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
            let file = open.map_err(TrainError::file("write", &path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(TrainError::InUse { path: folder.to_owned() });
                }
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
                Err(TryLockError::Error(source)) => {
                    return Err(TrainError::File { action: "lock", path, source });
                }
            }
            // The run before may have removed the file after it was opened here.
            if is_file_of(&path, &file) {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // While it is locked. A file that stays does no harm.
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
fn is_file_of(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(named), Ok(opened)) = (fs::metadata(path), file.metadata()) else { return false };
    (named.dev(), named.ino()) == (opened.dev(), opened.ino())
}

#[cfg(not(unix))]
fn is_file_of(_path: &Path, _file: &File) -> bool {
    true // it is never removed there
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_once_and_a_file_left_by_a_killed_process_does_not_matter() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(LOCK), "left").unwrap();
        let lock = FolderLock::take(folder.path()).unwrap();
        let error = FolderLock::take(folder.path()).unwrap_err();
        assert!(matches!(error, TrainError::InUse { .. }), "{error}");
        drop(lock);
        FolderLock::take(folder.path()).unwrap();
    }

    #[test]
    fn of_many_at_once_one_has_the_folder_at_any_time() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let (inside, taken) = (AtomicUsize::default(), AtomicUsize::default());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let Ok(_lock) = FolderLock::take(folder.path()) else { continue };
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        taken.fetch_add(1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(taken.into_inner() > 0);
    }
}
