//! Noticing that all images have become one to the encoder.

use selfsame_models::Method;

use crate::{Callback, RunView, TrainError};

/// Stops a run whose embeddings have collapsed.
///
/// Collapsed means: over whole epochs, the mean `std` stayed below `share` of the healthy
/// `1/√dim`. A run that only starts narrow recovers within an epoch or two, so `patience` epochs in
/// a row are asked for.
///
/// # Source
/// The figure is that of Chen & He, 2021, [arXiv:2011.10566](https://arxiv.org/abs/2011.10566),
/// section 4.1; share and patience are ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollapseAlarm {
    /// Share of the healthy deviation below which an epoch counts as collapsed. Default 0.1.
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
    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), TrainError> {
        let healthy = selfsame_metrics::uniform_std(run.metrics.dim);
        let epochs = run.history().series("embedding_std");
        let recent = &epochs[epochs.len().saturating_sub(self.patience)..];
        let collapsed = recent.len() == self.patience
            && recent.iter().all(|(_, std)| *std < self.share * healthy);
        if collapsed {
            run.stop(format!(
                "the embeddings have collapsed: their standard deviation is {:.5} where {healthy:.5} \
                 is healthy; lower the learning rate, or use a method with negatives",
                run.history().last("embedding_std").unwrap_or_default()
            ));
        }
        Ok(())
    }
}
