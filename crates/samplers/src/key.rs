//! Keys of random streams: one for each purpose, so that no two share their draws.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
#[cfg(feature = "loader")]
use selfsame_augment::ViewKey;

/// The key of a random stream, named by the purpose of its draws.
///
/// Keys have the four words of a view's key, so that the constructors below can tell purposes
/// apart:
///
/// | purpose | epoch | sample | view |
/// |---|---|---|---|
/// | order of an epoch | its number | 2⁶⁴ − 1 | 2³² − 1 |
/// | examples of each class | 2⁶⁴ − 1 | 2⁶⁴ − 1 | 2³² − 1 |
/// | a view | its number + 2³² · repeat | index | number |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    seed: u64,
    epoch: u64,
    sample: u64,
    view: u32,
}

impl Key {
    /// Returns the key of an epoch's order of samples.
    pub(crate) fn epoch_order(seed: u64, epoch: u64) -> Self {
        Self { seed, epoch, sample: u64::MAX, view: u32::MAX }
    }

    /// Returns the key of the examples of each class that a sampler chooses once, for all epochs.
    pub(crate) fn class_examples(seed: u64) -> Self {
        Self::epoch_order(seed, u64::MAX)
    }

    /// Returns the key of the views of a sample that was drawn `repeat` times before in the epoch.
    ///
    /// Epochs are below 2³², so the repeated sample has the views of an epoch that is never
    /// reached.
    #[cfg(feature = "loader")]
    pub(crate) fn views(seed: u64, epoch: u64, repeat: u32, sample: usize) -> Self {
        Self { seed, epoch: epoch | u64::from(repeat) << 32, sample: sample as u64, view: 0 }
    }

    /// Returns the key of one of the [`views`](Self::views).
    #[cfg(feature = "loader")]
    pub(crate) fn view(self, view: u32) -> ViewKey {
        let Self { seed, epoch, sample, .. } = self;
        ViewKey { seed, epoch, sample, view }
    }

    /// Returns the generator whose key these words are, as [`ViewKey::rng`] does for views.
    ///
    /// [`ViewKey::rng`]: https://docs.rs/selfsame-augment/latest/selfsame_augment/struct.ViewKey.html
    pub(crate) fn rng(self) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&self.epoch.to_le_bytes());
        key[16..24].copy_from_slice(&self.sample.to_le_bytes());
        key[24..28].copy_from_slice(&self.view.to_le_bytes());
        ChaCha8Rng::from_seed(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn the_first_draws_of_every_purpose_are_fixed() {
        let first = |key: Key| key.rng().random::<u64>();
        assert_eq!(first(Key::epoch_order(7, 3)), 2_676_281_581_953_551_461);
        assert_eq!(first(Key::class_examples(7)), 12_125_512_430_406_265_746);
    }

    #[test]
    #[cfg(feature = "loader")]
    fn purposes_have_keys_that_no_view_of_a_run_has() {
        let draw = |key: ViewKey| key.rng().random::<u64>();
        let order = ViewKey { seed: 7, epoch: 3, sample: u64::MAX, view: u32::MAX };
        assert_eq!(Key::epoch_order(7, 3).rng().random::<u64>(), draw(order));
        let examples = ViewKey { epoch: u64::MAX, ..order };
        assert_eq!(Key::class_examples(7).rng().random::<u64>(), draw(examples));
        let repeated = ViewKey { seed: 7, epoch: 3 + (2 << 32), sample: 5, view: 1 };
        assert_eq!(Key::views(7, 3, 2, 5).view(1), repeated);
    }
}
