//! A batch in the host's memory.

/// One view of every sample of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct HostView {
    /// `[batch, ...]`: for images `[batch, channels, height, width]`.
    pub dims: Vec<usize>,
    /// The values, in row-major order of `dims`; those of images are normalized as the recipe says.
    pub data: Vec<f32>,
}

/// A batch in the host's memory: all views of some samples.
#[derive(Clone, Debug, PartialEq)]
pub struct HostBatch {
    /// The epoch, from 0.
    pub epoch: u64,
    /// The batch within the epoch, from 0.
    pub batch: usize,
    /// The index of each sample in its data set.
    pub indices: Vec<usize>,
    /// The class of each sample, where known.
    pub labels: Vec<Option<usize>>,
    /// One entry per view of the recipe.
    pub views: Vec<HostView>,
}
