//! Progress of a run on the terminal, or in a log.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use selfsame_models::Method;

use crate::{Callback, CallbackError, RunView};

/// Time between two lines outside a terminal.
const INTERVAL: Duration = Duration::from_secs(10);

/// Share of time spent waiting for data above which the line says so.
const NOTABLE_WAIT: f64 = 0.05;

/// Progress of a run, on the terminal or in a log.
///
/// The line shows the loss, the learning rate, and the speed in samples per second; the share of
/// time spent waiting for data if it is above 5 %; the spread of the embedding, and the newest kNN
/// accuracy, if they are measured.
///
/// On a terminal the line is a bar that is redrawn. Elsewhere (a log, CI) it is written to standard
/// error, at the end of an epoch if ten seconds have passed since the last line, and at the end of
/// the run. Warnings of the run are written there too. When nothing reads them any more,
/// or the disk behind them is full, the run goes on.
#[derive(Debug)]
pub struct Progress {
    title: String,
    bar: ProgressBar,
    newest: Option<Newest>,
}

/// The newest line outside a terminal, at first the start of the run.
#[derive(Clone, Copy, Debug)]
struct Newest {
    time: Instant,
    step: u64,
}

impl Progress {
    /// Creates a bar with a title, such as the method's name.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), bar: ProgressBar::hidden(), newest: None }
    }

    /// Returns the line to write at the time `now`, if one is due.
    fn line<M: Method>(
        &mut self,
        run: &RunView<'_, M>,
        now: Instant,
        at_end: bool,
    ) -> Option<String> {
        let newest = self.newest.as_mut()?;
        let is_due = at_end || now.duration_since(newest.time) >= INTERVAL;
        if !is_due || newest.step == run.clock.step {
            return None;
        }
        *newest = Newest { time: now, step: run.clock.step };
        let loss = run.history().last("loss").unwrap_or(run.metrics.loss);
        let (done, epochs) = (run.clock.epoch(), run.clock.epochs);
        Some(format!("{} epoch {done}/{epochs} · {}", self.title, summary(run, loss)))
    }

    fn write<M: Method>(&mut self, run: &RunView<'_, M>, at_end: bool) {
        if self.bar.is_hidden()
            && let Some(line) = self.line(run, Instant::now(), at_end)
        {
            say(&line);
        }
    }
}

/// Writes a line to standard error; one that nobody can read any more costs the run nothing.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Returns the text of a line; shares and accuracies are percentages.
fn summary<M: Method>(run: &RunView<'_, M>, loss: f64) -> String {
    let metrics = run.metrics;
    let mut text = format!(
        "loss {loss:.4} · lr {:.4} · {:.0} samples/s",
        metrics.learning_rate, metrics.samples_per_second
    );
    // Writing to a string cannot fail.
    if metrics.data_wait > NOTABLE_WAIT {
        let _ = write!(text, " · waits {:.0} %", 100.0 * metrics.data_wait);
    }
    if let (Some(std), Some(uniform)) = (metrics.embedding_std, metrics.uniform_std) {
        let _ = write!(text, " · std {std:.3} of {uniform:.3}");
    }
    if let Some(knn) = run.history().last("knn") {
        let _ = write!(text, " · kNN {:.1} %", 100.0 * knn);
    }
    text
}

impl<M: Method> Callback<M> for Progress {
    fn on_start(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let style = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} {eta} {wide_msg}");
        self.bar = ProgressBar::new(run.clock.total_steps()).with_prefix(self.title.clone());
        if let Ok(style) = style {
            self.bar.set_style(style);
        }
        self.bar.set_position(run.clock.step);
        self.bar.reset_eta();
        self.newest = Some(Newest { time: Instant::now(), step: run.clock.step });
        Ok(())
    }

    fn on_step_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        self.bar.set_position(run.clock.step);
        self.bar.set_message(summary(run, run.metrics.loss));
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        self.write(run, false);
        Ok(())
    }

    fn on_warning(&mut self, warning: &str) {
        self.bar.suspend(|| say(&format!("warning: {warning}")));
    }

    fn on_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        self.write(run, true);
        self.bar.abandon();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_run::TestRun;
    use selfsame_models::{Classifier, ResNet};

    /// Returns the lines of a run whose epochs take `epoch_takes`, each with its epoch.
    fn lines(epochs: u64, epoch_takes: Duration, stopped_after: u64) -> Vec<(u64, String)> {
        let mut run = TestRun::new();
        run.clock.epochs = epochs;
        let start = Instant::now();
        let mut progress = Progress::new("test");
        progress.newest = Some(Newest { time: start, step: 0 });
        let (mut now, mut written) = (start, Vec::new());
        for epoch in 1..=stopped_after + 1 {
            let at_end = epoch > stopped_after; // after the last epoch the run ends at once
            run.clock.step = epoch.min(stopped_after) * run.clock.steps_per_epoch;
            if !at_end {
                now += epoch_takes;
            }
            let line = progress.line(&run.view(), now, at_end);
            written.extend(line.map(|line| (run.clock.epoch(), line)));
        }
        written
    }

    fn epochs(lines: &[(u64, String)]) -> Vec<u64> {
        lines.iter().map(|(epoch, _)| *epoch).collect()
    }

    #[test]
    fn short_epochs_share_a_line_every_ten_seconds_and_the_end_has_its_own() {
        let lines = lines(1_250, Duration::from_millis(20), 1_250);
        assert_eq!(epochs(&lines), [500, 1_000, 1_250]);
        assert!(lines[2].1.starts_with("test epoch 1250/1250 · loss "), "{}", lines[2].1);
    }

    #[test]
    fn long_epochs_have_a_line_each_and_the_last_is_not_repeated() {
        assert_eq!(epochs(&lines(3, Duration::from_mins(1), 3)), [1, 2, 3]);
    }

    #[test]
    fn a_run_that_is_stopped_or_has_nothing_to_do_says_so_once_or_not_at_all() {
        assert_eq!(epochs(&lines(9, Duration::from_secs(4), 4)), [3, 4]);
        assert_eq!(epochs(&lines(9, Duration::from_secs(4), 0)), [0; 0]);
    }

    /// Is not a test: it is the process of the other.
    #[test]
    #[ignore = "the process whose standard error is full"]
    fn child() {
        let (mut run, mut progress) = (TestRun::new(), Progress::new("test"));
        progress.on_start(&mut run.view()).unwrap();
        run.end_epoch(&[("loss", 1.0)]);
        Callback::<Classifier<ResNet>>::on_warning(&mut progress, "a log is full");
        progress.on_end(&mut run.view()).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn lines_that_nobody_can_read_any_more_do_not_end_the_run() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["progress::tests::child", "--exact", "--ignored", "--nocapture"])
            .stderr(full)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }

    #[test]
    fn a_line_shows_what_is_measured_and_waiting_above_a_twentieth() {
        let mut run = TestRun::new();
        run.metrics.learning_rate = 0.03;
        run.metrics.samples_per_second = 1_234.4;
        run.metrics.data_wait = 0.05;
        let short = "loss 1.2500 · lr 0.0300 · 1234 samples/s";
        assert_eq!(summary(&run.view(), 1.25), short);
        run.metrics.data_wait = 0.123;
        run.metrics.embedding_std = Some(0.1);
        run.metrics.uniform_std = Some(0.125);
        run.end_epoch(&[("knn", 0.5)]);
        let long = format!("{short} · waits 12 % · std 0.100 of 0.125 · kNN 50.0 %");
        assert_eq!(summary(&run.view(), 1.25), long);
    }
}
