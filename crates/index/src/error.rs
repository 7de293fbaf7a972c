//! Reasons why an index cannot be built, searched, calibrated, saved or loaded.

use std::io;
use std::path::{Path, PathBuf};

use selfsame_metrics::MetricError;

/// Reason why an operation on an index failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The features do not fit, or a setting is out of its range.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// The index has no items.
    #[error("the index is empty; add items before it is searched")]
    Empty,
    /// There is not one item per row.
    #[error("{items} items cannot describe {rows} rows")]
    ItemCount {
        /// Items given.
        items: usize,
        /// Rows given.
        rows: usize,
    },
    /// Two items have the same name.
    #[error("the name `{name}` is taken by item {first}; names are unique")]
    DuplicateName {
        /// The name.
        name: String,
        /// Position of the item that has it.
        first: usize,
    },
    /// No item has this name.
    #[error("no item is named `{name}`")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// A position is beyond the last item.
    #[error("there is no item {position} among {items}, which count from 0")]
    Position {
        /// The position.
        position: usize,
        /// Number of items.
        items: usize,
    },
    /// The label of an item is not a class of the index.
    #[error("label {label} of item {position} is not one of {classes} classes, which count from 0")]
    Label {
        /// Position of the item.
        position: usize,
        /// Its label.
        label: usize,
        /// Number of classes of the index.
        classes: usize,
    },
    /// An item without a label was found where labels decide.
    #[error("item {position} has no label; label it, or remove it before calibrating and matching")]
    Unlabeled {
        /// Position of the item.
        position: usize,
    },
    /// The index has no cut-points.
    #[error("the index is not calibrated; call `calibrate` with labeled queries")]
    Uncalibrated,
    /// No cut-point has this name.
    #[error("no cut-point is named `{name}`; there are {known}")]
    CutPoint {
        /// The name.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// Two cut-points of a calibration have the same name.
    #[error("two cut-points are named `{name}`; names are unique")]
    DuplicateCutPoint {
        /// The name.
        name: String,
    },
    /// No query is matched with its own class at any distance.
    #[error("no query is matched with its own class; nothing can be calibrated")]
    NothingMatches,
    /// A target of the calibration is not reached at any distance.
    #[error(
        "{metric} is at best {best} (at distance {distance}), so cut-point `{name}` cannot have {target}"
    )]
    Unreachable {
        /// Name of the cut-point.
        name: String,
        /// Name of its metric.
        metric: &'static str,
        /// Value that was asked for.
        target: f64,
        /// Best value of all distances.
        best: f64,
        /// The distance at which it is reached.
        distance: f64,
    },
    /// An evaluation lacks queries of one kind.
    #[error("there are no queries of {what}; this evaluation needs both known and unknown classes")]
    OneKind {
        /// The kind that is missing.
        what: &'static str,
    },
    /// A file could not be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Reason of the operating system.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Reason of the operating system.
        source: io::Error,
    },
    /// A file of a saved index is not what was written.
    #[error("{} is damaged: {what}; restore it, or build the index again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A saved index has a format that this version cannot read.
    #[error("{} has format version {found}, and this version of selfsame reads up to {newest}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// Newest version that can be read.
        newest: u64,
    },
    /// A file ending does not name a format of embeddings.
    #[error("{} has none of the endings {known}", path.display())]
    Ending {
        /// The file.
        path: PathBuf,
        /// The endings that can be written.
        known: &'static str,
    },
}

impl IndexError {
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read { path: path.to_owned(), source }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }

    pub(crate) fn setting(key: &'static str, range: &'static str) -> Self {
        Self::Metric(MetricError::Setting { key, range })
    }
}
