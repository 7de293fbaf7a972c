//! StepMetrics on disk, for other programs.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use selfsame_models::Method;
use serde::{Deserialize, Serialize};

use crate::files::write_atomically;
use crate::{Callback, RunView, TrainError};

/// One line per epoch: `epoch`, then every number in the order of its name.
///
/// The file is written anew at every epoch from the run's history, so it is whole at any time and
/// a resumed run has the very same file as one that was never stopped.
#[derive(Clone, Debug)]
pub struct CsvLog {
    path: PathBuf,
}

impl CsvLog {
    /// Logs to `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl<M: Method> Callback<M> for CsvLog {
    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), TrainError> {
        let epochs = &run.history().0;
        let names: Vec<&String> = epochs.iter().flat_map(|epoch| epoch.metrics.keys()).collect();
        let names: std::collections::BTreeSet<&String> = names.into_iter().collect();
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
        write_atomically(&self.path, text.as_bytes())
    }
}

/// One JSON object per optimizer step: `{"step", "epoch", "loss", "learning_rate", "embedding_std"}`.
///
/// Lines are appended; when a run is resumed, those after its checkpoint are dropped first.
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
    /// Logs to `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None }
    }
}

impl<M: Method> Callback<M> for JsonLinesLog {
    fn on_start(&mut self, run: &mut RunView<'_, M>) -> Result<(), TrainError> {
        let old = fs::read_to_string(&self.path).unwrap_or_default(); // there may be none yet
        let mut kept = String::new();
        for line in old.lines() {
            let step = serde_json::from_str::<Line>(line).map(|line| line.step);
            if step.is_ok_and(|step| step <= run.clock.step) {
                kept.extend([line, "\n"]);
            }
        }
        write_atomically(&self.path, kept.as_bytes())?;
        let open = OpenOptions::new().append(true).open(&self.path);
        self.file = Some(open.map_err(TrainError::file("write", &self.path))?);
        Ok(())
    }

    fn on_step_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), TrainError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let line = Line {
            step: run.clock.step,
            epoch: (run.clock.step - 1) / run.clock.steps_per_epoch + 1,
            loss: run.metrics.loss,
            learning_rate: run.metrics.learning_rate,
            embedding_std: run.metrics.embedding_std,
        };
        let text = serde_json::json!(line).to_string() + "\n";
        file.write_all(text.as_bytes()).map_err(TrainError::file("write", &self.path))
    }
}
