//! Logs of a run for other programs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use selfsame_models::Method;
use serde::{Deserialize, Serialize};

use crate::atomic_file::write_atomically;
use crate::{Callback, CallbackError, RunView};

/// The error of a log that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
#[non_exhaustive]
pub struct LogError {
    /// The log file.
    pub path: PathBuf,
    /// The system's reason.
    pub source: std::io::Error,
}

impl LogError {
    fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { path, source }
    }
}

/// A table with one line per epoch: `epoch`, then every measured value, sorted by name.
///
/// The file is written anew at every epoch from the run's history, so it is complete at any time,
/// and a resumed run has the same file as one that was never stopped.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_callbacks::{Callback, CsvLog, EpochRecord, History, RunView, StepMetrics};
/// use selfsame_models::{Classifier, Clock, ResNetConfig};
///
/// let device = Device::flex();
/// let encoder = ResNetConfig { blocks: vec![1], width: 1, channels: 1 }.init(&device);
/// let (method, clock) = (Classifier::new(encoder, 2, &device), Clock::default());
/// let metrics = [("loss".to_owned(), 0.5), ("knn".to_owned(), 0.75)].into();
/// let (mut history, mut stop) = (History(vec![EpochRecord { epoch: 1, metrics }]), None);
/// let mut run = RunView::new(clock, StepMetrics::default(), &method, &mut history, &mut stop);
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("epochs.csv");
/// CsvLog::new(&path).on_epoch_end(&mut run)?;
/// assert_eq!(std::fs::read_to_string(&path)?, "epoch,knn,loss\n1,0.75,0.5\n");
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CsvLog {
    path: PathBuf,
}

impl CsvLog {
    /// Creates a log at `path`, whose folder must exist.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl<M: Method> Callback<M> for CsvLog {
    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let epochs = &run.history().0;
        let names: BTreeSet<&String> =
            epochs.iter().flat_map(|epoch| epoch.metrics.keys()).collect();
        let mut text = String::from("epoch");
        for name in &names {
            text.extend([",", name.as_str()]);
        }
        for epoch in epochs {
            let _ = write!(text, "\n{}", epoch.epoch); // writing to a string cannot fail
            for name in &names {
                text.push(',');
                if let Some(value) = epoch.metrics.get(*name) {
                    let _ = write!(text, "{value}");
                }
            }
        }
        text.push('\n');
        Ok(write_atomically(&self.path, text.as_bytes()).map_err(LogError::at(&self.path))?)
    }
}

/// A line per optimizer step, each a JSON object.
///
/// Its keys are `step`, `epoch`, `loss`, `learning_rate` and `embedding_std`.
/// Lines are appended. When a run is resumed, the lines after its checkpoint are dropped first, so
/// that the file ends up the same as that of a run that was never stopped.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_callbacks::{Callback, History, JsonLinesLog, RunView, StepMetrics};
/// use selfsame_models::{Classifier, Clock, ResNetConfig};
///
/// let device = Device::flex();
/// let encoder = ResNetConfig { blocks: vec![1], width: 1, channels: 1 }.init(&device);
/// let method = Classifier::new(encoder, 2, &device);
/// let clock = Clock { step: 1, steps_per_epoch: 4, epochs: 1 };
/// let metrics = StepMetrics { loss: 0.5, ..StepMetrics::default() };
/// let (mut history, mut stop) = (History::default(), None);
/// let mut run = RunView::new(clock, metrics, &method, &mut history, &mut stop);
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("steps.jsonl");
/// let mut log = JsonLinesLog::new(&path);
/// log.on_start(&mut run)?;
/// log.on_step_end(&mut run)?;
/// let line: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
/// assert_eq!((&line["step"], &line["loss"]), (&1.into(), &0.5.into()));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug)]
pub struct JsonLinesLog {
    path: PathBuf,
    file: Option<File>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    step: u64,
    epoch: u64,
    loss: f64,
    learning_rate: f64,
    embedding_std: f64,
}

impl JsonLinesLog {
    /// Creates a log at `path`, whose folder must exist.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None }
    }
}

impl<M: Method> Callback<M> for JsonLinesLog {
    fn on_start(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let old = fs::read_to_string(&self.path).unwrap_or_default(); // there may be none yet
        let mut kept = String::new();
        for line in old.lines() {
            let step = serde_json::from_str::<Line>(line).map(|line| line.step);
            if step.is_ok_and(|step| step <= run.clock.step) {
                kept.extend([line, "\n"]);
            }
        }
        write_atomically(&self.path, kept.as_bytes()).map_err(LogError::at(&self.path))?;
        let open = OpenOptions::new().append(true).open(&self.path);
        self.file = Some(open.map_err(LogError::at(&self.path))?);
        Ok(())
    }

    fn on_step_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let line = Line {
            step: run.clock.step,
            epoch: (run.clock.step - 1) / run.clock.steps_per_epoch + 1,
            loss: run.metrics.loss,
            learning_rate: run.metrics.learning_rate,
            embedding_std: run.metrics.embedding_std,
        };
        let text = serde_json::json!(line).to_string() + "\n";
        Ok(file.write_all(text.as_bytes()).map_err(LogError::at(&self.path))?)
    }
}
