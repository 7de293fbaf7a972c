//! The file that names the others.

use std::fs;
use std::path::{Path, PathBuf};

use selfsame_metrics::Distance;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::{Calibration, Index, IndexError};

/// Name of the file.
pub(super) const MANIFEST: &str = "index.json";
const FORMAT: &str = "selfsame-index";
const VERSION: u64 = 1;
/// Stands in place of the file's own checksum while that is computed.
const BLANK: &str = "0000000000000000";

/// What is read before the version is known.
#[derive(Deserialize)]
struct Start {
    format: String,
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: String,
    version: u64,
    pub(super) rows: usize,
    pub(super) dim: usize,
    pub(super) distance: Distance,
    pub(super) embeddings: FileEntry,
    pub(super) items: FileEntry,
    pub(super) classes: Vec<String>,
    pub(super) calibration: Option<Calibration>,
    checksum: String,
}

/// Name, size and checksum of a data file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileEntry {
    pub(super) file: String,
    bytes: u64,
    checksum: String,
}

impl FileEntry {
    pub(super) fn of(kind: &str, ending: &str, bytes: &[u8]) -> Self {
        let checksum = checksum(bytes);
        Self { file: format!("{kind}-{checksum}.{ending}"), bytes: bytes.len() as u64, checksum }
    }

    pub(super) fn path(&self, folder: &Path) -> PathBuf {
        folder.join(&self.file)
    }

    /// Returns whether a file has the name of a data file of an index.
    pub(super) fn is_data_file(name: &str) -> bool {
        let checksum = |prefix, suffix| name.strip_prefix(prefix)?.strip_suffix(suffix);
        let checksum: Option<&str> =
            checksum("embeddings-", ".safetensors").or_else(|| checksum("items-", ".json"));
        checksum.is_some_and(|hex| hex.len() == BLANK.len() && is_hex(hex))
    }

    /// Checks that `bytes`, the content of `path`, are those that were saved.
    pub(super) fn check(&self, path: &Path, bytes: &[u8]) -> Result<(), IndexError> {
        if bytes.len() as u64 != self.bytes {
            let what = format!("it has {} bytes in place of {}", bytes.len(), self.bytes);
            return Err(IndexError::damaged(path, what));
        }
        check_sum(path, bytes, &self.checksum)
    }
}

impl Manifest {
    pub(super) fn of(index: &Index, embeddings: FileEntry, items: FileEntry) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            rows: index.len(),
            dim: index.dim(),
            distance: index.distance(),
            embeddings,
            items,
            classes: index.classes().to_vec(),
            calibration: index.calibration().cloned(),
            checksum: BLANK.to_owned(),
        }
    }

    /// Returns the text of the file, with its checksum.
    pub(super) fn to_text(&self) -> Result<String, IndexError> {
        let path = Path::new(MANIFEST);
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| IndexError::write(path)(error.into()))?;
        let place = text.rfind(BLANK).unwrap_or(text.len());
        let sum = checksum(text.as_bytes());
        Ok(text[..place].to_owned() + &sum + &text[(place + sum.len()).min(text.len())..])
    }

    /// Reads the file, and checks what it says of itself.
    pub(super) fn read(path: &Path) -> Result<Self, IndexError> {
        let bytes = fs::read(path).map_err(IndexError::read(path))?;
        let damaged = |what: String| IndexError::damaged(path, what);
        let text = String::from_utf8(bytes).map_err(|_| damaged("it is not text".to_owned()))?;
        let start: Start =
            serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if start.format != FORMAT {
            return Err(damaged(format!("its format is `{}`, not `{FORMAT}`", start.format)));
        }
        if start.version != VERSION {
            let (path, found) = (path.to_owned(), start.version);
            return Err(IndexError::Version { path, found, newest: VERSION });
        }
        let manifest: Self =
            serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        let place =
            text.rfind(&manifest.checksum).filter(|_| manifest.checksum.len() == BLANK.len());
        let place = place.ok_or_else(|| damaged("it has no checksum".to_owned()))?;
        let blank = text[..place].to_owned() + BLANK + &text[place + BLANK.len()..];
        check_sum(path, blank.as_bytes(), &manifest.checksum)?;
        for entry in [&manifest.embeddings, &manifest.items] {
            if !FileEntry::is_data_file(&entry.file) {
                return Err(damaged(format!("`{}` is no name of a data file", entry.file)));
            }
        }
        if let Some(calibration) = &manifest.calibration {
            calibration.check().map_err(|error| damaged(error.to_string()))?;
        }
        Ok(manifest)
    }
}

fn check_sum(path: &Path, bytes: &[u8], want: &str) -> Result<(), IndexError> {
    let found = checksum(bytes);
    if found != want {
        return Err(IndexError::damaged(
            path,
            format!("its checksum is {found} in place of {want}"),
        ));
    }
    Ok(())
}

fn checksum(bytes: &[u8]) -> String {
    format!("{:016x}", xxh3_64(bytes))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
