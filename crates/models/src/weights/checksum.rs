//! Checksums of weights, by which a damaged file is noticed.

use serde_json::{Map, Value};
use xxhash_rust::xxh3::Xxh3Default;

/// The key of the checksum, in the JSON object that describes the file.
const KEY: &str = "checksum";

/// Returns a number computed from all tensors, which come sorted by name.
pub(super) fn checksum<'a>(
    tensors: impl IntoIterator<Item = (&'a str, &'a [usize], &'a [u8])>,
) -> String {
    let mut hash = Xxh3Default::new();
    for (name, shape, bytes) in tensors {
        hash.update(format!("{name}{shape:?}").as_bytes());
        hash.update(bytes);
    }
    format!("xxh3:{:016x}", hash.digest())
}

/// Returns `about` with the checksum, if it is a JSON object; otherwise it has no place for one.
pub(super) fn with_checksum(about: &str, checksum: &str) -> String {
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(about) else {
        return about.to_owned();
    };
    // The text of the other fields stays as it is.
    let open = about.trim_end().strip_suffix('}').unwrap_or(about);
    let comma = if fields.is_empty() { "" } else { "," };
    format!("{open}{comma}\"{KEY}\":\"{checksum}\"}}")
}

/// Returns the checksum in `about`, if there is one.
pub(super) fn checksum_in(about: &str) -> Option<String> {
    let fields: Map<String, Value> = serde_json::from_str(about).ok()?;
    Some(fields.get(KEY)?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_keeps_its_text_and_gets_the_checksum() {
        for (about, want) in [
            ("{}", r#"{"checksum":"x"}"#),
            (r#"{"b":1, "a":{"c":"}"}} "#, r#"{"b":1, "a":{"c":"}"},"checksum":"x"}"#),
            (r#"{"b":{"c":{}}}"#, r#"{"b":{"c":{}},"checksum":"x"}"#),
        ] {
            let found = with_checksum(about, "x");
            assert_eq!(found, want);
            assert_eq!(checksum_in(&found).as_deref(), Some("x"));
        }
        for about in ["", "SimCLR", "[1]"] {
            assert_eq!(with_checksum(about, "x"), about);
            assert_eq!(checksum_in(about), None);
        }
    }
}
