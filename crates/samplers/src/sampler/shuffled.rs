//! Every image once an epoch.

use super::{EpochOrder, Sampler, order_rng, positive};
use crate::DataError;
use crate::subset::shuffle;

/// Every image once an epoch, in a new order each epoch.
///
/// The images left over after the last whole batch are dropped, or with
/// [`keep_last`](Self::keep_last) make a smaller batch.
///
/// # Example
/// ```
/// use selfsame_samplers::{Sampler, Shuffled};
///
/// let sampler = Shuffled::new(10, 4, 0)?;
/// assert_eq!((sampler.batches_per_epoch(), sampler.clone().keep_last().batches_per_epoch()), (2, 3));
/// assert_ne!(sampler.batch(0, 1), sampler.batch(1, 1));
/// # Ok::<(), selfsame_samplers::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shuffled {
    images: usize,
    batch_size: usize,
    seed: u64,
    keeps_last: bool,
}

impl Shuffled {
    /// Whole batches of `batch_size` among `images`.
    ///
    /// # Errors
    /// If `batch_size` is 0 or more than `images`.
    pub fn new(images: usize, batch_size: usize, seed: u64) -> Result<Self, DataError> {
        positive(&[("batch_size", batch_size)])?;
        if batch_size > images {
            return Err(DataError::Batch { batch_size, images });
        }
        Ok(Self { images, batch_size, seed, keeps_last: false })
    }

    /// The same with the last batch of an epoch, which may be smaller.
    #[must_use]
    pub fn keep_last(self) -> Self {
        Self { keeps_last: true, ..self }
    }
}

impl Sampler for Shuffled {
    fn images(&self) -> usize {
        self.images
    }

    fn batch_size(&self) -> usize {
        self.batch_size
    }

    fn batches_per_epoch(&self) -> usize {
        if self.keeps_last {
            self.images.div_ceil(self.batch_size)
        } else {
            self.images / self.batch_size
        }
    }

    fn epoch(&self, epoch: u64) -> EpochOrder {
        let mut order: Vec<usize> = (0..self.images).collect();
        shuffle(&mut order, &mut order_rng(self.seed, epoch));
        order.truncate(self.batches_per_epoch() * self.batch_size);
        EpochOrder::new(order, self.batch_size)
    }
}
