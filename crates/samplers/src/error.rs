//! Errors of samplers and of the loader.

#[cfg(feature = "loader")]
use selfsame_augment::RecipeError;
#[cfg(feature = "loader")]
use selfsame_datasets::DataError;

/// An error in the settings of a sampler.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplerError {
    /// A setting is 0.
    #[error("`{field}` must be 1 or more")]
    Zero {
        /// The setting.
        field: &'static str,
    },
    /// A batch needs more samples than there are.
    #[error(
        "a batch of {batch_size} needs as many samples, but there are only {samples}; give a smaller \
         batch size"
    )]
    Batch {
        /// Samples in a batch.
        batch_size: usize,
        /// Samples to draw from.
        samples: usize,
    },
    /// A setting is out of range, or does not fit the others.
    #[error("`{field}` of the sampler {problem}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// The fault and the remedy.
        problem: String,
    },
}

/// An error of a [`Loader`](crate::Loader).
#[cfg(feature = "loader")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoaderError {
    /// An image could not be read or decoded, or its data set or a function of its recipe panicked.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The recipe is not valid.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The settings of the sampler are not valid, or it does not keep its contract.
    #[error(transparent)]
    Sampler(#[from] SamplerError),
    /// A setting of the loader is 0.
    #[error("`{field}` must be 1 or more")]
    Zero {
        /// The setting.
        field: &'static str,
    },
    /// The threads could not be started.
    #[error("cannot start {threads} threads: {reason}")]
    Threads {
        /// Threads requested.
        threads: usize,
        /// The system's message.
        reason: String,
    },
    /// The thread that makes batches has ended before this batch.
    #[error("batch {batch} was not made: the loader's thread has ended")]
    Ended {
        /// The batch within its epoch, from 0.
        batch: usize,
    },
}
