//! Checksums of weights, by which a damaged file is noticed.

use serde_json::{Map, Value};
use xxhash_rust::xxh3::Xxh3Default;

/// The key of the checksum, in the JSON object that describes the file.
const KEY: &str = "checksum";

/// Returns `about` with a checksum of it and of all tensors, which come sorted by name, if it is a
/// JSON object; otherwise it has no place for one.
pub(super) fn with_checksum<'a>(
    about: &str,
    tensors: impl IntoIterator<Item = (&'a str, &'a [usize], &'a [u8])>,
) -> String {
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(about) else {
        return about.to_owned();
    };
    // The text of the other fields stays as it is.
    let open = about.trim_end().strip_suffix('}').unwrap_or(about);
    let comma = if fields.is_empty() { "" } else { "," };
    format!("{open}{comma}\"{KEY}\":\"{}\"}}", checksum(open, tensors))
}

/// Returns whether `about` and the tensors are as they were written. What does not begin as a JSON
/// object has no checksum, and may be anything.
pub(super) fn is_intact<'a>(
    about: &str,
    tensors: impl IntoIterator<Item = (&'a str, &'a [usize], &'a [u8])>,
) -> bool {
    if !about.trim_start().starts_with('{') {
        return true;
    }
    let Some((open, end)) = about.rsplit_once(&format!("\"{KEY}\":\"")) else { return false };
    let open = open.strip_suffix(',').unwrap_or(open);
    end.strip_suffix("\"}").is_some_and(|written| written == checksum(open, tensors))
}

fn checksum<'a>(
    about: &str,
    tensors: impl IntoIterator<Item = (&'a str, &'a [usize], &'a [u8])>,
) -> String {
    let mut hash = Xxh3Default::new();
    hash.update(about.as_bytes());
    for (name, shape, bytes) in tensors {
        hash.update(format!("{name}{shape:?}").as_bytes());
        hash.update(bytes);
    }
    format!("xxh3:{:016x}", hash.digest())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENSORS: [(&str, &[usize], &[u8]); 1] = [("weight", &[2], &[1, 2])];

    #[test]
    fn a_description_keeps_its_text_and_gets_the_checksum() {
        for about in ["{}", r#"{"b":1, "a":{"c":"}"}} "#, r#"{"b":{"c":{}}}"#, r#"{"a":"b,"}"#] {
            let found = with_checksum(about, TENSORS);
            assert!(found.starts_with(about.trim_end().strip_suffix('}').unwrap()), "{found}");
            assert!(is_intact(&found, TENSORS), "{found}");
            serde_json::from_str::<Map<String, Value>>(&found).unwrap();
            assert!(!is_intact(&found, [("weight", &[2][..], &[1, 3][..])]));
            assert!(!is_intact(&found, [("weights", &[2][..], &[1, 2][..])]));
        }
        for about in ["", "SimCLR", "[1]"] {
            assert_eq!(with_checksum(about, TENSORS), about);
            assert!(is_intact(about, TENSORS));
        }
    }

    #[test]
    fn every_changed_byte_of_a_description_is_noticed() {
        let found = with_checksum(r#"{"mean":[0.5,0.25],"size":32}"#, TENSORS);
        for index in 1..found.len() {
            let mut bytes = found.clone().into_bytes();
            bytes[index] ^= 1;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(!is_intact(&changed, TENSORS), "{changed}");
        }
    }
}
