//! Images decoded once and kept in memory.

use std::sync::Arc;

use image::{DynamicImage, imageops::FilterType};
use rayon::prelude::*;

use crate::{DataError, Dataset};

/// Settings of [`Cached::decode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// Larger images are shrunk until their shorter side has this many pixels. Default: `None`, the
    /// size is unchanged.
    pub max_side: Option<u32>,
    /// The fewest pixels of an image's shorter side; smaller images are skipped. Default: 8.
    pub min_side: u32,
    /// Whether an image that cannot be used is an error instead of being skipped. Default: `false`.
    pub strict: bool,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self { max_side: None, min_side: 8, strict: false }
    }
}

/// An image that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The image's name.
    pub name: String,
    /// The reason why it cannot be used.
    pub reason: String,
}

/// A data set decoded into memory, as 8-bit RGB.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use selfsame_datasets::{CacheOptions, Cached, Dataset, Split, Synthetic, SyntheticConfig};
///
/// let config = SyntheticConfig { images: 3, size: 64, seed: 0, split: Split::Train };
/// let options = CacheOptions { max_side: Some(32), ..CacheOptions::default() };
/// let (cached, skipped) = Cached::decode(Arc::new(Synthetic::new(config)), options)?;
/// assert_eq!((cached.len(), cached.image(0)?.width(), skipped.len()), (3, 32, 0));
/// # Ok::<(), selfsame_datasets::DataError>(())
/// ```
#[derive(Clone)]
pub struct Cached {
    images: Vec<DynamicImage>,
    labels: Vec<Option<usize>>,
    names: Vec<String>,
    stamps: Vec<u64>,
    classes: Vec<String>,
}

impl std::fmt::Debug for Cached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cached({} images)", self.images.len())
    }
}

impl Cached {
    /// Decodes all images of `dataset` on all cores; returns them in order, and the skipped ones.
    ///
    /// # Errors
    /// If no image can be used or, with `strict`, if one cannot.
    pub fn decode(
        dataset: Arc<dyn Dataset>,
        options: CacheOptions,
    ) -> Result<(Self, Vec<Skipped>), DataError> {
        let decoded: Vec<Result<DynamicImage, DataError>> = (0..dataset.len())
            .into_par_iter()
            .map(|index| prepare(dataset.as_ref(), index, options))
            .collect();
        let classes = dataset.class_names().to_vec();
        let (images, labels) = (Vec::new(), Vec::new());
        let (names, stamps) = (Vec::new(), Vec::new());
        let mut cached = Self { images, labels, names, stamps, classes };
        let mut skipped = Vec::new();
        for (index, image) in decoded.into_iter().enumerate() {
            let name = dataset.name(index);
            match image {
                Ok(image) => {
                    cached.images.push(image);
                    cached.labels.push(dataset.label(index));
                    cached.names.push(name);
                    cached.stamps.push(dataset.stamp(index)?);
                }
                Err(error) if options.strict => return Err(error),
                Err(error) => skipped.push(Skipped { name, reason: error.reason() }),
            }
        }
        match (cached.len(), skipped.first()) {
            (0, Some(Skipped { name, reason })) => Err(DataError::NoneDecoded {
                all: dataset.len(),
                name: name.clone(),
                reason: reason.clone(),
            }),
            _ => Ok((cached, skipped)),
        }
    }
}

fn prepare(
    dataset: &dyn Dataset,
    index: usize,
    options: CacheOptions,
) -> Result<DynamicImage, DataError> {
    let image = dataset.image(index)?;
    let (width, height) = (image.width(), image.height());
    let shorter = width.min(height);
    if shorter < options.min_side {
        let least = options.min_side;
        let reason =
            format!("it has {width} × {height} pixels, but each side must have at least {least}");
        return Err(DataError::Image { name: dataset.name(index), reason });
    }
    let image = match options.max_side {
        Some(side) if side < shorter => {
            let shrunk = |length: u32| {
                let shrunk = u64::from(length) * u64::from(side) / u64::from(shorter);
                u32::try_from(shrunk).unwrap_or(length) // never longer than before
            };
            // A whole-number reduction first is many times faster; the second step hides its
            // artifacts.
            let reduction = shorter / side / 2;
            let image = if reduction > 1 {
                image.thumbnail_exact(width / reduction, height / reduction)
            } else {
                image
            };
            image.resize_exact(shrunk(width), shrunk(height), FilterType::Triangle)
        }
        _ => image,
    };
    Ok(DynamicImage::ImageRgb8(image.into_rgb8()))
}

impl Dataset for Cached {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        Ok(self.images[index].clone())
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.labels[index]
    }

    fn class_names(&self) -> &[String] {
        &self.classes
    }

    fn name(&self, index: usize) -> String {
        self.names[index].clone()
    }

    fn stamp(&self, index: usize) -> Result<u64, DataError> {
        Ok(self.stamps[index])
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;

    /// Image `n` has a side of `n`, and every tenth is broken.
    struct Sides(usize);

    impl Dataset for Sides {
        fn len(&self) -> usize {
            self.0
        }

        fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
            match index % 10 {
                0 => Err(DataError::Image { name: self.name(index), reason: "broken".to_owned() }),
                _ => Ok(DynamicImage::new_luma8(2 * index as u32, index as u32)),
            }
        }
    }

    #[test]
    fn broken_and_tiny_images_are_skipped_by_name_and_large_ones_shrunk() {
        let options = CacheOptions { max_side: Some(12), ..CacheOptions::default() };
        let (cached, skipped) = Cached::decode(Arc::new(Sides(100)), options).unwrap();
        assert_eq!(skipped.len(), 10 + 7);
        assert_eq!(skipped[0], Skipped { name: "number 0".into(), reason: "broken".into() });
        assert!(skipped[1].reason.contains("2 × 1 pixels"), "{:?}", skipped[1]);
        assert_eq!(cached.len(), 83);
        assert_eq!(cached.name(0), "number 8");
        let sizes = (0..cached.len()).map(|i| cached.image(i).unwrap().height());
        assert_eq!(sizes.max(), Some(12));
        assert_eq!(cached.image(82).unwrap().width(), 24);
    }

    #[test]
    fn a_skipped_image_is_an_error_if_strict_or_if_none_is_left() {
        let strict = CacheOptions { strict: true, ..CacheOptions::default() };
        let error = Cached::decode(Arc::new(Sides(100)), strict).unwrap_err();
        assert!(error.to_string().contains("number 0"), "{error}");
        let error = Cached::decode(Arc::new(Sides(8)), CacheOptions::default()).unwrap_err();
        assert!(error.to_string().contains("none of 8"), "{error}");
    }
}
