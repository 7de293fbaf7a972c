//! The size of an image, read from the head of its file.

use crate::header::Frame;
use crate::marker::{BASELINE_FRAME, EXTENDED_FRAME, SCAN, segments};

/// Size, channels and EXIF data of a JPEG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info<'a> {
    /// Pixels per row of the whole image.
    pub width: usize,
    /// Rows of the whole image.
    pub height: usize,
    /// 1 for a gray image, 3 for color.
    pub channels: usize,
    /// The content of each EXIF segment, which begins with its TIFF header, in the file's order.
    pub exif: Vec<&'a [u8]>,
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
pub fn read_info(bytes: &[u8]) -> Option<Info<'_>> {
    let (mut frame, mut exif) = (None, Vec::new());
    for (marker, segment, _) in segments(bytes)? {
        match marker {
            BASELINE_FRAME | EXTENDED_FRAME => frame = Some(Frame::read(segment)?),
            0xE1 => exif.extend(segment.strip_prefix(b"Exif\0\0")),
            SCAN => {
                let Frame { size, components } = frame?;
                let [height, width] = size.map(usize::from);
                return Some(Info { width, height, channels: components.len(), exif });
            }
            _ => {}
        }
    }
    None
}
