//! Which tokens of each sample are kept and which are masked, drawn on the host.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use rand::RngExt;

use crate::Draws;

/// The kept and the masked tokens of each sample of a batch, by place, both in ascending order.
/// Every sample has the same number of either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenSplit {
    kept: Vec<Vec<usize>>,
    masked: Vec<Vec<usize>>,
}

impl TokenSplit {
    /// Keeps `kept` of `count` tokens of each of `rows` samples, every set of them equally likely.
    pub(crate) fn random(draws: &Draws, rows: usize, count: usize, kept: usize) -> Self {
        let split = |row| {
            let order = shuffled(draws, row, count);
            let (kept, masked) = order.split_at(kept);
            (sorted(kept), sorted(masked))
        };
        let (kept, masked) = (0..rows).map(split).unzip();
        Self { kept, masked }
    }

    /// Masks `masked` of `[rows, columns]` squares of `side × side` tokens in each of `samples`
    /// samples, every set of squares equally likely.
    pub(crate) fn squares(
        draws: &Draws,
        samples: usize,
        [rows, columns]: [usize; 2],
        side: usize,
        masked: usize,
    ) -> Self {
        let width = columns * side;
        let square = |token: usize| token / width / side * columns + token % width / side;
        let split = |sample| {
            let order = shuffled(draws, sample, rows * columns);
            let is_masked = |token: &usize| order[..masked].contains(&square(*token));
            let (masked, kept) = (0..rows * side * width).partition(is_masked);
            (kept, masked)
        };
        let (kept, masked) = (0..samples).map(split).unzip();
        Self { kept, masked }
    }

    /// Returns the places of the kept tokens, `[batch, kept]`.
    pub(crate) fn kept(&self, device: &Device) -> Tensor<2, Int> {
        places(self.kept.clone(), device)
    }

    /// Returns the places of the masked tokens, `[batch, masked]`, after `prefix` other tokens.
    pub(crate) fn masked(&self, prefix: usize, device: &Device) -> Tensor<2, Int> {
        let after = |masked: &Vec<usize>| masked.iter().map(|place| prefix + place).collect();
        places(self.masked.iter().map(after).collect(), device)
    }

    /// Returns whether each token is masked, `[batch, tokens]`.
    pub(crate) fn is_masked(&self, device: &Device) -> Tensor<2, Bool> {
        let count = self.count();
        let mut flags = vec![false; self.masked.len() * count];
        for (row, masked) in self.masked.iter().enumerate() {
            for place in masked {
                flags[row * count + place] = true;
            }
        }
        Tensor::from_data(TensorData::new(flags, [self.masked.len(), count]), device)
    }

    /// Returns the places that put `prefix` tokens, the kept and the masked ones, in this order, back
    /// into the order of the sample: `[batch, prefix + tokens]`.
    pub(crate) fn restore(&self, prefix: usize, device: &Device) -> Tensor<2, Int> {
        let row = |(kept, masked): (&Vec<usize>, &Vec<usize>)| {
            let mut restored: Vec<usize> = (0..prefix + self.count()).collect();
            for (from, place) in kept.iter().chain(masked).enumerate() {
                restored[prefix + place] = prefix + from;
            }
            restored
        };
        places(self.kept.iter().zip(&self.masked).map(row).collect(), device)
    }

    fn count(&self) -> usize {
        self.kept.first().map_or(0, Vec::len) + self.masked.first().map_or(0, Vec::len)
    }
}

/// Returns the number of `count` tokens that are kept if `mask_ratio` of them are masked, rounded
/// down; at least one is kept.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the number of tokens"
)]
pub(crate) fn kept_count(count: usize, mask_ratio: f64) -> usize {
    ((count as f64 * (1.0 - mask_ratio)) as usize).max(1)
}

/// Returns the number of `count` squares that are masked, rounded up.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the number of squares"
)]
pub(crate) fn masked_count(count: usize, mask_ratio: f64) -> usize {
    (count as f64 * mask_ratio).ceil() as usize
}

/// Returns the places of `count` tokens in random order.
fn shuffled(draws: &Draws, row: usize, count: usize) -> Vec<usize> {
    let mut rng = draws.mask_rng(row);
    let mut order: Vec<(u32, usize)> = (0..count).map(|place| (rng.random(), place)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, place)| place).collect()
}

fn sorted(places: &[usize]) -> Vec<usize> {
    let mut places = places.to_vec();
    places.sort_unstable();
    places
}

fn places(rows: Vec<Vec<usize>>, device: &Device) -> Tensor<2, Int> {
    let shape = [rows.len(), rows.first().map_or(0, Vec::len)];
    let places: Vec<u64> = rows.concat().into_iter().map(|place| place as u64).collect();
    Tensor::from_data(TensorData::new(places, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Clock, Context};

    fn draws(indices: &[usize], epoch: u64) -> Draws {
        let batch = Batch::<()>::new(vec![()]).with_indices(indices.to_vec());
        let clock = Clock { step: epoch, steps_per_epoch: 1, epochs: 9, schedule_start: 0 };
        Draws::of(3, &batch, &Context::new(clock))
    }

    #[test]
    fn the_first_masks_are_fixed() {
        let split = TokenSplit::random(&draws(&[5, 2], 1), 2, 8, 3);
        assert_eq!(split.kept, [[1, 4, 7], [0, 2, 5]]);
    }

    #[test]
    fn a_mask_is_that_of_its_sample_and_epoch_on_any_thread() {
        let split = TokenSplit::random(&draws(&[5, 2], 1), 2, 64, 16);
        let other = TokenSplit::random(&draws(&[9, 5, 7], 1), 3, 64, 16);
        assert_eq!(split.kept[0], other.kept[1]);
        assert_ne!(split.kept[0], split.kept[1]);
        assert_ne!(split, TokenSplit::random(&draws(&[5, 2], 2), 2, 64, 16));
        let elsewhere = std::thread::spawn(|| TokenSplit::random(&draws(&[5, 2], 1), 2, 64, 16));
        assert_eq!(elsewhere.join().unwrap(), split);
    }

    #[test]
    fn every_token_is_kept_equally_often() {
        let samples: Vec<usize> = (0..4000).collect();
        let split = TokenSplit::random(&draws(&samples, 0), 4000, 8, 2);
        for token in 0..8 {
            let kept = split.kept.iter().filter(|kept| kept.contains(&token)).count();
            // 4,000 draws with probability 1/4 have the deviation 27.
            assert!(kept.abs_diff(1000) < 135, "token {token} is kept {kept} times");
        }
    }

    #[test]
    fn kept_and_masked_tokens_are_put_back_into_order() {
        let device = Device::flex();
        let split = TokenSplit::random(&draws(&[5, 2], 1), 2, 8, 3);
        let joined = Tensor::cat(vec![split.kept(&device) + 1, split.masked(1, &device)], 1);
        let prefix = Tensor::<2, Int>::zeros([2, 1], &device);
        let restored = Tensor::cat(vec![prefix, joined], 1).gather(1, split.restore(1, &device));
        let places: Vec<i64> = restored.into_data().iter().collect();
        assert_eq!(places, [0, 1, 2, 3, 4, 5, 6, 7, 8].repeat(2));
        let flags: Vec<bool> = split.is_masked(&device).into_data().iter().collect();
        for (flags, masked) in flags.chunks(8).zip(&split.masked) {
            assert!((0..8).all(|place| flags[place] == masked.contains(&place)));
        }
    }

    #[test]
    fn squares_are_masked_as_a_whole() {
        // Two rows of three squares of 2 × 2 tokens.
        let split = TokenSplit::squares(&draws(&[5, 2], 1), 2, [2, 3], 2, 4);
        for masked in &split.masked {
            assert_eq!(masked.len(), 4 * 4);
            for token in masked {
                let (row, column) = (token / 6, token % 6);
                let corner = row / 2 * 2 * 6 + column / 2 * 2;
                assert!([0, 1, 6, 7].iter().all(|step| masked.contains(&(corner + step))));
            }
        }
        assert!(split.kept.iter().all(|kept| kept.len() == 2 * 4));
        assert_ne!(split.masked[0], split.masked[1]);
    }

    #[test]
    fn counts_are_rounded_as_in_the_official_codes() {
        assert_eq!([kept_count(64, 0.75), kept_count(64, 0.15), kept_count(2, 0.75)], [16, 54, 1]);
        assert_eq!([masked_count(49, 0.6), masked_count(4, 0.5)], [30, 2]);
    }
}
