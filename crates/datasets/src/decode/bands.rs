//! Decoded values, before they are an image of 8 or 16 bits.

use image::{DynamicImage, GrayImage, ImageBuffer, Luma, LumaA, Rgb, RgbImage, Rgba};

use crate::DecodeError;

/// What a decoder found: an image, or values whose meaning has to be told.
#[derive(Clone, Debug)]
pub(crate) enum Pixels {
    /// Gray or RGB of 8 or 16 bits, without transparency.
    Image(DynamicImage),
    /// Anything else.
    Bands(Bands),
}

/// Bands of any number and type.
#[derive(Clone, Debug)]
pub(crate) struct Bands {
    /// `[width, height]`.
    pub(crate) size: [u32; 2],
    /// Bands of a pixel.
    pub(crate) count: usize,
    pub(crate) values: Values,
    /// Whether the bands are gray, or red, green and blue.
    pub(crate) colors: bool,
}

/// Values in the order `[height, width, band]`.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    Eight(Vec<u8>),
    Sixteen(Vec<u16>),
    /// Values that fill no fixed range, and what they are stored as.
    Free(Vec<f32>, &'static str),
}

impl Bands {
    /// Returns the image, if the bands are colors of a fixed range.
    pub(crate) fn into_pixels(self) -> Result<Pixels, DecodeError> {
        let Self { size, count, values, colors } = self;
        match (values, colors) {
            (Values::Eight(values), true) => gray_or_rgb(size, count, values).map(Pixels::Image),
            (Values::Sixteen(values), true) => gray_or_rgb(size, count, values).map(Pixels::Image),
            (values, _) => Ok(Pixels::Bands(Self { size, count, values, colors })),
        }
    }
}

impl From<DynamicImage> for Bands {
    fn from(image: DynamicImage) -> Self {
        let size = [image.width(), image.height()];
        let (count, values) = match opaque(image) {
            DynamicImage::ImageLuma8(image) => (1, Values::Eight(image.into_raw())),
            DynamicImage::ImageLuma16(image) => (1, Values::Sixteen(image.into_raw())),
            DynamicImage::ImageRgb16(image) => (3, Values::Sixteen(image.into_raw())),
            image => (3, Values::Eight(image.into_rgb8().into_raw())),
        };
        Self { size, count, values, colors: true }
    }
}

/// A type of value that images are stored in.
pub(crate) trait Value: Sized {
    /// Returns the gray image of these values, or `None` if their number is wrong.
    fn gray(size: [u32; 2], values: Vec<Self>) -> Option<DynamicImage>;
    /// Returns the RGB image of these values, or `None` if their number is wrong.
    fn rgb(size: [u32; 2], values: Vec<Self>) -> Option<DynamicImage>;
}

impl Value for u8 {
    fn gray([width, height]: [u32; 2], values: Vec<Self>) -> Option<DynamicImage> {
        GrayImage::from_raw(width, height, values).map(Into::into)
    }

    fn rgb([width, height]: [u32; 2], values: Vec<Self>) -> Option<DynamicImage> {
        RgbImage::from_raw(width, height, values).map(Into::into)
    }
}

impl Value for u16 {
    fn gray([width, height]: [u32; 2], values: Vec<Self>) -> Option<DynamicImage> {
        ImageBuffer::<Luma<Self>, _>::from_raw(width, height, values).map(Into::into)
    }

    fn rgb([width, height]: [u32; 2], values: Vec<Self>) -> Option<DynamicImage> {
        ImageBuffer::<Rgb<Self>, _>::from_raw(width, height, values).map(Into::into)
    }
}

/// Returns the image of one or three bands.
pub(crate) fn gray_or_rgb<V: Value>(
    size: [u32; 2],
    count: usize,
    values: Vec<V>,
) -> Result<DynamicImage, DecodeError> {
    let image = if count == 1 { V::gray(size, values) } else { V::rgb(size, values) };
    image.ok_or(DecodeError::Truncated)
}

/// Lays an image over white, where it is transparent.
pub(crate) fn opaque(image: DynamicImage) -> DynamicImage {
    let (width, height) = (image.width(), image.height());
    let size = [width, height];
    let laid = match image {
        DynamicImage::ImageLumaA8(image) => {
            let over = |LumaA([luma, alpha]): &LumaA<u8>| over_white8(*luma, *alpha);
            gray_or_rgb(size, 1, image.pixels().map(over).collect())
        }
        DynamicImage::ImageRgba8(image) => {
            let over = |Rgba([r, g, b, alpha]): &Rgba<u8>| {
                [*r, *g, *b].map(|color| over_white8(color, *alpha))
            };
            gray_or_rgb(size, 3, image.pixels().flat_map(over).collect())
        }
        DynamicImage::ImageLumaA16(image) => {
            let over = |LumaA([luma, alpha]): &LumaA<u16>| over_white16(*luma, *alpha);
            gray_or_rgb(size, 1, image.pixels().map(over).collect())
        }
        DynamicImage::ImageRgba16(image) => {
            let over = |Rgba([r, g, b, alpha]): &Rgba<u16>| {
                [*r, *g, *b].map(|color| over_white16(color, *alpha))
            };
            gray_or_rgb(size, 3, image.pixels().flat_map(over).collect())
        }
        image => Ok(image),
    };
    laid.unwrap_or_else(|_| DynamicImage::new_luma8(width, height)) // lengths always agree
}

fn over_white8(color: u8, alpha: u8) -> u8 {
    let (color, alpha) = (u32::from(color), u32::from(alpha));
    u8::try_from((color * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
}

fn over_white16(color: u16, alpha: u16) -> u16 {
    let (color, alpha) = (u64::from(color), u64::from(alpha));
    u16::try_from((color * alpha + 65_535 * (65_535 - alpha) + 32_767) / 65_535).unwrap_or(u16::MAX)
}
