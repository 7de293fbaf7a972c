//! Files that grow line by line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use crate::LogError;
use selfsame_files::write_atomically;

/// A file to which a run appends lines, and which a resumed run continues.
#[derive(Debug)]
pub(crate) struct LineFile {
    path: PathBuf,
    file: Option<File>,
}

impl LineFile {
    /// Names a file whose folder exists; nothing is written before [`open`](Self::open).
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// Opens the file for appending, with `head` and then its old lines for which `keep` is true.
    ///
    /// `keep` is given each line with its line break. Only the last one can lack it, if a run was
    /// killed while it wrote.
    ///
    /// # Errors
    /// If the old lines cannot be read, or the file cannot be written; it is unchanged then.
    pub(crate) fn open(&mut self, head: &str, keep: impl Fn(&str) -> bool) -> Result<(), LogError> {
        let old = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(LogError::at(&self.path))?,
        };
        let mut kept = String::from(head);
        // A damaged line is no reason to lose the others.
        for line in String::from_utf8_lossy(&old).split_inclusive('\n').filter(|line| keep(line)) {
            kept.push_str(line.strip_suffix('\n').unwrap_or(line));
            kept.push('\n');
        }
        write_atomically(&self.path, kept.as_bytes()).map_err(LogError::at(&self.path))?;
        let open = OpenOptions::new().append(true).open(&self.path);
        self.file = Some(open.map_err(LogError::at(&self.path))?);
        Ok(())
    }

    /// Appends a line, whose line break is added; does nothing before [`open`](Self::open).
    ///
    /// # Errors
    /// If the file cannot be written; it may end with a part of the line then.
    pub(crate) fn append(&mut self, line: &str) -> Result<(), LogError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        // One call, so that a line is torn only if the system stops in it.
        file.write_all(format!("{line}\n").as_bytes()).map_err(LogError::at(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_opened_again_has_its_head_once_and_the_lines_to_keep() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut file = LineFile::new(path.clone());
        file.append("before it is opened").unwrap();
        file.open("head\n", |_| true).unwrap();
        file.append("one").unwrap();
        file.append("two").unwrap();
        file.open("head\n", |line| line == "two\n").unwrap();
        file.append("three").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "head\ntwo\nthree\n");
    }

    #[test]
    fn the_next_line_starts_anew_after_one_that_lacks_its_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, b"one\n\xff\ntwo").unwrap();
        let mut file = LineFile::new(path.clone());
        file.open("", str::is_ascii).unwrap();
        file.append("three").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = LineFile::new(folder.path().to_owned()).open("", |_| true).unwrap_err();
        assert_eq!(error.path, folder.path());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
