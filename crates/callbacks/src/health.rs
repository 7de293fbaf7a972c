//! Health of the embedding while a method trains.

use selfsame_metrics::rankme;
use selfsame_models::Method;

use crate::{Callback, CallbackError, RunView};

/// Reports the effective rank of the embedding as `rankme` at the end of every epoch.
///
/// The figure says how many directions the embedding of the last batch uses: from 1 (all samples
/// in one direction) to `min(batch, dim)` (all directions alike); higher is better. A healthy run
/// rises from its start and then holds its level, far above 1. A figure that falls back, or stays
/// at a few while `dim` is hundreds, means that the embedding has collapsed to few dimensions,
/// which `embedding_std` and the loss do not always show. Compare it only between runs with the
/// same batch size and `dim`, since both bound it.
///
/// Nothing is reported in an epoch whose last step has no embedding, fewer than 2 rows, or only
/// zeros, which have no rank. [`CollapseAlarm`](crate::CollapseAlarm) is what stops a run.
///
/// # Errors
/// The callback fails, and ends the run, if the figure cannot be computed.
///
/// # Source
/// Garrido et al., 2023, [arXiv:2210.02885](https://arxiv.org/abs/2210.02885), eq. 1.
/// Deviation: the rows are those of one augmented batch; the paper takes 25,600 samples.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_callbacks::{Callback, EpochRecord, Health, History, RunView, StepMetrics};
/// use selfsame_metrics::Features;
/// use selfsame_models::{Classifier, Clock, ResNetConfig};
///
/// let device = Device::flex();
/// let sizes = ResNetConfig { blocks: vec![1], channels: 1, ..ResNetConfig::resnet10(1) };
/// let encoder = sizes.init(0, &device);
/// let (method, clock) = (Classifier::new(encoder, 2, 0, &device), Clock::default());
/// let (metrics, mut stop) = (StepMetrics::default(), None);
/// let mut history = History(vec![EpochRecord { epoch: 1, ..EpochRecord::default() }]);
/// let embedding = Features::new(2, vec![1.0, 0.0, 0.0, 1.0])?; // two directions
/// let mut run = RunView::new(clock, &metrics, &method, &mut history, &mut stop)
///     .with_embedding(Some(&embedding));
/// Health.on_epoch_end(&mut run)?;
/// assert!((history.last("rankme").unwrap() - 2.0).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health;

impl<M: Method> Callback<M> for Health {
    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let Some(embedding) = run.embedding else { return Ok(()) };
        let is_zero = embedding.as_slice().iter().all(|value| *value == 0.0);
        if embedding.rows() >= 2 && !is_zero {
            let rank = rankme(embedding)?;
            run.report("rankme", rank);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use selfsame_metrics::Features;

    use super::*;
    use crate::test_run::TestRun;

    /// Returns the figure of an epoch whose last step has this embedding.
    fn reported(embedding: Option<&Features>) -> Option<f64> {
        let mut run = TestRun::with_series("loss", &[1.0]);
        Health.on_epoch_end(&mut run.view().with_embedding(embedding)).unwrap();
        run.history.last("rankme")
    }

    #[test]
    fn rows_of_two_directions_have_rank_two_and_rows_of_one_have_rank_one() {
        for dim in [2, 3, 5] {
            let mut data = vec![0.0; 3 * dim];
            (data[0], data[dim + 1]) = (2.0, 2.0); // and a row of zeros
            let two = Features::new(dim, data).unwrap();
            assert!((reported(Some(&two)).unwrap() - 2.0).abs() < 1e-9, "{dim} dimensions");
            let one = Features::new(dim, vec![0.5; 3 * dim]).unwrap();
            assert!((reported(Some(&one)).unwrap() - 1.0).abs() < 1e-5, "{dim} dimensions");
        }
    }

    #[test]
    fn an_embedding_without_a_rank_is_not_reported() {
        assert_eq!(reported(None), None);
        assert_eq!(reported(Some(&Features::new(2, vec![1.0, 2.0]).unwrap())), None);
        assert_eq!(reported(Some(&Features::new(2, vec![0.0; 6]).unwrap())), None);
    }
}
