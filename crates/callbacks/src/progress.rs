//! Progress of a run on the terminal, or in a log.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use selfsame_models::Method;

use crate::{Callback, CallbackError, RunView};

/// Time between two lines outside a terminal.
const INTERVAL: Duration = Duration::from_secs(10);

/// Progress of a run, on the terminal or in a log.
///
/// The line shows the loss, the learning rate, the speed, the spread of the embedding, and the
/// newest kNN accuracy if it is measured.
///
/// On a terminal the line is a bar that is redrawn. Elsewhere (a log, CI) it is written to standard
/// error, at the end of an epoch if ten seconds have passed since the last line, and at the end of
/// the run.
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
            eprintln!("{line}");
        }
    }
}

/// Returns the text of a line, with `knn` as a percentage where it was measured.
fn summary<M: Method>(run: &RunView<'_, M>, loss: f64) -> String {
    let knn = run
        .history()
        .last("knn")
        .map_or_else(String::new, |knn| format!(" · kNN {:.1} %", 100.0 * knn));
    let metrics = run.metrics;
    format!(
        "loss {loss:.4} · lr {:.4} · {:.0} images/s · std {:.3} of {:.3}{knn}",
        metrics.learning_rate,
        metrics.images_per_second,
        metrics.embedding_std,
        metrics.uniform_std
    )
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

    fn on_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        self.write(run, true);
        self.bar.abandon();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{History, StepMetrics};
    use burn::tensor::Device;
    use selfsame_models::{Classifier, Clock, ResNetConfig};

    const STEPS: u64 = 2;

    /// Returns the lines of a run whose epochs take `epoch_takes`, each with its epoch.
    fn lines(epochs: u64, epoch_takes: Duration, stopped_after: u64) -> Vec<(u64, String)> {
        let device = Device::flex();
        let encoder = ResNetConfig { blocks: vec![1], width: 1, channels: 1 }.init(&device);
        let method = Classifier::new(encoder, 2, &device);
        let (mut history, mut reason) = (History::default(), None);
        let start = Instant::now();
        let mut progress = Progress::new("test");
        progress.newest = Some(Newest { time: start, step: 0 });
        let (mut now, mut written) = (start, Vec::new());
        for epoch in 1..=stopped_after + 1 {
            let at_end = epoch > stopped_after; // after the last epoch the run ends at once
            let step = epoch.min(stopped_after) * STEPS;
            let clock = Clock { step, steps_per_epoch: STEPS, epochs };
            if !at_end {
                now += epoch_takes;
            }
            let metrics = StepMetrics::default();
            let run = RunView::new(clock, metrics, &method, &mut history, &mut reason);
            written.extend(progress.line(&run, now, at_end).map(|line| (clock.epoch(), line)));
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
}
