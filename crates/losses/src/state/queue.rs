//! A queue of rows: the newest stay, the oldest leave.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::constant::{constant, push_front, replace, wider};
use super::unit_rows::unit_rows;

/// The newest `capacity` rows that were pushed, newest batch first.
///
/// A queue is a module: a method that holds one has it in its record and on its device. Losses read
/// [`rows`](Self::rows); [`push`](Self::push) comes after the optimizer's step. The rows are
/// constants: no gradient reaches the network that computed them, and no optimizer changes them.
/// They are stored as pushed, not normalized, in single precision, or in double once a batch is.
///
/// A queue is always full, so that its shape, `[capacity, dim]`, never changes: it starts with
/// random rows of length 1. They depend on the seed alone, not on the device, and leave as batches
/// are pushed. Until then they are negatives (or neighbors) without meaning; losses that must not
/// see them start the queue later, as SwAV does.
///
/// # Source
/// He et al., 2019, [arXiv:1911.05722](https://arxiv.org/abs/1911.05722), section 3.2; the random
/// rows: the official code. Deviation: the official queue is a ring, which needs a `capacity`
/// divisible by the batch; the newest rows are first here, and any batch fits.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::Queue;
///
/// let device = Device::flex();
/// let mut queue = Queue::new(3, 1, 7, &device);
/// assert_eq!(queue.rows().dims(), [3, 1]);
/// queue.push(Tensor::from_floats([[1.0], [2.0]], &device));
/// queue.push(Tensor::from_floats([[3.0], [4.0]], &device));
/// assert_eq!(queue.rows().into_data().try_to_vec::<f32>().unwrap(), [3.0, 4.0, 1.0]);
/// ```
#[derive(Module, Debug)]
pub struct Queue {
    rows: Param<Tensor<2>>,
}

impl Queue {
    /// Returns a queue of `capacity` random rows with `dim` columns.
    ///
    /// # Panics
    /// If `capacity` or `dim` is 0.
    #[must_use]
    #[track_caller]
    pub fn new(capacity: usize, dim: usize, seed: u64, device: &Device) -> Self {
        Self { rows: constant(unit_rows("queues", [capacity, dim], seed, device)) }
    }

    /// Puts `batch`, `[batch, dim]`, in front; as many of the oldest rows leave. If the batch is
    /// larger than the queue, its first rows are kept.
    ///
    /// # Panics
    /// If the batch has not `dim` columns.
    #[track_caller]
    pub fn push(&mut self, batch: Tensor<2>) {
        let (old, new) = (self.rows.dims(), batch.dims());
        assert_eq!(old[1], new[1], "a queue of shape {old:?} cannot hold rows of {new:?}");
        let dtype = wider(self.rows.dtype(), batch.dtype());
        let rows = push_front(batch.inner().cast(dtype), self.rows().cast(dtype));
        replace(&mut self.rows, rows);
    }

    /// Returns the rows, `[capacity, dim]`, without a graph.
    #[must_use]
    pub fn rows(&self) -> Tensor<2> {
        self.rows.val().inner()
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.rows.dims()[0]
    }

    /// Returns the number of columns.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.rows.dims()[1]
    }
}

#[cfg(test)]
mod tests {
    use super::super::constant::checks::{never_trained, restored};
    use super::*;
    use crate::ops::custom_gradient::to_f64_vec;
    use burn::tensor::DType;

    fn rows(queue: &Queue) -> Vec<f64> {
        to_f64_vec(queue.rows())
    }

    /// One column.
    fn column<const R: usize>(values: [f32; R], device: &Device) -> Tensor<2> {
        Tensor::<1>::from_floats(values, device).reshape([R, 1])
    }

    #[test]
    fn the_oldest_rows_leave_first() {
        for device in [Device::flex(), Device::flex().autodiff()] {
            let mut queue = Queue::new(4, 1, 7, &device);
            let first = rows(&queue);
            queue.push(column([1.0, 2.0, 3.0], &device));
            assert_eq!(rows(&queue), [1.0, 2.0, 3.0, first[0]]);
            queue.push(column([4.0, 5.0, 6.0], &device));
            assert_eq!(rows(&queue), [4.0, 5.0, 6.0, 1.0]);
            queue.push(column([1.0, 2.0, 3.0, 4.0, 5.0], &device));
            assert_eq!(rows(&queue), [1.0, 2.0, 3.0, 4.0]);
            assert_eq!((queue.capacity(), queue.dim()), (4, 1));
        }
    }

    #[test]
    fn a_seed_is_one_queue_of_rows_of_length_one() {
        let queue = |seed, device: &Device| Queue::new(5, 3, seed, device);
        let first = rows(&queue(1, &Device::flex()));
        assert_eq!(first, rows(&queue(1, &Device::flex().autodiff())));
        assert_ne!(first, rows(&queue(2, &Device::flex())));
        for row in first.chunks(3) {
            assert!((row.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-6, "{row:?}");
        }
    }

    #[test]
    fn no_gradient_and_no_optimizer_reaches_the_rows() {
        let device = Device::flex().autodiff();
        let mut queue = Queue::new(3, 1, 7, &device);
        never_trained(&queue, Queue::rows);
        let batch = column([1.0, 2.0], &device).require_grad();
        queue.push(batch.clone() * 2.0);
        assert!(!queue.rows().is_autodiff());
        never_trained(&queue, Queue::rows);
        let loss = (batch.clone() * queue.rows().slice_dim(0, 0..2)).sum();
        let gradient = batch.grad(&loss.backward()).unwrap();
        assert_eq!(to_f64_vec(gradient), [2.0, 4.0], "that of a constant");
    }

    #[test]
    fn a_recorded_queue_goes_on_alike() {
        let device = Device::flex();
        let mut queue = Queue::new(4, 1, 7, &device);
        queue.push(column([1.0, 2.0], &device));
        let mut copy = restored(&queue, Queue::new(4, 1, 8, &device.clone().autodiff()));
        assert_eq!(rows(&copy), rows(&queue));
        for queue in [&mut queue, &mut copy] {
            queue.push(column([3.0], &device));
        }
        assert_eq!(rows(&copy), rows(&queue));
        let smaller = Queue::new(3, 1, 7, &device);
        assert!(smaller.try_load_record(queue.into_record()).is_err());
    }

    #[test]
    fn half_precision_does_not_make_a_queue_coarser() {
        let device = Device::flex();
        let mut queue = Queue::new(3, 1, 7, &device);
        queue.push(column([0.5], &device).cast(DType::F16));
        assert_eq!(queue.rows().dtype(), DType::F32);
        assert_eq!(rows(&queue)[0], 0.5);
    }

    #[test]
    #[should_panic(expected = "a queue of shape [4, 3] cannot hold rows of [1, 2]")]
    fn rows_of_another_width_are_named() {
        Queue::new(4, 3, 7, &Device::flex()).push(Tensor::ones([1, 2], &Device::flex()));
    }

    #[test]
    #[should_panic(expected = "queues need rows and columns, got [0, 3]")]
    fn a_queue_without_rows_is_named() {
        let _ = Queue::new(0, 3, 7, &Device::flex());
    }
}
