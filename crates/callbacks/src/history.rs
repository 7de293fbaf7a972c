//! The values a run has measured, epoch by epoch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The values of one finished epoch, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Number of the epoch, counted from 1.
    pub epoch: u64,
    /// `loss`, its terms, and `embedding_std` (means over the epoch), `uniform_std` to compare the
    /// latter with, `learning_rate` (of the last step), and whatever callbacks reported, such as
    /// `knn`. All of them are reproducible; no time and no memory is among them.
    pub metrics: BTreeMap<String, f64>,
}

/// All finished epochs of a run, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History(pub Vec<EpochRecord>);

impl History {
    /// Returns `(epoch, value)` for every epoch in which `name` was measured.
    ///
    /// # Example
    /// ```
    /// use selfsame_callbacks::{EpochRecord, History};
    ///
    /// let epoch = EpochRecord { epoch: 1, metrics: [("loss".to_owned(), 0.5)].into() };
    /// assert_eq!(History(vec![epoch]).series("loss"), [(1.0, 0.5)]);
    /// ```
    #[must_use]
    pub fn series(&self, name: &str) -> Vec<(f64, f64)> {
        let value = |record: &EpochRecord| {
            record.metrics.get(name).map(|value| (record.epoch as f64, *value))
        };
        self.0.iter().filter_map(value).collect()
    }

    /// Returns the newest value of `name`.
    ///
    /// # Example
    /// ```
    /// use selfsame_callbacks::{EpochRecord, History};
    ///
    /// let first = EpochRecord { epoch: 1, metrics: [("knn".to_owned(), 0.5)].into() };
    /// let second = EpochRecord { epoch: 2, ..EpochRecord::default() };
    /// let history = History(vec![first, second]);
    /// assert_eq!((history.last("knn"), history.last("loss")), (Some(0.5), None));
    /// ```
    #[must_use]
    pub fn last(&self, name: &str) -> Option<f64> {
        self.series(name).last().map(|point| point.1)
    }
}
