//! Images of a page, each stored once: thumbnails in one sheet.

use std::path::Path;

use image::imageops::FilterType;
use image::{DynamicImage, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::ReportError;

/// Largest side of a thumbnail, in pixels.
const SIDE: u32 = 64;
/// Sides are multiples of a block of JPEG with halved colors, so that no thumbnail bleeds into the
/// next.
const BLOCK: u32 = 16;
/// Bytes of the sheet for each thumbnail that its quality is chosen for: in base64, 2,000 of them
/// take 4.3 MB.
const BYTES: usize = 1_600;
/// Qualities, tried in this order.
const QUALITIES: [u8; 6] = [88, 80, 70, 60, 50, 40];

/// Image with what is known about it.
#[derive(Clone, Copy, Debug)]
pub struct GalleryItem<'a> {
    /// Image of any size; its middle square becomes the thumbnail.
    pub image: &'a DynamicImage,
    /// Name, such as its path; what is not UTF-8 in it is replaced.
    pub name: &'a Path,
    /// Its class, if it is known.
    pub label: Option<usize>,
    /// The class that was predicted, if one was.
    pub prediction: Option<usize>,
}

/// Images that the parts of a [`Page`](crate::Page) show: the map, sheets of neighbors, confusions.
///
/// Thumbnails have up to 64 × 64 pixels. They are one JPEG file, whose quality is the best of 88 to
/// 40 with at most 1,600 bytes for each on average.
///
/// # Example
/// ```
/// use std::path::Path;
///
/// use image::DynamicImage;
/// use selfsame_report::{Gallery, GalleryItem};
///
/// let mut gallery = Gallery::new(&["cat".to_owned()]);
/// let image = &DynamicImage::new_rgb8(80, 60);
/// let item = GalleryItem { image, name: Path::new("a.png"), label: Some(0), prediction: None };
/// gallery.push(item)?;
/// assert_eq!(gallery.len(), 1);
/// assert!(gallery.push(GalleryItem { label: Some(1), ..item }).is_err(), "there is one class");
/// # Ok::<(), selfsame_report::ReportError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gallery {
    classes: Vec<String>,
    pub(crate) names: Vec<String>,
    pub(crate) labels: Vec<Option<usize>>,
    pub(crate) predictions: Vec<Option<usize>>,
    thumbnails: Vec<RgbImage>,
}

/// Sheet of thumbnails, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sheet {
    pub(crate) jpeg: Vec<u8>,
    /// Side of a thumbnail, in pixels.
    pub(crate) cell: u32,
    /// Thumbnails in a row.
    pub(crate) columns: u32,
}

impl Gallery {
    /// Begins without images; labels and predictions are places in `classes`, which may be empty.
    #[must_use]
    pub fn new(classes: &[String]) -> Self {
        Self { classes: classes.to_vec(), ..Self::default() }
    }

    /// Adds an image after those before it.
    ///
    /// # Errors
    /// If the image has no pixels, or its label or prediction is not a class.
    pub fn push(&mut self, item: GalleryItem<'_>) -> Result<(), ReportError> {
        let name = item.name.to_string_lossy().into_owned();
        let classes = self.classes.len();
        for label in [item.label, item.prediction].into_iter().flatten() {
            if label >= classes {
                return Err(ReportError::Class { label, classes });
            }
        }
        if item.image.width() == 0 || item.image.height() == 0 {
            return Err(ReportError::NoPixels { name });
        }
        self.thumbnails.push(thumbnail(item.image));
        self.names.push(name);
        self.labels.push(item.label);
        self.predictions.push(item.prediction);
        Ok(())
    }

    /// Returns the number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns whether there are no images.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns the names of the classes.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Describes an image in words, for those who cannot see it.
    pub(crate) fn description(&self, index: usize) -> String {
        let class = |label: Option<usize>| label.map(|label| self.classes[label].as_str());
        let mut text = self.names[index].clone();
        if let Some(label) = class(self.labels[index]) {
            text = format!("{text}, {label}");
        }
        if let Some(prediction) = class(self.predictions[index]) {
            text = format!("{text}, predicted {prediction}");
        }
        text
    }

    /// Encodes the thumbnails.
    pub(crate) fn sheet(&self) -> Result<Sheet, ReportError> {
        let largest = self.thumbnails.iter().map(RgbImage::width).max().unwrap_or(BLOCK);
        let cell = largest.next_multiple_of(BLOCK);
        let squares = 1..=u32::from(u16::MAX);
        let columns = squares.into_iter().find(|n| (*n as usize).pow(2) >= self.len());
        let columns = columns.unwrap_or(u32::from(u16::MAX));
        let rows = self.len().max(1).div_ceil(columns as usize);
        let mut sheet = RgbImage::new(columns * cell, u32::try_from(rows).unwrap_or(1) * cell);
        for (index, thumbnail) in (0..).zip(&self.thumbnails) {
            let (x, y) = (i64::from(index % columns * cell), i64::from(index / columns * cell));
            if thumbnail.width() == cell {
                image::imageops::replace(&mut sheet, thumbnail, x, y);
            } else {
                let resized = image::imageops::resize(thumbnail, cell, cell, FilterType::Triangle);
                image::imageops::replace(&mut sheet, &resized, x, y);
            }
        }
        let mut jpeg = Vec::new();
        for quality in QUALITIES {
            jpeg = encode(&sheet, quality)
                .map_err(|source| ReportError::Sheet { images: self.len(), source })?;
            if jpeg.len() <= BYTES * self.len() {
                break;
            }
        }
        Ok(Sheet { jpeg, cell, columns })
    }
}

fn encode(image: &RgbImage, quality: u8) -> Result<Vec<u8>, jpeg_encoder::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    // Beyond 65,535 pixels a side the format ends, and so the encoder says.
    let side = |pixels: u32| u16::try_from(pixels).unwrap_or(0);
    encoder.encode(image, side(image.width()), side(image.height()), ColorType::Rgb)?;
    Ok(bytes)
}

/// Scales the middle square of an image to at most 64 pixels a side.
fn thumbnail(image: &DynamicImage) -> RgbImage {
    let side = image.width().min(image.height());
    let (x, y) = ((image.width() - side) / 2, (image.height() - side) / 2);
    let square = image.crop_imm(x, y, side, side);
    if side > SIDE { square.thumbnail_exact(SIDE, SIDE).to_rgb8() } else { square.to_rgb8() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gallery of images that JPEG cannot pack well.
    fn noise(count: usize, side: u32) -> Gallery {
        let mut gallery = Gallery::new(&[]);
        let mut state = 1_u32;
        for index in 0..count {
            let image = RgbImage::from_fn(side, side, |_, _| {
                image::Rgb([0; 3].map(|_: u8| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                }))
            });
            let image = &DynamicImage::from(image);
            let name = index.to_string();
            let name = Path::new(&name);
            gallery.push(GalleryItem { image, name, label: None, prediction: None }).unwrap();
        }
        gallery
    }

    #[test]
    fn thumbnails_stand_where_their_index_says() {
        let mut gallery = Gallery::new(&[]);
        for level in 0..5 {
            let image =
                &DynamicImage::from(RgbImage::from_pixel(40, 30, image::Rgb([level * 50; 3])));
            let item = GalleryItem { image, name: Path::new("x"), label: None, prediction: None };
            gallery.push(item).unwrap();
        }
        let Sheet { jpeg, cell, columns } = gallery.sheet().unwrap();
        assert_eq!((cell, columns), (32, 3), "30 pixels become two blocks");
        let sheet = image::load_from_memory(&jpeg).unwrap().to_rgb8();
        assert_eq!(sheet.dimensions(), (96, 64));
        for level in 0..5_u32 {
            for corner in [0, 31] {
                let found = sheet.get_pixel(level % 3 * 32 + corner, level / 3 * 32 + corner).0[1];
                assert!(
                    i32::from(found).abs_diff(i32::try_from(level * 50).unwrap()) < 4,
                    "{found}"
                );
            }
        }
    }

    #[test]
    fn what_packs_badly_gets_a_lower_quality_and_no_more_than_it_needs() {
        let small = noise(9, 16).sheet().unwrap();
        assert!(small.jpeg.len() <= 9 * BYTES + 1_000);
        let large = noise(30, 64);
        let best =
            encode(&image::load_from_memory(&large.sheet().unwrap().jpeg).unwrap().to_rgb8(), 88);
        assert!(large.sheet().unwrap().jpeg.len() < best.unwrap().len() * 2 / 3);
    }

    #[test]
    fn images_without_pixels_are_named_and_no_images_make_an_empty_sheet() {
        let mut gallery = Gallery::new(&[]);
        assert!(gallery.is_empty() && gallery.sheet().is_ok());
        let image = &DynamicImage::new_rgb8(0, 4);
        let item =
            GalleryItem { image, name: Path::new("empty.png"), label: None, prediction: None };
        assert!(gallery.push(item).unwrap_err().to_string().contains("empty.png"));
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf_8_are_replaced() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let mut gallery = Gallery::new(&[]);
        let image = &DynamicImage::new_rgb8(1, 1);
        let name = Path::new(OsStr::from_bytes(b"a\xff.png"));
        gallery.push(GalleryItem { image, name, label: None, prediction: None }).unwrap();
        assert_eq!(gallery.description(0), "a\u{fffd}.png");
    }
}
