//! Keys of a batch's random draws: a stream for each sample.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::{Batch, Context};

/// The keys of the random draws that a method makes for a batch: which tokens are masked, which
/// paths are dropped.
///
/// Every sample draws from its own ChaCha8 stream, on the host. The key of the stream is made of the
/// seed, the epoch, the index of the sample and the number of the view, so the draws are the same
/// after a resume, in any batch, and with any number of threads. In a batch without indices the step
/// stands for the epoch, and the row for the sample.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rand::RngExt;
/// use selfsame_models::{Batch, Context, Draws};
///
/// let view = Tensor::<4>::ones([2, 3, 8, 8], &Device::flex());
/// let draw = |indices: [usize; 2], row: usize| {
///     let batch = Batch::new(vec![view.clone()]).with_indices(indices.to_vec());
///     Draws::of(7, &batch, &Context::default()).mask_rng(row).random::<u64>()
/// };
/// assert_eq!(draw([5, 9], 1), draw([9, 4], 0));
/// assert_ne!(draw([5, 9], 1), draw([5, 9], 0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draws {
    seed: u64,
    epoch: u64,
    /// The index of each sample in its data set; empty if unknown.
    samples: Vec<usize>,
    view: u32,
}

/// What a stream is for, so that no two draws share one.
#[derive(Clone, Copy)]
enum Purpose {
    Mask,
    DropPath,
}

impl Draws {
    /// Returns the keys of `batch` in the epoch of `context`, for its first view.
    #[must_use]
    pub fn of<I>(seed: u64, batch: &Batch<I>, context: &Context) -> Self {
        let clock = context.clock;
        let epoch = if batch.indices.is_empty() { clock.step } else { clock.epoch() };
        Self { seed, epoch, samples: batch.indices.clone(), view: 0 }
    }

    /// Returns the keys of view `view` of the same batch, counted from 0.
    #[must_use]
    pub fn at_view(&self, view: u32) -> Self {
        Self { view, ..self.clone() }
    }

    /// Returns the generator of the masks of row `row`.
    #[must_use]
    pub fn mask_rng(&self, row: usize) -> ChaCha8Rng {
        self.rng(row, Purpose::Mask)
    }

    /// Returns the generator that drops paths of row `row`.
    #[must_use]
    pub fn drop_path_rng(&self, row: usize) -> ChaCha8Rng {
        self.rng(row, Purpose::DropPath)
    }

    fn rng(&self, row: usize, purpose: Purpose) -> ChaCha8Rng {
        // A row is marked by the top bit, which no index has.
        let sample = self.samples.get(row).map_or(row as u64 | 1 << 63, |sample| *sample as u64);
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&self.epoch.to_le_bytes());
        key[16..24].copy_from_slice(&sample.to_le_bytes());
        key[24..28].copy_from_slice(&self.view.to_le_bytes());
        key[28..].copy_from_slice(&(purpose as u32).to_le_bytes());
        ChaCha8Rng::from_seed(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;
    use rand::RngExt;

    fn draws(indices: &[usize], step: u64) -> Draws {
        let batch = Batch::<()>::new(vec![()]).with_indices(indices.to_vec());
        let clock = Clock { step, steps_per_epoch: 10, epochs: 5, schedule_start: 0 };
        Draws::of(7, &batch, &Context::new(clock))
    }

    #[test]
    fn the_first_draws_of_each_purpose_are_fixed() {
        let draws = draws(&[5], 23);
        assert_eq!(draws.mask_rng(0).random::<u64>(), 9_586_092_112_197_765_557);
        assert_eq!(draws.at_view(1).drop_path_rng(0).random::<u64>(), 15_926_461_074_914_088_277);
    }

    #[test]
    fn every_word_of_the_key_counts() {
        let first = |draws: Draws, row| draws.mask_rng(row).random::<u64>();
        let here = first(draws(&[5, 6], 23), 0);
        assert_eq!(first(draws(&[6, 5], 29), 1), here, "the row and the step do not count");
        let others = [
            first(draws(&[6], 23), 0),
            first(draws(&[5], 30), 0),
            first(draws(&[5], 23).at_view(1), 0),
            first(Draws { seed: 8, ..draws(&[5], 23) }, 0),
            draws(&[5], 23).drop_path_rng(0).random(),
            first(draws(&[], 2), 5),
        ];
        assert!(!others.contains(&here));
    }

    #[test]
    fn without_indices_the_step_and_the_row_count() {
        let first = |step, row| draws(&[], step).mask_rng(row).random::<u64>();
        assert_eq!(first(3, 1), first(3, 1));
        assert!(first(3, 1) != first(4, 1) && first(3, 1) != first(3, 0));
    }
}
