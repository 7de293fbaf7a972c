//! How an image is turned, as its metadata says.

use std::io::Read;

use flate2::read::ZlibDecoder;
use image::metadata::Orientation;

/// The most bytes that are read of compressed metadata.
const MAX_METADATA: u64 = 1 << 20;

/// What a file says about its orientation; EXIF data goes before XMP, and the last of several counts.
#[derive(Default)]
pub(super) struct Turned {
    exif: Option<Orientation>,
    xmp: Option<Orientation>,
}

impl Turned {
    /// Reads EXIF data, with or without the prefix that JPEG gives it.
    pub(super) fn read_exif(&mut self, exif: &[u8]) {
        let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
        self.exif = Orientation::from_exif_chunk(tiff).or(self.exif);
    }

    /// Reads an XMP text, in which the orientation is an attribute or an element.
    pub(super) fn read_xmp(&mut self, xmp: &[u8]) {
        const NAME: &[u8] = b"tiff:Orientation";
        let Some(at) = xmp.windows(NAME.len()).position(|window| window == NAME) else { return };
        let is_space = |byte: &&u8| byte.is_ascii_whitespace() || b"=\"'>".contains(byte);
        let value = xmp[at + NAME.len()..].iter().find(|byte| !is_space(byte));
        let value = value.and_then(|byte| byte.checked_sub(b'0'));
        self.xmp = value.and_then(Orientation::from_exif).or(self.xmp);
    }

    /// Reads the value of a TIFF's tag.
    pub(super) fn read_tag(&mut self, value: u64) {
        let value = u8::try_from(value).ok();
        self.exif = value.and_then(Orientation::from_exif).or(self.exif);
    }

    pub(super) fn orientation(&self) -> Orientation {
        self.exif.or(self.xmp).unwrap_or(Orientation::NoTransforms)
    }
}

/// Reads the metadata of a JPEG.
pub(super) fn of_jpeg(bytes: &[u8]) -> Orientation {
    let metadata = selfsame_jpeg::read_metadata(bytes);
    let mut turned = Turned::default();
    metadata.exif.iter().for_each(|exif| turned.read_exif(exif));
    metadata.xmp.iter().for_each(|xmp| turned.read_xmp(xmp));
    turned.orientation()
}

/// Reads the chunks of a WebP.
pub(super) fn of_webp(bytes: &[u8]) -> Orientation {
    let mut turned = Turned::default();
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [name @ .., a, b, c, d] = head;
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        let content = &after[..length.min(after.len())];
        match name {
            b"EXIF" => turned.read_exif(content),
            b"XMP " => turned.read_xmp(content),
            _ => {}
        }
        rest = after.get(length.saturating_add(length % 2)..).unwrap_or_default();
    }
    turned.orientation()
}

/// Reads the chunks of a PNG: its own for EXIF data, and the texts in which programs stored that,
/// and XMP, before there was one.
pub(super) fn of_png(bytes: &[u8]) -> Orientation {
    let mut turned = Turned::default();
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, name @ ..] = head;
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let content = &after[..length.min(after.len())];
        match name {
            b"eXIf" => turned.read_exif(content),
            b"tEXt" | b"zTXt" | b"iTXt" => {
                read_text(*name, content, &mut turned).unwrap_or_default();
            }
            _ => {}
        }
        rest = after.get(length.saturating_add(4)..).unwrap_or_default();
    }
    turned.orientation()
}

fn read_text(chunk: [u8; 4], content: &[u8], turned: &mut Turned) -> Option<()> {
    let (keyword, rest) = split_at_zero(content)?;
    let hex = match keyword {
        b"XML:com.adobe.xmp" => false,
        b"Raw profile type exif" | b"Raw profile type APP1" | b"Raw profile type xmp" => true,
        _ => return None,
    };
    let text = match (&chunk, rest) {
        (b"tEXt", _) => rest.to_vec(),
        (b"zTXt", [_, rest @ ..]) => inflated(rest)?,
        (_, [compressed, _, rest @ ..]) => {
            let (_, rest) = split_at_zero(rest)?; // the language
            let (_, rest) = split_at_zero(rest)?; // the keyword in that language
            if *compressed == 0 { rest.to_vec() } else { inflated(rest)? }
        }
        _ => return None,
    };
    let profile = if hex { from_hex(&text)? } else { text };
    if let Some(xmp) = profile.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
        turned.read_xmp(xmp);
    } else if keyword.ends_with(b"xmp") {
        turned.read_xmp(&profile);
    } else {
        turned.read_exif(&profile);
    }
    Some(())
}

fn split_at_zero(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == 0)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    ZlibDecoder::new(bytes).take(MAX_METADATA).read_to_end(&mut text).ok()?;
    Some(text)
}

/// Decodes a profile as `ImageMagick` writes it: a name, a length, and hexadecimal digits in lines.
fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (_, length) = (words.next()?, words.next()?);
    let length: usize = str::from_utf8(length).ok()?.parse().ok()?;
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| digit.try_into().ok());
    let digits: Option<Vec<u8>> = words.flatten().map(digit).collect();
    let digits = digits?;
    let bytes = digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low);
    Some(bytes.take(length).collect())
}
