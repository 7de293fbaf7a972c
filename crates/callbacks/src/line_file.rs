//! Logs that grow line by line.

use std::path::PathBuf;

use selfsame_files::write_atomically;
use selfsame_models::Method;

use crate::RunView;
use crate::append_file::{AppendFile, read_log};
use crate::log_error::LogError;
use crate::lost::Lost;

/// A file to which a run appends lines, and which a resumed run continues.
///
/// Whatever goes wrong is a warning of the run, and never an error.
#[derive(Debug)]
pub(crate) struct LineFile {
    path: PathBuf,
    file: Option<AppendFile>,
    lost: Lost,
}

impl LineFile {
    /// Names a file whose folder exists; nothing is written before [`open`](Self::open).
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, file: None, lost: Lost::default() }
    }

    /// Opens the file for appending, with `head` and then its old lines for which `keep` is true;
    /// warns if these are not `expected`, the lines that the run has written before.
    ///
    /// `keep` is given each line with its line break. Only the last one can lack it, if a run was
    /// killed while it wrote. A file that cannot be opened is unchanged.
    pub(crate) fn open<M: Method>(
        &mut self,
        run: &mut RunView<'_, M>,
        head: &str,
        expected: u64,
        keep: impl Fn(&str) -> bool,
    ) {
        let opened = self.try_open(head, keep);
        if let Ok(kept) = opened
            && kept != expected
        {
            run.warn(format!(
                "{} has {kept} of the {expected} lines that this run wrote before; it was changed \
                 since, and is continued as it is",
                self.path.display()
            ));
        }
        self.lost.note(run, opened.map(drop));
    }

    /// Returns the number of old lines that were kept.
    fn try_open(&mut self, head: &str, keep: impl Fn(&str) -> bool) -> Result<u64, LogError> {
        self.file = None;
        let old = read_log(&self.path).map_err(LogError::at(&self.path))?;
        let (mut text, mut kept) = (String::from(head), 0);
        // A damaged line is no reason to lose the others.
        for line in String::from_utf8_lossy(&old).split_inclusive('\n').filter(|line| keep(line)) {
            text.push_str(line.strip_suffix('\n').unwrap_or(line));
            text.push('\n');
            kept += 1;
        }
        write_atomically(&self.path, text.as_bytes()).map_err(LogError::at(&self.path))?;
        let file = AppendFile::open(&self.path, text.len());
        self.file = Some(file.map_err(LogError::at(&self.path))?);
        Ok(kept)
    }

    /// Appends a line, whose line break is added; does nothing before [`open`](Self::open).
    pub(crate) fn append<M: Method>(&mut self, run: &mut RunView<'_, M>, line: &str) {
        let Some(file) = &mut self.file else { return };
        let written = file.append(format!("{line}\n").as_bytes());
        self.lost.note(run, written.map_err(LogError::at(&self.path)));
    }

    /// Says how many lines are lost.
    pub(crate) fn close<M: Method>(&mut self, run: &mut RunView<'_, M>) {
        self.lost.tell(run, "lines");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_run::TestRun;
    use std::fs;

    /// Opens `file` and returns the warnings of it.
    fn open(file: &mut LineFile, head: &str, expected: u64, keep: fn(&str) -> bool) -> Vec<String> {
        let mut run = TestRun::new();
        let mut view = run.view();
        file.open(&mut view, head, expected, keep);
        view.take_warnings()
    }

    fn append(file: &mut LineFile, line: &str) -> Vec<String> {
        let mut run = TestRun::new();
        let mut view = run.view();
        file.append(&mut view, line);
        view.take_warnings()
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn a_file_opened_again_has_its_head_once_and_the_lines_to_keep() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut file = LineFile::new(path.clone());
        append(&mut file, "before it is opened");
        assert_eq!(open(&mut file, "head\n", 0, |_| true), NONE);
        append(&mut file, "one");
        append(&mut file, "two");
        assert_eq!(open(&mut file, "head\n", 1, |line| line == "two\n"), NONE);
        append(&mut file, "three");
        assert_eq!(fs::read_to_string(&path).unwrap(), "head\ntwo\nthree\n");
    }

    #[test]
    fn the_next_line_starts_anew_after_one_that_lacks_its_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, b"one\n\xff\ntwo").unwrap();
        let mut file = LineFile::new(path.clone());
        assert_eq!(open(&mut file, "", 2, str::is_ascii), NONE);
        append(&mut file, "three");
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
    }

    #[test]
    fn lines_that_are_gone_are_counted_and_the_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "one\nthr#ee\n").unwrap();
        let mut file = LineFile::new(path.clone());
        let warnings = open(&mut file, "", 3, |line| !line.contains('#'));
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        assert!(warning.contains("has 1 of the 3 lines"), "{warning}");
        append(&mut file, "four");
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\nfour\n");
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_one_warning_that_names_it_and_lines_cost_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = LineFile::new(folder.path().to_owned()); // a folder is in the way
        let warnings = open(&mut file, "", 0, |_| true);
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        assert!(warning.contains(&folder.path().display().to_string()), "{warning}");
        assert_eq!(append(&mut file, "one"), NONE);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn lines_that_find_the_disk_full_are_one_warning_and_are_counted_at_the_end() {
        let mut run = TestRun::new();
        let mut view = run.view();
        let mut file = LineFile::new("/dev/full".into());
        file.file = Some(AppendFile::open("/dev/full".as_ref(), 0).unwrap());
        for _ in 0..5 {
            file.append(&mut view, "one");
        }
        let warnings = view.take_warnings();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("No space left"), "{}", warnings[0]);
        file.close(&mut view);
        assert_eq!(view.take_warnings(), ["/dev/full lacks 5 lines"]);
        file.close(&mut view);
        assert_eq!(view.take_warnings(), NONE);
    }
}
