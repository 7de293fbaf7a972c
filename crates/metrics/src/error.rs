//! Reasons why features cannot be evaluated.

/// Reason why a metric could not be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// The values do not fill whole rows.
    #[error("{values} values do not fill rows of {dim}")]
    Shape {
        /// Values given.
        values: usize,
        /// Values per row.
        dim: usize,
    },
    /// Two sets of features have rows of different width.
    #[error("rows of {first} values cannot be compared with rows of {second}")]
    Width {
        /// Width of the first set.
        first: usize,
        /// Width of the second set.
        second: usize,
    },
    /// Two sets of features that are paired row by row have different numbers of rows.
    #[error("{first} rows cannot be paired with {second}")]
    Pairs {
        /// Rows of the first set.
        first: usize,
        /// Rows of the second set.
        second: usize,
    },
    /// A set has too few rows.
    #[error("{rows} rows are too few; this metric needs at least {least}")]
    Rows {
        /// Rows given.
        rows: usize,
        /// Rows needed.
        least: usize,
    },
    /// A row holds NaN or an infinity.
    #[error("row {row} holds a value that is not finite; the encoder has diverged")]
    NotFinite {
        /// The first such row.
        row: usize,
    },
    /// The number of labels is not the number of rows.
    #[error("{labels} labels cannot be assigned to {rows} rows")]
    LabelCount {
        /// Labels given.
        labels: usize,
        /// Rows given.
        rows: usize,
    },
    /// A label is not a class.
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
        /// The values it may have.
        range: &'static str,
    },
    /// A name is not that of a distance.
    #[error("`{name}` is not a distance; write cosine, dot, l2, l1 or snr")]
    UnknownDistance {
        /// The name given.
        name: String,
    },
    /// The eigenvalues of a matrix were not found.
    #[error("the eigenvalues of the features did not converge")]
    Eigenvalues,
}

pub(crate) fn check_label_count(labels: &[usize], rows: usize) -> Result<(), MetricError> {
    if labels.len() != rows {
        return Err(MetricError::LabelCount { labels: labels.len(), rows });
    }
    Ok(())
}

/// Checks that every label is below `classes`.
pub(crate) fn check_classes(labels: &[usize], classes: usize) -> Result<(), MetricError> {
    match labels.iter().find(|&&label| label >= classes) {
        Some(&label) => Err(MetricError::Label { label, classes }),
        None => Ok(()),
    }
}
