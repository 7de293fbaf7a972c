//! Every image its own class.

use super::{EpochOrder, Sampler};

/// The batches of another sampler, each image its own class: the label is the image's index.
///
/// For losses with labels on images without: the views of an image are positives of one another
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
    fn images(&self) -> usize {
        self.0.images()
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
