//! Values as the bytes that every format here stores.

use std::borrow::Cow;

/// Returns the bytes of `values`, the least significant first.
pub(super) fn little_endian(values: &[f32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(values))
    } else {
        Cow::Owned(values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }
}
