//! Stopping a run that no longer improves.

use selfsame_models::Method;

use crate::four_digits::four_digits;
use crate::{Callback, CallbackError, Direction, History, MissingMetric, RunView};

/// Stops a run whose figure has not improved for `patience` epochs.
///
/// Only epochs in which the figure was measured count. The decision comes from the run's history
/// alone, so a resumed run stops where one that was never stopped does, and a run that was stopped
/// so and is resumed stops again before its next step. To train on, give more patience.
///
/// A figure that another callback reports must be measured before this callback asks: add that one
/// first. The end of an epoch at which the figure is in no epoch so far is an error, a
/// [`MissingMetric`], that names the figures that are.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_callbacks::{Callback, EarlyStopping, EpochRecord, History, RunView, StepMetrics};
/// use selfsame_models::{Classifier, Clock, ResNetConfig};
///
/// let device = Device::flex();
/// let sizes = ResNetConfig { blocks: vec![1], channels: 1, ..ResNetConfig::resnet10(1) };
/// let encoder = sizes.init(0, &device);
/// let (method, clock) = (Classifier::new(encoder, 2, 0, &device), Clock::default());
/// let epoch = |(epoch, knn)| EpochRecord { epoch, metrics: [("knn".to_owned(), knn)].into() };
/// let epochs = [(1, 0.3), (2, 0.5), (3, 0.4), (4, 0.5)].map(epoch);
/// let (mut history, mut stop) = (History(epochs.into()), None);
/// let metrics = StepMetrics::default();
/// let mut run = RunView::new(clock, &metrics, &method, &mut history, &mut stop);
/// EarlyStopping::highest("knn", 2).on_epoch_end(&mut run)?;
/// assert!(stop.is_some(), "two epochs have not been better than the second");
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct EarlyStopping {
    /// Name of the figure in the history, such as `loss`, or `knn` of the online kNN.
    pub metric: String,
    /// Measured epochs in a row without an improvement that end the run; 0 counts as 1.
    pub patience: u64,
    /// The amount by which a value must exceed the best so far to be an improvement, in the unit of
    /// the figure; at least 0. The constructors set 0: any better value is an improvement.
    pub min_delta: f64,
    /// Which values are better.
    pub direction: Direction,
}

impl EarlyStopping {
    /// Waits for ever higher values, as of an accuracy, with a `min_delta` of 0.
    #[must_use]
    pub fn highest(metric: impl Into<String>, patience: u64) -> Self {
        Self { metric: metric.into(), patience, min_delta: 0.0, direction: Direction::Higher }
    }

    /// Waits for ever lower values, as of a loss, with a `min_delta` of 0.
    #[must_use]
    pub fn lowest(metric: impl Into<String>, patience: u64) -> Self {
        Self { direction: Direction::Lower, ..Self::highest(metric, patience) }
    }

    /// Returns why the run ends, if its history calls for it.
    fn verdict(&self, history: &History) -> Option<String> {
        let (mut best, mut best_epoch, mut waited) = (f64::NAN, 0.0, 0);
        for (epoch, value) in history.series(&self.metric) {
            if self.direction.is_better(self.direction.worse(value, self.min_delta), best) {
                (best, best_epoch, waited) = (value, epoch, 0);
            } else {
                waited += 1;
            }
        }
        let (metric, best) = (&self.metric, four_digits(best));
        (waited >= self.patience.max(1)).then(|| {
            if best.is_nan() {
                format!("{metric} has been NaN in every epoch")
            } else {
                format!("{metric} has not improved since epoch {best_epoch}, when it was {best}")
            }
        })
    }
}

impl<M: Method> Callback<M> for EarlyStopping {
    fn on_start(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        if let Some(why) = self.verdict(run.history()) {
            run.stop(why);
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        MissingMetric::check(&self.metric, run.history())?;
        self.on_start(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_run::TestRun;

    /// Returns the epoch after which the callback stops a run with these values, if it does.
    ///
    /// With `resumed`, each epoch has a callback that knows nothing of those before.
    fn stops_after(stopping: &EarlyStopping, values: &[f64], resumed: bool) -> Option<usize> {
        let mut run = TestRun::new();
        let mut callback = stopping.clone();
        for (index, value) in values.iter().enumerate() {
            if resumed {
                callback = stopping.clone();
                callback.on_start(&mut run.view()).unwrap();
            }
            run.end_epoch(&[(stopping.metric.as_str(), *value)]);
            callback.on_epoch_end(&mut run.view()).unwrap();
            if run.stop.is_some() {
                return Some(index + 1);
            }
        }
        None
    }

    #[test]
    fn a_run_ends_after_its_patience_whether_it_was_resumed_or_not() {
        let knn = [0.1, 0.3, 0.2, 0.3, 0.25, 0.4];
        for resumed in [false, true] {
            let stops =
                |patience| stops_after(&EarlyStopping::highest("knn", patience), &knn, resumed);
            assert_eq!([0, 1, 2, 3, 4].map(stops), [Some(3), Some(3), Some(4), Some(5), None]);
            let falling = knn.map(|value| 1.0 - value);
            let lowest = EarlyStopping::lowest("loss", 2);
            assert_eq!(stops_after(&lowest, &falling, resumed), Some(4));
        }
    }

    #[test]
    fn a_gain_of_no_more_than_min_delta_is_none() {
        let knn = [0.25, 0.5, 0.75, 1.0];
        let stopping = |min_delta| EarlyStopping { min_delta, ..EarlyStopping::highest("knn", 2) };
        assert_eq!(stops_after(&stopping(0.125), &knn, false), None);
        // Each value exceeds the one before by 0.25; from 0.25 to 0.75 it is 0.5.
        assert_eq!(stops_after(&stopping(0.25), &knn, false), None);
        assert_eq!(stops_after(&stopping(0.5), &knn, false), Some(3));
    }

    #[test]
    fn nan_is_no_improvement_and_the_first_value_after_it_is() {
        let nan = f64::NAN;
        let highest = EarlyStopping::highest("knn", 2);
        assert_eq!(stops_after(&highest, &[nan, 0.1, nan, 0.2, nan, nan], false), Some(6));
        let mut run = TestRun::with_series("knn", &[nan, nan]);
        EarlyStopping::highest("knn", 2).on_epoch_end(&mut run.view()).unwrap();
        assert_eq!(run.why(), "knn has been NaN in every epoch");
    }

    #[test]
    fn epochs_without_the_figure_do_not_count() {
        let mut run = TestRun::with_series("knn", &[0.5, 0.25]);
        run.end_epoch(&[("loss", 1.0)]);
        EarlyStopping::highest("knn", 2).on_epoch_end(&mut run.view()).unwrap();
        assert_eq!(run.stop, None);
        run.end_epoch(&[("knn", 0.25)]);
        EarlyStopping::highest("knn", 2).on_epoch_end(&mut run.view()).unwrap();
        assert_eq!(run.why(), "knn has not improved since epoch 1, when it was 0.5");
    }

    #[test]
    fn a_stopped_run_that_is_resumed_stops_before_its_next_step() {
        let mut run = TestRun::with_series("knn", &[0.5, 0.25]);
        EarlyStopping::highest("knn", 1).on_start(&mut run.view()).unwrap();
        assert!(run.stop.is_some());
    }

    #[test]
    fn a_figure_that_nothing_measures_is_an_error_at_the_end_of_the_first_epoch() {
        let mut stopping = EarlyStopping::highest("knn", 1);
        stopping.on_start(&mut TestRun::new().view()).unwrap();
        let mut run = TestRun::with_series("loss", &[1.0]);
        let error = stopping.on_epoch_end(&mut run.view()).unwrap_err();
        let error = error.downcast_ref::<MissingMetric>().unwrap();
        assert_eq!(error.metric, "knn");
        assert_eq!(error.measured, ["loss"]);
    }
}
