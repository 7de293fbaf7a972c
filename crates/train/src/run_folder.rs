//! The folder of one run.

use std::fs;
use std::path::{Path, PathBuf};

use selfsame_files::write_atomically;

use crate::folder_lock::FolderLock;
use crate::{Checkpoints, TrainError};

/// The folder of one run, which nothing else writes to as long as this value lives.
///
/// The folder is locked from the start, before data are read or a step is taken, so a second run
/// with the same folder is refused at once; the lock ends with the process. Nothing of another run
/// is changed before [`begin`](Self::begin). Until then a folder that was created here is removed
/// again when the value is dropped, so a run that cannot start leaves nothing.
///
/// # Example
/// ```
/// use selfsame_train::{RunFolder, TrainError};
///
/// let folder = tempfile::tempdir()?;
/// let out = folder.path().join("run");
/// let run = RunFolder::create(&out)?;
/// assert!(matches!(RunFolder::create(&out), Err(TrainError::InUse { .. })));
/// run.begin(b"{}")?;
/// std::fs::write(run.file(RunFolder::RESULT), "{}")?;
/// drop(run);
///
/// let error = RunFolder::create(&out).unwrap_err();
/// assert!(matches!(error, TrainError::Occupied { is_finished: true, .. }));
/// let again = RunFolder::resume(&out)?;
/// assert!(again.has_result());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Whether [`begin`](Self::begin) removes the run that is there.
    replaces: bool,
    /// The folders that were created for it, innermost first.
    created: Vec<PathBuf>,
    lock: Option<FolderLock>,
}

impl RunFolder {
    /// The settings of the run; a folder without them holds no run to resume.
    pub const SETTINGS: &str = "settings.json";
    /// The result, which is written last: a folder with it holds a finished run.
    pub const RESULT: &str = "result.json";
    /// The folder of checkpoints.
    pub const CHECKPOINTS: &str = "checkpoint";
    /// The folder of the curves for TensorBoard.
    pub const TENSORBOARD: &str = "tensorboard";
    /// The weights of the encoder.
    pub const ENCODER: &str = "encoder.safetensors";
    /// What was measured of the encoder later on.
    pub const EVALUATIONS: &str = "evaluations.json";
    /// The page about the run.
    pub const REPORT: &str = "report.html";
    /// Views, as the encoder saw them.
    pub const VIEWS: &str = "views.png";
    /// The table of the epochs.
    pub const EPOCHS: &str = "epochs.csv";
    /// The log of the steps.
    pub const STEPS: &str = "steps.jsonl";
    /// The table of what the epochs cost.
    pub const TIMING: &str = "timing.csv";

    /// Locks the folder of a new run, and creates it if it is missing.
    ///
    /// # Errors
    /// If another run is at work in it, if it holds a run ([`TrainError::Occupied`]), or if it
    /// cannot be created or written to.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, TrainError> {
        let run = Self::lock(path.into(), false)?;
        let is_finished = run.has_result();
        if is_finished || run.checkpoints().newest().is_some() {
            return Err(TrainError::Occupied { path: run.path.clone(), is_finished });
        }
        Ok(run)
    }

    /// Locks the folder of a new run, whose [`begin`](Self::begin) removes the run that is there,
    /// finished or not. Files that no run writes stay.
    ///
    /// # Errors
    /// If another run is at work in it, or if it cannot be created or written to.
    pub fn replace(path: impl Into<PathBuf>) -> Result<Self, TrainError> {
        Self::lock(path.into(), true)
    }

    /// Locks the folder of a run that is resumed, evaluated or added to.
    ///
    /// # Errors
    /// If another run is at work in it, or if it holds no run ([`TrainError::NoRun`]).
    pub fn resume(path: impl Into<PathBuf>) -> Result<Self, TrainError> {
        let path = path.into();
        if !path.join(Self::SETTINGS).is_file() {
            return Err(TrainError::NoRun { path });
        }
        Self::lock(path, false)
    }

    fn lock(path: PathBuf, replaces: bool) -> Result<Self, TrainError> {
        let missing = path.ancestors().take_while(|folder| !folder.exists());
        let created =
            missing.filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_owned).collect();
        let mut run = Self { path, replaces, created, lock: None };
        fs::create_dir_all(&run.path).map_err(TrainError::file("create", &run.path))?;
        run.lock = Some(FolderLock::take(&run.path)?);
        Ok(run)
    }

    /// Starts the run: removes the one that it replaces, writes the settings of this one, and
    /// removes a result and evaluations of before, which a longer run has not reached yet.
    ///
    /// Of a new run, call it before its trainer is given the [`checkpoints`](Self::checkpoints):
    /// those of a run that is replaced would be resumed.
    ///
    /// # Errors
    /// If a file cannot be removed or written.
    pub fn begin(&self, settings: &[u8]) -> Result<(), TrainError> {
        if self.replaces {
            self.remove_run()?;
        }
        let path = self.file(Self::SETTINGS);
        write_atomically(&path, settings).map_err(TrainError::file("write", &path))?;
        remove(&self.file(Self::EVALUATIONS))?; // of an encoder that is trained on
        remove(&self.file(Self::RESULT))
    }

    /// Returns the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of a file in the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the checkpoints of the run.
    #[must_use]
    pub fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(self.file(Self::CHECKPOINTS))
    }

    /// Returns whether the run is finished.
    #[must_use]
    pub fn has_result(&self) -> bool {
        self.file(Self::RESULT).exists()
    }

    /// Removes what a run has written, and nothing else. The checkpoints are the first to go and
    /// the result is the last, so that half of a run is never taken for one that can be resumed.
    fn remove_run(&self) -> Result<(), TrainError> {
        let is_run = self.has_result()
            || self.file(Self::SETTINGS).exists()
            || self.checkpoints().newest().is_some();
        if !is_run {
            return Ok(());
        }
        for folder in [Self::CHECKPOINTS, Self::TENSORBOARD].map(|name| self.file(name)) {
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(TrainError::file("remove", &folder))?;
            }
        }
        let files = [
            Self::VIEWS,
            Self::ENCODER,
            Self::REPORT,
            Self::EVALUATIONS,
            Self::EPOCHS,
            Self::TIMING,
            Self::STEPS,
            Self::SETTINGS,
            Self::RESULT,
        ];
        files.into_iter().try_for_each(|name| remove(&self.file(name)))
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        drop(self.lock.take());
        // Only empty folders can be removed this way, so one of a run that has begun stays.
        let _ = self.created.iter().try_for_each(fs::remove_dir);
    }
}

/// Removes a file, if there is one.
fn remove(path: &Path) -> Result<(), TrainError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(TrainError::File { action: "remove", path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_run_that_does_not_begin_leaves_no_folder_and_no_file() {
        let folder = tempfile::tempdir().unwrap();
        drop(RunFolder::create(folder.path().join("runs/a/b")).unwrap());
        assert_eq!(names(folder.path()), [""; 0]);
        let mine = folder.path().join("mine");
        fs::create_dir(&mine).unwrap();
        drop(RunFolder::create(&mine).unwrap());
        assert_eq!(names(folder.path()), ["mine"], "a folder of the user stays");
        assert_eq!(names(&mine), [""; 0]);
    }

    #[test]
    fn a_folder_in_use_is_refused_to_every_other_run() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap();
        run.begin(b"{}").unwrap();
        for other in [
            RunFolder::create(folder.path()),
            RunFolder::replace(folder.path()),
            RunFolder::resume(folder.path()),
        ] {
            let error = other.unwrap_err();
            assert!(matches!(error, TrainError::InUse { .. }), "{error}");
        }
        drop(run);
        let resumed = RunFolder::resume(folder.path()).unwrap();
        assert!(matches!(RunFolder::resume(folder.path()), Err(TrainError::InUse { .. })));
        drop(resumed);
    }

    #[test]
    fn an_unfinished_run_is_not_overwritten_and_a_folder_without_a_run_not_resumed() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("nowhere")] {
            let error = RunFolder::resume(path).unwrap_err();
            assert!(matches!(error, TrainError::NoRun { .. }), "{error}");
        }
        fs::create_dir_all(folder.path().join("checkpoint/step-3")).unwrap();
        let error = RunFolder::create(folder.path()).unwrap_err();
        assert!(matches!(error, TrainError::Occupied { is_finished: false, .. }), "{error}");
        assert_eq!(names(folder.path()), ["checkpoint"]);
    }

    #[test]
    fn a_replaced_run_goes_when_the_new_one_begins_and_other_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["settings.json", "result.json", "epochs.csv", "notes.txt"] {
            fs::write(folder.path().join(name), "old").unwrap();
        }
        fs::create_dir_all(folder.path().join("checkpoint/step-3")).unwrap();
        let before = names(folder.path());
        drop(RunFolder::replace(folder.path()).unwrap());
        assert_eq!(names(folder.path()), before);
        let run = RunFolder::replace(folder.path()).unwrap();
        run.begin(b"new").unwrap();
        drop(run);
        assert_eq!(names(folder.path()), ["notes.txt", "settings.json"]);
        assert_eq!(fs::read(folder.path().join("settings.json")).unwrap(), b"new");
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = RunFolder::create(file.path()).unwrap_err().to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }
}
