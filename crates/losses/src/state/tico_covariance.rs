//! The covariance that `TiCo` carries from step to step.

use burn::tensor::{Device, Tensor, TensorData};
use selfsame_kernels::{Factor::Transposed, gram};

use super::StateError;

/// The covariance that [`tico`](crate::tico()) carries from step to step, zero at first.
///
/// The caller owns a covariance: a checkpoint stores [`state`](Self::state), and a resumed run
/// restores it by [`from_state`](Self::from_state).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{TicoLossConfig, TicoCovariance, tico};
///
/// let device = Device::flex();
/// let mut covariance = TicoCovariance::default();
/// let view = Tensor::<2>::eye(3, &device);
/// let _ = tico(view.clone(), view.clone(), &mut covariance, &TicoLossConfig::default());
/// let mut resumed = TicoCovariance::from_state(covariance.state(), &device)?;
/// let next = |covariance: &mut TicoCovariance| {
///     tico(view.clone(), view.clone(), covariance, &TicoLossConfig::default()).into_scalar::<f32>()
/// };
/// assert_eq!(next(&mut resumed), next(&mut covariance));
/// # Ok::<(), selfsame_losses::StateError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TicoCovariance {
    matrix: Option<Tensor<2>>,
}

impl TicoCovariance {
    /// Returns the state for a checkpoint: the matrix, `[dim, dim]`, `[0, 0]` before the first
    /// step.
    #[must_use]
    pub fn state(&self) -> TensorData {
        let empty = || TensorData::new(Vec::<f32>::new(), [0, 0]);
        self.matrix.as_ref().map_or_else(empty, Tensor::to_data)
    }

    /// Restores the covariance of this [`state`](Self::state) on `device`.
    ///
    /// # Errors
    /// If the state is not a square matrix.
    pub fn from_state(state: TensorData, device: &Device) -> Result<Self, StateError> {
        let names = ["dim", "dim"];
        let [rows, columns] = StateError::dims(&state, names)?;
        if rows != columns {
            return Err(StateError::Shape { found: vec![rows, columns], want: names.to_vec() });
        }
        let dtype = state.dtype();
        let matrix = (rows > 0).then(|| Tensor::from_data(state, (device, dtype)).inner());
        Ok(Self { matrix })
    }

    /// Adds a batch's share and returns the updated matrix.
    #[track_caller]
    pub(crate) fn update(&mut self, rows: Tensor<2>, momentum: f64) -> Tensor<2> {
        let [batch, dim] = rows.dims();
        let batch_matrix = gram(Transposed(&rows)) * ((1.0 - momentum) / batch as f64);
        let matrix = match self.matrix.take() {
            None => batch_matrix,
            Some(old) => {
                let (found, wanted) = (old.dims(), [dim, dim]);
                assert_eq!(found, wanted, "tico: the covariance does not fit the views");
                old * momentum + batch_matrix
            }
        };
        self.matrix = Some(matrix.clone());
        matrix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_not_square_is_refused() {
        let state = TensorData::new(vec![0.0_f32; 6], [2, 3]);
        assert!(TicoCovariance::from_state(state, &Device::flex()).is_err());
    }
}
