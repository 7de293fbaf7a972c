//! Images that are decoded once and kept.

use std::sync::Arc;

use image::{DynamicImage, imageops::FilterType};
use rayon::prelude::*;

use crate::{DataError, Dataset};

/// How images are brought into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// Larger images are shrunk until their shorter side has this many pixels. `None`: kept.
    pub max_side: Option<u32>,
    /// Images with a shorter side of fewer pixels cannot be used.
    pub min_side: u32,
    /// Whether the first image that cannot be used is an error, instead of being skipped.
    pub strict: bool,
}

impl Default for CacheOptions {
    /// Any size from 8 pixels on; what cannot be used is skipped.
    fn default() -> Self {
        Self { max_side: None, min_side: 8, strict: false }
    }
}

/// An image that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its name.
    pub name: String,
    /// Why it cannot be used.
    pub reason: String,
}

/// A data set in memory, as 8-bit RGB.
#[derive(Clone)]
pub struct Cached {
    images: Vec<DynamicImage>,
    labels: Vec<Option<usize>>,
    names: Vec<String>,
    classes: Vec<String>,
}

impl std::fmt::Debug for Cached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cached({} images)", self.images.len())
    }
}

impl Cached {
    /// Decodes all of `dataset`, on all cores, in order; returns what had to be left out as well.
    ///
    /// # Errors
    /// If fewer than two images can be used or, with `strict`, if one cannot.
    pub fn decode(
        dataset: Arc<dyn Dataset>,
        options: CacheOptions,
    ) -> Result<(Self, Vec<Skipped>), DataError> {
        let decoded: Vec<Result<DynamicImage, DataError>> = (0..dataset.len())
            .into_par_iter()
            .map(|index| prepare(dataset.as_ref(), index, options))
            .collect();
        let classes = dataset.class_names().to_vec();
        let (images, labels, names) = (Vec::new(), Vec::new(), Vec::new());
        let mut cached = Self { images, labels, names, classes };
        let mut skipped = Vec::new();
        for (index, image) in decoded.into_iter().enumerate() {
            let name = dataset.name(index);
            match image {
                Ok(image) => {
                    cached.images.push(image);
                    cached.labels.push(dataset.label(index));
                    cached.names.push(name);
                }
                Err(error) if options.strict => return Err(error),
                Err(error) => skipped.push(Skipped { name, reason: error.reason() }),
            }
        }
        match (cached.len(), skipped.first()) {
            (0 | 1, Some(Skipped { name, reason })) => Err(DataError::TooFewUsable {
                usable: cached.len(),
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
            format!("it has {width} × {height} pixels, and fewer than {least} show nothing");
        return Err(DataError::Image { name: dataset.name(index), reason });
    }
    let image = match options.max_side {
        Some(side) if side < shorter => {
            let shrunk = |length: u32| {
                let shrunk = u64::from(length) * u64::from(side) / u64::from(shorter);
                u32::try_from(shrunk).unwrap_or(length) // never longer than it was
            };
            // A whole-number reduction first: many times faster, and blurred away by the second step.
            let halved = shorter / side / 2;
            let image = if halved > 1 {
                image.thumbnail_exact(width / halved, height / halved)
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
    fn broken_and_tiny_images_are_left_out_by_name_and_large_ones_shrunk() {
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
    fn strict_and_hopeless_are_errors() {
        let strict = CacheOptions { strict: true, ..CacheOptions::default() };
        let error = Cached::decode(Arc::new(Sides(100)), strict).unwrap_err();
        assert!(error.to_string().contains("number 0"), "{error}");
        let error = Cached::decode(Arc::new(Sides(9)), CacheOptions::default()).unwrap_err();
        assert!(error.to_string().contains("only 1 of 9"), "{error}");
    }
}
