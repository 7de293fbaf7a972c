//! Errors of reading a stored state.

use burn::tensor::TensorData;
use thiserror::Error;

/// The reason why a queue, a center, a covariance or a memory cannot be restored from a stored
/// state.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateError {
    /// The state has the wrong number of dimensions.
    #[error("the state has shape {found:?}, where {want:?} is needed")]
    Shape {
        /// The shape of the state.
        found: Vec<usize>,
        /// The names of the dimensions that are needed.
        want: Vec<&'static str>,
    },
    /// The state has more rows than fit.
    #[error("the state has {found} rows, where at most {most} fit")]
    Rows {
        /// Rows of the state.
        found: usize,
        /// Rows that fit.
        most: usize,
    },
    /// The state's rows and labels differ in number.
    #[error("the state has {rows} rows and {labels} labels")]
    Labels {
        /// Rows of the state.
        rows: usize,
        /// Labels of the state.
        labels: usize,
    },
}

impl StateError {
    /// Returns the dimensions of `state`, which must be as many as their names.
    pub(crate) fn dims<const D: usize>(
        state: &TensorData,
        names: [&'static str; D],
    ) -> Result<[usize; D], Self> {
        let found = state.shape().to_vec();
        let wrong = |found: Vec<usize>| Self::Shape { found, want: names.to_vec() };
        found.try_into().map_err(wrong)
    }
}
