//! A number of batches, whatever the number of samples.

use selfsame_samplers::{EpochOrder, Sampler, SamplerError, Shuffled};

/// The most epochs of a run, after each of which its progress is told.
const EPOCHS: u64 = 10;

/// A sampler of as many batches as are asked for: every sample once, in an order drawn anew, again
/// and again.
///
/// Its epochs are equal parts of the run, which begin and end anywhere in a pass over the samples.
/// Batches are complete, so up to a batch of each pass is dropped.
pub(crate) struct Passes {
    shuffled: Shuffled,
    steps: u64,
    epochs: u64,
}

impl Passes {
    /// # Errors
    /// If `batch_size` is 0 or above `samples`.
    pub(crate) fn new(
        samples: usize,
        batch_size: usize,
        steps: u64,
        seed: u64,
    ) -> Result<Self, SamplerError> {
        let epochs = (1..=EPOCHS).rev().find(|epochs| steps.is_multiple_of(*epochs)).unwrap_or(1);
        Ok(Self { shuffled: Shuffled::new(samples, batch_size, seed)?, steps, epochs })
    }

    /// Returns the number of epochs, 1 to 10.
    pub(crate) fn epochs(&self) -> u64 {
        self.epochs
    }
}

impl Sampler for Passes {
    fn samples(&self) -> usize {
        self.shuffled.samples()
    }

    fn batch_size(&self) -> usize {
        self.shuffled.batch_size()
    }

    fn batches_per_epoch(&self) -> usize {
        usize::try_from(self.steps / self.epochs).unwrap_or(usize::MAX)
    }

    fn epoch(&self, epoch: u64) -> EpochOrder {
        let (pass, batches) = (self.shuffled.batches_per_epoch() as u64, self.steps / self.epochs);
        let (first, end) = (epoch * batches, (epoch + 1) * batches);
        let mut indices = Vec::new();
        for number in first / pass..end.div_ceil(pass) {
            let order = self.shuffled.epoch(number);
            for (place, batch) in (number * pass..).zip(0..order.batches()) {
                if (first..end).contains(&place) {
                    indices.extend_from_slice(order.batch(batch));
                }
            }
        }
        EpochOrder::new(indices, self.batch_size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(passes: &Passes) -> Vec<Vec<usize>> {
        let epochs = (0..passes.epochs()).map(|epoch| passes.epoch(epoch));
        epochs
            .flat_map(|order| {
                assert_eq!(order.batches(), passes.batches_per_epoch());
                (0..order.batches()).map(|batch| order.batch(batch).to_vec()).collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn there_are_exactly_as_many_batches_as_asked_for_few_samples_or_many() {
        for (samples, steps, epochs) in [(5, 100, 10), (1_000, 7, 7), (8, 11, 1), (4, 1, 1)] {
            let passes = Passes::new(samples, 4, steps, 0).unwrap();
            assert_eq!((passes.epochs(), batches(&passes).len() as u64), (epochs, steps));
        }
    }

    #[test]
    fn every_pass_has_each_sample_once_across_the_ends_of_epochs() {
        // Passes of 3 batches in epochs of 2.
        let found = batches(&Passes::new(6, 2, 20, 1).unwrap());
        for pass in found.chunks_exact(3) {
            let mut seen = pass.concat();
            seen.sort_unstable();
            assert_eq!(seen, [0, 1, 2, 3, 4, 5]);
        }
        assert_ne!(found[..3], found[3..6], "another order in every pass");
    }
}
