//! Embeddings as files that other tools open.

mod csv;
mod json;
mod little_endian;
mod npy;
#[cfg(feature = "parquet")]
mod parquet;
mod projector;
mod safetensors;

use std::path::Path;

use selfsame_metrics::{Features, MetricError};

pub use self::projector::write_projector;
pub(crate) use self::safetensors::safetensors_bytes;
use crate::{Hit, Index, IndexError, Item};
use selfsame_files::{replace_file, write_atomically};

/// Endings that name a format.
#[cfg(feature = "parquet")]
const ENDINGS: &str = ".parquet, .npy, .safetensors, .csv, .tsv";
#[cfg(not(feature = "parquet"))]
const ENDINGS: &str = ".npy, .safetensors, .csv, .tsv (and .parquet with feature `parquet`)";

/// Embeddings and what is known of them, to be written in a format that other tools open.
///
/// | ending | opened by | holds |
/// |---|---|---|
/// | `.parquet` | Embedding Atlas, Hugging Face datasets, Spotlight, pandas, `DuckDB` | everything, one row per item |
/// | `.npy` | NumPy, `FiftyOne` | the rows, `[rows, dim]`; all else in a `.json` of the same name |
/// | `.safetensors` | PyTorch, NumPy | the rows as tensor `embeddings`; all else in a `.json` of the same name |
/// | `.csv` | spreadsheets, Spotlight | everything but images and neighbors, a column `embedding_I` per value |
/// | `.tsv` | TensorBoard's projector | the rows, and a class or name for each, as [`write_projector`] |
///
/// Columns and fields are `file` (the name), `label`, `class` (the name of the label), `embedding`,
/// and if they were given `image` (`bytes`, `path`), `x`, `y`, `neighbors` (`ids`, `distances`) and
/// `metadata` (JSON). The same table gives the same bytes.
///
/// # Example
/// ```
/// use selfsame_index::{EmbeddingTable, Item};
/// use selfsame_metrics::Features;
///
/// let folder = tempfile::tempdir()?;
/// let features = Features::new(2, vec![0.5, 1.0, -2.0, 0.25])?;
/// let items = [Item::named("a.jpg").with_label(1), Item::named("b.jpg")];
/// let classes = ["cat".to_owned(), "dog".to_owned()];
/// let table = EmbeddingTable::new(&features, &items)?.with_classes(&classes)?;
/// let path = folder.path().join("embeddings.csv");
/// table.write(&path)?;
/// let text = "file,label,class,embedding_0,embedding_1\na.jpg,1,dog,0.5,1\nb.jpg,,,-2,0.25\n";
/// assert_eq!(std::fs::read_to_string(&path)?, text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EmbeddingTable<'a> {
    features: &'a Features,
    items: &'a [Item],
    classes: &'a [String],
    #[cfg_attr(not(feature = "parquet"), allow(dead_code, reason = "only Parquet holds images"))]
    images: Option<&'a [Vec<u8>]>,
    positions: Option<&'a [[f32; 2]]>,
    neighbors: Option<&'a [Vec<Hit>]>,
}

impl<'a> EmbeddingTable<'a> {
    /// Creates a table in which `items[i]` describes row `i` of `features`.
    ///
    /// # Errors
    /// If there is not one item per row.
    pub fn new(features: &'a Features, items: &'a [Item]) -> Result<Self, IndexError> {
        check_count(items.len(), features)?;
        let (classes, images, positions, neighbors) = (&[][..], None, None, None);
        Ok(Self { features, items, classes, images, positions, neighbors })
    }

    /// Names the classes: label `c` is that of `classes[c]`.
    ///
    /// # Errors
    /// If a label has no name.
    pub fn with_classes(self, classes: &'a [String]) -> Result<Self, IndexError> {
        crate::index::check_labels(self.items, 0, classes.len())?;
        Ok(Self { classes, ..self })
    }

    /// Adds one image per row, as the bytes of a JPEG or PNG file.
    ///
    /// # Errors
    /// If there is not one image per row.
    pub fn with_images(self, images: &'a [Vec<u8>]) -> Result<Self, IndexError> {
        check_count(images.len(), self.features)?;
        Ok(Self { images: Some(images), ..self })
    }

    /// Adds a place on a map per row.
    ///
    /// # Errors
    /// If there is not one per row, or a coordinate is not finite.
    pub fn with_positions(self, positions: &'a [[f32; 2]]) -> Result<Self, IndexError> {
        check_count(positions.len(), self.features)?;
        let is_finite = |place: &[f32; 2]| place.iter().all(|value| value.is_finite());
        if let Some(row) = positions.iter().position(|place| !is_finite(place)) {
            return Err(MetricError::NotFinite { row }.into());
        }
        Ok(Self { positions: Some(positions), ..self })
    }

    /// Adds the neighbors of each row, as [`Index::search_others`] returns them.
    ///
    /// # Errors
    /// If there is not one list per row, or a neighbor is not a row.
    pub fn with_neighbors(self, neighbors: &'a [Vec<Hit>]) -> Result<Self, IndexError> {
        check_count(neighbors.len(), self.features)?;
        let items = self.items.len();
        let beyond = neighbors.iter().flatten().find(|hit| hit.position >= items);
        match beyond {
            Some(&Hit { position, .. }) => Err(IndexError::Position { position, items }),
            None => Ok(Self { neighbors: Some(neighbors), ..self }),
        }
    }

    /// Writes the table in the format of the ending of `path`, and replaces what is there.
    ///
    /// The folder must exist. Each file is written as a whole.
    ///
    /// # Errors
    /// If the ending names no format, or a file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), IndexError> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("");
        match ending.to_ascii_lowercase().as_str() {
            "csv" => replace_file(path, |file| csv::write(self, file)),
            "npy" => self
                .write_json(path)
                .and_then(|()| replace_file(path, |file| npy::write(self.features, file))),
            "safetensors" => self
                .write_json(path)
                .and_then(|()| safetensors_bytes("embeddings", self.features))
                .and_then(|bytes| write_atomically(path, &bytes)),
            "tsv" => return self.write_projection(path),
            #[cfg(feature = "parquet")]
            "parquet" => replace_file(path, |file| parquet::write(self, file)),
            _ => return Err(IndexError::Ending { path: path.to_owned(), known: ENDINGS }),
        }
        .map_err(IndexError::write(path))
    }

    /// Writes all but the rows and the images beside `path`.
    fn write_json(&self, path: &Path) -> std::io::Result<()> {
        replace_file(&path.with_extension("json"), |file| json::write(self, file))
    }

    fn write_projection(&self, path: &Path) -> Result<(), IndexError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or("");
        let text = |(row, item): (usize, &Item)| {
            let label = item.label.map(|label| label.to_string());
            let class = self.class(row).map(str::to_owned).or(label);
            class.or_else(|| item.name.clone()).unwrap_or_default()
        };
        let labels: Vec<String> = self.items.iter().enumerate().map(text).collect();
        write_projector(folder, name, self.features, &labels)
    }

    /// Returns the name of a row's class.
    fn class(&self, row: usize) -> Option<&'a str> {
        self.items[row].label.and_then(|label| self.classes.get(label)).map(String::as_str)
    }

    fn has_metadata(&self) -> bool {
        self.items.iter().any(|item| !item.metadata.is_empty())
    }

    /// Returns a row's metadata as JSON; `None` if it has none.
    fn metadata(&self, row: usize) -> std::io::Result<Option<String>> {
        let metadata = &self.items[row].metadata;
        if metadata.is_empty() { Ok(None) } else { Ok(Some(serde_json::to_string(metadata)?)) }
    }
}

impl Index {
    /// Returns the rows with their items and classes, to be written for other tools.
    ///
    /// # Errors
    /// None for an index as its methods leave it.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item};
    /// use selfsame_metrics::Distance;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let mut index = Index::new(2, Distance::Cosine)?;
    /// index.add(&[1.0, 2.0], Item::named("a.jpg").with_label(3))?;
    /// index.table()?.write(&folder.path().join("embeddings.npy"))?;
    /// let items = std::fs::read_to_string(folder.path().join("embeddings.json"))?;
    /// assert_eq!(items, "[\n{\"file\":\"a.jpg\",\"label\":3,\"class\":null}\n]\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn table(&self) -> Result<EmbeddingTable<'_>, IndexError> {
        EmbeddingTable::new(self.features(), self.items())?.with_classes(self.classes())
    }
}

fn check_count(items: usize, features: &Features) -> Result<(), IndexError> {
    if items != features.rows() {
        return Err(IndexError::ItemCount { items, rows: features.rows() });
    }
    Ok(())
}
