//! Every picture once an epoch.

use super::{EpochOrder, Sampler, order_rng, positive};
use crate::DataError;
use crate::subset::shuffle;

/// Every picture once an epoch, in a new order each epoch.
///
/// The pictures left over after the last whole batch are dropped, or with
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
    pictures: usize,
    batch_size: usize,
    seed: u64,
    keeps_last: bool,
}

impl Shuffled {
    /// Whole batches of `batch_size` among `pictures`.
    ///
    /// # Errors
    /// If `batch_size` is 0 or more than `pictures`.
    pub fn new(pictures: usize, batch_size: usize, seed: u64) -> Result<Self, DataError> {
        positive(&[("batch_size", batch_size)])?;
        if batch_size > pictures {
            return Err(DataError::Batch { batch_size, pictures });
        }
        Ok(Self { pictures, batch_size, seed, keeps_last: false })
    }

    /// The same with the last batch of an epoch, which may be smaller.
    #[must_use]
    pub fn keep_last(self) -> Self {
        Self { keeps_last: true, ..self }
    }
}

impl Sampler for Shuffled {
    fn pictures(&self) -> usize {
        self.pictures
    }

    fn batch_size(&self) -> usize {
        self.batch_size
    }

    fn batches_per_epoch(&self) -> usize {
        if self.keeps_last {
            self.pictures.div_ceil(self.batch_size)
        } else {
            self.pictures / self.batch_size
        }
    }

    fn epoch(&self, epoch: u64) -> EpochOrder {
        let mut order: Vec<usize> = (0..self.pictures).collect();
        shuffle(&mut order, &mut order_rng(self.seed, epoch));
        order.truncate(self.batches_per_epoch() * self.batch_size);
        EpochOrder::new(order, self.batch_size)
    }
}
