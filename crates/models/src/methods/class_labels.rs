//! The classes of a batch on its device.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::Batch;

/// Returns the class of every sample, `[batch]`.
///
/// # Panics
/// If a sample has no label.
#[track_caller]
pub(super) fn class_labels<I: Clone>(batch: &Batch<I>, device: &Device) -> Tensor<1, Int> {
    #[allow(
        clippy::cast_possible_wrap,
        clippy::cast_possible_truncation,
        reason = "class counts are small"
    )]
    let classes: Vec<i32> = batch.classes().iter().map(|&class| class as i32).collect();
    Tensor::from_data(TensorData::from(classes.as_slice()), device)
}
