//! Runs saved to disk and resumed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use selfsame_callbacks::{Direction, History};
use selfsame_datasets::stamp;
use selfsame_models::{Clock, Method};
use selfsame_optim::GroupedOptimizer;
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::fingerprint::{Fingerprint, differences};
use crate::folder_lock::FolderLock;

/// The state of a run besides its networks and its optimizer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunState {
    pub(crate) clock: Clock,
    /// Epochs that were asked for; the clock has fewer where a time limit did not allow them.
    pub(crate) requested_epochs: u64,
    pub(crate) history: History,
    /// Sums over the steps of the unfinished epoch, by the name of the figure.
    pub(crate) sums: BTreeMap<String, f64>,
    /// Training time so far.
    pub(crate) seconds: f64,
    pub(crate) fingerprint: Fingerprint,
}

/// The folder that holds a run's checkpoints.
///
/// Each checkpoint is a folder `step-N` with the networks and their state, the optimizer's state,
/// the run's state, and a checksum of each. It is written beside the others and moved into place as
/// a whole, so there is a usable checkpoint at any time, even if the program is killed or the
/// machine stops. The newest two stay, unless [`keep_last`](Self::keep_last) says otherwise.
///
/// # Example
/// ```
/// use selfsame_callbacks::Direction;
/// use selfsame_train::Checkpoints;
///
/// let folder = tempfile::tempdir()?;
/// let checkpoints = Checkpoints::new(folder.path().join("checkpoint"))
///     .keep_last(3)
///     .keep_best("knn", Direction::Higher);
/// assert_eq!(checkpoints.newest(), None, "no run has been saved yet");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    last: usize,
    best: Option<(String, Direction)>,
    every_steps: Option<u64>,
    every: Option<Duration>,
    extend_finished: bool,
}

const NETWORKS: &str = "networks.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const STATE: &str = "state.json";
const CHECKSUMS: &str = "checksums.txt";
const DRAFT: &str = ".draft";

impl Checkpoints {
    /// Keeps checkpoints in `folder`, which is created when a run uses it.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let (best, every_steps, every) = (None, None, None);
        Self { folder, last: 2, best, every_steps, every, extend_finished: false }
    }

    /// Keeps the newest `count` checkpoints, 1 or more. Default 2, so that an older one is left if the
    /// newest is damaged.
    #[must_use]
    pub fn keep_last(self, count: usize) -> Self {
        Self { last: count.max(1), ..self }
    }

    /// Also keeps the checkpoint of the epoch in which `metric` was best. A callback's figure is
    /// accepted only if it is reported from the first epoch on.
    #[must_use]
    pub fn keep_best(self, metric: impl Into<String>, direction: Direction) -> Self {
        Self { best: Some((metric.into(), direction)), ..self }
    }

    /// Also saves after every `steps` steps, 1 or more, for long epochs.
    #[must_use]
    pub fn every_steps(self, steps: u64) -> Self {
        Self { every_steps: Some(steps.max(1)), ..self }
    }

    /// Also saves when the last save, or the start, is `interval` ago, after the step that takes
    /// place then; the run that is resumed from there ends as one that was never stopped.
    ///
    /// What a crash or a power cut can cost is then known, however long an epoch takes.
    #[must_use]
    pub fn every(self, interval: Duration) -> Self {
        Self { every: Some(interval), ..self }
    }

    /// Makes a finished run longer if more epochs are asked for than it had: its schedules start
    /// anew for the additional epochs, from its weights and the state of its optimizer.
    ///
    /// Without it, such a run is refused, so that it does not happen by accident.
    #[must_use]
    pub fn extend_finished(self) -> Self {
        Self { extend_finished: true, ..self }
    }

    /// Returns the newest checkpoint, if there is one.
    #[must_use]
    pub fn newest(&self) -> Option<PathBuf> {
        Some(self.all().pop()?.1)
    }

    /// Returns the kept checkpoint of the epoch in which the figure of
    /// [`keep_best`](Self::keep_best) was best, as the newest checkpoint knows it.
    ///
    /// # Errors
    /// If the newest checkpoint is damaged.
    pub fn best(&self) -> Result<Option<PathBuf>, TrainError> {
        let Some(newest) = self.newest() else { return Ok(None) };
        let state = read_state(&self.intact(&newest)?, &newest)?;
        let best = self.best_step(&state)?.map(|step| self.folder.join(format!("step-{step}")));
        Ok(best.filter(|path| path.is_dir()))
    }

    /// Returns `method` with the weights and the state of a checkpoint.
    ///
    /// # Errors
    /// If the checkpoint is damaged, or of other networks.
    pub fn restore<M: Method>(&self, checkpoint: &Path, method: M) -> Result<M, TrainError> {
        load_networks(&self.intact(checkpoint)?, checkpoint, method)
    }

    /// All checkpoints with their steps, oldest first.
    fn all(&self) -> Vec<(u64, PathBuf)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let step = |path: &Path| path.file_name()?.to_str()?.strip_prefix("step-")?.parse().ok();
        let mut all: Vec<(u64, PathBuf)> =
            entries.filter_map(|entry| Some((step(&entry.path())?, entry.path()))).collect();
        all.sort();
        all
    }

    /// Creates the folder and keeps other runs out until the returned lock is dropped.
    pub(crate) fn lock(&self) -> Result<FolderLock, TrainError> {
        fs::create_dir_all(&self.folder).map_err(TrainError::file("create", &self.folder))?;
        FolderLock::take(&self.folder)
    }

    /// Returns whether a checkpoint is due in the middle of an epoch, this long after the last one.
    pub(crate) fn is_due(&self, clock: Clock, since_saved: Duration) -> bool {
        self.every_steps.is_some_and(|steps| clock.step.is_multiple_of(steps))
            || self.every.is_some_and(|interval| since_saved >= interval)
    }

    pub(crate) fn save<M: Method>(
        &self,
        state: &RunState,
        method: &M,
        optimizer: &GroupedOptimizer,
    ) -> Result<(), TrainError> {
        let target = self.folder.join(format!("step-{}", state.clock.step));
        if target.is_dir() {
            return Ok(()); // the same step of the same run
        }
        let unusable = |error: &dyn std::fmt::Display| TrainError::Checkpoint {
            path: target.clone(),
            reason: error.to_string(),
        };
        let networks = method.clone().into_record().into_bytes().map_err(|e| unusable(&e))?;
        let optimizer = optimizer.to_bytes().map_err(|e| unusable(&e))?;
        let state_text = serde_json::to_vec_pretty(state).map_err(|e| unusable(&e))?;
        let files: [(&str, &[u8]); 3] =
            [(NETWORKS, &networks), (OPTIMIZER, &optimizer), (STATE, &state_text)];
        self.write(&files, &target)?;
        // After saving, so that a figure which is not measured costs no work.
        let best = self.best_step(state)?;
        let all = self.all();
        let old = all.len().saturating_sub(self.last);
        for (step, path) in &all[..old] {
            if best != Some(*step) {
                fs::remove_dir_all(path).map_err(TrainError::file("remove", path))?;
            }
        }
        Ok(())
    }

    /// Writes a checkpoint beside the others and moves it into place as a whole. If that fails,
    /// nothing of it stays.
    fn write(&self, files: &[(&str, &[u8])], target: &Path) -> Result<(), TrainError> {
        let draft = self.folder.join(DRAFT);
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(TrainError::file("remove", &draft))?;
        }
        let written = write_draft(&draft, files, target);
        if written.is_err() {
            let _ = fs::remove_dir_all(&draft); // the cause counts
        }
        written?;
        #[cfg(unix)] // a folder is a file only there
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(TrainError::file("write", &self.folder))?;
        Ok(())
    }

    /// Returns the last step of the epoch in which the figure to keep by was best.
    fn best_step(&self, state: &RunState) -> Result<Option<u64>, TrainError> {
        let Some((metric, direction)) = &self.best else { return Ok(None) };
        let series = state.history.series(metric);
        let Some(newest) = state.history.0.last() else { return Ok(None) };
        if series.is_empty() {
            let known: Vec<&str> = newest.metrics.keys().map(String::as_str).collect();
            let (metric, known) = (metric.clone(), known.join(", "));
            return Err(TrainError::UnknownMetric { metric, known });
        }
        let better = |best: (f64, f64), point: (f64, f64)| {
            if direction.is_better(point.1, best.1) { point } else { best }
        };
        let best = series.into_iter().reduce(better);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "epochs are small whole numbers"
        )]
        Ok(best.map(|(epoch, _)| epoch as u64 * state.clock.steps_per_epoch))
    }

    /// Loads the newest checkpoint, if there is one and it is of the run that `now` describes.
    pub(crate) fn load<M: Method>(
        &self,
        now: &RunState,
        method: M,
        optimizer: GroupedOptimizer,
    ) -> Result<Option<(RunState, M, GroupedOptimizer)>, TrainError> {
        let Some(path) = self.newest() else { return Ok(None) };
        let files = self.intact(&path)?;
        let mut state = read_state(&files, &path)?;
        if let Some(differences) = differences(&state.fingerprint, &now.fingerprint) {
            return Err(TrainError::OtherRun { path, differences });
        }
        let (then, asked) = (state.requested_epochs, now.requested_epochs);
        let is_finished = state.clock.is_finished();
        // A time limit may have left fewer epochs than were asked for then.
        let extends = self.extend_finished && is_finished && asked > state.clock.epochs;
        if asked != then || extends {
            if !extends {
                return Err(TrainError::OtherLength { path, then, now: asked, is_finished });
            }
            state.requested_epochs = asked;
            state.clock.schedule_start = state.clock.step;
            state.clock.epochs = asked;
        }
        let method = load_networks(&files, &path, method)?;
        let optimizer = optimizer
            .load_bytes(&files[OPTIMIZER])
            .map_err(|error| TrainError::Checkpoint { path, reason: error.to_string() })?;
        Ok(Some((state, method, optimizer)))
    }

    /// Reads the files of a checkpoint; if it is damaged, the error offers the one before it.
    fn intact(&self, path: &Path) -> Result<BTreeMap<&'static str, Vec<u8>>, TrainError> {
        read_verified(path).map_err(|reason| {
            let earlier = self.all().into_iter().rev().map(|(_, earlier)| earlier);
            let earlier = earlier.skip_while(|earlier| earlier != path).skip(1);
            let previous = earlier.into_iter().find(|earlier| read_verified(earlier).is_ok());
            TrainError::Damaged { path: path.to_owned(), reason, previous }
        })
    }
}

/// Reads the files of a checkpoint and compares their checksums; the error is the reason.
fn read_verified(path: &Path) -> Result<BTreeMap<&'static str, Vec<u8>>, String> {
    let read = |name: &str| {
        fs::read(path.join(name)).map_err(|error| format!("`{name}` cannot be read ({error})"))
    };
    let changed = |name: &str| format!("`{name}` is not as it was written");
    let checksums = String::from_utf8(read(CHECKSUMS)?).map_err(|_| changed(CHECKSUMS))?;
    let (listed, last) = checksums
        .trim_end_matches('\n')
        .rsplit_once('\n')
        .map(|(listed, last)| (format!("{listed}\n"), last))
        .ok_or_else(|| changed(CHECKSUMS))?;
    if last != format!("{:016x}", stamp(&[listed.as_bytes()])) {
        return Err(changed(CHECKSUMS));
    }
    let mut files = BTreeMap::new();
    for name in [NETWORKS, OPTIMIZER, STATE] {
        let bytes = read(name)?;
        let line = format!("{:016x} {name}", stamp(&[&bytes]));
        if !listed.lines().any(|listed| listed == line) {
            return Err(changed(name));
        }
        files.insert(name, bytes);
    }
    Ok(files)
}

fn read_state(files: &BTreeMap<&str, Vec<u8>>, path: &Path) -> Result<RunState, TrainError> {
    serde_json::from_slice(&files[STATE]).map_err(|error| TrainError::Checkpoint {
        path: path.to_owned(),
        reason: format!("{error}; another version wrote it"),
    })
}

fn load_networks<M: Method>(
    files: &BTreeMap<&str, Vec<u8>>,
    path: &Path,
    method: M,
) -> Result<M, TrainError> {
    let unusable = |error: &dyn std::fmt::Display| TrainError::Checkpoint {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let bytes = Bytes::from_bytes_vec(files[NETWORKS].clone());
    let record = ModuleRecord::from_bytes(bytes).map_err(|e| unusable(&e))?;
    method.try_load_record(record).map_err(|e| unusable(&e))
}

/// Writes the files and their checksums, and moves the draft to `target`.
fn write_draft(draft: &Path, files: &[(&str, &[u8])], target: &Path) -> Result<(), TrainError> {
    let needed = files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    let failed = |path: PathBuf| {
        move |source: std::io::Error| match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                TrainError::NoRoom { path: target.to_owned(), needed, source }
            }
            _ => TrainError::File { action: "write", path, source },
        }
    };
    fs::create_dir_all(draft).map_err(failed(draft.to_owned()))?;
    let mut checksums = String::new();
    for (name, bytes) in files {
        let path = draft.join(name);
        write_to_disk(&path, bytes).map_err(failed(path))?;
        let _ = writeln!(checksums, "{:016x} {name}", stamp(&[bytes])); // cannot fail
    }
    // The last line is the checksum of those before it.
    let _ = writeln!(checksums, "{:016x}", stamp(&[checksums.as_bytes()]));
    let path = draft.join(CHECKSUMS);
    write_to_disk(&path, checksums.as_bytes()).map_err(failed(path))?;
    fs::rename(draft, target).map_err(failed(target.to_owned()))
}

/// Writes a new file of the draft and waits until it has reached the disk.
fn write_to_disk(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
