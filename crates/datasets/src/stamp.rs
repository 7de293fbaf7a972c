//! Numbers that tell whether a sample has changed.

use xxhash_rust::xxh3::Xxh3Default;

/// Returns a number computed from these bytes, for [`Dataset::stamp`](crate::Dataset::stamp).
///
/// The same bytes give the same number on every machine and in every version. Parts are told apart:
/// `["a", "b"]` is not `["ab"]`.
///
/// # Example
/// ```
/// use selfsame_datasets::stamp;
///
/// assert_eq!(stamp(&[b"ab"]), stamp(&[b"ab"]));
/// assert_ne!(stamp(&[b"ab"]), stamp(&[b"a", b"b"]));
/// ```
#[must_use]
pub fn stamp(parts: &[&[u8]]) -> u64 {
    let mut hash = Xxh3Default::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_makes_another_number_and_the_numbers_are_fixed() {
        let bytes = [7_u8; 100];
        let mut other = bytes;
        other[50] ^= 1;
        assert_ne!(stamp(&[&bytes]), stamp(&[&other]));
        assert_eq!(stamp(&[b"selfsame"]), 11_511_252_715_835_737_135);
    }
}
