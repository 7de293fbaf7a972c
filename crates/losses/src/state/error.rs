//! What can be wrong with a stored state.

use burn::tensor::TensorData;
use thiserror::Error;

/// Why a queue, a center or a memory cannot go on from a stored state.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateError {
    /// The state has another number of dimensions.
    #[error("the state has shape {found:?}, where {want:?} is needed")]
    Shape {
        /// The shape of the state.
        found: Vec<usize>,
        /// What its dimensions mean.
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
    /// The state's rows and labels are not as many.
    #[error("the state has {rows} rows and {labels} labels")]
    Labels {
        /// Rows of the state.
        rows: usize,
        /// Labels of the state.
        labels: usize,
    },
}

impl StateError {
    /// The dimensions of `state`, which must be as many as their names.
    pub(crate) fn dims<const D: usize>(
        state: &TensorData,
        names: [&'static str; D],
    ) -> Result<[usize; D], Self> {
        let found = state.shape().to_vec();
        let wrong = |found: Vec<usize>| Self::Shape { found, want: names.to_vec() };
        found.try_into().map_err(wrong)
    }
}
