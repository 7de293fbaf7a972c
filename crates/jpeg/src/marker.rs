//! Markers and the segments they begin.

use std::iter;

/// Start of a baseline frame.
pub(crate) const BASELINE_FRAME: u8 = 0xC0;
/// Start of an extended sequential frame.
pub(crate) const EXTENDED_FRAME: u8 = 0xC1;
/// Start of a scan.
pub(crate) const SCAN: u8 = 0xDA;

/// Returns marker, content, and all bytes after it, of each segment up to the first scan.
pub(crate) fn segments(bytes: &[u8]) -> Option<impl Iterator<Item = (u8, &[u8], &[u8])>> {
    let mut rest = bytes.strip_prefix(&[0xFF, 0xD8])?;
    Some(iter::from_fn(move || {
        while rest.starts_with(&[0xFF, 0xFF]) {
            rest = &rest[1..];
        }
        let [0xFF, marker, after @ ..] = rest else { return None };
        let (segment, after) = after.split_at_checked(read_u16(after)?.into())?;
        rest = after;
        Some((*marker, segment.get(2..)?, after))
    }))
}

/// Reads a big-endian number from the first two bytes.
pub(crate) fn read_u16(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// Returns whether a JPEG reaches its end marker.
///
/// Segments are followed by their lengths, so the end of an embedded thumbnail does not count.
///
/// # Example
/// ```
/// use selfsame_jpeg::has_end_marker;
///
/// let comment = [0xFF, 0xD8, 0xFF, 0xFE, 0, 4, 0xFF, 0xD9, 0xFF, 0xD9];
/// assert!(has_end_marker(&comment));
/// assert!(!has_end_marker(&comment[..8]), "those two bytes are in the comment");
/// ```
#[must_use]
pub fn has_end_marker(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        let Some(gap) = bytes.get(at..).and_then(|rest| memchr::memchr(0xFF, rest)) else {
            return false;
        };
        at += gap + 1;
        match bytes.get(at) {
            None => return false,
            Some(0xD9) => return true,
            // Fill bytes, stuffed FF bytes, restart markers: no length follows.
            Some(0xFF) => {}
            Some(0x00 | 0x01 | 0xD0..=0xD8) => at += 1,
            Some(_) => {
                let Some(length) = bytes.get(at + 1..).and_then(read_u16) else { return false };
                at += 1 + usize::from(length);
            }
        }
    }
}
