//! Every sample its own class.

use super::{EpochOrder, Sampler};

/// The batches of another sampler, in which each sample is its own class: the label is its index.
///
/// Use it for losses that need labels, on data without labels: the views of a sample are positives
/// of each other and of nothing else.
///
/// # Example
/// ```
/// use selfsame_samplers::{Sampler, Shuffled, SingleShot};
///
/// let sampler = SingleShot(Shuffled::new(10, 4, 0)?);
/// assert_eq!(sampler.label(7, None), Some(7));
/// # Ok::<(), selfsame_samplers::SamplerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleShot<S>(pub S);

impl<S: Sampler> Sampler for SingleShot<S> {
    fn samples(&self) -> usize {
        self.0.samples()
    }

    fn batch_size(&self) -> usize {
        self.0.batch_size()
    }

    fn batches_per_epoch(&self) -> usize {
        self.0.batches_per_epoch()
    }

    fn epoch(&self, epoch: u64) -> EpochOrder {
        self.0.epoch(epoch)
    }

    fn label(&self, index: usize, _own: Option<usize>) -> Option<usize> {
        Some(index)
    }
}
