//! Every sample once an epoch.

use super::shuffle::shuffle;
use super::{EpochOrder, Sampler, positive};
use crate::SamplerError;
use crate::key::Key;

/// A sampler that draws every sample once an epoch, in a new order each epoch.
///
/// The samples left over after the last complete batch are dropped. With
/// [`keep_last`](Self::keep_last) they form a smaller batch.
///
/// # Example
/// ```
/// use selfsame_samplers::{Sampler, Shuffled};
///
/// let sampler = Shuffled::new(10, 4, 0)?;
/// assert_eq!((sampler.batches_per_epoch(), sampler.clone().keep_last().batches_per_epoch()), (2, 3));
/// assert_ne!(sampler.batch(0, 1), sampler.batch(1, 1));
/// # Ok::<(), selfsame_samplers::SamplerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shuffled {
    samples: usize,
    batch_size: usize,
    seed: u64,
    keeps_last: bool,
}

impl Shuffled {
    /// Draws complete batches of `batch_size` from `samples`.
    ///
    /// # Errors
    /// If `batch_size` is 0 or more than `samples`.
    pub fn new(samples: usize, batch_size: usize, seed: u64) -> Result<Self, SamplerError> {
        positive(&[("batch_size", batch_size)])?;
        if batch_size > samples {
            return Err(SamplerError::Batch { batch_size, samples });
        }
        Ok(Self { samples, batch_size, seed, keeps_last: false })
    }

    /// Keeps the last batch of an epoch, which may be smaller.
    #[must_use]
    pub fn keep_last(self) -> Self {
        Self { keeps_last: true, ..self }
    }
}

impl Sampler for Shuffled {
    fn samples(&self) -> usize {
        self.samples
    }

    fn batch_size(&self) -> usize {
        self.batch_size
    }

    fn batches_per_epoch(&self) -> usize {
        if self.keeps_last {
            self.samples.div_ceil(self.batch_size)
        } else {
            self.samples / self.batch_size
        }
    }

    fn epoch(&self, epoch: u64) -> EpochOrder {
        let mut order: Vec<usize> = (0..self.samples).collect();
        shuffle(&mut order, &mut Key::epoch_order(self.seed, epoch).rng());
        order.truncate(self.batches_per_epoch() * self.batch_size);
        EpochOrder::new(order, self.batch_size)
    }
}
