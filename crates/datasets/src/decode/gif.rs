//! The size of a GIF.

use std::borrow::Cow;

/// Returns the bytes with a logical screen that holds the first frame.
///
/// Encoders have left the screen's size at 0, or smaller than the frame. As in Pillow, the image
/// then grows to the frame.
pub(super) fn with_whole_screen(bytes: &[u8]) -> Cow<'_, [u8]> {
    let Some(frame) = first_frame(bytes) else { return Cow::Borrowed(bytes) };
    let side = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let screen = [side(6), side(8)];
    let grown = [screen[0].max(frame[0]), screen[1].max(frame[1])];
    if grown == screen {
        return Cow::Borrowed(bytes);
    }
    let mut bytes = bytes.to_vec();
    bytes[6..8].copy_from_slice(&grown[0].to_le_bytes());
    bytes[8..10].copy_from_slice(&grown[1].to_le_bytes());
    Cow::Owned(bytes)
}

/// Returns how far the first frame reaches to the right and down.
fn first_frame(bytes: &[u8]) -> Option<[u16; 2]> {
    let colors = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut rest = bytes.get(13 + colors(*bytes.get(10)?)..)?;
    loop {
        match rest {
            [0x2C, frame @ ..] => {
                let side = |at: usize| {
                    let start = u16::from_le_bytes([*frame.get(at)?, *frame.get(at + 1)?]);
                    let length = u16::from_le_bytes([*frame.get(at + 4)?, *frame.get(at + 5)?]);
                    (length > 0).then(|| start.saturating_add(length))
                };
                return Some([side(0)?, side(2)?]);
            }
            [0x21, _, blocks @ ..] => {
                rest = blocks;
                while let Some((length @ 1..=255, after)) = rest.split_first() {
                    rest = after.get(usize::from(*length)..)?;
                }
                rest = rest.get(1..)?;
            }
            _ => return None,
        }
    }
}
