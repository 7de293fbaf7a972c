//! Any image at any time.

use rand::RngExt;

use super::{EpochOrder, Sampler, order_rng, positive};
use crate::DataError;

/// Each image of each batch drawn from all, whatever was drawn before.
///
/// All batches are whole; an epoch is as many as asked for. An image that comes again in an epoch
/// has other views.
///
/// # Example
/// ```
/// use selfsame_samplers::{Sampler, WithReplacement};
///
/// let sampler = WithReplacement::new(3, 8, 100, 0)?;
/// assert_eq!((sampler.batch(0, 99).len(), sampler.batches_per_epoch()), (8, 100));
/// # Ok::<(), selfsame_samplers::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithReplacement {
    images: usize,
    batch_size: usize,
    batches_per_epoch: usize,
    seed: u64,
}

impl WithReplacement {
    /// `batches_per_epoch` batches of `batch_size` among `images`.
    ///
    /// # Errors
    /// If a number is 0; the error names it.
    pub fn new(
        images: usize,
        batch_size: usize,
        batches_per_epoch: usize,
        seed: u64,
    ) -> Result<Self, DataError> {
        positive(&[
            ("images", images),
            ("batch_size", batch_size),
            ("batches_per_epoch", batches_per_epoch),
        ])?;
        Ok(Self { images, batch_size, batches_per_epoch, seed })
    }
}

impl Sampler for WithReplacement {
    fn images(&self) -> usize {
        self.images
    }

    fn batch_size(&self) -> usize {
        self.batch_size
    }

    fn batches_per_epoch(&self) -> usize {
        self.batches_per_epoch
    }

    fn epoch(&self, epoch: u64) -> EpochOrder {
        let mut rng = order_rng(self.seed, epoch);
        let draws = self.batches_per_epoch * self.batch_size;
        let order = (0..draws).map(|_| rng.random_range(0..self.images)).collect();
        EpochOrder::new(order, self.batch_size)
    }
}
