//! `selfsame embed`: writes the features of images for other programs.

mod output;

use std::path::{Path, PathBuf, is_separator};

use anyhow::{bail, ensure};
use clap::{Args, ValueEnum};
use selfsame::datasets::Dataset;
use selfsame::index::{EmbeddingTable, Item};
use serde_json::json;

pub(crate) use self::output::{prepare, writable};
use crate::catalog::Catalog;
use crate::data_options::DataOptions;
use crate::encoder::{Encoder, EncoderOptions};
use crate::terminal::Terminal;

/// Options of `selfsame embed`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    encoder: EncoderOptions,
    /// Images: folders, archives, lists, Parquet and other formats
    #[arg(required = true, value_name = "DATA")]
    data: Vec<PathBuf>,
    /// File to write, whose ending is the format: .parquet, .npy, .csv or .safetensors; without an
    /// ending, a folder for TensorBoard's projector
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Format to write [default: that of the ending]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Replace files that exist
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    images: DataOptions,
}

/// A format of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Everything in one table, for pandas, Embedding Atlas, Hugging Face datasets
    Parquet,
    /// The features as an array of NumPy, and a .json of names and labels beside it
    Npy,
    /// Everything in one table, for spreadsheets
    Csv,
    /// The features as a tensor, and a .json of names and labels beside it
    Safetensors,
    /// A folder that TensorBoard's projector shows
    Projector,
}

impl Options {
    /// Writes the features.
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        let format = Format::of(&self.out, self.format)?;
        let files = format.files(&self.out);
        prepare(&files, self.overwrite)?;
        let encoder = Encoder::open(&self.encoder)?;
        let found = Catalog::open(&self.data, &self.images, &encoder, &[&self.out], terminal)?;
        let features = encoder.features(&found.images)?;
        let items = items(found.images.as_ref());
        let table = EmbeddingTable::new(&features, &items)?;
        table.with_classes(found.images.class_names())?.write(&files[0])?;
        let (images, dim) = (features.rows(), features.dim());
        if terminal.json {
            return terminal.json(&json!({
                "images": images,
                "dim": dim,
                "out": self.out.display().to_string(),
                "skipped": found.skipped.len(),
                "omitted": found.omitted.count(),
            }));
        }
        let out = self.out.display();
        terminal.result(format_args!("{images} images × {dim} features written to {out}"))
    }
}

impl Format {
    /// Returns the format that is asked for, or that of the ending of `out`.
    fn of(out: &Path, asked: Option<Self>) -> anyhow::Result<Self> {
        let ending = out.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let is_folder = out.is_dir() || out.to_string_lossy().ends_with(is_separator);
        let named = match &ending {
            None => Some(Self::Projector),
            Some(_) if is_folder => Some(Self::Projector),
            Some(ending) => Self::value_variants().iter().copied().find(|it| it.ending() == ending),
        };
        let shown = out.display();
        match (asked, named) {
            (Some(Self::Projector), _) => Ok(Self::Projector),
            (Some(asked), named) => {
                let ending = asked.ending();
                ensure!(
                    named == Some(asked),
                    "{shown} does not end in .{ending}; give it that ending"
                );
                Ok(asked)
            }
            (None, Some(named)) => Ok(named),
            (None, None) => bail!(
                "{shown} has none of the endings .parquet, .npy, .csv and .safetensors; a name \
                 without an ending is a folder for TensorBoard's projector"
            ),
        }
    }

    /// Returns the ending of files of this format.
    fn ending(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Npy => "npy",
            Self::Csv => "csv",
            Self::Safetensors => "safetensors",
            Self::Projector => "", // a folder
        }
    }

    /// Returns the files that are written; the first is the one that names the others.
    fn files(self, out: &Path) -> Vec<PathBuf> {
        match self {
            Self::Parquet | Self::Csv => vec![out.to_owned()],
            Self::Npy | Self::Safetensors => vec![out.to_owned(), out.with_extension("json")],
            Self::Projector => vec![out.join("features.tsv"), out.join("features-metadata.tsv")],
        }
    }
}

/// Returns the names and labels of images.
pub(crate) fn items(images: &dyn Dataset) -> Vec<Item> {
    let item = |index| Item { label: images.label(index), ..Item::named(images.name(index)) };
    (0..images.len()).map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(out: &str, asked: Option<Format>) -> anyhow::Result<Format> {
        Format::of(Path::new(out), asked)
    }

    #[test]
    fn the_ending_decides_and_no_ending_is_a_folder() {
        assert_eq!(of("a/b.PARQUET", None).unwrap(), Format::Parquet);
        assert_eq!(of("a.b/c", None).unwrap(), Format::Projector);
        assert_eq!(of("a.npy/", None).unwrap(), Format::Projector);
        assert_eq!(of("a.tb", Some(Format::Projector)).unwrap(), Format::Projector);
        assert_eq!(of("a.csv", Some(Format::Csv)).unwrap(), Format::Csv);
    }

    #[test]
    fn an_unknown_ending_is_answered_with_those_known() {
        let error = of("a.pkl", None).unwrap_err().to_string();
        assert!(error.contains("a.pkl has none of the endings .parquet, .npy"), "{error}");
        let error = of("a.csv", Some(Format::Npy)).unwrap_err().to_string();
        assert_eq!(error, "a.csv does not end in .npy; give it that ending");
    }
}
