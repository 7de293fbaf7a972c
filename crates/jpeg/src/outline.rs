//! The outline of a whole file: how it is coded, in how many scans, and whether it ends.

use crate::marker::{SCAN, markers, read_u16};

/// How the image of a JPEG is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Process {
    /// Baseline or extended sequential, with Huffman codes.
    Sequential,
    /// Progressive, with Huffman codes.
    Progressive,
    /// Lossless, with Huffman codes.
    Lossless,
    /// Any of these with arithmetic codes.
    Arithmetic,
    /// Hierarchical: frames of growing size.
    Hierarchical,
    /// JPEG-LS, which is another format with the same markers.
    JpegLs,
}

/// What the markers of a whole file say about its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// How it is coded.
    pub process: Process,
    /// Bits of a sample.
    pub precision: u8,
    /// Pixels per row.
    pub width: usize,
    /// Rows; 0 if they are stated after the first scan.
    pub height: usize,
    /// Number of components.
    pub components: usize,
    /// Number of scans.
    pub scans: usize,
    /// Whether the end marker is there.
    pub ended: bool,
}

/// Reads the markers of a file up to its end, of any kind of JPEG; `None` if it describes no image.
///
/// # Example
/// ```
/// use jpeg_encoder::{ColorType, Encoder};
/// use selfsame_jpeg::{Process, outline};
///
/// let mut file = Vec::new();
/// let mut encoder = Encoder::new(&mut file, 90);
/// encoder.set_progressive(true);
/// encoder.encode(&[0; 7 * 5], 7, 5, ColorType::Luma)?;
/// let outline = outline(&file).expect("a JPEG");
/// assert_eq!((outline.process, outline.precision), (Process::Progressive, 8));
/// assert!(outline.scans > 1 && outline.ended);
/// # Ok::<(), jpeg_encoder::EncodingError>(())
/// ```
#[must_use]
pub fn outline(bytes: &[u8]) -> Option<Outline> {
    bytes.strip_prefix(&[0xFF, 0xD8])?;
    let (mut frame, mut scans, mut ended) = (None, 0, false);
    for (marker, segment) in markers(bytes) {
        match marker {
            0xC0..=0xCF | 0xF7 if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                frame = frame.or(read_frame(marker, segment));
            }
            SCAN => scans += 1,
            0xD9 => ended = true,
            _ => {}
        }
    }
    frame.map(|frame| Outline { scans, ended, ..frame })
}

fn read_frame(marker: u8, segment: &[u8]) -> Option<Outline> {
    let process = match marker {
        0xC0 | 0xC1 => Process::Sequential,
        0xC2 => Process::Progressive,
        0xC3 => Process::Lossless,
        0xC5..=0xC7 | 0xCD..=0xCF => Process::Hierarchical,
        0xF7 => Process::JpegLs,
        _ => Process::Arithmetic,
    };
    let (precision, rest) = segment.split_first()?;
    Some(Outline {
        process,
        precision: *precision,
        height: read_u16(rest)?.into(),
        width: read_u16(rest.get(2..)?)?.into(),
        components: (*rest.get(4)?).into(),
        scans: 0,
        ended: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_are_counted_and_bytes_in_segments_are_not() {
        let frame = [0xFF, 0xC2, 0, 11, 8, 0, 5, 0, 7, 1, 1, 0x11, 0];
        let scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0, 0x12, 0xFF, 0, 0xFF, 0xD3, 0x55];
        let comment = [0xFF, 0xFE, 0, 6, 0xFF, 0xDA, 0xFF, 0xD9];
        let file = [&[0xFF, 0xD8][..], &frame, &scan, &comment, &scan, &[0xFF, 0xD9]].concat();
        let outline = outline(&file).unwrap();
        assert_eq!((outline.scans, outline.ended), (2, true));
        assert_eq!((outline.width, outline.height, outline.components), (7, 5, 1));
        let cut = super::outline(&file[..file.len() - 1]).unwrap();
        assert!(!cut.ended);
        assert_eq!(super::outline(b"\xFF\xD8\xFF"), None);
    }
}
