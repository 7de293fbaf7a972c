//! Decoding: from the bytes of a file, however damaged, to an image or an error.

use std::borrow::Cow;
use std::io::Cursor;

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use image::{ImageError, RgbImage};
use selfsame_jpeg::{DecodedImage, Region};

use crate::PixelOptions;

mod bands;
mod gif;
mod guard;
mod jpeg;
mod kind;
mod orientation;
mod tiff;

pub(crate) use bands::{Bands, Pixels, Values, gray_or_rgb};

use bands::opaque;
use guard::guarded;

/// Pixels per side, and bytes that decoding takes in all, beyond which an image is refused as an
/// attack.
const MAX_SIDE: u32 = 1 << 15;
const MAX_BYTES: usize = 1 << 29;

/// Scans of a JPEG beyond which it is refused, as each takes the time of a whole image. Encoders
/// write about ten.
const MAX_SCANS: usize = 100;

/// An error of decoding an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// The bytes do not begin like any known format.
    #[error(
        "it is not an image of a known format; convert it to PNG or JPEG (`magick OLD NEW.png`)"
    )]
    Unknown,
    /// The bytes are of a known format that holds no image; what they are, and what to do.
    #[error("it is {0}")]
    NotAnImage(&'static str),
    /// The bytes are an image of a format, or of a kind of it, that is not decoded; which one.
    #[error("it is {0}, which is not supported; convert it to PNG or JPEG (`magick OLD NEW.png`)")]
    Unsupported(String),
    /// The end of the file is missing.
    #[error("the file is truncated")]
    Truncated,
    /// The image is larger than the limits.
    #[error(
        "it has {width} × {height} pixels; the limits are {MAX_SIDE} a side and {} MiB of memory \
         to decode it",
        MAX_BYTES >> 20
    )]
    TooLarge {
        /// Pixels per row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// A JPEG has so many scans that decoding it would take too long.
    #[error("it is a JPEG of {scans} scans; the limit is {MAX_SCANS}")]
    TooManyScans {
        /// Number of scans.
        scans: usize,
    },
    /// The values have no range that is black to white, and [`PixelOptions::range`] is not set; how
    /// they are stored.
    #[error(
        "its values are {0}, which do not say what is black and what is white; set a range of values, such \
         as 0..4095"
    )]
    NoRange(&'static str),
    /// There are more bands than gray or RGB has, which are not known to be transparency, and
    /// [`PixelOptions::channels`] does not choose among them.
    #[error("it has {bands} bands; choose one or three of them as channels, such as 0,1,2")]
    Bands {
        /// Number of bands.
        bands: usize,
    },
    /// A band was chosen that is not there.
    #[error("it has {bands} bands, counted from 0, and no band {band}")]
    NoBand {
        /// Number of bands.
        bands: usize,
        /// The band that was chosen.
        band: usize,
    },
    /// The bytes do not follow their format; the decoder's message.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// The decoder panicked.
    #[error("its decoder failed")]
    Panicked,
}

/// Decodes an image, and turns it upright as its metadata says.
///
/// The format (JPEG, PNG, BMP, GIF, WebP, PNM or TIFF) is recognized by the bytes, not by a name.
/// The result is gray or RGB, of 8 or 16 bits:
/// - Transparent pixels are laid over white.
/// - Of an animation, the first frame is shown; of several pages, the first.
/// - CMYK is converted without color management; color profiles are ignored.
/// - The orientation is taken from EXIF data or else from XMP, in every format that has them.
/// - Bands that are not colors, and values without a fixed range, are an error; see
///   [`decode_image_with`].
///
/// Images of more than 32,768 pixels a side, or that take more than 512 MiB to decode, and JPEGs of
/// more than 100 scans are refused before they are decoded. A panic of a decoder is caught and
/// becomes an error.
///
/// # Errors
/// If the bytes are not an image, are truncated or damaged, or the image is too large.
///
/// # Example
/// ```
/// use selfsame_datasets::{DecodeError, decode_image};
///
/// assert_eq!(decode_image(b""), Err(DecodeError::Empty));
/// let error = decode_image(b"\0\0\0\x0CJXL \r\n\x87\n").unwrap_err();
/// assert!(error.to_string().contains("JPEG XL"));
/// ```
pub fn decode_image(bytes: &[u8]) -> Result<DynamicImage, DecodeError> {
    EncodedImage::open(bytes)?.decode(1)
}

/// Decodes an image as [`decode_image`] does, with other bands or another range.
///
/// # Errors
/// As [`decode_image`], or if a band is chosen that is not there.
///
/// # Example
/// ```
/// use selfsame_datasets::{PixelOptions, decode_image_with};
///
/// // Two pixels of 12 bits in 16: 0 and 4,095 of 65,535.
/// let file = b"P5 2 1 65535\n\0\0\x0F\xFF";
/// let options = PixelOptions { range: Some("0..4095".parse()?), ..PixelOptions::default() };
/// assert_eq!(decode_image_with(file, &options)?.to_luma8().into_raw(), [0, 255]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decode_image_with(
    bytes: &[u8],
    options: &PixelOptions,
) -> Result<DynamicImage, DecodeError> {
    let image = EncodedImage::open(bytes)?;
    guarded(|| {
        let mut decoded = options.apply(image.decode_all()?)?;
        decoded.apply_orientation(image.orientation);
        Ok(decoded)
    })
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
    deep: bool,
}

/// What is read before an image is decoded.
struct Head {
    width: u32,
    height: u32,
    orientation: Orientation,
    /// Bytes that decoding takes in all.
    memory: u64,
    /// Whether values have more than 8 bits, or no fixed range.
    deep: bool,
}

impl<'a> EncodedImage<'a> {
    /// Reads format, size and orientation.
    ///
    /// # Errors
    /// If the bytes are not an image, or the image would be too large.
    pub fn open(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        guarded(|| {
            let format = kind::recognized(bytes)?;
            let Head { width, height, orientation, memory, deep } = match format {
                ImageFormat::Jpeg => head_of_jpeg(bytes)?,
                ImageFormat::Tiff => {
                    let tiff::Head { width, height, orientation, memory, deep, .. } =
                        tiff::Head::read(bytes)?;
                    Head { width, height, orientation, memory, deep }
                }
                _ => head(bytes, format)?,
            };
            if width == 0 || height == 0 {
                return Err(DecodeError::Damaged(format!("it has {width} × {height} pixels")));
            }
            let size = match orientation {
                Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH => [height, width],
                _ => [width, height],
            };
            if width.max(height) > MAX_SIDE || memory > MAX_BYTES as u64 {
                return Err(DecodeError::TooLarge { width, height });
            }
            Ok(Self { bytes, format, orientation, size, deep })
        })
    }

    /// Returns whether values have more than 8 bits, or no fixed range.
    pub(crate) fn is_deep(&self) -> bool {
        self.deep
    }

    /// Decodes the image as the file stores it, not yet turned.
    pub(crate) fn decode_pixels(&self) -> Result<Pixels, DecodeError> {
        guarded(|| self.decode_all())
    }

    fn decode_all(&self) -> Result<Pixels, DecodeError> {
        self.decode_as_stored(1, None)
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
            let pixels = self.decode_as_stored(reduction as usize, Some(region))?;
            let mut image = PixelOptions::default().apply(pixels)?;
            image.apply_orientation(self.orientation);
            Ok(image)
        })
    }

    fn decode_as_stored(
        &self,
        reduction: usize,
        region: Option<Region>,
    ) -> Result<Pixels, DecodeError> {
        match self.format {
            ImageFormat::Jpeg => {
                let decoded = match region {
                    Some(region) if self.orientation == Orientation::NoTransforms => {
                        selfsame_jpeg::decode_region(self.bytes, reduction, region)
                    }
                    _ => selfsame_jpeg::decode(self.bytes, reduction),
                };
                match decoded.and_then(dynamic) {
                    Some(image) => Ok(Pixels::Image(image)),
                    None => jpeg::decode(self.bytes),
                }
            }
            ImageFormat::Tiff => tiff::Head::read(self.bytes)?.decode(self.bytes),
            format => {
                let bytes = source(self.bytes, format);
                let decoder = decoder(&bytes, format)?;
                Ok(Pixels::Image(opaque(DynamicImage::from_decoder(decoder).map_err(fault)?)))
            }
        }
    }
}

fn head_of_jpeg(bytes: &[u8]) -> Result<Head, DecodeError> {
    let (width, height, values, deep) = if let Some(info) = selfsame_jpeg::read_info(bytes) {
        (info.width, info.height, info.channels, false)
    } else {
        let outline = jpeg::checked(bytes)?;
        (outline.width, outline.height, outline.components, outline.precision > 8)
    };
    let memory = width as u64 * height as u64 * values as u64;
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let (width, height) = (side(width), side(height));
    Ok(Head { width, height, orientation: orientation::of_jpeg(bytes), memory, deep })
}

fn head(bytes: &[u8], format: ImageFormat) -> Result<Head, DecodeError> {
    let source = source(bytes, format);
    let decoder = decoder(&source, format)?;
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    let orientation = match format {
        ImageFormat::Png => orientation::of_png(bytes),
        ImageFormat::WebP => orientation::of_webp(bytes),
        _ => Orientation::NoTransforms,
    };
    // Decoders of GIF and WebP fill a frame before they copy it. Then either transparency is laid
    // over white, in a second image, or the image is turned.
    let pixels = u64::from(width).saturating_mul(height.into());
    let frame = if matches!(format, ImageFormat::Gif | ImageFormat::WebP) { 4 } else { 0 };
    let copy = if color.has_alpha() || orientation != Orientation::NoTransforms {
        u64::from(color.bytes_per_pixel())
    } else {
        0
    };
    let memory = pixels.saturating_mul(u64::from(color.bytes_per_pixel()) + copy.max(frame));
    let deep =
        matches!(color, ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16);
    Ok(Head { width, height, orientation, memory, deep })
}

fn dynamic(decoded: DecodedImage) -> Option<DynamicImage> {
    let width = u32::try_from(decoded.width).ok()?;
    let height = u32::try_from(decoded.height).ok()?;
    match decoded.channels {
        1 => GrayImage::from_raw(width, height, decoded.pixels).map(Into::into),
        _ => RgbImage::from_raw(width, height, decoded.pixels).map(Into::into),
    }
}

fn damaged(error: impl ToString) -> DecodeError {
    DecodeError::Damaged(error.to_string())
}

fn fault(error: ImageError) -> DecodeError {
    match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::Truncated
        }
        ImageError::Unsupported(what) => DecodeError::Unsupported(format!("an image ({what})")),
        error => damaged(error),
    }
}

/// Returns the bytes to hand to the format's decoder.
fn source(bytes: &[u8], format: ImageFormat) -> Cow<'_, [u8]> {
    if format == ImageFormat::Gif { gif::with_whole_screen(bytes) } else { Cow::Borrowed(bytes) }
}

fn decoder(bytes: &[u8], format: ImageFormat) -> Result<impl ImageDecoder, DecodeError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_BYTES as u64);
    reader.limits(limits);
    reader.into_decoder().map_err(fault)
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
