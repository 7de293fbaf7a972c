//! Some images of a data set.

use std::borrow::Cow;
use std::sync::Arc;

use image::DynamicImage;
use rayon::prelude::*;

use crate::{DataError, Dataset, Skipped};

/// Some images of a data set, in any order.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use selfsame_datasets::{Dataset, Split, Subset, Synthetic, SyntheticConfig};
///
/// let config = SyntheticConfig { images: 10, size: 8, seed: 0, split: Split::Train };
/// let subset = Subset::new(Arc::new(Synthetic::new(config)), vec![7, 2]);
/// assert_eq!((subset.len(), subset.label(0)), (2, Some(7)));
/// ```
#[derive(Clone)]
pub struct Subset {
    dataset: Arc<dyn Dataset>,
    indices: Vec<usize>,
}

impl std::fmt::Debug for Subset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subset({} of {})", self.indices.len(), self.dataset.len())
    }
}

impl Subset {
    /// Selects the images at `indices`.
    ///
    /// # Panics
    /// If an index is not below the number of images.
    #[must_use]
    #[track_caller]
    pub fn new(dataset: Arc<dyn Dataset>, indices: Vec<usize>) -> Self {
        let length = dataset.len();
        for index in &indices {
            assert!(*index < length, "there is no image {index} among {length}");
        }
        Self { dataset, indices }
    }

    /// Selects the images that can be decoded, and returns the others as well. Tries all, on all
    /// cores.
    ///
    /// Use it before training on a data set too large for [`Cached`](crate::Cached), since a broken
    /// image ends an epoch of a loader.
    #[must_use]
    pub fn usable(dataset: Arc<dyn Dataset>) -> (Self, Vec<Skipped>) {
        let reasons: Vec<Option<String>> = (0..dataset.len())
            .into_par_iter()
            .map(|index| Some(dataset.image(index).err()?.reason()))
            .collect();
        let (mut indices, mut skipped) = (Vec::new(), Vec::new());
        for (index, reason) in reasons.into_iter().enumerate() {
            match reason {
                None => indices.push(index),
                Some(reason) => skipped.push(Skipped { name: dataset.name(index), reason }),
            }
        }
        (Self { dataset, indices }, skipped)
    }
}

impl Dataset for Subset {
    fn len(&self) -> usize {
        self.indices.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        self.dataset.image(self.indices[index])
    }

    fn encoded(&self, index: usize) -> Result<Option<Cow<'_, [u8]>>, DataError> {
        self.dataset.encoded(self.indices[index])
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.dataset.label(self.indices[index])
    }

    fn class_names(&self) -> &[String] {
        self.dataset.class_names()
    }

    fn name(&self, index: usize) -> String {
        self.dataset.name(self.indices[index])
    }

    fn stamp(&self, index: usize) -> Result<u64, DataError> {
        self.dataset.stamp(self.indices[index])
    }
}
