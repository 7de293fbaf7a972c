//! Cross-batch memory: labeled rows of past batches as keys for the next.

use burn::tensor::{Device, Tensor, TensorData};

use super::StateError;
use crate::Labeled;
use crate::labeled::join_labels;

/// The newest `capacity` rows and their labels, newest batch first.
///
/// Embeddings drift slowly, so rows of past batches still serve as positives and negatives of the
/// losses with labels. The rows are constants. The first `warmup_steps` pushes are not kept, as
/// embeddings drift fast at first.
///
/// The caller owns a memory: a checkpoint stores [`state`](Self::state), and a resumed run restores
/// it by [`from_state`](Self::from_state).
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
/// let mut memory = CrossBatchMemory::new(4, 0);
/// for _ in 0..2 {
///     let rows = Tensor::from_floats([[1.0, 0.0], [0.0, 1.0]], &device);
///     let batch = Labeled::new(rows, Tensor::from_ints([0, 1], &device));
///     let past = memory.push(&batch);
///     let _loss = triplet(&batch, past.as_ref(), &TripletLossConfig::default());
/// }
/// assert_eq!(memory.len(), 4);
/// ```
#[derive(Clone, Debug)]
pub struct CrossBatchMemory {
    kept: Option<Labeled>,
    capacity: usize,
    warmup_steps: u64,
    steps: u64,
}

/// The state of a [`CrossBatchMemory`] for a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossBatchState {
    /// The rows, `[len, dim]`.
    pub rows: TensorData,
    /// Their labels, `[len]`.
    pub labels: TensorData,
    /// The number of batches pushed.
    pub steps: u64,
}

impl CrossBatchMemory {
    /// Returns an empty memory for `capacity` rows, which starts after `warmup_steps` pushes.
    ///
    /// # Panics
    /// If `capacity` is 0.
    #[must_use]
    #[track_caller]
    pub fn new(capacity: usize, warmup_steps: u64) -> Self {
        assert!(capacity > 0, "a memory needs a capacity of 1 row or more");
        Self { kept: None, capacity, warmup_steps, steps: 0 }
    }

    /// Puts a batch in front, drops rows beyond the capacity from the end, and returns the rows
    /// behind the batch, the `memory` for a loss of this batch.
    ///
    /// # Panics
    /// If the batch's rows differ in width from those before.
    #[track_caller]
    pub fn push(&mut self, batch: &Labeled) -> Option<Labeled> {
        self.steps += 1;
        if self.steps <= self.warmup_steps {
            return None;
        }
        let (mut rows, mut labels) = (batch.embedding().inner(), batch.labels());
        if let Some(kept) = self.kept.take() {
            let (old, new) = (kept.embedding().dims(), rows.dims());
            assert_eq!(old[1], new[1], "a memory of shape {old:?} cannot hold rows of {new:?}");
            rows = Tensor::cat(vec![rows, kept.embedding()], 0);
            labels = join_labels(labels, kept.labels());
        }
        let part = |from: usize, to: usize| {
            let (rows, labels) = (rows.clone(), labels.clone());
            (from < to)
                .then(|| Labeled::new(rows.slice_dim(0, from..to), labels.slice_dim(0, from..to)))
        };
        let end = rows.dims()[0].min(self.capacity);
        self.kept = part(0, end);
        part(batch.rows(), end)
    }

    /// Returns all rows with their labels, without a graph; `None` if there are none yet.
    #[must_use]
    pub fn rows(&self) -> Option<Labeled> {
        self.kept.clone()
    }

    /// Returns the number of rows, from 0 to the capacity.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.as_ref().map_or(0, Labeled::rows)
    }

    /// Returns whether nothing is kept yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_none()
    }

    /// Returns the state for a checkpoint.
    #[must_use]
    pub fn state(&self) -> CrossBatchState {
        let (rows, labels) = match &self.kept {
            Some(kept) => (kept.embedding().into_data(), kept.labels().into_data()),
            None => (
                TensorData::new(Vec::<f32>::new(), [0, 0]),
                TensorData::new(Vec::<i64>::new(), [0]),
            ),
        };
        CrossBatchState { rows, labels, steps: self.steps }
    }

    /// Restores the memory of this [`state`](Self::state) on `device`.
    ///
    /// # Errors
    /// If the state does not hold a matrix of at most `capacity` rows and one label for each.
    pub fn from_state(
        capacity: usize,
        warmup_steps: u64,
        state: CrossBatchState,
        device: &Device,
    ) -> Result<Self, StateError> {
        let [rows, _] = StateError::dims(&state.rows, ["rows", "dim"])?;
        let [labels] = StateError::dims(&state.labels, ["rows"])?;
        if rows > capacity {
            return Err(StateError::Rows { found: rows, most: capacity });
        }
        if labels != rows {
            return Err(StateError::Labels { rows, labels });
        }
        let kept = (rows > 0).then(|| {
            let (float, int) = (state.rows.dtype(), state.labels.dtype());
            let rows = Tensor::from_data(state.rows, (device, float)).inner();
            Labeled::new(rows, Tensor::from_data(state.labels, (device, int)))
        });
        Ok(Self { kept, capacity, warmup_steps, steps: state.steps })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labeled::samples::labeled;
    use crate::ops::custom_gradient::to_f64_vec;

    /// Six rows of this number.
    fn batch(number: f32) -> Labeled {
        labeled([[number]; 6], [i64::from(number > 1.0); 6])
    }

    fn rows(of: &Labeled) -> Vec<f64> {
        to_f64_vec(of.embedding())
    }

    #[test]
    fn newest_rows_come_first_and_oldest_leave() {
        let mut memory = CrossBatchMemory::new(12, 0);
        assert!(memory.push(&batch(1.0)).is_none());
        assert_eq!(memory.len(), 6);
        assert_eq!(rows(&memory.push(&batch(2.0)).unwrap()), [1.0; 6]);
        assert_eq!(memory.len(), 12);
        assert_eq!(rows(&memory.push(&batch(3.0)).unwrap()), [2.0; 6]);
        assert_eq!(rows(&memory.rows().unwrap()), [[3.0; 6], [2.0; 6]].concat());
    }

    #[test]
    fn nothing_is_kept_in_the_warm_up() {
        let mut memory = CrossBatchMemory::new(12, 1);
        assert!(memory.push(&batch(1.0)).is_none() && memory.is_empty());
        assert!(memory.push(&batch(2.0)).is_none());
        assert_eq!(memory.len(), 6);
    }

    #[test]
    fn a_resumed_memory_goes_on_alike() {
        let device = Device::flex();
        let mut memory = CrossBatchMemory::new(8, 1);
        let empty = CrossBatchMemory::from_state(8, 1, memory.state(), &device).unwrap();
        assert!(empty.is_empty());
        for number in [1.0, 2.0] {
            memory.push(&batch(number));
        }
        let mut copy = CrossBatchMemory::from_state(8, 1, memory.state(), &device).unwrap();
        for memory in [&mut memory, &mut copy] {
            assert_eq!(rows(&memory.push(&batch(3.0)).unwrap()), [2.0; 2]);
        }
        assert_eq!(memory.state(), copy.state());
    }

    #[test]
    fn a_state_that_does_not_fit_is_refused() {
        let device = Device::flex();
        let mut memory = CrossBatchMemory::new(12, 0);
        memory.push(&batch(1.0));
        let load = |state| CrossBatchMemory::from_state(4, 0, state, &device).unwrap_err();
        assert_eq!(load(memory.state()), StateError::Rows { found: 6, most: 4 });
        let state = CrossBatchState { labels: TensorData::from([1_i64]), ..memory.state() };
        let error = CrossBatchMemory::from_state(9, 0, state, &device).unwrap_err();
        assert_eq!(error, StateError::Labels { rows: 6, labels: 1 });
    }

    #[test]
    fn labels_of_two_integer_types_are_joined() {
        use burn::tensor::IntDType::{self, I32, I64};
        let mut memory = CrossBatchMemory::new(12, 0);
        let with_type = |number: f32, dtype: IntDType| {
            let batch = batch(number);
            Labeled::new(batch.embedding(), batch.labels().cast(dtype))
        };
        memory.push(&with_type(1.0, I32));
        memory.push(&with_type(2.0, I64));
        let past = memory.push(&with_type(1.0, I32)).unwrap();
        let labels: Vec<i64> = past.labels().into_data().iter::<i64>().collect();
        assert_eq!(labels, [1, 1, 1, 1, 1, 1]);
    }

    #[test]
    #[should_panic(expected = "[1, 2]")]
    fn rows_of_another_width_are_named() {
        let mut memory = CrossBatchMemory::new(12, 0);
        memory.push(&batch(1.0));
        memory.push(&labeled([[1.0, 2.0]], [1]));
    }
}
