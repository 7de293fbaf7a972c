//! What keeps features from being judged.

/// Why a metric could not be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// The numbers do not fill whole rows.
    #[error("{numbers} numbers do not fill rows of {dim}")]
    Shape {
        /// Numbers given.
        numbers: usize,
        /// Numbers per row.
        dim: usize,
    },
    /// Two sets of features have rows of different width.
    #[error("rows of {first} numbers cannot be compared with rows of {second}")]
    Width {
        /// Width of the first set.
        first: usize,
        /// Width of the second.
        second: usize,
    },
    /// A set has no rows, or too few.
    #[error("{rows} rows are too few: this needs {least}")]
    Rows {
        /// Rows given.
        rows: usize,
        /// The least number that makes sense.
        least: usize,
    },
    /// A row holds NaN or an infinity.
    #[error("row {row} holds a number that is not finite; the encoder has diverged")]
    NotFinite {
        /// The first such row.
        row: usize,
    },
    /// There is not one label per row.
    #[error("{labels} labels do not go with {rows} rows")]
    LabelCount {
        /// Labels given.
        labels: usize,
        /// Rows given.
        rows: usize,
    },
    /// A label is no class.
    #[error("label {label} is not one of {classes} classes, which count from 0")]
    Label {
        /// The label.
        label: usize,
        /// The number of classes.
        classes: usize,
    },
    /// A setting is out of its range.
    #[error("`{key}` must be {range}")]
    Setting {
        /// The setting.
        key: &'static str,
        /// What it may be.
        range: &'static str,
    },
}

/// One label per row, each a class.
pub(crate) fn check_labels(
    labels: &[usize],
    rows: usize,
    classes: usize,
) -> Result<(), MetricError> {
    if labels.len() != rows {
        return Err(MetricError::LabelCount { labels: labels.len(), rows });
    }
    match labels.iter().find(|&&label| label >= classes) {
        Some(&label) => Err(MetricError::Label { label, classes }),
        None => Ok(()),
    }
}
