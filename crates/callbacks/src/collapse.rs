//! An alarm for encoders that map all images to one point.

use selfsame_models::Method;

use crate::{Callback, CallbackError, RunView};

/// Stops a run whose embeddings have collapsed.
///
/// An epoch is collapsed if its mean `embedding_std` is below `share` of `uniform_std`, `1/√dim`. A
/// run whose embeddings are only narrow at its start recovers within an epoch or two, so the alarm
/// waits for `patience` collapsed epochs in a row.
///
/// # Source
/// The figure is that of Chen & He, 2021, [arXiv:2011.10566](https://arxiv.org/abs/2011.10566),
/// section 4.1; share and patience are ours.
///
/// # Example
/// ```
/// use selfsame_callbacks::CollapseAlarm;
///
/// assert_eq!(CollapseAlarm::default(), CollapseAlarm { share: 0.1, patience: 3 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollapseAlarm {
    /// Share of `uniform_std` below which an epoch counts as collapsed. Default 0.1.
    pub share: f64,
    /// Collapsed epochs in a row that end the run. Default 3.
    pub patience: usize,
}

impl Default for CollapseAlarm {
    fn default() -> Self {
        Self { share: 0.1, patience: 3 }
    }
}

impl<M: Method> Callback<M> for CollapseAlarm {
    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let healthy = run.metrics.uniform_std;
        let epochs = run.history().series("embedding_std");
        let recent = &epochs[epochs.len().saturating_sub(self.patience)..];
        let collapsed = recent.len() == self.patience
            && recent.iter().all(|(_, std)| *std < self.share * healthy);
        if collapsed {
            run.stop(format!(
                "the embeddings have collapsed: their standard deviation is {:.5} where \
                 {healthy:.5} is healthy; lower the learning rate, or check what keeps the method from \
                 collapsing (its temperature, the weights of its terms, its predictor)",
                run.history().last("embedding_std").unwrap_or_default()
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EpochRecord, History, StepMetrics, StopReason};
    use burn::tensor::Device;
    use selfsame_models::{Classifier, Clock, ResNetConfig};

    /// Whether the alarm stops a run whose epochs had these deviations, where 0.25 is healthy.
    fn stopped(deviations: &[f64]) -> Option<StopReason> {
        let device = Device::flex();
        let encoder = ResNetConfig { blocks: vec![1], width: 1, channels: 1 }.init(&device);
        let method = Classifier::new(encoder, 16, &device);
        let clock = Clock { step: deviations.len() as u64, steps_per_epoch: 1, epochs: 9 };
        let metrics = StepMetrics { uniform_std: 0.25, ..StepMetrics::default() };
        let epoch = |(index, std): (usize, &f64)| EpochRecord {
            epoch: index as u64 + 1,
            metrics: [("embedding_std".to_owned(), *std)].into(),
        };
        let mut history = History(deviations.iter().enumerate().map(epoch).collect());
        let mut stop = None;
        let mut run = RunView::new(clock, metrics, &method, &mut history, &mut stop);
        CollapseAlarm::default().on_epoch_end(&mut run).unwrap();
        stop
    }

    #[test]
    fn three_collapsed_epochs_in_a_row_end_the_run_and_two_do_not() {
        assert_eq!(stopped(&[0.2, 0.02, 0.02]), None);
        assert_eq!(stopped(&[0.02, 0.2, 0.02]), None);
        let Some(StopReason::Callback(why)) = stopped(&[0.2, 0.02, 0.02, 0.01]) else {
            panic!("a collapsed run continues")
        };
        assert!(why.contains("0.01000") && why.contains("0.25000"), "{why}");
    }
}
