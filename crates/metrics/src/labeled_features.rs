//! Features with one label per row.

use crate::error::{check_classes, check_label_count};
use crate::{Features, MetricError};

/// Features and the class of each row, borrowed; there are as many labels as rows.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, LabeledFeatures, MetricError};
///
/// let features = Features::new(2, vec![1.0, 0.0, 0.0, 1.0])?;
/// let labeled = LabeledFeatures::new(&features, &[3, 5])?;
/// assert_eq!(labeled.labels(), [3, 5]);
/// let error = LabeledFeatures::new(&features, &[3]).unwrap_err();
/// assert_eq!(error, MetricError::LabelCount { labels: 1, rows: 2 });
/// # Ok::<(), MetricError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabeledFeatures<'a> {
    features: &'a Features,
    labels: &'a [usize],
}

impl<'a> LabeledFeatures<'a> {
    /// Pairs row `i` of `features` with `labels[i]`.
    ///
    /// # Errors
    /// If there is not one label per row.
    pub fn new(features: &'a Features, labels: &'a [usize]) -> Result<Self, MetricError> {
        check_label_count(labels, features.rows())?;
        Ok(Self { features, labels })
    }

    /// Returns the features.
    #[must_use]
    pub fn features(&self) -> &'a Features {
        self.features
    }

    /// Returns the labels, one per row.
    #[must_use]
    pub fn labels(&self) -> &'a [usize] {
        self.labels
    }

    pub(crate) fn check_classes(&self, classes: usize) -> Result<(), MetricError> {
        check_classes(self.labels, classes)
    }
}
