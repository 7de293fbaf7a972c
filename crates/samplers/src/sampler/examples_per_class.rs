//! Samples per class in a batch, for any sampler.

use super::Sampler;

/// Returns the mean number of samples per class and batch, over the first `batches` of epoch 0.
///
/// A loss on labels needs at least 2 for every sample to have a positive. Samples without a label
/// are not counted; without any label the result is 0. This is the equivalent of TensorFlow
/// Similarity's `batch_class_ratio`.
///
/// # Example
/// ```
/// use selfsame_samplers::{Shuffled, examples_per_class};
///
/// let labels = [Some(0), Some(1), Some(2), Some(3)];
/// assert_eq!(examples_per_class(&Shuffled::new(4, 4, 0)?, &labels, 100), 1.0);
/// # Ok::<(), selfsame_samplers::SamplerError>(())
/// ```
#[must_use]
pub fn examples_per_class(sampler: &dyn Sampler, labels: &[Option<usize>], batches: usize) -> f64 {
    let order = sampler.epoch(0);
    let (mut count, mut classes) = (0_usize, 0_usize);
    for batch in 0..batches.min(order.batches()) {
        let labeled = |&index: &usize| sampler.label(index, labels.get(index).copied().flatten());
        let mut labels: Vec<usize> = order.batch(batch).iter().filter_map(labeled).collect();
        count += labels.len();
        labels.sort_unstable();
        labels.dedup();
        classes += labels.len();
    }
    if classes == 0 { 0.0 } else { count as f64 / classes as f64 }
}
