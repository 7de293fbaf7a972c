//! Cross-batch memory: labeled rows of past batches as keys for the next.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::constant::{constant, push_front, replace, wider};
use crate::Labeled;
use crate::labeled::common_type;

/// The newest `capacity` rows and their labels, newest batch first.
///
/// Embeddings drift slowly, so rows of past batches still serve as positives and negatives of the
/// losses with labels. The rows are constants. The first `warmup_steps` pushes are not kept, as
/// embeddings drift fast at first.
///
/// A memory is a module: a method that holds one has it in its record and on its device. Its shapes
/// never change, `[capacity, dim]` and `[capacity]`, and two counters say how many batches were
/// pushed and how many rows are kept. The counters are on the device too: [`push`](Self::push),
/// [`rows`](Self::rows) and [`len`](Self::len) read them, and so wait for it.
///
/// # Source
/// Wang et al., 2020, [arXiv:1912.06798](https://arxiv.org/abs/1912.06798). Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{CrossBatchMemory, Labeled, TripletLossConfig, triplet};
///
/// let device = Device::flex();
/// let mut memory = CrossBatchMemory::new(4, 2, 0, &device);
/// for _ in 0..2 {
///     let rows = Tensor::from_floats([[1.0, 0.0], [0.0, 1.0]], &device);
///     let batch = Labeled::new(rows, Tensor::from_ints([0, 1], &device));
///     let past = memory.push(&batch);
///     let _loss = triplet(&batch, past.as_ref(), &TripletLossConfig::default());
/// }
/// assert_eq!(memory.len(), 4);
/// ```
#[derive(Module, Debug)]
pub struct CrossBatchMemory {
    /// The rows beyond those kept are zeros, and so are their labels.
    rows: Param<Tensor<2>>,
    labels: Param<Tensor<1, Int>>,
    /// Batches pushed, rows kept.
    counters: Param<Tensor<1, Int>>,
    warmup_steps: u64,
}

impl CrossBatchMemory {
    /// Returns an empty memory for `capacity` rows with `dim` columns, which starts after
    /// `warmup_steps` pushes. The record does not hold `warmup_steps`.
    ///
    /// # Panics
    /// If `capacity` or `dim` is 0.
    #[must_use]
    #[track_caller]
    pub fn new(capacity: usize, dim: usize, warmup_steps: u64, device: &Device) -> Self {
        let shape = [capacity, dim];
        assert!(capacity > 0 && dim > 0, "memories need rows and columns, got {shape:?}");
        Self {
            rows: constant(Tensor::<2>::zeros(shape, device)),
            labels: constant(Tensor::<1, Int>::zeros([capacity], device)),
            counters: constant(Tensor::<1, Int>::zeros([2], device)),
            warmup_steps,
        }
    }

    /// Puts a batch in front, drops rows beyond the capacity from the end, and returns the rows
    /// behind the batch, the `memory` for a loss of this batch.
    ///
    /// # Panics
    /// If the batch's rows have not `dim` columns.
    #[track_caller]
    pub fn push(&mut self, batch: &Labeled) -> Option<Labeled> {
        let (old, new) = (self.rows.dims(), batch.embedding().dims());
        assert_eq!(old[1], new[1], "a memory of shape {old:?} cannot hold rows of {new:?}");
        let [pushed, kept] = self.counters();
        let pushed = pushed + 1;
        if pushed <= self.warmup_steps {
            self.count([pushed, kept]);
            return None;
        }
        let embedding = batch.embedding().inner();
        let dtype = wider(self.rows.dtype(), embedding.dtype());
        let rows = push_front(embedding.cast(dtype), self.rows.val().inner().cast(dtype));
        // The labels of an empty memory have no type yet.
        let past = self.labels.val().inner();
        let past = if kept == 0 { past.cast(batch.labels().dtype()) } else { past };
        let [labels, past] = common_type(batch.labels(), past);
        replace(&mut self.rows, rows);
        replace(&mut self.labels, push_front(labels, past));

        let end = (new[0] + kept as usize).min(old[0]);
        self.count([pushed, end as u64]);
        self.part(new[0], end)
    }

    /// Returns all rows with their labels, without a graph; `None` if there are none yet.
    #[must_use]
    pub fn rows(&self) -> Option<Labeled> {
        self.part(0, self.len())
    }

    /// Returns the number of rows, from 0 to the capacity.
    #[must_use]
    pub fn len(&self) -> usize {
        let [_, kept] = self.counters();
        kept as usize
    }

    /// Returns whether nothing is kept yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn part(&self, from: usize, to: usize) -> Option<Labeled> {
        (from < to).then(|| {
            let (rows, labels) = (self.rows.val().inner(), self.labels.val().inner());
            Labeled::new(rows.slice_dim(0, from..to), labels.slice_dim(0, from..to))
        })
    }

    fn counters(&self) -> [u64; 2] {
        let counters = self.counters.val().into_data();
        let mut counters = counters.iter::<u64>();
        std::array::from_fn(|_| counters.next().unwrap_or_default())
    }

    fn count(&mut self, counters: [u64; 2]) {
        let data = TensorData::from(counters.map(|counter| counter as i64));
        let old = self.counters.val().inner();
        replace(&mut self.counters, Tensor::from_data(data, (&old.device(), old.dtype())));
    }
}

#[cfg(test)]
mod tests {
    use super::super::constant::checks::{never_trained, restored};
    use super::*;
    use crate::labeled::samples::labeled;
    use crate::ops::custom_gradient::to_f64_vec;

    /// Six rows of this number.
    fn batch(number: f32) -> Labeled {
        labeled([[number]; 6], [i64::from(number > 1.0); 6])
    }

    fn memory(capacity: usize, warmup_steps: u64) -> CrossBatchMemory {
        CrossBatchMemory::new(capacity, 1, warmup_steps, &Device::flex())
    }

    fn rows(of: &Labeled) -> Vec<f64> {
        to_f64_vec(of.embedding())
    }

    fn labels(of: &Labeled) -> Vec<i64> {
        of.labels().into_data().iter::<i64>().collect()
    }

    #[test]
    fn newest_rows_come_first_and_oldest_leave() {
        let mut memory = memory(12, 0);
        assert!(memory.is_empty() && memory.rows().is_none());
        assert!(memory.push(&batch(1.0)).is_none());
        assert_eq!(memory.len(), 6);
        assert_eq!(rows(&memory.push(&batch(2.0)).unwrap()), [1.0; 6]);
        assert_eq!(memory.len(), 12);
        assert_eq!(rows(&memory.push(&batch(3.0)).unwrap()), [2.0; 6]);
        assert_eq!(rows(&memory.rows().unwrap()), [[3.0; 6], [2.0; 6]].concat());
        assert_eq!(labels(&memory.rows().unwrap()), [1; 12]);
    }

    #[test]
    fn a_memory_smaller_than_the_batch_keeps_its_first_rows() {
        let mut memory = memory(2, 0);
        let batch = labeled([[1.0], [2.0], [3.0]], [4, 5, 6]);
        for _ in 0..2 {
            assert!(memory.push(&batch).is_none());
            let kept = memory.rows().unwrap();
            assert_eq!((rows(&kept), labels(&kept)), (vec![1.0, 2.0], vec![4, 5]));
        }
    }

    #[test]
    fn nothing_is_kept_in_the_warm_up() {
        let mut memory = memory(12, 1);
        assert!(memory.push(&batch(1.0)).is_none() && memory.is_empty());
        assert!(memory.push(&batch(2.0)).is_none());
        assert_eq!(memory.len(), 6);
    }

    #[test]
    fn a_recorded_memory_goes_on_alike() {
        let fresh = || CrossBatchMemory::new(8, 1, 1, &Device::flex().autodiff());
        let mut memory = memory(8, 1);
        assert!(restored(&memory, fresh()).is_empty());
        for number in [1.0, 2.0] {
            memory.push(&batch(number));
        }
        let mut copy = restored(&memory, fresh());
        for memory in [&mut memory, &mut copy] {
            assert_eq!(rows(&memory.push(&batch(3.0)).unwrap()), [2.0; 2]);
        }
        let [kept, copied] = [memory, copy].map(|memory| memory.rows().unwrap());
        assert_eq!((rows(&kept), labels(&kept)), (rows(&copied), labels(&copied)));
    }

    #[test]
    fn a_record_of_the_warm_up_counts_its_pushes() {
        let mut memory = memory(8, 2);
        memory.push(&batch(1.0));
        let mut copy = restored(&memory, CrossBatchMemory::new(8, 1, 2, &Device::flex()));
        copy.push(&batch(1.0));
        assert!(copy.is_empty());
        copy.push(&batch(1.0));
        assert_eq!(copy.len(), 6);
    }

    #[test]
    fn no_gradient_and_no_optimizer_reaches_the_rows() {
        let device = Device::flex().autodiff();
        let mut memory = CrossBatchMemory::new(8, 1, 0, &device);
        let leaf = Tensor::<2>::from_floats([[1.0], [2.0]], &device).require_grad();
        memory.push(&Labeled::new(leaf * 2.0, Tensor::from_ints([0, 1], &device)));
        never_trained(&memory, |memory| memory.rows().unwrap().embedding());
    }

    #[test]
    fn labels_of_two_integer_types_are_joined() {
        use burn::tensor::IntDType::{self, I32, I64};
        let mut memory = memory(12, 0);
        let with_type = |number: f32, dtype: IntDType| {
            let batch = batch(number);
            Labeled::new(batch.embedding(), batch.labels().cast(dtype))
        };
        memory.push(&with_type(1.0, I32));
        memory.push(&with_type(2.0, I64));
        let past = memory.push(&with_type(1.0, I32)).unwrap();
        assert_eq!(labels(&past), [1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn labels_keep_the_type_of_the_first_batch() {
        let device = Device::flex();
        let large = (1_i64 << 32) + 3;
        let wide = Tensor::<1, Int>::from_data([large], (&device, burn::tensor::DType::I64));
        let mut memory = memory(3, 0);
        memory.push(&Labeled::new(Tensor::ones([1, 1], &device), wide));
        assert_eq!(labels(&memory.rows().unwrap()), [large]);
        let copy = restored(&memory, CrossBatchMemory::new(3, 1, 0, &device));
        assert_eq!(labels(&copy.rows().unwrap()), [large]);
    }

    #[test]
    #[should_panic(expected = "a memory of shape [12, 1] cannot hold rows of [1, 2]")]
    fn rows_of_another_width_are_named() {
        memory(12, 0).push(&labeled([[1.0, 2.0]], [1]));
    }

    #[test]
    #[should_panic(expected = "memories need rows and columns, got [0, 1]")]
    fn a_memory_without_rows_is_named() {
        let _ = memory(0, 0);
    }
}
