//! Decoding: from the bytes of a file, however damaged, to an image or an error.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use selfsame_jpeg::{DecodedImage, Region};

/// Pixels per side and bytes in memory beyond which an image is refused as an attack.
const MAX_SIDE: u32 = 1 << 15;
const MAX_BYTES: usize = 1 << 29;

/// An error of decoding an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// The bytes do not begin like any supported format.
    #[error("it is not an image of a supported format")]
    Unknown,
    /// The end of the file is missing.
    #[error("the file is truncated")]
    Truncated,
    /// The image is larger than the limits.
    #[error(
        "it has {width} × {height} pixels; the limits are {MAX_SIDE} a side and {} MiB in memory",
        MAX_BYTES >> 20
    )]
    TooLarge {
        /// Pixels per row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The bytes do not follow their format; the decoder's message.
    #[error("{0}")]
    Damaged(String),
    /// The decoder panicked.
    #[error("its decoder failed")]
    Panicked,
}

/// Decodes an image, and rotates it as its EXIF data says; of an animation, the first frame.
///
/// The format (JPEG, PNG, BMP, GIF, WebP, PNM or TIFF) is recognized by the bytes. Images of more
/// than 32,768 pixels a side or 512 MiB in memory are refused before they are decoded. A panic of a
/// decoder is caught and becomes an error.
///
/// # Errors
/// If the bytes are not an image, are truncated or damaged, or the image is too large.
///
/// # Example
/// ```
/// use selfsame_datasets::{DecodeError, decode_image};
///
/// assert_eq!(decode_image(b"some text"), Err(DecodeError::Unknown));
/// ```
pub fn decode_image(bytes: &[u8]) -> Result<DynamicImage, DecodeError> {
    EncodedImage::open(bytes)?.decode(1)
}

/// An encoded image whose size is known.
///
/// # Example
/// ```
/// use std::io::Cursor;
/// use image::{ImageFormat, RgbImage};
/// use selfsame_datasets::EncodedImage;
///
/// let mut jpeg = Cursor::new(Vec::new());
/// RgbImage::new(2_001, 1_500).write_to(&mut jpeg, ImageFormat::Jpeg)?;
/// let image = EncodedImage::open(jpeg.get_ref())?;
/// assert_eq!(image.size(), [2_001, 1_500]);
/// assert_eq!(image.decode(8)?.width(), 251);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EncodedImage<'a> {
    bytes: &'a [u8],
    format: ImageFormat,
    orientation: Orientation,
    size: [u32; 2],
}

impl<'a> EncodedImage<'a> {
    /// Reads format, size and orientation.
    ///
    /// # Errors
    /// If the bytes are not an image, or the image would be too large.
    pub fn open(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        guarded(|| {
            let format = format(bytes)?;
            let jpeg = (format == ImageFormat::Jpeg).then(|| selfsame_jpeg::read_info(bytes));
            let (width, height, in_memory, orientation) = if let Some(info) = jpeg.flatten() {
                let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
                let in_memory = info.height as u64 * info.width as u64 * info.channels as u64;
                let mut last_first = info.exif.iter().rev();
                let orientation = last_first.find_map(|exif| Orientation::from_exif_chunk(exif));
                let orientation = orientation.unwrap_or(Orientation::NoTransforms);
                (side(info.width), side(info.height), in_memory, orientation)
            } else {
                let mut decoder = decoder(bytes, format)?;
                let (width, height) = decoder.dimensions();
                let orientation = decoder.orientation().map_err(damaged)?;
                (width, height, decoder.total_bytes(), orientation)
            };
            if width == 0 || height == 0 {
                return Err(DecodeError::Damaged(format!("it has {width} × {height} pixels")));
            }
            if width.max(height) > MAX_SIDE || in_memory > MAX_BYTES as u64 {
                return Err(DecodeError::TooLarge { width, height });
            }
            let size = match orientation {
                Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH => [height, width],
                _ => [width, height],
            };
            Ok(Self { bytes, format, orientation, size })
        })
    }

    /// Returns `[width, height]` of the whole image, in its upright orientation.
    #[must_use]
    pub fn size(&self) -> [u32; 2] {
        self.size
    }

    /// Decodes the image, one pixel for each `reduction` × `reduction` where that saves work.
    ///
    /// Work is saved for the JPEGs that [`selfsame_jpeg`] reads: gray or color, of one sequential
    /// scan. Their sides are divided by `reduction` and rounded up. Any other image is decoded
    /// whole.
    ///
    /// # Errors
    /// If the bytes are truncated or damaged.
    ///
    /// # Panics
    /// If `reduction` is not 1, 2, 4 or 8.
    #[track_caller]
    pub fn decode(&self, reduction: u32) -> Result<DynamicImage, DecodeError> {
        let [width, height] = self.size.map(|side| side as usize);
        self.decode_region(reduction, Region::whole([height, width]))
    }

    /// Decodes a region of the image; returns an image of the size of the whole.
    ///
    /// As [`decode`](Self::decode), but pixels outside of `region`, which is in pixels of the whole
    /// image, may be black where that saves work: for a JPEG that `selfsame_jpeg` reads and that is
    /// not rotated by its EXIF data.
    ///
    /// # Errors
    /// If the bytes are truncated or damaged. Bytes after the region may be damaged without an
    /// error.
    ///
    /// # Panics
    /// If `reduction` is not 1, 2, 4 or 8, or the region is empty or does not lie in the image.
    ///
    /// # Example
    /// ```
    /// use std::io::Cursor;
    /// use image::{ImageFormat, Rgb, RgbImage};
    /// use selfsame_datasets::{EncodedImage, Region};
    ///
    /// let mut jpeg = Cursor::new(Vec::new());
    /// RgbImage::from_pixel(40, 80, Rgb([90; 3])).write_to(&mut jpeg, ImageFormat::Jpeg)?;
    /// let region = Region { top: 30, left: 0, height: 10, width: 40 };
    /// let image = EncodedImage::open(jpeg.get_ref())?.decode_region(1, region)?;
    /// assert_eq!((image.width(), image.height()), (40, 80));
    /// assert_eq!(image.to_rgb8()[(0, 30)], Rgb([90; 3]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn decode_region(
        &self,
        reduction: u32,
        region: Region,
    ) -> Result<DynamicImage, DecodeError> {
        assert!(
            matches!(reduction, 1 | 2 | 4 | 8),
            "`reduction` must be 1, 2, 4 or 8, got {reduction}"
        );
        let [width, height] = self.size.map(|side| side as usize);
        assert!(
            region.lies_in([height, width]),
            "a region of an image of {width} × {height} must lie in it and not be empty, got {region:?}"
        );
        guarded(|| {
            let mut image = self.decode_as_stored(reduction as usize, region)?;
            image.apply_orientation(self.orientation);
            Ok(image)
        })
    }

    /// Decodes the image as the file stores it, not yet rotated.
    fn decode_as_stored(
        &self,
        reduction: usize,
        region: Region,
    ) -> Result<DynamicImage, DecodeError> {
        if self.format == ImageFormat::Jpeg {
            let decoded = if self.orientation == Orientation::NoTransforms {
                selfsame_jpeg::decode_region(self.bytes, reduction, region)
            } else {
                selfsame_jpeg::decode(self.bytes, reduction)
            };
            if let Some(image) = decoded.and_then(dynamic) {
                return Ok(image);
            }
            // The library's decoder fills missing rows with gray.
            if !selfsame_jpeg::has_end_marker(self.bytes) {
                return Err(DecodeError::Truncated);
            }
        }
        DynamicImage::from_decoder(decoder(self.bytes, self.format)?).map_err(damaged)
    }
}

fn dynamic(decoded: DecodedImage) -> Option<DynamicImage> {
    let width = u32::try_from(decoded.width).ok()?;
    let height = u32::try_from(decoded.height).ok()?;
    match decoded.channels {
        1 => GrayImage::from_raw(width, height, decoded.pixels).map(Into::into),
        _ => RgbImage::from_raw(width, height, decoded.pixels).map(Into::into),
    }
}

/// Turns a panic of a decoder into an error. Decoders accept any bytes, so none is expected.
fn guarded<T>(work: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(DecodeError::Panicked))
}

fn damaged(error: impl ToString) -> DecodeError {
    DecodeError::Damaged(error.to_string())
}

fn format(bytes: &[u8]) -> Result<ImageFormat, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(damaged)?;
    reader.format().ok_or(DecodeError::Unknown)
}

fn decoder(bytes: &[u8], format: ImageFormat) -> Result<impl ImageDecoder, DecodeError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(2 * MAX_BYTES as u64); // the image, and the decoder's copy of it
    reader.limits(limits);
    reader.into_decoder().map_err(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jpeg_encoder::{ColorType, Encoder};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn damaged_jpegs_do_the_fallback_decoder_no_harm(
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            reduction in prop::sample::select(vec![2_u32, 4, 8]),
        ) {
            let pixels: Vec<u8> = (0..40 * 30 * 3_u32).map(|n| (n * 5 % 256).to_le_bytes()[0]).collect();
            let mut bytes = Vec::new();
            let mut encoder = Encoder::new(&mut bytes, 90);
            encoder.set_progressive(true);
            encoder.encode(&pixels, 40, 30, ColorType::Rgb).unwrap();
            let decode = |bytes: &[u8]| EncodedImage::open(bytes)?.decode(reduction);
            prop_assert_eq!(decode(&bytes).unwrap().width(), 40, "decoded whole");
            for (place, byte) in flips {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if let Ok(image) = decode(&bytes) {
                prop_assert!(image.as_bytes().len() <= MAX_BYTES);
            }
        }
    }
}
