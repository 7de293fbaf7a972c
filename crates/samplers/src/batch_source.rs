//! The interface between a loader and a trainer.

use std::collections::BTreeMap;

use crate::LoaderError;

/// The batches of a run, made on the host: a [`Loader`](crate::Loader), or any other type.
///
/// A source has no state: a batch is a function of its epoch and its number, so that a run can be
/// resumed at any batch.
pub trait BatchSource {
    /// A batch in the host's memory.
    type Batch: Send;

    /// Returns the samples in a batch; the last batch of an epoch may have fewer.
    fn batch_size(&self) -> usize;

    /// Returns the batches in an epoch, at least 1.
    fn batches_per_epoch(&self) -> usize;

    /// Returns the batches of an epoch from `first_batch` on, in order. The first error ends them.
    fn epoch(
        &self,
        epoch: u64,
        first_batch: usize,
    ) -> impl Iterator<Item = Result<Self::Batch, LoaderError>>;

    /// Returns everything that decides the batches, by name. A run that is resumed compares it.
    ///
    /// # Errors
    /// If a sample cannot be found.
    fn fingerprint(&self) -> Result<BTreeMap<String, String>, LoaderError>;
}
