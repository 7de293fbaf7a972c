//! A run to test callbacks with.

use burn::tensor::Device;
use selfsame_models::{Classifier, Clock, ResNet, ResNetConfig};

use crate::{EpochRecord, History, RunView, StepMetrics, StopReason};

/// A run of a tiny method, whose clock and figures a test sets.
pub(crate) struct TestRun {
    pub(crate) method: Classifier<ResNet>,
    pub(crate) clock: Clock,
    pub(crate) metrics: StepMetrics,
    pub(crate) history: History,
    pub(crate) stop: Option<StopReason>,
}

impl TestRun {
    /// Starts a run of nine epochs of two steps.
    pub(crate) fn new() -> Self {
        let device = Device::flex();
        let sizes = ResNetConfig { blocks: vec![1], channels: 1, ..ResNetConfig::resnet10(1) };
        let encoder = sizes.init(0, &device);
        Self {
            method: Classifier::new(encoder, 2, 0, &device),
            clock: Clock { steps_per_epoch: 2, epochs: 9, ..Clock::default() },
            metrics: StepMetrics::default(),
            history: History::default(),
            stop: None,
        }
    }

    /// Returns a run after one epoch for each of `values`, the values of `metric`.
    pub(crate) fn with_series(metric: &str, values: &[f64]) -> Self {
        let mut run = Self::new();
        for value in values {
            run.end_epoch(&[(metric, *value)]);
        }
        run
    }

    /// Ends an epoch with these figures.
    pub(crate) fn end_epoch(&mut self, metrics: &[(&str, f64)]) {
        let epoch = self.clock.epoch() + 1;
        self.clock.step = epoch * self.clock.steps_per_epoch;
        let metrics = metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        self.history.0.push(EpochRecord { epoch, metrics });
    }

    /// Returns what a callback sees now.
    pub(crate) fn view(&mut self) -> RunView<'_, Classifier<ResNet>> {
        RunView::new(self.clock, &self.metrics, &self.method, &mut self.history, &mut self.stop)
    }

    /// Returns the explanation of the callback that stopped the run, or an empty text.
    pub(crate) fn why(&self) -> &str {
        match &self.stop {
            Some(StopReason::Callback(why)) => why,
            _ => "",
        }
    }
}
