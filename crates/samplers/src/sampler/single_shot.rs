//! Every picture its own class.

use super::{EpochOrder, Sampler};

/// The batches of another sampler, each picture its own class: the label is the picture's index.
///
/// For losses with labels on pictures without: the views of a picture are positives of one another
/// and of nothing else.
///
/// # Example
/// ```
/// use selfsame_samplers::{Sampler, Shuffled, SingleShot};
///
/// let sampler = SingleShot(Shuffled::new(10, 4, 0)?);
/// assert_eq!(sampler.label(7, None), Some(7));
/// # Ok::<(), selfsame_samplers::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleShot<S>(pub S);

impl<S: Sampler> Sampler for SingleShot<S> {
    fn pictures(&self) -> usize {
        self.0.pictures()
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
