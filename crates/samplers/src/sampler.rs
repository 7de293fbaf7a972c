//! Which images come in which batch.

mod balanced;
mod random;
mod sharded;
mod shuffled;
mod single_shot;
mod weighted;

use rand_chacha::ChaCha8Rng;
use selfsame_augment::ViewKey;

pub use balanced::{Balanced, BalancedConfig, WarmUp, examples_per_class};
pub use random::WithReplacement;
pub use sharded::Sharded;
pub use shuffled::Shuffled;
pub use single_shot::SingleShot;
pub use weighted::Weighted;

use crate::DataError;

/// Draws the images of every batch of every epoch.
///
/// An epoch must depend on its number and the sampler's settings alone, and all epochs must have as
/// many batches.
///
/// # Example
/// ```
/// use selfsame_samplers::{EpochOrder, Sampler};
///
/// struct InOrder;
///
/// impl Sampler for InOrder {
///     fn images(&self) -> usize {
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
    /// Images it draws from: indices are below it.
    fn images(&self) -> usize;

    /// Images in a batch; the last of an epoch may have fewer.
    fn batch_size(&self) -> usize;

    /// Batches in an epoch, 1 or more.
    fn batches_per_epoch(&self) -> usize;

    /// The images of an epoch.
    fn epoch(&self, epoch: u64) -> EpochOrder;

    /// The images of one batch of an epoch.
    ///
    /// # Panics
    /// If there is no such batch.
    fn batch(&self, epoch: u64, batch: usize) -> Vec<usize> {
        self.epoch(epoch).batch(batch).to_vec()
    }

    /// The class of an image in a batch, `own` being the one the data set says.
    fn label(&self, _index: usize, own: Option<usize>) -> Option<usize> {
        own
    }
}

impl<S: Sampler + ?Sized> Sampler for std::sync::Arc<S> {
    fn images(&self) -> usize {
        (**self).images()
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

/// The images of an epoch's batches, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochOrder {
    indices: Vec<usize>,
    /// How often each came before in this epoch.
    repeats: Vec<u32>,
    batch_size: usize,
}

impl EpochOrder {
    /// Batches of `batch_size`; the last has what is left over.
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

    /// Number of batches.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.indices.len().div_ceil(self.batch_size)
    }

    /// The images of a batch.
    ///
    /// # Panics
    /// If there is no such batch.
    #[must_use]
    #[track_caller]
    pub fn batch(&self, batch: usize) -> &[usize] {
        &self.indices[self.place(batch)]
    }

    /// How often each image of a batch came before in the epoch.
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

/// The generator of an epoch's order; its key is that of no view.
fn order_rng(seed: u64, epoch: u64) -> ChaCha8Rng {
    ViewKey { seed, epoch, sample: u64::MAX, view: u32::MAX }.rng()
}

/// # Errors
/// If one of the named settings is 0.
fn positive(settings: &[(&'static str, usize)]) -> Result<(), DataError> {
    match settings.iter().find(|(_, value)| *value == 0) {
        Some(&(key, _)) => Err(DataError::Zero { key }),
        None => Ok(()),
    }
}
