//! The trait of samplers, and the order of an epoch.

mod balanced;
mod examples_per_class;
mod sharded;
mod shuffle;
mod shuffled;
mod single_shot;
mod weighted;
mod with_replacement;

pub use balanced::{Balanced, BalancedConfig, WarmUp};
pub use examples_per_class::examples_per_class;
pub use sharded::Sharded;
pub use shuffled::Shuffled;
pub use single_shot::SingleShot;
pub use weighted::Weighted;
pub use with_replacement::WithReplacement;

use crate::SamplerError;

/// Draws the samples of every batch of every epoch, as indices into a data set.
///
/// An epoch must depend only on its number and the sampler's settings, and all epochs must have the
/// same number of batches.
///
/// # Example
/// ```
/// use selfsame_samplers::{EpochOrder, Sampler};
///
/// struct InOrder;
///
/// impl Sampler for InOrder {
///     fn samples(&self) -> usize {
///         10
///     }
///     fn batch_size(&self) -> usize {
///         4
///     }
///     fn batches_per_epoch(&self) -> usize {
///         3
///     }
///     fn epoch(&self, _epoch: u64) -> EpochOrder {
///         EpochOrder::new((0..10).collect(), 4)
///     }
/// }
/// assert_eq!(InOrder.batch(7, 2), [8, 9]);
/// ```
pub trait Sampler: Send + Sync {
    /// Returns the number of samples to draw from; every index is below it.
    fn samples(&self) -> usize;

    /// Returns the samples in a batch; the last batch of an epoch may have fewer.
    fn batch_size(&self) -> usize;

    /// Returns the batches in an epoch, 1 or more.
    fn batches_per_epoch(&self) -> usize;

    /// Returns the samples of an epoch, batch by batch.
    fn epoch(&self, epoch: u64) -> EpochOrder;

    /// Returns the samples of one batch of an epoch.
    ///
    /// # Panics
    /// If there is no such batch.
    fn batch(&self, epoch: u64, batch: usize) -> Vec<usize> {
        self.epoch(epoch).batch(batch).to_vec()
    }

    /// Returns the class of a sample in a batch; `own` is its class in the data set, the default.
    fn label(&self, _index: usize, own: Option<usize>) -> Option<usize> {
        own
    }
}

impl<S: Sampler + ?Sized> Sampler for std::sync::Arc<S> {
    fn samples(&self) -> usize {
        (**self).samples()
    }

    fn batch_size(&self) -> usize {
        (**self).batch_size()
    }

    fn batches_per_epoch(&self) -> usize {
        (**self).batches_per_epoch()
    }

    fn epoch(&self, epoch: u64) -> EpochOrder {
        (**self).epoch(epoch)
    }

    fn label(&self, index: usize, own: Option<usize>) -> Option<usize> {
        (**self).label(index, own)
    }
}

/// The samples of an epoch, batch by batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochOrder {
    indices: Vec<usize>,
    /// The number of times each sample was drawn before in this epoch.
    repeats: Vec<u32>,
    batch_size: usize,
}

impl EpochOrder {
    /// Cuts `indices` into batches of `batch_size`; the last has the rest.
    ///
    /// # Panics
    /// If `batch_size` is 0.
    #[must_use]
    #[track_caller]
    pub fn new(indices: Vec<usize>, batch_size: usize) -> Self {
        assert!(batch_size > 0, "`batch_size` must be 1 or more");
        let mut seen = vec![0_u32; indices.iter().max().map_or(0, |largest| largest + 1)];
        let count = |&index: &usize| {
            seen[index] += 1;
            seen[index] - 1
        };
        let repeats = indices.iter().map(count).collect();
        Self { indices, repeats, batch_size }
    }

    /// Returns the number of batches.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.indices.len().div_ceil(self.batch_size)
    }

    /// Returns the samples of a batch.
    ///
    /// # Panics
    /// If there is no such batch.
    #[must_use]
    #[track_caller]
    pub fn batch(&self, batch: usize) -> &[usize] {
        &self.indices[self.place(batch)]
    }

    /// Returns the number of times each sample of a batch was drawn before in the epoch.
    #[track_caller]
    pub(crate) fn repeats(&self, batch: usize) -> &[u32] {
        &self.repeats[self.place(batch)]
    }

    #[track_caller]
    fn place(&self, batch: usize) -> std::ops::Range<usize> {
        let (start, end) = (batch * self.batch_size, self.indices.len());
        assert!(start < end, "there is no batch {batch} among {}", self.batches());
        start..end.min(start + self.batch_size)
    }
}

/// Returns an error that names the first setting that is 0.
fn positive(settings: &[(&'static str, usize)]) -> Result<(), SamplerError> {
    match settings.iter().find(|(_, value)| *value == 0) {
        Some(&(field, _)) => Err(SamplerError::Zero { field }),
        None => Ok(()),
    }
}
