//! Images in memory, as arrays of bytes.

use std::sync::Arc;

use image::{DynamicImage, GrayImage, RgbImage, RgbaImage};

use crate::{DataError, Dataset, stamp};

/// The order of an image's values in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `[height, width, channels]`: the channels of each pixel together.
    Hwc,
    /// `[channels, height, width]`: one plane per channel.
    Chw,
}

/// Images of one size in memory, eight bits per value.
///
/// One channel is gray; three are red, green and blue; four are red, green, blue and alpha.
///
/// # Example
/// ```
/// use selfsame_datasets::{Dataset, InMemory, Layout};
///
/// let pixels = (0..2 * 4 * 5 * 3).collect();
/// let images = InMemory::new(pixels, [4, 5, 3], Layout::Hwc)?
///     .with_labels(vec![Some(1), None], vec!["cat".to_owned(), "dog".to_owned()])?;
/// assert_eq!((images.len(), images.label(0)), (2, Some(1)));
/// assert_eq!(images.image(0)?.to_rgb8().get_pixel(1, 0).0, [3, 4, 5]);
/// assert!(InMemory::new(vec![0; 61], [4, 5, 3], Layout::Hwc).is_err());
/// # Ok::<(), selfsame_datasets::DataError>(())
/// ```
#[derive(Clone)]
pub struct InMemory {
    pixels: Vec<u8>,
    /// Height, width, channels.
    size: [usize; 3],
    layout: Layout,
    labels: Vec<Option<usize>>,
    classes: Arc<[String]>,
    /// The files the images come from, each with the number of its first image.
    files: Vec<(String, usize)>,
}

impl std::fmt::Debug for InMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InMemory({} images of {:?}, {:?})", self.len(), self.size, self.layout)
    }
}

impl InMemory {
    /// Takes images of `size`, one after the other. `size` is `[height, width, channels]`, whatever
    /// the layout.
    ///
    /// # Errors
    /// If a side is 0 or more than 32,768, there are not 1, 3 or 4 channels, or the last image is
    /// incomplete.
    pub fn new(pixels: Vec<u8>, size: [usize; 3], layout: Layout) -> Result<Self, DataError> {
        let [height, width, channels] = size;
        let sides = 1..=1 << 15;
        if !sides.contains(&height) || !sides.contains(&width) || ![1, 3, 4].contains(&channels) {
            let problem = format!(
                "must be sides of 1 to 32768 and 1, 3 or 4 channels, not {height} × {width} with \
                 {channels} channels"
            );
            return Err(DataError::Array { field: "size", problem });
        }
        let image = height * width * channels;
        if !pixels.len().is_multiple_of(image) {
            let problem = format!(
                "must be a multiple of {image} bytes, the size of an image, not {} bytes",
                pixels.len()
            );
            return Err(DataError::Array { field: "pixels", problem });
        }
        let labels = vec![None; pixels.len() / image];
        Ok(Self { pixels, size, layout, labels, classes: Arc::new([]), files: Vec::new() })
    }

    /// Sets the labels, one per image, each an index into `classes` or `None`.
    ///
    /// # Errors
    /// If the number of labels is not that of images, or a label is not below the number of
    /// classes.
    pub fn with_labels(
        self,
        labels: Vec<Option<usize>>,
        classes: impl Into<Arc<[String]>>,
    ) -> Result<Self, DataError> {
        let classes = classes.into();
        let problem = if labels.len() == self.len() {
            let beyond = labels.iter().flatten().find(|&&label| label >= classes.len());
            beyond.map(|label| {
                format!(
                    "must be below {}, the number of classes, but a label is {label}",
                    classes.len()
                )
            })
        } else {
            Some(format!(
                "must be one per image, but there are {} labels and {} images",
                labels.len(),
                self.len()
            ))
        };
        match problem {
            Some(problem) => Err(DataError::Array { field: "labels", problem }),
            None => Ok(Self { labels, classes, ..self }),
        }
    }

    /// Names the images after files, each given with the number of its first image.
    pub(crate) fn named_after(self, files: Vec<(String, usize)>) -> Self {
        Self { files, ..self }
    }
}

impl Dataset for InMemory {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let [height, width, channels] = self.size;
        let plane = height * width;
        let stored = &self.pixels[index * plane * channels..][..plane * channels];
        let pixels: Vec<u8> = match self.layout {
            Layout::Hwc => stored.to_vec(),
            Layout::Chw => (0..plane)
                .flat_map(|place| stored[place..].iter().step_by(plane).copied())
                .collect(),
        };
        let [width, height] = [width, height].map(|side| u32::try_from(side).unwrap_or(u32::MAX));
        let image = match channels {
            1 => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
            3 => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
            _ => RgbaImage::from_raw(width, height, pixels).map(DynamicImage::from),
        };
        image.ok_or_else(|| DataError::Image {
            name: self.name(index),
            reason: "it has too few pixels".to_owned(),
        })
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.labels[index]
    }

    fn stamp(&self, index: usize) -> Result<u64, DataError> {
        let size = self.size.iter().product::<usize>();
        Ok(stamp(&[&self.pixels[index * size..][..size]]))
    }

    fn class_names(&self) -> &[String] {
        &self.classes
    }

    fn name(&self, index: usize) -> String {
        match self.files.iter().rfind(|(_, first)| *first <= index) {
            Some((file, first)) => format!("number {} of {file}", index - first),
            None => format!("number {index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_and_pixels_of_the_same_image_are_the_same_image() {
        let hwc: Vec<u8> = (0..2 * 3 * 4 * 3).collect();
        let image = |p: usize, y: usize, x: usize, c: usize| hwc[((p * 3 + y) * 4 + x) * 3 + c];
        let mut chw = Vec::new();
        for p in 0..2 {
            for c in 0..3 {
                (0..12).for_each(|i| chw.push(image(p, i / 4, i % 4, c)));
            }
        }
        let [hwc, chw] = [(hwc.clone(), Layout::Hwc), (chw, Layout::Chw)]
            .map(|(pixels, layout)| InMemory::new(pixels, [3, 4, 3], layout).unwrap());
        for index in 0..2 {
            assert_eq!(hwc.image(index).unwrap(), chw.image(index).unwrap());
        }
    }

    #[test]
    fn the_argument_that_does_not_fit_is_named() {
        let new = |bytes, size| InMemory::new(vec![0; bytes], size, Layout::Hwc);
        let message = |bytes, size| new(bytes, size).unwrap_err().to_string();
        assert!(message(8, [2, 2, 2]).contains("`size`"), "{}", message(8, [2, 2, 2]));
        assert!(message(0, [0, 2, 1]).contains("`size`"));
        assert!(message(9, [2, 2, 1]).contains("`pixels`"));
        let labeled = |labels| new(4, [2, 2, 1]).unwrap().with_labels(labels, vec!["a".to_owned()]);
        assert!(labeled(vec![]).unwrap_err().to_string().contains("0 labels"));
        assert!(labeled(vec![Some(1)]).unwrap_err().to_string().contains("label is 1"));
        assert!(labeled(vec![Some(0)]).is_ok());
    }
}
