//! A data set with chosen channels and a chosen range of values.

use std::sync::Arc;

use image::DynamicImage;

use crate::decode::Pixels;
use crate::{DataError, Dataset, PixelOptions, decode_image_with, stamp};

/// A data set whose stored values become pixels as [`PixelOptions`] say.
///
/// Labels, classes and names are unchanged. Images are always decoded whole: there is nothing to
/// gain from a reduced scale in the formats of deep images. [`stamp`](Dataset::stamp) counts the
/// options in, so that a run is not resumed with others.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use selfsame_datasets::{Dataset, InMemory, Layout, PixelOptions, Rescaled};
///
/// let images = InMemory::new(vec![30; 4 * 6], [4, 6, 1], Layout::Hwc)?;
/// let options = PixelOptions { range: Some("0..60".parse()?), ..PixelOptions::default() };
/// let brighter = Rescaled::new(Arc::new(images), options);
/// assert_eq!(brighter.image(0)?.to_luma8().into_raw(), [128; 4 * 6]);
/// # Ok::<(), selfsame_datasets::DataError>(())
/// ```
#[derive(Clone)]
pub struct Rescaled {
    dataset: Arc<dyn Dataset>,
    options: PixelOptions,
}

impl std::fmt::Debug for Rescaled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rescaled({} images, {:?})", self.dataset.len(), self.options)
    }
}

impl Rescaled {
    /// Applies `options` to all images of `dataset`.
    #[must_use]
    pub fn new(dataset: Arc<dyn Dataset>, options: PixelOptions) -> Self {
        Self { dataset, options }
    }

    /// Returns `dataset` itself where `options` change nothing, so that loaders still decode only
    /// regions of its images.
    #[must_use]
    pub fn where_needed(dataset: Arc<dyn Dataset>, options: PixelOptions) -> Arc<dyn Dataset> {
        if options == PixelOptions::default() {
            return dataset;
        }
        Arc::new(Self::new(dataset, options))
    }
}

impl Dataset for Rescaled {
    fn len(&self) -> usize {
        self.dataset.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let image = match self.dataset.encoded(index)? {
            Some(bytes) => decode_image_with(&bytes, &self.options),
            None => self.options.apply(Pixels::Image(self.dataset.image(index)?)),
        };
        image.map_err(|error| DataError::undecoded(self.name(index), &error))
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.dataset.label(index)
    }

    fn class_names(&self) -> &[String] {
        self.dataset.class_names()
    }

    fn name(&self, index: usize) -> String {
        self.dataset.name(index)
    }

    fn stamp(&self, index: usize) -> Result<u64, DataError> {
        let PixelOptions { channels, range, keep_eight_bits } = &self.options;
        let range = range.map_or_else(String::new, |range| range.to_string());
        let options = format!("{channels} {range} {keep_eight_bits}");
        Ok(stamp(&[&self.dataset.stamp(index)?.to_le_bytes(), options.as_bytes()]))
    }
}
