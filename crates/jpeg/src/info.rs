//! The size of an image and its metadata, read from the head of its file.

use crate::header::Frame;
use crate::marker::{BASELINE_FRAME, EXTENDED_FRAME, SCAN, segments};

/// Size and channels of a JPEG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Pixels per row of the whole image.
    pub width: usize,
    /// Rows of the whole image.
    pub height: usize,
    /// 1 for a gray image, 3 for color.
    pub channels: usize,
}

/// Reads the segments before the image's data.
///
/// Returns `None` for bytes that are not a JPEG, and for kinds of frame that
/// [`decode`](crate::decode) never reads. Some kinds are recognized only later, so `decode` may
/// still return `None`.
///
/// # Example
/// ```
/// use jpeg_encoder::{ColorType, Encoder};
///
/// let mut file = Vec::new();
/// Encoder::new(&mut file, 90).encode(&[0; 7 * 5], 7, 5, ColorType::Luma)?;
/// let info = selfsame_jpeg::read_info(&file).expect("a JPEG");
/// assert_eq!((info.width, info.height, info.channels), (7, 5, 1));
/// assert_eq!(selfsame_jpeg::read_info(b"no JPEG"), None);
/// # Ok::<(), jpeg_encoder::EncodingError>(())
/// ```
#[must_use]
pub fn read_info(bytes: &[u8]) -> Option<Info> {
    let mut frame = None;
    for (marker, segment, _) in segments(bytes)? {
        match marker {
            BASELINE_FRAME | EXTENDED_FRAME => frame = Some(Frame::read(segment)?),
            SCAN => {
                let Frame { size, components } = frame?;
                let [height, width] = size.map(usize::from);
                return Some(Info { width, height, channels: components.len() });
            }
            _ => {}
        }
    }
    None
}

/// Metadata of a JPEG of any kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata<'a> {
    /// The content of each EXIF segment, which begins with its TIFF header, in the file's order.
    pub exif: Vec<&'a [u8]>,
    /// The content of each XMP segment, an XML text, in the file's order.
    pub xmp: Vec<&'a [u8]>,
}

/// Reads the metadata before the image's data; there is none in bytes that are not a JPEG.
///
/// # Example
/// ```
/// let file = [&b"\xFF\xD8\xFF\xE1\0\x0AExif\0\0II"[..], b"\xFF\xD9"].concat();
/// assert_eq!(selfsame_jpeg::read_metadata(&file).exif, [b"II"]);
/// ```
#[must_use]
pub fn read_metadata(bytes: &[u8]) -> Metadata<'_> {
    let mut metadata = Metadata::default();
    let head = segments(bytes).into_iter().flatten().take_while(|(marker, ..)| *marker != SCAN);
    for (_, segment, _) in head.filter(|(marker, ..)| *marker == 0xE1) {
        metadata.exif.extend(segment.strip_prefix(b"Exif\0\0"));
        metadata.xmp.extend(segment.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0"));
    }
    metadata
}
