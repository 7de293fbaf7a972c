//! The key of a view's random draws.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The four numbers that decide every random draw of a view.
///
/// # Example
/// ```
/// use rand::RngExt;
/// use selfsame_augment::ViewKey;
///
/// let key = ViewKey { seed: 1, epoch: 0, sample: 5, view: 1 };
/// let draw = |key: ViewKey| key.rng().random::<u64>();
/// assert_eq!(draw(key), draw(key));
/// assert_ne!(draw(key), draw(ViewKey { view: 0, ..key }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ViewKey {
    /// The run's seed.
    pub seed: u64,
    /// The epoch, from 0.
    pub epoch: u64,
    /// The sample's index in its data set.
    pub sample: u64,
    /// The view of the image, from 0.
    pub view: u32,
}

impl ViewKey {
    /// Returns the ChaCha8 generator whose key is these four numbers; no two keys share one.
    #[must_use]
    pub fn rng(self) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&self.epoch.to_le_bytes());
        key[16..24].copy_from_slice(&self.sample.to_le_bytes());
        key[24..28].copy_from_slice(&self.view.to_le_bytes());
        ChaCha8Rng::from_seed(key)
    }
}
