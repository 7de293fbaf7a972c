//! Stopping a run that is not as good as it must be by an epoch.

use selfsame_models::Method;

use crate::four_digits::four_digits;
use crate::{Callback, CallbackError, Direction, History, MissingMetric, RunView};

/// Stops a run whose figure is not reached by the end of an epoch, to spare the rest of its time.
///
/// One epoch up to `by_epoch` with a value of `at` or better is enough. The decision comes from the
/// run's history alone, so it is the same after a resumption, and a run that was stopped so and is
/// resumed stops again before its next step.
///
/// A figure that another callback reports must be measured before this callback asks: add that one
/// first. The end of an epoch at which the figure is in no epoch so far is an error, a
/// [`MissingMetric`], that names the figures that are. If the figure was measured only after
/// `by_epoch`, because its callback was added late, nothing happens.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_callbacks::{
///     Callback, EpochRecord, History, Milestone, RunView, StepMetrics, StopReason,
/// };
/// use selfsame_models::{Classifier, Clock, ResNetConfig};
///
/// let device = Device::flex();
/// let sizes = ResNetConfig { blocks: vec![1], channels: 1, ..ResNetConfig::resnet10(1) };
/// let encoder = sizes.init(0, &device);
/// let (method, clock) = (Classifier::new(encoder, 2, 0, &device), Clock::default());
/// let epoch = EpochRecord { epoch: 5, metrics: [("knn".to_owned(), 0.21)].into() };
/// let (mut history, mut stop) = (History(vec![epoch]), None);
/// let metrics = StepMetrics::default();
/// let mut run = RunView::new(clock, &metrics, &method, &mut history, &mut stop);
/// Milestone::at_least("knn", 0.3, 5).on_epoch_end(&mut run)?;
/// let why = "knn is 0.21 after epoch 5, and 0.3 was wanted by then";
/// assert_eq!(stop, Some(StopReason::Callback(why.to_owned())));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Milestone {
    /// Name of the figure in the history, such as `loss`, or `knn` of the online kNN.
    pub metric: String,
    /// The value to reach, in the unit of the figure.
    pub at: f64,
    /// Which values are better.
    pub direction: Direction,
    /// The epoch by whose end the value must be reached, counted from 1.
    pub by_epoch: u64,
}

impl Milestone {
    /// Demands a value of at least `at`, as of an accuracy.
    #[must_use]
    pub fn at_least(metric: impl Into<String>, at: f64, by_epoch: u64) -> Self {
        Self { metric: metric.into(), at, direction: Direction::Higher, by_epoch }
    }

    /// Demands a value of at most `at`, as of a loss.
    #[must_use]
    pub fn at_most(metric: impl Into<String>, at: f64, by_epoch: u64) -> Self {
        Self { metric: metric.into(), at, direction: Direction::Lower, by_epoch }
    }

    /// Returns why the run ends, if its history calls for it.
    fn verdict(&self, history: &History) -> Option<String> {
        if history.0.last()?.epoch < self.by_epoch {
            return None;
        }
        let mut in_time = history.series(&self.metric);
        in_time.retain(|(epoch, _)| *epoch <= self.by_epoch as f64);
        let (_, newest) = *in_time.last()?;
        let is_reached = |value: f64| !value.is_nan() && !self.direction.is_better(self.at, value);
        let reached = in_time.iter().any(|(_, value)| is_reached(*value));
        (!reached).then(|| {
            format!(
                "{} is {} after epoch {}, and {} was wanted by then",
                self.metric,
                four_digits(newest),
                self.by_epoch,
                self.at
            )
        })
    }
}

impl<M: Method> Callback<M> for Milestone {
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

    /// Returns the explanation with which a milestone stops a run with these values, or nothing.
    fn why(mut milestone: Milestone, values: &[f64]) -> String {
        let mut run = TestRun::with_series(&milestone.metric, values);
        milestone.on_epoch_end(&mut run.view()).unwrap();
        let at_end = run.why().to_owned();
        run.stop = None;
        milestone.on_start(&mut run.view()).unwrap();
        assert_eq!(run.why(), at_end, "a resumed run decides the same");
        at_end
    }

    #[test]
    fn a_figure_that_is_not_reached_in_time_ends_the_run_and_says_both_values() {
        let knn = || Milestone::at_least("knn", 0.5, 3);
        assert_eq!(why(knn(), &[0.1, 0.2]), "", "there is an epoch left");
        let missed = "knn is 0.25 after epoch 3, and 0.5 was wanted by then";
        assert_eq!(why(knn(), &[0.1, 0.2, 0.25]), missed);
        assert_eq!(why(knn(), &[0.1, 0.2, 0.25, 0.9]), missed, "too late");
        assert_eq!(why(knn(), &[0.1, 0.2, 0.5]), "", "equal is enough");
        assert_eq!(why(knn(), &[0.1, 0.6, 0.25]), "", "an earlier epoch is enough");
        assert!(why(knn(), &[0.1, 0.2, f64::NAN]).starts_with("knn is NaN"));
    }

    #[test]
    fn a_loss_must_be_low_enough() {
        let loss = || Milestone::at_most("loss", 1.0, 2);
        assert_eq!(why(loss(), &[3.0, 0.5]), "");
        assert_eq!(why(loss(), &[3.0, 2.0]), "loss is 2 after epoch 2, and 1 was wanted by then");
    }

    #[test]
    fn a_figure_that_nothing_measures_is_an_error_long_before_its_epoch() {
        let mut milestone = Milestone::at_least("knn", 0.5, 9);
        milestone.on_start(&mut TestRun::new().view()).unwrap();
        let mut run = TestRun::with_series("loss", &[1.0]);
        let error = milestone.on_epoch_end(&mut run.view()).unwrap_err();
        assert_eq!(error.downcast_ref::<MissingMetric>().unwrap().metric, "knn");
    }

    #[test]
    fn a_figure_first_measured_after_the_epoch_is_not_judged() {
        let mut run = TestRun::with_series("loss", &[1.0, 1.0]);
        run.end_epoch(&[("knn", 0.1)]);
        Milestone::at_least("knn", 0.5, 2).on_epoch_end(&mut run.view()).unwrap();
        assert_eq!(run.stop, None);
    }
}
