//! A table of a run's epochs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use selfsame_files::write_atomically;
use selfsame_models::Method;

use crate::log_error::LogError;
use crate::lost::Lost;
use crate::{Callback, CallbackError, History, RunView};

/// A table with one line per epoch: `epoch`, then every measured value, sorted by name.
///
/// The file is written anew at every epoch from the run's history, so it is complete at any time,
/// and a resumed run has the same file as one that was never stopped. A file that cannot be written
/// is a warning, and does not end the run: it is written again at the next epoch and at the end.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_callbacks::{Callback, CsvLog, EpochRecord, History, RunView, StepMetrics};
/// use selfsame_models::{Classifier, Clock, ResNetConfig};
///
/// let device = Device::flex();
/// let sizes = ResNetConfig { blocks: vec![1], channels: 1, ..ResNetConfig::resnet10(1) };
/// let encoder = sizes.init(0, &device);
/// let (method, clock) = (Classifier::new(encoder, 2, 0, &device), Clock::default());
/// let metrics = [("loss".to_owned(), 0.5), ("knn".to_owned(), 0.75)].into();
/// let (mut history, mut stop) = (History(vec![EpochRecord { epoch: 1, metrics }]), None);
/// let step = StepMetrics::default();
/// let mut run = RunView::new(clock, &step, &method, &mut history, &mut stop);
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
    /// Whether the file lacks the newest epoch.
    is_behind: bool,
    lost: Lost,
}

impl CsvLog {
    /// Creates a log at `path`, whose folder must exist.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), is_behind: false, lost: Lost::default() }
    }
}

impl<M: Method> Callback<M> for CsvLog {
    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let text = table(run.history());
        let written = write_atomically(&self.path, text.as_bytes());
        self.is_behind = written.is_err();
        self.lost.note(run, written.map_err(LogError::at(&self.path)));
        Ok(())
    }

    fn on_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        if self.is_behind {
            self.on_epoch_end(run)?;
        }
        Ok(())
    }
}

fn table(History(epochs): &History) -> String {
    let names: BTreeSet<&String> = epochs.iter().flat_map(|epoch| epoch.metrics.keys()).collect();
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
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_run::TestRun;

    #[test]
    fn a_value_measured_in_some_epochs_has_a_column_and_empty_cells() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("epochs.csv");
        let mut run = TestRun::new();
        run.end_epoch(&[("loss", 2.0)]);
        CsvLog::new(&path).on_epoch_end(&mut run.view()).unwrap();
        run.end_epoch(&[("loss", 1.0), ("knn", 0.5)]);
        CsvLog::new(&path).on_epoch_end(&mut run.view()).unwrap(); // as after a resumption
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "epoch,knn,loss\n1,,2\n2,0.5,1\n");
    }

    #[test]
    fn a_table_that_cannot_be_written_is_one_warning_and_is_written_once_it_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("epochs.csv");
        std::fs::create_dir(&path).unwrap(); // in the way
        let (mut log, mut run) = (CsvLog::new(&path), TestRun::new());
        let mut warnings = Vec::new();
        for loss in [3.0, 2.0, 1.0] {
            run.end_epoch(&[("loss", loss)]);
            let mut view = run.view();
            log.on_epoch_end(&mut view).unwrap();
            warnings.extend(view.take_warnings());
        }
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        assert!(warning.contains("epochs.csv") && warning.contains("continues"), "{warning}");
        std::fs::remove_dir(&path).unwrap();
        log.on_end(&mut run.view()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "epoch,loss\n1,3\n2,2\n3,1\n");
    }
}
