//! A log of a run's steps.

use std::path::PathBuf;

use selfsame_models::Method;
use serde::{Deserialize, Serialize, Serializer};

use crate::line_file::LineFile;
use crate::{Callback, CallbackError, RunView};

/// A line per optimizer step, each a JSON object.
///
/// Its keys are, in this order: `step`, `epoch` (both from 1), `loss`, `learning_rate`,
/// `embedding_std` if it is measured, and `terms`, an object with the parts of the loss in the
/// method's order, if there are any. A value that is not finite is `null`.
///
/// Lines are appended. When a run starts or resumes, the lines after its checkpoint are dropped
/// first, and so is a last line that was cut off, so that the file ends up the same as that of a
/// run that was never stopped. A file that cannot be written, or that lacks lines when the run is
/// resumed, is a warning and does not end the run.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_callbacks::{Callback, History, JsonLinesLog, RunView, StepMetrics};
/// use selfsame_models::{Classifier, Clock, ResNetConfig};
///
/// let device = Device::flex();
/// let sizes = ResNetConfig { blocks: vec![1], channels: 1, ..ResNetConfig::resnet10(1) };
/// let encoder = sizes.init(0, &device);
/// let method = Classifier::new(encoder, 2, 0, &device);
/// let clock = Clock { step: 1, steps_per_epoch: 4, epochs: 1, ..Clock::default() };
/// let metrics = StepMetrics { loss: 0.5, ..StepMetrics::default() };
/// let (mut history, mut stop) = (History::default(), None);
/// let mut run = RunView::new(clock, &metrics, &method, &mut history, &mut stop);
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
    lines: LineFile,
}

/// A line to write; the order of the fields is that of the keys.
#[derive(Serialize)]
struct Line<'a> {
    step: u64,
    epoch: u64,
    loss: f64,
    learning_rate: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding_std: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terms: Option<Terms<'a>>,
}

/// The parts of a loss as an object, in their order.
struct Terms<'a>(&'a [(String, f64)]);

impl Serialize for Terms<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name.as_str(), *value)))
    }
}

/// The part of a written line that tells whether it is kept.
#[derive(Deserialize)]
struct Written {
    step: u64,
}

impl JsonLinesLog {
    /// Creates a log at `path`, whose folder must exist.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { lines: LineFile::new(path.into()) }
    }
}

impl<M: Method> Callback<M> for JsonLinesLog {
    fn on_start(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let done = run.clock.step;
        let keep = |line: &str| {
            serde_json::from_str::<Written>(line).is_ok_and(|written| written.step <= done)
        };
        self.lines.open(run, "", done, keep);
        Ok(())
    }

    fn on_step_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let metrics = run.metrics;
        let line = Line {
            step: run.clock.step,
            epoch: run.clock.step.div_ceil(run.clock.steps_per_epoch.max(1)),
            loss: metrics.loss,
            learning_rate: metrics.learning_rate,
            embedding_std: metrics.embedding_std,
            terms: Some(Terms(&metrics.terms)).filter(|terms| !terms.0.is_empty()),
        };
        let line = serde_json::to_string(&line)?;
        self.lines.append(run, &line);
        Ok(())
    }

    fn on_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        self.lines.close(run);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_run::TestRun;
    use std::fs;
    use std::path::Path;

    /// Logs the steps after `done` up to `last`; each step's loss is half its number.
    fn log(path: &Path, done: u64, last: u64) {
        let (mut log, mut run) = (JsonLinesLog::new(path), TestRun::new());
        run.clock.step = done;
        log.on_start(&mut run.view()).unwrap();
        for step in done + 1..=last {
            run.clock.step = step;
            run.metrics.loss = step as f64 / 2.0;
            log.on_step_end(&mut run.view()).unwrap();
        }
    }

    #[test]
    fn the_keys_have_a_fixed_order_and_what_is_not_measured_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.jsonl");
        let (mut log, mut run) = (JsonLinesLog::new(&path), TestRun::new());
        log.on_start(&mut run.view()).unwrap();
        run.clock.step = 3; // the first of the second epoch
        run.metrics.loss = f64::NAN;
        log.on_step_end(&mut run.view()).unwrap();
        run.clock.step = 4;
        run.metrics.loss = 1.5;
        run.metrics.learning_rate = 0.25;
        run.metrics.embedding_std = Some(0.125);
        run.metrics.terms = vec![("variance".to_owned(), 1.0), ("invariance".to_owned(), 0.5)];
        log.on_step_end(&mut run.view()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], r#"{"step":3,"epoch":2,"loss":null,"learning_rate":0.0}"#);
        let second = concat!(
            r#"{"step":4,"epoch":2,"loss":1.5,"learning_rate":0.25,"embedding_std":0.125,"#,
            r#""terms":{"variance":1.0,"invariance":0.5}}"#
        );
        assert_eq!(lines[1], second);
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn a_run_killed_in_any_byte_of_a_line_and_resumed_has_the_file_of_a_whole_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.jsonl");
        log(&path, 0, 6);
        let whole = fs::read_to_string(&path).unwrap();
        assert_eq!(whole.lines().count(), 6);
        let checkpoint: usize = whole.split_inclusive('\n').take(2).map(str::len).sum();
        for end in checkpoint..=whole.len() {
            fs::write(&path, &whole.as_bytes()[..end]).unwrap();
            log(&path, 2, 6);
            assert_eq!(fs::read_to_string(&path).unwrap(), whole, "killed after {end} bytes");
        }
    }

    #[test]
    fn a_run_that_starts_anew_drops_the_old_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.jsonl");
        log(&path, 0, 3);
        log(&path, 0, 1);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
    }
}
