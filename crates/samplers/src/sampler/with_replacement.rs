//! Samples drawn with replacement.

use rand::RngExt;

use super::{EpochOrder, Sampler, positive};
use crate::SamplerError;
use crate::key::Key;

/// A sampler that draws from all samples every time, whatever was drawn before.
///
/// All batches are complete; an epoch has as many as requested. A sample that is drawn again in an
/// epoch gets other views.
///
/// # Example
/// ```
/// use selfsame_samplers::{Sampler, WithReplacement};
///
/// let sampler = WithReplacement::new(3, 8, 100, 0)?;
/// assert_eq!((sampler.batch(0, 99).len(), sampler.batches_per_epoch()), (8, 100));
/// # Ok::<(), selfsame_samplers::SamplerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithReplacement {
    samples: usize,
    batch_size: usize,
    batches_per_epoch: usize,
    seed: u64,
}

impl WithReplacement {
    /// Draws `batches_per_epoch` batches of `batch_size` from `samples`.
    ///
    /// # Errors
    /// If a setting is 0; the error names it.
    pub fn new(
        samples: usize,
        batch_size: usize,
        batches_per_epoch: usize,
        seed: u64,
    ) -> Result<Self, SamplerError> {
        positive(&[
            ("samples", samples),
            ("batch_size", batch_size),
            ("batches_per_epoch", batches_per_epoch),
        ])?;
        Ok(Self { samples, batch_size, batches_per_epoch, seed })
    }
}

impl Sampler for WithReplacement {
    fn samples(&self) -> usize {
        self.samples
    }

    fn batch_size(&self) -> usize {
        self.batch_size
    }

    fn batches_per_epoch(&self) -> usize {
        self.batches_per_epoch
    }

    fn epoch(&self, epoch: u64) -> EpochOrder {
        let mut rng = Key::epoch_order(self.seed, epoch).rng();
        let draws = self.batches_per_epoch * self.batch_size;
        let order = (0..draws).map(|_| rng.random_range(0..self.samples)).collect();
        EpochOrder::new(order, self.batch_size)
    }
}
