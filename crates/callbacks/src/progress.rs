//! A progress bar in the terminal.

use indicatif::{ProgressBar, ProgressStyle};
use selfsame_models::Method;

use crate::{Callback, RunView, TrainError};

/// Shows the run's place, loss, rate, speed, collapse figure and the newest kNN accuracy.
///
/// On a terminal, a bar that is redrawn; elsewhere (a log, CI), one line per epoch on the standard
/// error.
#[derive(Debug)]
pub struct Progress {
    title: String,
    bar: ProgressBar,
}

impl Progress {
    /// A bar with a title, such as the method's name.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), bar: ProgressBar::hidden() }
    }
}

/// `knn` is shown as a percentage where it was measured.
fn summary<M: Method>(run: &RunView<'_, M>, loss: f64) -> String {
    let knn = run
        .history()
        .last("knn")
        .map_or_else(String::new, |knn| format!(" · kNN {:.1} %", 100.0 * knn));
    let numbers = run.metrics;
    let healthy = selfsame_metrics::uniform_std(numbers.dim.max(1));
    format!(
        "loss {loss:.4} · lr {:.4} · {:.0} images/s · std {:.3} of {healthy:.3}{knn}",
        numbers.learning_rate, numbers.images_per_second, numbers.embedding_std
    )
}

impl<M: Method> Callback<M> for Progress {
    fn on_start(&mut self, run: &mut RunView<'_, M>) -> Result<(), TrainError> {
        let style = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} {eta} {wide_msg}");
        self.bar = ProgressBar::new(run.clock.total_steps()).with_prefix(self.title.clone());
        if let Ok(style) = style {
            self.bar.set_style(style);
        }
        self.bar.set_position(run.clock.step);
        self.bar.reset_eta();
        Ok(())
    }

    fn on_step_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), TrainError> {
        self.bar.set_position(run.clock.step);
        self.bar.set_message(summary(run, run.metrics.loss));
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), TrainError> {
        if self.bar.is_hidden() {
            let (done, epochs) = (run.clock.step / run.clock.steps_per_epoch, run.clock.epochs);
            let loss = run.history().last("loss").unwrap_or(run.metrics.loss);
            eprintln!("{} epoch {done}/{epochs} · {}", self.title, summary(run, loss));
        }
        Ok(())
    }

    fn on_end(&mut self, _run: &mut RunView<'_, M>) -> Result<(), TrainError> {
        self.bar.abandon();
        Ok(())
    }
}
