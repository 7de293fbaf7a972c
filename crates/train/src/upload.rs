//! The way of a batch from the host to the device.

use burn::tensor::{Device, Tensor, TensorData};
use selfsame_models::Batch;
use selfsame_samplers::HostBatch;

/// A batch on the host that becomes a batch `B` on a device.
///
/// A [`HostBatch`] of the loader becomes a [`Batch`] of tensors of any rank. A custom
/// [`BatchSource`](selfsame_samplers::BatchSource) needs it for its own batches.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::Batch;
/// use selfsame_samplers::{HostBatch, HostView};
/// use selfsame_train::Upload;
///
/// let view = HostView { dims: vec![2, 1, 3], data: vec![0.0; 6] };
/// let (indices, labels) = (vec![4, 7], vec![None; 2]);
/// let host = HostBatch { epoch: 0, batch: 0, indices, labels, views: vec![view] };
/// let signals: Batch<Tensor<3>> = host.upload(&Device::flex());
/// assert_eq!(signals.views[0].dims(), [2, 1, 3]);
/// ```
pub trait Upload<B> {
    /// Moves the batch to the device.
    fn upload(self, device: &Device) -> B;
}

impl<const D: usize> Upload<Batch<Tensor<D>>> for HostBatch {
    /// Moves the batch to the device; its buffers become the tensors' data without a copy.
    ///
    /// # Panics
    /// If the views have another number of dimensions than the method's encoder takes.
    fn upload(self, device: &Device) -> Batch<Tensor<D>> {
        let views = self.views.into_iter().map(|view| {
            let rank = view.dims.len();
            assert_eq!(rank, D, "the encoder takes {D} dimensions, a view has {:?}", view.dims);
            Tensor::from_data(TensorData::new(view.data, view.dims), device)
        });
        Batch::new(views.collect()).with_indices(self.indices).with_labels(self.labels)
    }
}
