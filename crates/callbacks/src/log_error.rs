//! The error of a log.

use std::path::{Path, PathBuf};

/// The error of a log that cannot be written, or whose old lines cannot be read; a run only warns
/// of it.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
#[non_exhaustive]
pub(crate) struct LogError {
    /// The log file.
    pub(crate) path: PathBuf,
    /// The system's reason.
    pub(crate) source: std::io::Error,
}

impl LogError {
    /// Returns what turns the system's reason into the error of the log at `path`.
    pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { path, source }
    }
}
