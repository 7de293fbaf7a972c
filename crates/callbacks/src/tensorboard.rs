//! What TensorBoard shows of a run.

mod event;

use std::fs;
use std::path::PathBuf;

use selfsame_models::Method;

use self::event::EventFile;
use crate::log_error::LogError;
use crate::lost::Lost;
use crate::{Callback, CallbackError, History, RunView, StepMetrics};

/// TensorBoard requires `tfevents` in the name; a fixed name is found again by a resumed run.
const FILE_NAME: &str = "events.out.tfevents.0000000000.selfsame";

/// An event file for [TensorBoard](https://www.tensorflow.org/tensorboard): curves over the steps.
///
/// | curve | unit |
/// |---|---|
/// | `step/loss`, `step/learning_rate`, `step/samples_per_second` | as in [`StepMetrics`] |
/// | `step/embedding_std` | as in [`StepMetrics`]; if the method has an embedding |
/// | `step/data_wait` | share of time spent waiting for data, from 0 to 1 |
/// | `step/memory_mib` | MiB; if it is known |
/// | `step/<term>` | every term of the loss |
/// | `epoch/<name>` | every figure of the epoch, at the step that ended it |
///
/// Callbacks run in the order in which they were added: add this one last, so that it sees what
/// the others report at the end of an epoch.
///
/// The file is `events.out.tfevents.0000000000.selfsame` in the folder. A resumed run drops the
/// events after its checkpoint and appends to the same file, so that every curve has one point per
/// step, as in a run that was never stopped; a run that starts at step 0 drops all. A file that
/// cannot be written is a warning and does not end the run. If events were
/// dropped, a TensorBoard that shows the run needs a restart. Values have single precision, and an
/// event holds the time at which it was written.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_callbacks::{Callback, History, RunView, StepMetrics, TensorBoard};
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
/// let mut board = TensorBoard::new(folder.path());
/// board.on_start(&mut run)?;
/// board.on_step_end(&mut run)?;
/// let file = folder.path().join("events.out.tfevents.0000000000.selfsame");
/// assert!(std::fs::read(file)?.windows(9).any(|tag| tag == b"step/loss"));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug)]
pub struct TensorBoard {
    path: PathBuf,
    file: Option<EventFile>,
    lost: Lost,
}

impl TensorBoard {
    /// Creates a log in `folder`, which is created when the run starts, if it is missing.
    ///
    /// Use a separate folder for each run: TensorBoard shows a folder as a run, under its name.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { path: folder.into().join(FILE_NAME), file: None, lost: Lost::default() }
    }

    fn open(&mut self, last_step: u64) -> Result<(), LogError> {
        let folder = self.path.parent().map_or(Ok(()), fs::create_dir_all);
        let opened = folder.and_then(|()| EventFile::open(&self.path, last_step));
        self.file = Some(opened.map_err(LogError::at(&self.path))?);
        Ok(())
    }

    fn append(&mut self, step: u64, scalars: &[(String, f64)]) -> Result<(), LogError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.append(step, scalars).map_err(LogError::at(&self.path))
    }
}

impl<M: Method> Callback<M> for TensorBoard {
    fn on_start(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let opened = self.open(run.clock.step);
        self.lost.note(run, opened);
        Ok(())
    }

    fn on_step_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let appended = self.append(run.clock.step, &step_scalars(run.metrics));
        self.lost.note(run, appended);
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let appended = self.append(run.clock.step, &epoch_scalars(run.history()));
        self.lost.note(run, appended);
        Ok(())
    }

    fn on_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        self.lost.tell(run, "events");
        Ok(())
    }
}

fn step_scalars(metrics: &StepMetrics) -> Vec<(String, f64)> {
    let memory_mib = metrics.memory_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20));
    let measured = [
        ("loss", Some(metrics.loss)),
        ("learning_rate", Some(metrics.learning_rate)),
        ("embedding_std", metrics.embedding_std),
        ("samples_per_second", Some(metrics.samples_per_second)),
        ("data_wait", Some(metrics.data_wait)),
        ("memory_mib", memory_mib),
    ];
    let terms = metrics.terms.iter().map(|(name, value)| (name.as_str(), *value));
    let known = measured.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.chain(terms).map(|(name, value)| (format!("step/{name}"), value)).collect()
}

fn epoch_scalars(history: &History) -> Vec<(String, f64)> {
    let figures = history.0.last().into_iter().flat_map(|epoch| &epoch.metrics);
    figures.map(|(name, value)| (format!("epoch/{name}"), *value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EpochRecord;
    use crate::test_run::TestRun;
    use selfsame_metrics::Features;
    use selfsame_models::Clock;
    use std::path::Path;

    fn metrics(step: u64) -> StepMetrics {
        StepMetrics {
            loss: if step == 4 { f64::NAN } else { 1.0 / step as f64 },
            learning_rate: 0.5,
            embedding_std: (step != 2).then_some(0.125),
            terms: vec![("variance".to_owned(), -(step as f64))],
            samples_per_second: 1e3,
            data_wait: 0.25,
            memory_bytes: Some(3 << 20),
            ..StepMetrics::default()
        }
    }

    /// Logs the steps after `done` up to `last`; an epoch has three.
    fn log(folder: &Path, done: u64, last: u64) {
        let (mut board, mut run) = (TensorBoard::new(folder), TestRun::new());
        run.clock = Clock { step: done, steps_per_epoch: 3, ..run.clock };
        board.on_start(&mut run.view()).unwrap();
        for step in done + 1..=last {
            run.clock.step = step;
            run.metrics = metrics(step);
            board.on_step_end(&mut run.view()).unwrap();
            if run.clock.batch() == 0 {
                let metrics = [("knn".to_owned(), step as f64 / 8.0)].into();
                run.history.0.push(EpochRecord { epoch: run.clock.epoch(), metrics });
                board.on_epoch_end(&mut run.view()).unwrap();
            }
        }
    }

    /// Two epochs, killed while the second's figures are logged and resumed from the first's end.
    fn log_killed_and_resumed(folder: &Path) {
        log(folder, 0, 6);
        let path = folder.join(FILE_NAME);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 7]).unwrap();
        log(folder, 3, 6);
    }

    #[test]
    fn a_resumed_run_has_the_curves_of_one_that_was_never_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, resumed) = (folder.path().join("whole"), folder.path().join("resumed"));
        log(&whole, 0, 6);
        log_killed_and_resumed(&resumed);
        let points = |folder: &Path| format!("{:?}", event::tests::points(&folder.join(FILE_NAME)));
        assert_eq!(points(&resumed), points(&whole)); // as text, because NaN is not equal to itself
        assert_eq!(fs::read_dir(&resumed).unwrap().count(), 1);
    }

    #[test]
    fn a_step_has_a_point_for_everything_that_was_measured() {
        let scalars = step_scalars(&StepMetrics { loss: 0.5, ..StepMetrics::default() });
        let names: Vec<&str> = scalars.iter().map(|(name, _)| name.as_str()).collect();
        let want = ["step/loss", "step/learning_rate", "step/samples_per_second", "step/data_wait"];
        assert_eq!(names, want);
        let memory = ("step/memory_mib".to_owned(), 3.0);
        assert!(step_scalars(&metrics(1)).contains(&memory), "MiB");
    }

    #[test]
    fn events_that_cannot_be_written_are_one_warning() {
        let file = tempfile::NamedTempFile::new().unwrap(); // a file is no folder
        let (mut board, mut run) = (TensorBoard::new(file.path()), TestRun::new());
        let mut view = run.view();
        board.on_start(&mut view).unwrap();
        board.on_step_end(&mut view).unwrap();
        board.on_end(&mut view).unwrap();
        assert_eq!(view.take_warnings().len(), 1);
    }

    #[test]
    fn an_error_names_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = TensorBoard::new(file.path()).open(0).unwrap_err();
        assert_eq!(error.path, file.path().join(FILE_NAME), "a file is no folder");
    }

    #[test]
    #[ignore = "`.ci/tensorboard` runs it and reads the files"]
    fn what_tensorboard_reads() {
        let folder = PathBuf::from(std::env::var_os("SELFSAME_TENSORBOARD").expect("a folder"));
        log_killed_and_resumed(&folder);
        let labels = ["cat", "", "a\tdog"].map(str::to_owned);
        for (name, scale) in [("epoch-1", 1.0), ("epoch-2", 1e-9)] {
            let values = [0.1, -2.0, 3.0, 0.25, 5.0, 1e8].map(|value: f32| value * scale);
            let features = Features::new(2, values.to_vec()).unwrap();
            selfsame_index::write_projector(&folder, name, &features, &labels).unwrap();
        }
    }
}
