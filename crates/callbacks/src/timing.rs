//! A log of what an epoch costs.

use std::path::PathBuf;
use std::time::Instant;

use selfsame_models::Method;

use crate::line_file::LineFile;
use crate::{Callback, CallbackError, RunView};

/// The first line of the file.
const HEAD: &str = "epoch,seconds,evaluation_seconds,samples_per_second,data_wait,memory_bytes\n";

/// A table of what each epoch cost, in time and memory, with one line per epoch.
///
/// These figures depend on the machine, so **the file differs from run to run**, and that of a
/// resumed run from that of a run that was never stopped; no other log has them. The columns:
///
/// | column | value |
/// |---|---|
/// | `epoch` | counted from 1 |
/// | `seconds` | wall time since the end of the epoch before, callbacks and checkpoints included |
/// | `evaluation_seconds` | those of them after the last step: in the callbacks that were added before this one, such as an evaluation |
/// | `samples_per_second` | samples trained on per second in the epoch |
/// | `data_wait` | share of the epoch's steps spent waiting for batches, 0 to 1 |
/// | `memory_bytes` | resident memory of the process at the end of the epoch; empty if unknown |
///
/// Lines are appended. When a run starts or resumes, the lines after its checkpoint's epoch are
/// dropped first, and so is a last line that was cut off. An epoch in which the run was resumed
/// counts from the resumption.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_callbacks::{Callback, History, RunView, StepMetrics, TimingLog};
/// use selfsame_models::{Classifier, Clock, ResNetConfig};
///
/// let device = Device::flex();
/// let sizes = ResNetConfig { blocks: vec![1], channels: 1, ..ResNetConfig::resnet10(1) };
/// let encoder = sizes.init(0, &device);
/// let method = Classifier::new(encoder, 2, 0, &device);
/// let clock = Clock { steps_per_epoch: 4, epochs: 1, ..Clock::default() };
/// let metrics = StepMetrics { memory_bytes: Some(4096), ..StepMetrics::default() };
/// let (mut history, mut stop) = (History::default(), None);
/// let mut run = RunView::new(clock, &metrics, &method, &mut history, &mut stop);
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("timing.csv");
/// let mut log = TimingLog::new(&path);
/// log.on_start(&mut run)?;
/// run.clock.step = 4;
/// log.on_epoch_end(&mut run)?;
/// let text = std::fs::read_to_string(&path)?;
/// let line = text.lines().nth(1).unwrap_or_default();
/// assert!(line.starts_with("1,") && line.ends_with(",4096"), "{line}");
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug)]
pub struct TimingLog {
    lines: LineFile,
    lap: Lap,
}

/// The time since the end of an epoch.
#[derive(Clone, Copy, Debug)]
struct Lap {
    begin: Instant,
    newest: Instant,
    waited: f64,
}

impl Lap {
    fn new(now: Instant) -> Self {
        Self { begin: now, newest: now, waited: 0.0 }
    }

    /// Counts the time up to `now`, of which the share `data_wait` was spent waiting.
    ///
    /// Steps that are heard of at once share one reading; the first of them counts for all.
    fn step(&mut self, now: Instant, data_wait: f64) {
        self.waited += data_wait * now.duration_since(self.newest).as_secs_f64();
        self.newest = now;
    }

    /// Returns the seconds from the last step to `now`.
    fn since_step(&self, now: Instant) -> f64 {
        now.duration_since(self.newest).as_secs_f64()
    }

    /// Returns the share of the steps' time that was spent waiting, 0 to 1.
    fn data_wait(&self) -> f64 {
        let seconds = self.newest.duration_since(self.begin).as_secs_f64();
        if seconds > 0.0 { self.waited / seconds } else { 0.0 }
    }
}

impl TimingLog {
    /// Creates a log at `path`, whose folder must exist.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { lines: LineFile::new(path.into()), lap: Lap::new(Instant::now()) }
    }
}

/// Returns the epoch of a line, if the line is complete and not the head.
fn epoch(line: &str) -> Option<u64> {
    line.strip_suffix('\n')?.split_once(',')?.0.parse().ok()
}

impl<M: Method> Callback<M> for TimingLog {
    fn on_start(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let done = run.clock.epoch();
        let keep = |line: &str| epoch(line).is_some_and(|epoch| epoch <= done);
        self.lines.open(run, HEAD, done, keep);
        self.lap = Lap::new(Instant::now());
        Ok(())
    }

    fn on_step_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        self.lap.step(Instant::now(), run.metrics.data_wait);
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let now = Instant::now();
        let seconds = now.duration_since(self.lap.begin).as_secs_f64();
        let line = format!(
            "{},{seconds:.3},{:.3},{:.1},{:.4},{}",
            run.clock.epoch(),
            self.lap.since_step(now),
            run.metrics.samples_per_second,
            self.lap.data_wait(),
            run.metrics.memory_bytes.map_or_else(String::new, |bytes| bytes.to_string())
        );
        self.lap = Lap::new(now);
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
    use std::time::Duration;

    /// Logs the epochs after `done` up to `last`.
    fn log(path: &Path, done: u64, last: u64) {
        let (mut log, mut run) = (TimingLog::new(path), TestRun::new());
        run.clock.step = done * run.clock.steps_per_epoch;
        log.on_start(&mut run.view()).unwrap();
        for epoch in done + 1..=last {
            run.end_epoch(&[]);
            run.metrics.memory_bytes = (epoch > 1).then_some(1_000_000 * epoch);
            log.on_step_end(&mut run.view()).unwrap();
            log.on_epoch_end(&mut run.view()).unwrap();
        }
    }

    fn epochs(path: &Path) -> Vec<u64> {
        fs::read_to_string(path).unwrap().split_inclusive('\n').filter_map(epoch).collect()
    }

    #[test]
    fn an_epoch_has_a_line_of_six_cells_and_unknown_memory_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timing.csv");
        log(&path, 0, 2);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        assert!(text.starts_with(HEAD));
        assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [6, 6, 6]);
        assert_eq!((lines[1][0], lines[1][5]), ("1", ""));
        assert_eq!((lines[2][0], lines[2][5]), ("2", "2000000"));
        assert!(lines[2][1].parse::<f64>().unwrap() >= 0.0);
    }

    #[test]
    fn evaluation_is_the_time_between_the_last_step_and_the_end_of_the_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timing.csv");
        let (mut log, mut run) = (TimingLog::new(&path), TestRun::new());
        log.on_start(&mut run.view()).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        log.on_step_end(&mut run.view()).unwrap();
        std::thread::sleep(Duration::from_millis(20)); // an evaluation
        run.end_epoch(&[]);
        log.on_epoch_end(&mut run.view()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let cells: Vec<f64> = text
            .lines()
            .nth(1)
            .unwrap()
            .split(',')
            .take(3)
            .map_while(|cell| cell.parse().ok())
            .collect();
        let [_, seconds, evaluation] = cells[..] else { panic!("{text}") };
        assert!(evaluation >= 0.02 && seconds >= evaluation + 0.02, "{text}");
    }

    #[test]
    fn a_run_killed_in_any_byte_of_a_line_and_resumed_has_each_epoch_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timing.csv");
        log(&path, 0, 4);
        let whole = fs::read_to_string(&path).unwrap();
        let kept: usize = whole.split_inclusive('\n').take(3).map(str::len).sum();
        for end in kept..=whole.len() {
            fs::write(&path, &whole.as_bytes()[..end]).unwrap();
            log(&path, 2, 4);
            assert_eq!(epochs(&path), [1, 2, 3, 4], "killed after {end} bytes");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with(&whole[..kept]) && text.lines().count() == 5, "{text}");
        }
        log(&path, 0, 1);
        assert_eq!(epochs(&path), [1], "a run that starts anew");
    }

    #[test]
    fn the_share_of_waiting_is_weighted_by_time_and_a_reading_shared_by_steps_counts_once() {
        let begin = Instant::now();
        let mut lap = Lap::new(begin);
        assert!(lap.data_wait().abs() < 1e-12, "no step yet");
        lap.step(begin + Duration::from_secs(1), 0.5);
        lap.step(begin + Duration::from_secs(1), 0.5);
        lap.step(begin + Duration::from_secs(4), 0.1);
        // Half a second of the first, and 0.3 of the next three.
        assert!((lap.data_wait() - 0.2).abs() < 1e-12);
    }
}
