//! The items of an index as JSON, one a line.

use std::fs;
use std::path::Path;

use super::manifest::Manifest;
use crate::{IndexError, Item};

/// Returns the items as a file.
pub(super) fn to_bytes(items: &[Item]) -> Result<Vec<u8>, IndexError> {
    let mut bytes = b"[".to_vec();
    for (position, item) in items.iter().enumerate() {
        bytes.extend_from_slice(if position == 0 { b"\n" } else { b",\n" });
        serde_json::to_writer(&mut bytes, item)
            .map_err(|error| IndexError::write(Path::new("items.json"))(error.into()))?;
    }
    bytes.extend_from_slice(b"\n]\n");
    Ok(bytes)
}

/// Reads and checks the file at `path`.
pub(super) fn read(path: &Path, manifest: &Manifest) -> Result<Vec<Item>, IndexError> {
    let bytes = fs::read(path).map_err(IndexError::read(path))?;
    manifest.items.check(path, &bytes)?;
    serde_json::from_slice(&bytes).map_err(|error| IndexError::damaged(path, error.to_string()))
}
