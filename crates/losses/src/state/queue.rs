//! A queue of rows: the newest stay, the oldest leave.

use burn::tensor::{Device, Tensor, TensorData};

use super::StateError;

/// The newest `capacity` rows that were pushed, newest batch first.
///
/// The rows are constants: no gradient reaches the network that computed them. The caller owns a
/// queue: a checkpoint stores [`state`](Self::state), and a resumed run restores it by
/// [`from_state`](Self::from_state). Rows are stored as pushed, not normalized.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::Queue;
///
/// let device = Device::flex();
/// let mut queue = Queue::new(3);
/// assert!(queue.rows().is_none());
/// queue.push(Tensor::from_floats([[1.0], [2.0]], &device));
/// queue.push(Tensor::from_floats([[3.0], [4.0]], &device));
/// let copy = Queue::from_state(3, queue.state(), &device)?;
/// assert_eq!(copy.rows().unwrap().into_data().try_to_vec::<f32>().unwrap(), [3.0, 4.0, 1.0]);
/// # Ok::<(), selfsame_losses::StateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Queue {
    rows: Option<Tensor<2>>,
    capacity: usize,
}

impl Queue {
    /// Returns an empty queue for `capacity` rows.
    ///
    /// # Panics
    /// If `capacity` is 0.
    #[must_use]
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "a queue needs a capacity of 1 row or more");
        Self { rows: None, capacity }
    }

    /// Puts `batch`, `[batch, dim]`, in front and drops rows beyond the capacity from the end. If
    /// the batch is larger than the queue, its first rows are kept.
    ///
    /// # Panics
    /// If `dim` differs from that of the rows so far.
    #[track_caller]
    pub fn push(&mut self, batch: Tensor<2>) {
        let batch = batch.inner();
        let rows = match self.rows.take() {
            None => batch,
            Some(rows) => {
                let (old, new) = (rows.dims(), batch.dims());
                assert_eq!(old[1], new[1], "a queue of shape {old:?} cannot hold rows of {new:?}");
                Tensor::cat(vec![batch, rows], 0)
            }
        };
        let kept = rows.dims()[0].min(self.capacity);
        self.rows = Some(rows.narrow(0, 0, kept));
    }

    /// Returns the rows, `[len, dim]`, without a graph; `None` before the first push.
    #[must_use]
    pub fn rows(&self) -> Option<Tensor<2>> {
        self.rows.clone()
    }

    /// Returns the number of rows, from 0 to the capacity.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or(0, |rows| rows.dims()[0])
    }

    /// Returns whether nothing was pushed yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_none()
    }

    /// Returns the state for a checkpoint: the rows, `[len, dim]`.
    #[must_use]
    pub fn state(&self) -> TensorData {
        let empty = || TensorData::new(Vec::<f32>::new(), [0, 0]);
        self.rows.as_ref().map_or_else(empty, Tensor::to_data)
    }

    /// Restores the queue of this [`state`](Self::state) on `device`.
    ///
    /// # Errors
    /// If the state is not a matrix of at most `capacity` rows.
    pub fn from_state(
        capacity: usize,
        state: TensorData,
        device: &Device,
    ) -> Result<Self, StateError> {
        let [rows, _] = StateError::dims(&state, ["rows", "dim"])?;
        if rows > capacity {
            return Err(StateError::Rows { found: rows, most: capacity });
        }
        let dtype = state.dtype();
        let rows = (rows > 0).then(|| Tensor::from_data(state, (device, dtype)).inner());
        Ok(Self { rows, capacity })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(queue: &Queue) -> Vec<f32> {
        queue.rows().unwrap().into_data().try_to_vec().unwrap()
    }

    #[test]
    fn the_oldest_rows_leave_first() {
        let device = Device::flex().autodiff();
        let mut queue = Queue::new(4);
        for batch in [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]] {
            let batch = Tensor::<1>::from_floats(batch, &device).require_grad().reshape([3, 1]);
            queue.push(batch);
        }
        assert_eq!((rows(&queue), queue.len()), (vec![4.0, 5.0, 6.0, 1.0], 4));
        assert!(!queue.rows().unwrap().is_autodiff());
    }

    #[test]
    fn a_state_that_does_not_fit_is_refused() {
        let device = Device::flex();
        let state = TensorData::from([[1.0_f32], [2.0]]);
        let found = Queue::from_state(1, state, &device).unwrap_err();
        assert_eq!(found, StateError::Rows { found: 2, most: 1 });
        assert!(Queue::from_state(1, TensorData::from([1.0_f32]), &device).is_err());
        assert!(Queue::from_state(1, Queue::new(1).state(), &device).unwrap().is_empty());
    }

    #[test]
    #[should_panic(expected = "[1, 2]")]
    fn rows_of_another_width_are_named() {
        let mut queue = Queue::new(4);
        queue.push(Tensor::ones([2, 3], &Device::flex()));
        queue.push(Tensor::ones([1, 2], &Device::flex()));
    }
}
