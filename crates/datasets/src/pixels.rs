//! How stored values become pixels: the channels and the range of scientific images.

use std::fmt;
use std::str::FromStr;

use image::DynamicImage;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::decode::{Bands, Pixels, Values, gray_or_rgb};
use crate::{DataError, Dataset, DecodeError, EncodedImage};

/// The bands of an image that become its gray, or its red, green and blue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Channels {
    /// Gray or RGB, as the file says; an image of other bands is an error.
    #[default]
    Auto,
    /// Gray; RGB is weighted by brightness.
    Gray,
    /// RGB; gray is repeated.
    Rgb,
    /// These bands, counted from 0: one becomes gray, three become red, green and blue.
    /// Transparency is not a band.
    Bands(Vec<usize>),
}

/// Reads `auto`, `gray`, `rgb`, or one or three numbers such as `0,3,2`.
impl FromStr for Channels {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "auto" => return Ok(Self::Auto),
            "gray" | "grey" => return Ok(Self::Gray),
            "rgb" => return Ok(Self::Rgb),
            _ => {}
        }
        let bands: Option<Vec<usize>> =
            text.split(',').map(|band| band.trim().parse().ok()).collect();
        bands.filter(|bands| matches!(bands.len(), 1 | 3)).map(Self::Bands).ok_or_else(|| {
            let problem = format!(
                "must be `auto`, `gray`, `rgb`, or one or three bands such as `0,3,2`, not `{text}`"
            );
            DataError::PixelOption { option: "channels", problem }
        })
    }
}

impl TryFrom<String> for Channels {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<Channels> for String {
    fn from(channels: Channels) -> Self {
        channels.to_string()
    }
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Gray => f.write_str("gray"),
            Self::Rgb => f.write_str("rgb"),
            Self::Bands(bands) => {
                let bands: Vec<String> = bands.iter().map(ToString::to_string).collect();
                f.write_str(&bands.join(","))
            }
        }
    }
}

/// The stored values that become black and white; those between are mapped linearly, those beyond
/// are clamped.
///
/// # Example
/// ```
/// use selfsame_datasets::PixelRange;
///
/// let lungs: PixelRange = "-1350..150".parse()?;
/// assert_eq!((lungs.low(), lungs.high()), (-1350.0, 150.0));
/// assert!("5..5".parse::<PixelRange>().is_err());
/// # Ok::<(), selfsame_datasets::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PixelRange {
    low: f64,
    high: f64,
}

impl PixelRange {
    /// Makes `low` black and `high` white.
    ///
    /// # Errors
    /// If a value is not finite, or `low` is not below `high`.
    pub fn new(low: f64, high: f64) -> Result<Self, DataError> {
        if low.is_finite() && high.is_finite() && low < high {
            return Ok(Self { low, high });
        }
        let problem = format!("must go from a value to a greater one, not from {low} to {high}");
        Err(DataError::PixelOption { option: "range", problem })
    }

    /// Returns the value that becomes black.
    #[must_use]
    pub fn low(&self) -> f64 {
        self.low
    }

    /// Returns the value that becomes white.
    #[must_use]
    pub fn high(&self) -> f64 {
        self.high
    }

    /// Maps values to `0..=most`; what is not a number becomes 0.
    fn map(self, values: impl Iterator<Item = f64>, most: f64) -> impl Iterator<Item = f64> {
        let scale = most / (self.high - self.low);
        values.map(move |value| {
            let value = (value - self.low) * scale;
            if value.is_nan() { 0.0 } else { value.round().clamp(0.0, most) }
        })
    }
}

/// Reads `LOW..HIGH`.
impl FromStr for PixelRange {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let (low, high) = text
            .split_once("..")
            .and_then(|(low, high)| Some((low.trim().parse().ok()?, high.trim().parse().ok()?)))
            .ok_or_else(|| {
                let problem = format!("must be `LOW..HIGH`, such as `0..4095`, not `{text}`");
                DataError::PixelOption { option: "range", problem }
            })?;
        Self::new(low, high)
    }
}

impl TryFrom<String> for PixelRange {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<PixelRange> for String {
    fn from(range: PixelRange) -> Self {
        range.to_string()
    }
}

impl fmt::Display for PixelRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.low, self.high)
    }
}

/// How stored values become pixels. By default as the file says: its colors, in the full range of
/// its type.
///
/// In JSON and TOML, channels and range are text, such as `"0,3,2"` and `"0..4095"`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PixelOptions {
    /// The bands to use. Default: [`Channels::Auto`].
    pub channels: Channels,
    /// The values that become black and white, the same for all images. Default: `None`, the full
    /// range of the type; types without one, such as floats, are then an error.
    pub range: Option<PixelRange>,
    /// Whether images of 8 bits keep their values, and `range` is that of deeper ones. Default:
    /// `false`.
    pub keep_eight_bits: bool,
}

/// What [`PixelOptions::inspect`] decided.
#[derive(Clone, Debug, PartialEq)]
pub struct PixelChoice {
    /// The options, with a range where the images need one.
    pub options: PixelOptions,
    /// A sentence for the log that says what was decided and why; `None` if nothing was.
    pub message: Option<String>,
}

impl PixelOptions {
    /// Chooses the range from the data, if none is set: looks at up to `limit` images, evenly
    /// spaced.
    ///
    /// Images of 8 bits need none. For deeper ones, the range must be that of the data set, as
    /// stretching each image separately would destroy what tells them apart:
    /// - Whole numbers from 0 on: up to the full number of bits that the greatest needs, such as
    ///   0..4095.
    /// - Floats from 0 to 1: 0..1.
    /// - Any others, and values that fill less than a quarter of these ranges: from the least to
    ///   the greatest value that was found.
    ///
    /// Images that cannot be read are passed over here.
    ///
    /// # Errors
    /// If a file cannot be read.
    ///
    /// # Example
    /// ```
    /// use selfsame_datasets::{InMemory, Layout, PixelOptions};
    ///
    /// let images = InMemory::new(vec![7; 2 * 16], [4, 4, 1], Layout::Hwc)?;
    /// let choice = PixelOptions::default().inspect(&images, 100)?;
    /// assert_eq!((choice.options, choice.message), (PixelOptions::default(), None));
    /// # Ok::<(), selfsame_datasets::DataError>(())
    /// ```
    pub fn inspect(&self, dataset: &dyn Dataset, limit: usize) -> Result<PixelChoice, DataError> {
        let unchanged = PixelChoice { options: self.clone(), message: None };
        if self.range.is_some() {
            return Ok(unchanged);
        }
        let indices: Vec<usize> = spaced(dataset.len(), limit).collect();
        let found: Vec<Option<Found>> = indices
            .into_par_iter()
            .map(|index| self.look_at(dataset, index))
            .collect::<Result<_, _>>()?;
        let seen: Vec<Found> = found.into_iter().flatten().collect();
        let deep: Vec<&Span> = seen.iter().filter_map(|found| found.as_ref()).collect();
        let keep_eight_bits = deep.len() < seen.len();
        let Some(span) = deep.iter().copied().cloned().reduce(Span::with) else {
            return Ok(unchanged);
        };
        let Some(range) = span.range(keep_eight_bits) else { return Ok(unchanged) };
        let Span { low, high, kind, .. } = span;
        let eight = if keep_eight_bits { "; images of 8 bits are unchanged" } else { "" };
        let message = format!(
            "{} of {} images looked at store {kind} with values from {low} to {high}: {} becomes \
             black and {} white in all images{eight}; another range can be set",
            deep.len(),
            seen.len(),
            range.low,
            range.high,
        );
        let options = Self { range: Some(range), keep_eight_bits, ..self.clone() };
        Ok(PixelChoice { options, message: Some(message) })
    }

    /// Returns the span of a deep image's values, `Some(None)` for one of 8 bits, and `None` for one
    /// that cannot be used.
    fn look_at(&self, dataset: &dyn Dataset, index: usize) -> Result<Option<Found>, DataError> {
        let pixels = match dataset.encoded(index)? {
            Some(bytes) => {
                let Ok(image) = EncodedImage::open(&bytes) else { return Ok(None) };
                if !image.is_deep() {
                    return Ok(Some(None));
                }
                image.decode_pixels()
            }
            None => match dataset.image(index) {
                Ok(image) => Ok(Pixels::Image(image)),
                Err(_) => return Ok(None),
            },
        };
        let bands = pixels.map(|pixels| match pixels {
            Pixels::Image(image) => image.into(),
            Pixels::Bands(bands) => bands,
        });
        Ok(bands.and_then(|bands| self.chosen(bands)).ok().map(|bands| Span::of(&bands.values)))
    }

    /// Returns the image of the decoded values.
    pub(crate) fn apply(&self, pixels: Pixels) -> Result<DynamicImage, DecodeError> {
        let bands = match pixels {
            Pixels::Image(image) if *self == Self::default() => return Ok(image),
            Pixels::Image(image) => image.into(),
            Pixels::Bands(bands) => bands,
        };
        let image = self.ranged(self.chosen(bands)?)?;
        let deep = matches!(image, DynamicImage::ImageLuma16(_) | DynamicImage::ImageRgb16(_));
        Ok(match (&self.channels, deep) {
            (Channels::Gray, false) => image.into_luma8().into(),
            (Channels::Gray, true) => image.into_luma16().into(),
            (Channels::Rgb, false) => image.into_rgb8().into(),
            (Channels::Rgb, true) => image.into_rgb16().into(),
            _ => image,
        })
    }

    /// Keeps the bands to use.
    fn chosen(&self, bands: Bands) -> Result<Bands, DecodeError> {
        fn picked<V: Copy>(values: &[V], count: usize, places: &[usize]) -> Vec<V> {
            let pixels = values.chunks_exact(count);
            pixels.flat_map(|pixel| places.iter().map(|place| pixel[*place])).collect()
        }
        let Bands { size, count, values, colors } = bands;
        let Channels::Bands(places) = &self.channels else {
            return if colors {
                Ok(Bands { size, count, values, colors })
            } else {
                Err(DecodeError::Bands { bands: count })
            };
        };
        if let Some(&band) = places.iter().find(|place| **place >= count) {
            return Err(DecodeError::NoBand { bands: count, band });
        }
        let values = match values {
            Values::Eight(values) => Values::Eight(picked(&values, count, places)),
            Values::Sixteen(values) => Values::Sixteen(picked(&values, count, places)),
            Values::Free(values, kind) => Values::Free(picked(&values, count, places), kind),
        };
        Ok(Bands { size, count: places.len(), values, colors: true })
    }

    /// Maps the range, if there is one, to that of the result.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    fn ranged(&self, bands: Bands) -> Result<DynamicImage, DecodeError> {
        let Bands { size, count, values, .. } = bands;
        match (values, self.range) {
            (Values::Eight(values), Some(range)) if !self.keep_eight_bits => {
                let values = range.map(values.into_iter().map(f64::from), 255.0);
                gray_or_rgb(size, count, values.map(|value| value as u8).collect())
            }
            (Values::Eight(values), _) => gray_or_rgb(size, count, values),
            (Values::Sixteen(values), None) => gray_or_rgb(size, count, values),
            (Values::Sixteen(values), Some(range)) => {
                let values = range.map(values.into_iter().map(f64::from), 65_535.0);
                gray_or_rgb(size, count, values.map(|value| value as u16).collect())
            }
            (Values::Free(_, kind), None) => Err(DecodeError::NoRange(kind)),
            (Values::Free(values, _), Some(range)) => {
                let values = range.map(values.into_iter().map(f64::from), 65_535.0);
                gray_or_rgb(size, count, values.map(|value| value as u16).collect())
            }
        }
    }
}

/// Returns up to `limit` indices below `length`, evenly spaced.
pub(crate) fn spaced(length: usize, limit: usize) -> impl Iterator<Item = usize> {
    let count = length.min(limit);
    (0..count).map(move |number| (number as u128 * length as u128 / count as u128) as usize)
}

/// The span of a deep image's values, or `None` for an image of 8 bits.
type Found = Option<Span>;

/// The values of images of more than 8 bits.
#[derive(Clone, Debug, PartialEq)]
struct Span {
    low: f64,
    high: f64,
    /// Whether all are whole numbers.
    whole: bool,
    kind: &'static str,
}

impl Span {
    fn of(values: &Values) -> Found {
        fn ends(values: impl Iterator<Item = f64>) -> (f64, f64, bool) {
            let start = (f64::INFINITY, f64::NEG_INFINITY, true);
            values.filter(|value| value.is_finite()).fold(start, |(low, high, whole), value| {
                (low.min(value), high.max(value), whole && value.fract() == 0.0)
            })
        }
        let ((low, high, whole), kind) = match values {
            Values::Eight(_) => return None,
            Values::Sixteen(values) => (ends(values.iter().copied().map(f64::from)), "16 bits"),
            Values::Free(values, kind) => (ends(values.iter().copied().map(f64::from)), *kind),
        };
        Some(Self { low, high, whole, kind })
    }

    fn with(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            whole: self.whole && other.whole,
            kind: self.kind,
        }
    }

    /// Returns the range to map, or `None` if it is the full one of 16 bits.
    fn range(&self, beside_eight_bits: bool) -> Option<PixelRange> {
        let &Self { low, high, whole, kind } = self;
        if low > high {
            return None; // no value is a number
        }
        let floats = kind.ends_with("floats");
        let full = if low < 0.0 {
            None
        } else if floats && high <= 1.0 {
            Some(1.0)
        } else if whole && !floats {
            let bits = (high + 1.0).log2().ceil().max(if beside_eight_bits { 8.0 } else { 1.0 });
            Some(bits.exp2() - 1.0)
        } else {
            None
        };
        let range = match full {
            Some(full) if high - low >= full / 4.0 => (0.0, full),
            _ if low < high => (low, high),
            // A single value is as dark as it can be.
            _ => (low, low + 1.0),
        };
        if kind == "16 bits" && range == (0.0, 65_535.0) {
            return None;
        }
        PixelRange::new(range.0, range.1).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(low: f64, high: f64, kind: &'static str) -> Option<String> {
        let span = Span { low, high, whole: high.fract() == 0.0, kind };
        span.range(false).map(|range| range.to_string())
    }

    #[test]
    fn ranges_are_full_numbers_of_bits_where_values_fill_them() {
        assert_eq!(range(3.0, 4_092.0, "16 bits").unwrap(), "0..4095");
        assert_eq!(range(0.0, 1_023.0, "16 bits").unwrap(), "0..1023");
        assert_eq!(range(0.0, 1_024.0, "16 bits").unwrap(), "0..2047");
        assert_eq!(range(0.0, 60_000.0, "16 bits"), None);
        assert_eq!(range(1_000.0, 1_126.0, "16 bits").unwrap(), "1000..1126", "as CT scans have");
        assert_eq!(range(-1_000.0, 900.0, "signed 16-bit integers").unwrap(), "-1000..900");
        assert_eq!(range(0.0, 0.9, "32-bit floats").unwrap(), "0..1");
        assert_eq!(range(0.0, 0.01, "32-bit floats").unwrap(), "0..0.01");
        assert_eq!(range(5.0, 5.0, "32-bit floats").unwrap(), "5..6");
    }

    #[test]
    fn indices_are_evenly_spaced() {
        assert_eq!(spaced(10, 3).collect::<Vec<_>>(), [0, 3, 6]);
        assert_eq!(spaced(2, 5).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(spaced(0, 5).count(), 0);
    }

    #[test]
    fn settings_are_read_as_they_are_written() {
        for text in ["auto", "gray", "rgb", "0,3,2", "4"] {
            assert_eq!(text.parse::<Channels>().unwrap().to_string(), text);
        }
        for text in ["", "0,1", "red", "-1", "0,1,2,3"] {
            let error = text.parse::<Channels>().unwrap_err().to_string();
            assert!(error.contains("0,3,2"), "{error}");
        }
        assert_eq!("-10..0.5".parse::<PixelRange>().unwrap().to_string(), "-10..0.5");
        for text in ["", "5", "5..", "5..4", "NaN..4", "0..inf"] {
            assert!(text.parse::<PixelRange>().is_err(), "{text}");
        }
    }
}
