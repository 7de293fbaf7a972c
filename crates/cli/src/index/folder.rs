//! The folder of an index: the library's files, the encoder that made it, and where its images are.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use selfsame::datasets::stamp;
use selfsame::files::{shell_word, write_atomically};
use selfsame::index::Index;
use selfsame::models::to_pytorch;
use selfsame::train::RunFolder;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::source::Source;
use crate::embed::writable;
use crate::encoder::{Encoder, EncoderOptions};

/// The file that names the library's others.
const MANIFEST: &str = "index.json";
const SOURCE: &str = "source.json";

/// Where the images of an index are, and by which encoder it was made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    source: Source,
    /// A checksum of the encoder's file.
    encoder: u64,
    /// A checksum of the two before.
    checksum: u64,
}

impl Signed {
    fn new(source: &Source, weights: &[u8]) -> anyhow::Result<Self> {
        let (source, encoder) = (source.clone(), stamp(&[weights]));
        let checksum = Self::checksum(&source, encoder)?;
        Ok(Self { source, encoder, checksum })
    }

    fn is_intact(&self) -> anyhow::Result<bool> {
        Ok(Self::checksum(&self.source, self.encoder)? == self.checksum)
    }

    fn checksum(source: &Source, encoder: u64) -> anyhow::Result<u64> {
        Ok(stamp(&[&serde_json::to_vec(source)?, &encoder.to_le_bytes()]))
    }
}

/// An index that is read from its folder.
#[derive(Debug)]
pub(crate) struct IndexFolder {
    pub index: Index,
    path: PathBuf,
}

impl IndexFolder {
    /// Checks that an index can be written to `folder`: it is missing or empty, or holds an index
    /// that may be replaced.
    pub(crate) fn prepare(folder: &Path, overwrite: bool) -> anyhow::Result<()> {
        let shown = folder.display();
        if folder.join(MANIFEST).exists() {
            ensure!(
                overwrite,
                "{shown} holds an index already; replace it with --overwrite, or name another folder"
            );
        } else if folder.exists() {
            let mut entries =
                fs::read_dir(folder).with_context(|| format!("{shown} is not a folder"))?;
            ensure!(
                entries.next().is_none(),
                "{shown} holds other files; give a folder for the index alone"
            );
        }
        writable(folder)
    }

    /// Saves an index with its encoder.
    ///
    /// A manifest that exists is removed first, so that no crash leaves an index beside the encoder
    /// of another.
    pub(crate) fn save(
        folder: &Path,
        index: &Index,
        encoder: &Encoder,
        source: &Source,
    ) -> anyhow::Result<()> {
        let write = |name, bytes: &[u8]| {
            let path = folder.join(name);
            write_atomically(&path, bytes)
                .with_context(|| format!("cannot write {}", path.display()))
        };
        let manifest = folder.join(MANIFEST);
        if manifest.exists() {
            fs::remove_file(&manifest)
                .with_context(|| format!("cannot replace {}", manifest.display()))?;
        }
        let about = json!({
            "encoder": encoder.config,
            "input": encoder.shown,
            "pixels": encoder.pixels,
        });
        let weights = to_pytorch(&encoder.network, &about.to_string())?;
        write(RunFolder::ENCODER, &weights)?;
        write(SOURCE, &serde_json::to_vec_pretty(&Signed::new(source, &weights)?)?)?;
        Ok(index.save(folder)?)
    }

    /// Reads the index in `folder`.
    pub(crate) fn load(folder: &Path) -> anyhow::Result<Self> {
        ensure!(
            folder.join(MANIFEST).exists(),
            "{} holds no index; make one with\n  selfsame index RUN DATA --out {}",
            folder.display(),
            shell_word(folder)
        );
        Ok(Self { index: Index::load(folder)?, path: folder.to_owned() })
    }

    /// Saves the index again, such as with another calibration.
    pub(crate) fn save_index(&self) -> anyhow::Result<()> {
        Ok(self.index.save(&self.path)?)
    }

    /// Reads the encoder that made the index.
    pub(crate) fn encoder(&self, device: &str) -> anyhow::Result<Encoder> {
        let path = self.path.join(RunFolder::ENCODER);
        ensure!(
            path.exists(),
            "{} is missing, which tells how to see an image; restore it, or build the index again",
            path.display()
        );
        let weights = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        ensure!(
            stamp(&[&weights]) == self.signed()?.encoder,
            "{} is damaged, or not the encoder that made the index; restore it, or build the index \
             again",
            path.display()
        );
        Encoder::open(&EncoderOptions {
            encoder: path,
            model: None,
            image_size: None,
            width: None,
            device: device.to_owned(),
        })
    }

    /// Reads where the images are.
    pub(crate) fn source(&self) -> anyhow::Result<Source> {
        Ok(self.signed()?.source)
    }

    fn signed(&self) -> anyhow::Result<Signed> {
        let path = self.path.join(SOURCE);
        let damaged =
            || format!("{} is damaged; restore it, or build the index again", path.display());
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let signed: Signed = serde_json::from_str(&text).with_context(damaged)?;
        ensure!(signed.is_intact()?, damaged());
        Ok(signed)
    }

    /// Returns the name of an item.
    pub(crate) fn name(&self, position: usize) -> &str {
        self.index.items()[position].name.as_deref().unwrap_or_default()
    }

    /// Returns the class of an item, if it has a label.
    pub(crate) fn class(&self, position: usize) -> Option<String> {
        self.index.items()[position].label.map(|label| self.class_name(label))
    }

    /// Returns the name of a class.
    pub(crate) fn class_name(&self, label: usize) -> String {
        self.index.classes().get(label).cloned().unwrap_or_else(|| label.to_string())
    }

    /// Returns the path as a word of a command line.
    pub(crate) fn word(&self) -> String {
        shell_word(&self.path)
    }
}
