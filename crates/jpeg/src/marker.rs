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

/// Returns marker and content of each segment of a file, also after the scans, up to the end marker.
///
/// Segments are followed by their lengths, so markers of an embedded thumbnail do not count.
pub(crate) fn markers(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    iter::from_fn(move || {
        loop {
            rest = &rest[memchr::memchr(0xFF, rest)? + 1..];
            match rest {
                // Fill bytes, stuffed FF bytes, restart markers: no length follows.
                [] | [0xFF, ..] => {}
                [0x00 | 0x01 | 0xD0..=0xD8, after @ ..] => rest = after,
                [0xD9, ..] => {
                    rest = &[];
                    return Some((0xD9, &[][..]));
                }
                [marker, after @ ..] => {
                    let (segment, after) = after.split_at_checked(read_u16(after)?.into())?;
                    rest = after;
                    return Some((*marker, segment.get(2..).unwrap_or_default()));
                }
            }
        }
    })
}
