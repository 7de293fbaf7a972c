//! The error of a figure that nothing measures.

use std::collections::BTreeSet;

use crate::History;

/// The error of a callback that waits for a figure that no epoch has.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_callbacks::{
///     Callback, EarlyStopping, EpochRecord, History, MissingMetric, RunView, StepMetrics,
/// };
/// use selfsame_models::{Classifier, Clock, ResNetConfig};
///
/// let device = Device::flex();
/// let sizes = ResNetConfig { blocks: vec![1], channels: 1, ..ResNetConfig::resnet10(1) };
/// let encoder = sizes.init(0, &device);
/// let (method, clock) = (Classifier::new(encoder, 2, 0, &device), Clock::default());
/// let epoch = EpochRecord { epoch: 1, metrics: [("loss".to_owned(), 0.5)].into() };
/// let (mut history, metrics, mut stop) = (History(vec![epoch]), StepMetrics::default(), None);
/// let mut run = RunView::new(clock, &metrics, &method, &mut history, &mut stop);
/// let error = EarlyStopping::highest("knn", 5).on_epoch_end(&mut run).unwrap_err();
/// let error = error.downcast_ref::<MissingMetric>().unwrap();
/// assert!(error.to_string().starts_with("no figure is named `knn`; there are `loss`;"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no figure is named `{metric}`; there are `{}`; a callback that reports it must be added \
     before the one that waits for it",
    measured.join("`, `")
)]
#[non_exhaustive]
pub struct MissingMetric {
    /// The name that was asked for.
    pub metric: String,
    /// The names that were measured, sorted.
    pub measured: Vec<String>,
}

impl MissingMetric {
    /// Checks that some epoch has `metric`; a history in which nothing was measured passes.
    ///
    /// # Errors
    /// If other figures were measured, and this one was not.
    pub(crate) fn check(metric: &str, history: &History) -> Result<(), Self> {
        let measured: BTreeSet<&String> =
            history.0.iter().flat_map(|epoch| epoch.metrics.keys()).collect();
        if measured.is_empty() || measured.iter().any(|name| name.as_str() == metric) {
            return Ok(());
        }
        let measured = measured.into_iter().cloned().collect();
        Err(Self { metric: metric.to_owned(), measured })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_run::TestRun;

    #[test]
    fn a_figure_of_any_epoch_is_there_and_one_of_none_is_named_with_the_others() {
        let mut run = TestRun::new();
        assert_eq!(MissingMetric::check("knn", &run.history), Ok(()));
        run.end_epoch(&[("loss", 2.0), ("knn", 0.5)]);
        run.end_epoch(&[("loss", 1.0)]);
        assert_eq!(MissingMetric::check("knn", &run.history), Ok(()));
        let error = MissingMetric::check("kNN", &run.history).unwrap_err();
        assert_eq!(error.measured, ["knn", "loss"]);
    }
}
