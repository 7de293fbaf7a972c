//! Samples drawn with unequal probabilities.

use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;

use super::{EpochOrder, Sampler, positive};
use crate::SamplerError;
use crate::key::Key;

/// A sampler that draws from all samples, each with a probability in proportion to its weight.
///
/// ```text
/// P(sample i) = weightᵢ / Σⱼ weightⱼ
/// ```
/// Draws are independent. All batches are complete; an epoch has as many as requested.
///
/// # Example
/// ```
/// use selfsame_samplers::{Sampler, Weighted};
///
/// let sampler = Weighted::new(&[0.0, 1.0, 3.0], 4, 500, 0)?;
/// let drawn: Vec<usize> = (0..500).flat_map(|batch| sampler.batch(0, batch)).collect();
/// let count = |index| drawn.iter().filter(|&&other| other == index).count();
/// assert_eq!(count(0), 0);
/// assert!((1_400..1_600).contains(&count(2)));
/// # Ok::<(), selfsame_samplers::SamplerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Weighted {
    samples: usize,
    weights: WeightedIndex<f64>,
    batch_size: usize,
    batches_per_epoch: usize,
    seed: u64,
}

impl Weighted {
    /// Draws `batches_per_epoch` batches of `batch_size`, with one weight per sample, 0 or more.
    ///
    /// # Errors
    /// If a count is 0, a weight is negative or not finite, or all weights are 0; the error names
    /// the setting.
    pub fn new(
        weights: &[f64],
        batch_size: usize,
        batches_per_epoch: usize,
        seed: u64,
    ) -> Result<Self, SamplerError> {
        positive(&[("batch_size", batch_size), ("batches_per_epoch", batches_per_epoch)])?;
        let wrong = |problem: String| SamplerError::Setting { field: "weights", problem };
        // The constructor below does not refuse every infinite weight.
        if let Some(place) = weights.iter().position(|weight| !weight.is_finite()) {
            return Err(wrong(format!(
                "must be finite, but that of sample {place} is {}",
                weights[place]
            )));
        }
        let table = WeightedIndex::new(weights).map_err(|error| {
            wrong(format!("must have a positive sum and none below 0: {error}"))
        })?;
        Ok(Self { samples: weights.len(), weights: table, batch_size, batches_per_epoch, seed })
    }
}

impl Sampler for Weighted {
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
        let order = (0..draws).map(|_| self.weights.sample(&mut rng)).collect();
        EpochOrder::new(order, self.batch_size)
    }
}
