//! Files that a command will write: what would fail at the end fails before the work.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use selfsame::files::write_atomically;

/// Checks that `files` can be written, and creates their folders. Those that exist are replaced only
/// if `overwrite` is set.
pub(crate) fn prepare(files: &[PathBuf], overwrite: bool) -> anyhow::Result<()> {
    for file in files {
        let shown = file.display();
        ensure!(!file.is_dir(), "{shown} is a folder; give the name of a file");
        ensure!(
            overwrite || !file.exists(),
            "{shown} exists already; replace it with --overwrite, or give another name"
        );
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        writable(folder.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

/// Creates a folder if it is missing, and checks that a file can be written to it.
pub(crate) fn writable(folder: &Path) -> anyhow::Result<()> {
    let trial = folder.join(".selfsame-trial");
    fs::create_dir_all(folder)
        .and_then(|()| write_atomically(&trial, b""))
        .and_then(|()| fs::remove_file(&trial))
        .with_context(|| format!("cannot write to the folder {}", folder.display()))
}
