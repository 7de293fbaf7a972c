//! TIFFs: classic and big, of any number and type of bands.

use std::io::Cursor;

use image::metadata::Orientation;
use selfsame_jpeg::Process;
use tiff::TiffError;
use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::bands::{Bands, Values};
use super::jpeg::from_inks;
use super::orientation::Turned;
use super::{MAX_BYTES, MAX_SCANS, Pixels, damaged};
use crate::DecodeError;

// Tags, by the numbers that the format gives them.
const SUBFILE: u16 = 254;
const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const FILL_ORDER: u16 = 266;
const STRIPS: [u16; 2] = [273, 279];
const ORIENTATION: u16 = 274;
const SAMPLES: u16 = 277;
const PLANES: u16 = 284;
const COLOR_MAP: u16 = 320;
const TILES: [u16; 2] = [324, 325];
const SUB_DIRECTORIES: u16 = 330;
const EXTRA_SAMPLES: u16 = 338;
const FORMAT: u16 = 339;
const SUBSAMPLING: u16 = 530;
const XMP: u16 = 700;
const DNG: u16 = 50_706;

/// The most entries and values of an entry that are read: offsets of a million strips.
const MAX_VALUES: usize = 1 << 20;

/// The first directory, which describes the first page.
struct Directory<'a> {
    bytes: &'a [u8],
    little: bool,
    entries: Vec<Entry>,
}

struct Entry {
    tag: u16,
    kind: u16,
    count: usize,
    /// Where the values are in the file.
    at: usize,
}

impl<'a> Directory<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let little = bytes.starts_with(b"II");
        let mut directory = Self { bytes, little, entries: Vec::new() };
        let big = directory.number(2, 2)? == 43;
        let start = if big { directory.number(8, 8)? } else { directory.number(4, 4)? };
        let start = usize::try_from(start).ok()?;
        let (head, length, offset) = if big { (8, 20, 8) } else { (2, 12, 4) };
        let count = usize::try_from(directory.number(start, head)?).ok()?.min(MAX_VALUES);
        for number in 0..count {
            let at = start.checked_add(head)?.checked_add(number.checked_mul(length)?)?;
            // A directory that is cut off is judged by the entries that are there.
            let Some(entry) = directory.entry(at, offset) else { break };
            directory.entries.push(entry);
        }
        Some(directory)
    }

    fn entry(&self, at: usize, offset: usize) -> Option<Entry> {
        let tag = u16::try_from(self.number(at, 2)?).ok()?;
        let kind = u16::try_from(self.number(at + 2, 2)?).ok()?;
        let count = usize::try_from(self.number(at + 4, offset)?).ok()?;
        let inline = at + 4 + offset;
        let fits = count.saturating_mul(width_of(kind).unwrap_or(8)) <= offset;
        let at = if fits { inline } else { self.number(inline, offset)?.try_into().ok()? };
        Some(Entry { tag, kind, count, at })
    }

    /// Returns the number in the `width` bytes from `at` on.
    fn number(&self, at: usize, width: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(width)?)?;
        let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.little {
            bytes.iter().rev().fold(0, join)
        } else {
            bytes.iter().fold(0, join)
        })
    }

    fn find(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// Returns all whole numbers of an entry, none if it is not there.
    fn all(&self, tag: u16) -> Vec<u64> {
        let Some(entry) = self.find(tag) else { return Vec::new() };
        let Some(width) = width_of(entry.kind) else { return Vec::new() };
        let at = |number: usize| entry.at.checked_add(number.checked_mul(width)?);
        let number = |number| self.number(at(number)?, width);
        (0..entry.count.min(MAX_VALUES)).map_while(number).collect()
    }

    fn one(&self, tag: u16, default: u64) -> u64 {
        self.all(tag).first().copied().unwrap_or(default)
    }

    fn orientation(&self) -> Orientation {
        let mut turned = Turned::default();
        if self.find(ORIENTATION).is_some() {
            turned.read_tag(self.one(ORIENTATION, 1));
        }
        if let Some(&Entry { at, count, .. }) = self.find(XMP) {
            let end = at.saturating_add(count).min(self.bytes.len());
            turned.read_xmp(self.bytes.get(at..end).unwrap_or_default());
        }
        turned.orientation()
    }
}

/// Returns the bytes of a value of whole numbers.
fn width_of(kind: u16) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 13 => Some(4),
        16..=18 => Some(8),
        _ => None,
    }
}

/// How values become colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    WhiteIsZero,
    Gray,
    Rgb,
    Palette,
    Cmyk,
    YCbCr,
}

/// What the first directory says.
pub(super) struct Head {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) orientation: Orientation,
    /// Bytes that decoding takes.
    pub(super) memory: u64,
    /// Whether values have more than 8 bits, or no fixed range.
    pub(super) deep: bool,
    samples: usize,
    bits: usize,
    meaning: Meaning,
    /// What bands beyond the colors are: 1 and 2 stand for transparency.
    extra: Vec<u64>,
    /// Whether the bits of a byte are stored from the lowest on.
    reversed: bool,
    planar: bool,
    palette: Vec<u64>,
    /// Where the file says how values become colors.
    meaning_at: Option<usize>,
}

impl Head {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let directory = Directory::read(bytes).ok_or(DecodeError::Truncated)?;
        let side = |tag| u32::try_from(directory.one(tag, 0)).unwrap_or(u32::MAX);
        let (width, height) = (side(WIDTH), side(HEIGHT));
        let unsupported = |kind: String| Err(DecodeError::Unsupported(format!("a TIFF {kind}")));
        let reduced = directory.one(SUBFILE, 0) & 1 == 1;
        if directory.find(DNG).is_some() || reduced && directory.find(SUB_DIRECTORIES).is_some() {
            return Err(DecodeError::Unsupported("a camera's raw image".to_owned()));
        }
        let all_bits = directory.all(BITS);
        let bits = all_bits.first().copied().unwrap_or(1);
        if all_bits.iter().any(|other| *other != bits) {
            return unsupported("whose bands differ in bits".to_owned());
        }
        let format = directory.one(FORMAT, 1);
        match (format, bits) {
            (1, 1 | 2 | 4) | (1 | 2 | 4, 8 | 16 | 32 | 64) | (3, 16 | 32 | 64) => {}
            (5 | 6, _) => return unsupported("of complex numbers".to_owned()),
            (3, _) => return unsupported(format!("of floats of {bits} bits")),
            _ => return unsupported(format!("of {bits} bits a value")),
        }
        let samples = usize::try_from(directory.one(SAMPLES, 1)).unwrap_or(usize::MAX);
        let (meaning, colors) = match directory.one(PHOTOMETRIC, 1) {
            0 => (Meaning::WhiteIsZero, 1),
            1 => (Meaning::Gray, 1),
            2 => (Meaning::Rgb, 3),
            3 if matches!(bits, 1 | 2 | 4 | 8 | 16) => (Meaning::Palette, 1),
            5 if matches!(bits, 8 | 16) && format == 1 => (Meaning::Cmyk, 4),
            6 if bits == 8 => (Meaning::YCbCr, 3),
            8..=10 => return unsupported("of CIE L*a*b* colors".to_owned()),
            32_803 | 34_892 => {
                return Err(DecodeError::Unsupported("a camera's raw image".to_owned()));
            }
            32_844 | 32_845 => return unsupported("of LogLuv colors".to_owned()),
            other => return unsupported(format!("of colors of the kind {other}, {bits} bits")),
        };
        if samples < colors {
            return unsupported(format!("of {samples} bands instead of {colors}"));
        }
        let compression = directory.one(COMPRESSION, 1);
        let subsampling = directory.all(SUBSAMPLING);
        if meaning == Meaning::YCbCr && compression != 7 && subsampling != [1, 1] {
            return unsupported("of YCbCr colors of reduced size".to_owned());
        }
        let reversed = directory.one(FILL_ORDER, 1) == 2 && compression != 7;
        if reversed && (compression != 1 || bits > 8) {
            return unsupported("with bits in reversed order".to_owned());
        }
        if compression == 7 {
            check_jpegs(&directory)?;
        }
        let mut extra = directory.all(EXTRA_SAMPLES);
        extra.resize(samples - colors, 0);
        let planar = directory.one(PLANES, 1) == 2;
        let simple = !planar && matches!(bits, 8 | 16) && format == 1 && extra.is_empty();
        let copies = if simple && matches!(meaning, Meaning::Gray | Meaning::Rgb) { 1 } else { 3 };
        let values = u64::from(width).saturating_mul(height.into()).saturating_mul(samples as u64);
        Ok(Self {
            width,
            height,
            orientation: directory.orientation(),
            memory: values.saturating_mul(bits.div_ceil(8) * copies),
            deep: bits > 8 && meaning != Meaning::Palette || matches!(format, 2 | 3),
            samples,
            bits: usize::try_from(bits).unwrap_or(8),
            meaning,
            extra,
            reversed,
            planar,
            palette: directory.all(COLOR_MAP),
            meaning_at: directory.find(PHOTOMETRIC).map(|entry| entry.at),
        })
    }

    /// Decodes the values of all bands, and then the colors they stand for.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<Pixels, DecodeError> {
        // The library gives back all bands, unchanged, of what it takes for gray values.
        let (little, mut bytes) = (bytes.starts_with(b"II"), bytes.to_vec());
        if let Some(place) = self.meaning_at.and_then(|at| bytes.get_mut(at..at + 2)) {
            place.copy_from_slice(&if little { [1, 0] } else { [0, 1] });
        }
        let mut limits = Limits::default();
        (limits.decoding_buffer_size, limits.intermediate_buffer_size) = (MAX_BYTES, MAX_BYTES);
        limits.ifd_value_size = 8 * MAX_VALUES;
        let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(fault)?.with_limits(limits);
        let mut found = DecodingResult::U8(Vec::new());
        let layout = decoder.read_image_to_buffer(&mut found).map_err(fault)?;
        if found.as_buffer(0).byte_len() < layout.complete_len {
            return Err(DecodeError::Truncated);
        }
        let count = if self.planar { 1 } else { self.samples };
        let values = match found {
            DecodingResult::U8(values) if self.bits < 8 => {
                Values::Eight(self.unpacked(&values, count))
            }
            DecodingResult::U8(values) => Values::Eight(self.in_order(values)),
            DecodingResult::U16(values) => Values::Sixteen(values),
            DecodingResult::U32(values) => free(values, |x| x as f32, "32-bit integers"),
            DecodingResult::U64(values) => free(values, |x| x as f32, "64-bit integers"),
            DecodingResult::I8(values) => free(values, f32::from, "signed 8-bit integers"),
            DecodingResult::I16(values) => free(values, f32::from, "signed 16-bit integers"),
            DecodingResult::I32(values) => free(values, |x| x as f32, "signed 32-bit integers"),
            DecodingResult::I64(values) => free(values, |x| x as f32, "signed 64-bit integers"),
            DecodingResult::F16(values) => free(values, f32::from, "16-bit floats"),
            DecodingResult::F32(values) => Values::Free(values, "32-bit floats"),
            #[allow(clippy::cast_possible_truncation, reason = "the range is what counts")]
            DecodingResult::F64(values) => free(values, |x| x as f32, "64-bit floats"),
        };
        let values = if self.planar { self.interleaved(values) } else { values };
        self.colored(values)
    }

    fn in_order(&self, mut values: Vec<u8>) -> Vec<u8> {
        if self.reversed {
            for byte in &mut values {
                *byte = byte.reverse_bits();
            }
        }
        values
    }

    /// Spreads values of fewer than 8 bits, whose rows begin at whole bytes.
    fn unpacked(&self, bytes: &[u8], count: usize) -> Vec<u8> {
        let (bits, most) = (self.bits, (1_u8 << self.bits) - 1);
        // Numbers of a palette stay as they are.
        let scale = if self.meaning == Meaning::Palette { 1 } else { 255 / most };
        let row = self.width as usize * count;
        let value = |bytes: &[u8], number: usize| {
            let byte = bytes[number * bits / 8];
            let byte = if self.reversed { byte.reverse_bits() } else { byte };
            (byte >> (8 - bits - number * bits % 8) & most) * scale
        };
        let rows = bytes.chunks_exact((row * bits).div_ceil(8).max(1));
        rows.flat_map(|bytes| (0..row).map(move |number| value(bytes, number))).collect()
    }

    /// Joins planes that are stored one after the other.
    fn interleaved(&self, values: Values) -> Values {
        fn joined<V: Copy>(values: &[V], count: usize) -> Vec<V> {
            let plane = values.len() / count;
            let pixel = |at: usize| (0..count).map(move |band| values[band * plane + at]);
            (0..plane).flat_map(pixel).collect()
        }
        match values {
            Values::Eight(values) => Values::Eight(joined(&values, self.samples)),
            Values::Sixteen(values) => Values::Sixteen(joined(&values, self.samples)),
            Values::Free(values, kind) => Values::Free(joined(&values, self.samples), kind),
        }
    }

    fn colored(&self, values: Values) -> Result<Pixels, DecodeError> {
        let (size, count) = ([self.width, self.height], self.samples);
        let with = |count: usize, values: Values, colors: bool| {
            Bands { size, count, values, colors }.into_pixels()
        };
        match (self.meaning, values) {
            (Meaning::Palette, values) if count == 1 => with(3, self.looked_up(values)?, true),
            (Meaning::Cmyk, Values::Eight(values)) if count == 4 => {
                let colors = values.as_chunks().0.iter().flat_map(|inks| from_inks(*inks));
                with(3, Values::Eight(colors.collect()), true)
            }
            (Meaning::Cmyk, Values::Sixteen(values)) if count == 4 => {
                let high = |inks: &[u16; 4]| from_inks(inks.map(|ink| ink.to_be_bytes()[0]));
                let colors = values.as_chunks().0.iter().flat_map(high);
                with(3, Values::Eight(colors.collect()), true)
            }
            (Meaning::YCbCr, Values::Eight(values)) if count == 3 => {
                let colors = values.as_chunks().0.iter().flat_map(|color| from_ycbcr(*color));
                with(3, Values::Eight(colors.collect()), true)
            }
            (Meaning::Palette | Meaning::Cmyk | Meaning::YCbCr, _) => {
                let kind = format!("a TIFF of {:?} colors with more bands", self.meaning);
                Err(DecodeError::Unsupported(kind))
            }
            (meaning, mut values) => {
                let colors = count - self.extra.len();
                if meaning == Meaning::WhiteIsZero {
                    invert(&mut values, count);
                }
                match (&self.extra[..], values) {
                    ([], values) => with(count, values, true),
                    ([kind @ (1 | 2)], Values::Eight(values)) => {
                        with(colors, Values::Eight(over_white(&values, count, *kind == 1)), true)
                    }
                    ([kind @ (1 | 2)], Values::Sixteen(values)) => {
                        with(colors, Values::Sixteen(over_white(&values, count, *kind == 1)), true)
                    }
                    (_, values) => with(count, values, false),
                }
            }
        }
    }

    fn looked_up(&self, values: Values) -> Result<Values, DecodeError> {
        let numbers: Vec<usize> = match values {
            Values::Eight(values) => values.into_iter().map(usize::from).collect(),
            Values::Sixteen(values) => values.into_iter().map(usize::from).collect(),
            Values::Free(..) => return Err(damaged("its palette has no numbers")),
        };
        let colors = self.palette.len() / 3;
        // Some programs write 8 bits where there should be 16.
        let shift = if self.palette.iter().all(|value| *value < 256) { 0 } else { 8 };
        let color = |number: usize| {
            let number = number.min(colors.saturating_sub(1));
            let value = |band: usize| self.palette.get(band * colors + number).copied();
            let byte = |band| u8::try_from(value(band).unwrap_or(0) >> shift).unwrap_or(u8::MAX);
            [byte(0), byte(1), byte(2)]
        };
        if colors == 0 {
            return Err(damaged("its palette is missing"));
        }
        Ok(Values::Eight(numbers.into_iter().flat_map(color).collect()))
    }
}

/// Inverts the first of `count` bands.
fn invert(values: &mut Values, count: usize) {
    match values {
        Values::Eight(values) => values.iter_mut().step_by(count).for_each(|x| *x = !*x),
        Values::Sixteen(values) => values.iter_mut().step_by(count).for_each(|x| *x = !*x),
        Values::Free(..) => {}
    }
}

/// Lays colors over white, of which the last of `count` bands says how much they cover;
/// `multiplied` if that is already multiplied into the colors.
fn over_white<V>(values: &[V], count: usize, multiplied: bool) -> Vec<V>
where
    V: Copy + Into<u64> + TryFrom<u64> + image::Primitive,
{
    let most: u64 = V::DEFAULT_MAX_VALUE.into();
    let pixel = |pixel: &[V]| {
        let alpha: u64 = pixel[count - 1].into();
        let over = |color: &V| {
            let color: u64 = (*color).into();
            let share = if multiplied { color * most } else { color * alpha };
            let value = (share + most * (most - alpha) + most / 2) / most;
            V::try_from(value.min(most)).unwrap_or(V::DEFAULT_MAX_VALUE)
        };
        pixel[..count - 1].iter().map(over).collect::<Vec<_>>()
    };
    values.chunks_exact(count).flat_map(pixel).collect()
}

fn free<T>(values: Vec<T>, convert: impl Fn(T) -> f32, kind: &'static str) -> Values {
    Values::Free(values.into_iter().map(convert).collect(), kind)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
fn from_ycbcr([luma, blue, red]: [u8; 3]) -> [u8; 3] {
    let (luma, blue, red) = (f32::from(luma), f32::from(blue) - 128.0, f32::from(red) - 128.0);
    let colors =
        [luma + 1.402 * red, luma - 0.344_136 * blue - 0.714_136 * red, luma + 1.772 * blue];
    colors.map(|color| color.round().clamp(0.0, 255.0) as u8)
}

/// Refuses strips or tiles whose JPEGs take more than the limits, or that the library misreads.
fn check_jpegs(directory: &Directory<'_>) -> Result<(), DecodeError> {
    let tags = if directory.find(TILES[0]).is_some() { TILES } else { STRIPS };
    let [offsets, lengths] = tags.map(|tag| directory.all(tag));
    for (offset, length) in offsets.into_iter().zip(lengths) {
        let range = usize::try_from(offset).ok().zip(usize::try_from(length).ok());
        let bytes = range
            .and_then(|(offset, length)| directory.bytes.get(offset..offset.checked_add(length)?));
        let Some(bytes) = bytes else { return Err(DecodeError::Truncated) };
        let Some(outline) = selfsame_jpeg::outline(bytes) else {
            return Err(damaged("a JPEG in it has no frame"));
        };
        let memory = outline.width as u64 * outline.height as u64 * outline.components as u64 * 4;
        if memory > MAX_BYTES as u64 {
            return Err(damaged("a JPEG in it is larger than the limits"));
        }
        if outline.scans > MAX_SCANS {
            return Err(DecodeError::TooManyScans { scans: outline.scans });
        }
        let one_scan = outline.process == Process::Sequential && outline.scans == 1;
        let known = one_scan || outline.process == Process::Progressive;
        if !known || outline.precision != 8 || !matches!(outline.components, 1 | 3 | 4) {
            return Err(DecodeError::Unsupported("a TIFF of JPEGs of a rare kind".to_owned()));
        }
    }
    Ok(())
}

fn fault(error: TiffError) -> DecodeError {
    match error {
        TiffError::UnsupportedError(what) => {
            DecodeError::Unsupported(format!("a TIFF of a rare kind ({what})"))
        }
        TiffError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::Truncated
        }
        error => damaged(error),
    }
}
