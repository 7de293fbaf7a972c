//! From the bytes of a file to an image, whatever the bytes are.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use jpeg_decoder::PixelFormat;
use selfsame_augment::CropBox;

use crate::jpeg::{self, Outline};

/// Pixels per side, and bytes in memory, beyond which an image is taken for an attack.
const MAX_SIDE: u32 = 1 << 15;
const MAX_BYTES: usize = 1 << 29;

/// Pixels from which a JPEG that [`jpeg`] does not read is decoded faster at reduced scale than whole: the
/// library that can do the one is slower with small images than the one that cannot.
const REDUCED_FROM: u64 = 1 << 20;

/// Why bytes are not an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// The bytes start as no known kind of image does.
    #[error("it is no image")]
    Unknown,
    /// A JPEG without its end.
    #[error("the file is cut off")]
    Truncated,
    /// More pixels than are taken for an image.
    #[error(
        "it has {width} × {height} pixels; at most {MAX_SIDE} a side and {} MiB in memory are read",
        MAX_BYTES >> 20
    )]
    TooLarge {
        /// Pixels per row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The bytes are not as their format says.
    #[error("{0}")]
    Damaged(String),
    /// The decoder panicked.
    #[error("its decoder failed")]
    Panicked,
}

/// The image in `bytes`, turned the way its EXIF data says; of an animation the first frame.
///
/// The kind of file (JPEG, PNG, BMP, GIF, WebP, PNM, TIFF) is found out by looking at the bytes.
/// Images of more than 32,768 pixels a side or 512 MiB in memory are refused before they are
/// decoded. A panic of a decoder is caught and becomes an error.
///
/// # Errors
/// If the bytes are no image, or not all of one.
///
/// # Example
/// ```
/// use selfsame_samplers::{DecodeError, decode};
///
/// assert_eq!(decode(b"no image"), Err(DecodeError::Unknown));
/// ```
pub fn decode(bytes: &[u8]) -> Result<DynamicImage, DecodeError> {
    EncodedImage::open(bytes)?.decode(1)
}

/// An image whose size is known, still to be decoded.
///
/// # Example
/// ```
/// use std::io::Cursor;
/// use image::{ImageFormat, RgbImage};
/// use selfsame_samplers::EncodedImage;
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
    /// Reads the head of a file.
    ///
    /// # Errors
    /// If it is none of an image, or the image would be too large.
    pub fn open(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        guarded(|| {
            let format = format(bytes)?;
            let outline = (format == ImageFormat::Jpeg).then(|| Outline::read(bytes)).flatten();
            let (width, height, in_memory, orientation) = if let Some(outline) = outline {
                let [height, width] = outline.size;
                let in_memory = u64::from(height) * u64::from(width) * outline.channels as u64;
                (width, height, in_memory, outline.orientation)
            } else {
                let mut decoder = decoder(bytes, format)?;
                let (width, height) = decoder.dimensions();
                let orientation = decoder.orientation().map_err(damaged)?;
                (width, height, decoder.total_bytes(), orientation)
            };
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

    /// `[width, height]` of the whole image, the way it is meant to be looked at.
    #[must_use]
    pub fn size(&self) -> [u32; 2] {
        self.size
    }

    /// The image, one pixel for `reduction` × `reduction` where that saves work.
    ///
    /// Sides are rounded up. `reduction` may be 1, 2, 4 or 8. It saves work on a gray or color JPEG
    /// that is not progressive, and on any other of one megapixel (2²⁰ pixels) or more; any other
    /// image is decoded whole.
    ///
    /// # Errors
    /// If the bytes are not all of an image.
    ///
    /// # Panics
    /// If `reduction` is none of these.
    #[track_caller]
    pub fn decode(&self, reduction: u32) -> Result<DynamicImage, DecodeError> {
        let [width, height] = self.size.map(|side| side as usize);
        self.decode_part(reduction, CropBox::whole([height, width]))
    }

    /// As [`decode`](Self::decode), but pixels outside of `part`, which is in pixels of the whole
    /// image, may be black where that saves work: on a JPEG that is neither progressive nor turned.
    ///
    /// # Errors
    /// If the bytes are not all of an image. What is behind the part may be damaged.
    ///
    /// # Panics
    /// As [`decode`](Self::decode), or if the part is empty or not in the image.
    ///
    /// # Example
    /// ```
    /// use std::io::Cursor;
    /// use image::{ImageFormat, Rgb, RgbImage};
    /// use selfsame_augment::CropBox;
    /// use selfsame_samplers::EncodedImage;
    ///
    /// let mut jpeg = Cursor::new(Vec::new());
    /// RgbImage::from_pixel(40, 80, Rgb([90; 3])).write_to(&mut jpeg, ImageFormat::Jpeg)?;
    /// let part = CropBox { top: 30, left: 0, height: 10, width: 40 };
    /// let image = EncodedImage::open(jpeg.get_ref())?.decode_part(1, part)?;
    /// assert_eq!((image.width(), image.height()), (40, 80));
    /// assert_eq!(image.to_rgb8()[(0, 30)], Rgb([90; 3]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn decode_part(&self, reduction: u32, part: CropBox) -> Result<DynamicImage, DecodeError> {
        assert!(
            matches!(reduction, 1 | 2 | 4 | 8),
            "reduction must be 1, 2, 4 or 8, got {reduction}"
        );
        let [width, height] = self.size.map(|side| side as usize);
        let fits = part.top + part.height <= height && part.left + part.width <= width;
        assert!(
            fits && part.height > 0 && part.width > 0,
            "a part of an image of {width} × {height} must lie in it and not be empty, got {part:?}"
        );
        guarded(|| {
            let mut image = self.turned_back(reduction, part)?;
            image.apply_orientation(self.orientation);
            Ok(image)
        })
    }

    /// The image as it is in the file.
    fn turned_back(&self, reduction: u32, part: CropBox) -> Result<DynamicImage, DecodeError> {
        if self.format == ImageFormat::Jpeg {
            let upright = self.orientation == Orientation::NoTransforms;
            let part = upright.then_some(part);
            if let Some(image) = jpeg::decode(self.bytes, reduction as usize, part) {
                return Ok(image);
            }
            // The libraries' decoders fill what is missing with gray.
            if !jpeg_is_whole(self.bytes) {
                return Err(DecodeError::Truncated);
            }
            let pixels = u64::from(self.size[0]) * u64::from(self.size[1]);
            if reduction > 1
                && pixels >= REDUCED_FROM
                && let Some(image) = reduced_jpeg(self.bytes, reduction)?
            {
                return Ok(image);
            }
        }
        DynamicImage::from_decoder(decoder(self.bytes, self.format)?).map_err(damaged)
    }
}

/// Decoders are written to survive any bytes; should one panic all the same, the run goes on.
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
    limits.max_alloc = Some(2 * MAX_BYTES as u64); // the image, and a decoder's own copy of it
    reader.limits(limits);
    reader.into_decoder().map_err(damaged)
}

/// A gray or color JPEG, whose blocks of 8 × 8 pixels become 4 × 4, 2 × 2 or 1; no other.
fn reduced_jpeg(bytes: &[u8], reduction: u32) -> Result<Option<DynamicImage>, DecodeError> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(MAX_BYTES);
    decoder.read_info().map_err(damaged)?;
    let info = decoder.info().ok_or(DecodeError::Truncated)?;
    if !matches!(info.pixel_format, PixelFormat::L8 | PixelFormat::RGB24) {
        return Ok(None);
    }
    let wanted = |side: u16| side.div_ceil(1 << reduction.trailing_zeros());
    let (width, height) =
        decoder.scale(wanted(info.width), wanted(info.height)).map_err(damaged)?;
    let pixels = decoder.decode().map_err(damaged)?;
    let (width, height) = (width.into(), height.into());
    let image = match info.pixel_format {
        PixelFormat::L8 => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        _ => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
    };
    image.map(Some).ok_or(DecodeError::Truncated)
}

/// Whether a JPEG goes on to its end marker, followed from segment to segment, so that the end of an
/// embedded thumbnail is not taken for it.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        let Some(gap) = bytes.get(at..).and_then(|rest| memchr::memchr(0xFF, rest)) else {
            return false;
        };
        at += gap + 1;
        match bytes.get(at) {
            None => return false,
            Some(0xD9) => return true,
            // Padding, an escaped FF in the image's data, restarts: no length follows.
            Some(0xFF) => {}
            Some(0x00 | 0x01 | 0xD0..=0xD8) => at += 1,
            Some(_) => {
                let Some(&[high, low]) = bytes.get(at + 1..at + 3) else { return false };
                at += 1 + usize::from(high) * 256 + usize::from(low);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;
    use image::Rgb;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn damaged_jpegs_do_the_reducing_decoder_no_harm(
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            reduction in prop::sample::select(vec![2_u32, 4, 8]),
        ) {
            let image = RgbImage::from_fn(40, 30, |x, y| Rgb([x, y, x * y].map(|n| (n * 5 % 256) as u8)));
            let mut bytes = Cursor::new(Vec::new());
            image.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
            let mut bytes = bytes.into_inner();
            let whole = guarded(|| reduced_jpeg(&bytes, reduction)).unwrap().unwrap();
            prop_assert_eq!(whole.width(), 40_u32.div_ceil(reduction));
            for (place, byte) in flips {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if let Ok(Some(image)) = guarded(|| reduced_jpeg(&bytes, reduction)) {
                prop_assert!(image.as_bytes().len() <= MAX_BYTES);
            }
        }
    }
}
