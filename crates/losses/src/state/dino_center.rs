//! DINO's center: the running mean of the teacher's outputs.

use burn::tensor::{Device, Tensor, TensorData};

use super::StateError;
use crate::ops::shapes::common_dims;

/// The running mean of the teacher's outputs, which [`dino`](crate::dino()) subtracts so that no
/// output always wins.
///
/// The caller owns a center: a checkpoint stores [`state`](Self::state), and a resumed run restores
/// it by [`from_state`](Self::from_state).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::DinoCenter;
///
/// let mut center = DinoCenter::new(2, 0.9, &Device::flex());
/// center.update(&[Tensor::from_floats([[1.0, 0.0], [3.0, 0.0]], &Device::flex())]);
/// let found = center.values().into_data().try_to_vec::<f32>().unwrap();
/// assert!((found[0] - 0.2).abs() < 1e-6 && found[1] == 0.0);
/// ```
#[derive(Clone, Debug)]
pub struct DinoCenter {
    values: Tensor<2>,
    momentum: f64,
}

impl DinoCenter {
    /// Returns a center of zeros for `dim` outputs. `momentum`, in `[0, 1)`, is the share of the
    /// old center that an update keeps; the paper has 0.9.
    ///
    /// # Panics
    /// If the momentum is not in `[0, 1)`.
    #[must_use]
    #[track_caller]
    pub fn new(dim: usize, momentum: f64, device: &Device) -> Self {
        assert!((0.0..1.0).contains(&momentum), "momentum must be in [0, 1), got {momentum}");
        Self { values: Tensor::zeros([1, dim], device).inner(), momentum }
    }

    /// Returns the center, `[1, dim]`, without a graph.
    #[must_use]
    pub fn values(&self) -> Tensor<2> {
        self.values.clone()
    }

    /// Moves the center towards the mean of these outputs of the teacher, `[batch, dim]` for each
    /// view. Call it after the loss of the same step.
    ///
    /// # Panics
    /// If there is no view, or the shapes do not fit.
    #[track_caller]
    pub fn update(&mut self, teacher: &[Tensor<2>]) {
        let [_, dim] = common_dims("DinoCenter::update", 1, teacher);
        assert_eq!(dim, self.values.dims()[1], "a center of shape {:?}", self.values.dims());
        let views: Vec<Tensor<2>> = teacher.iter().map(|view| view.clone().inner()).collect();
        let mean = Tensor::cat(views, 0).mean_dim(0);
        let old = self.values.clone().cast(mean.dtype());
        self.values = old * self.momentum + mean * (1.0 - self.momentum);
    }

    /// Returns the state for a checkpoint: the center, `[1, dim]`.
    #[must_use]
    pub fn state(&self) -> TensorData {
        self.values.to_data()
    }

    /// Restores the center of this [`state`](Self::state) on `device`.
    ///
    /// # Errors
    /// If the state is not a matrix.
    ///
    /// # Panics
    /// If the momentum is not in `[0, 1)`.
    #[track_caller]
    pub fn from_state(
        momentum: f64,
        state: TensorData,
        device: &Device,
    ) -> Result<Self, StateError> {
        let [_, dim] = StateError::dims(&state, ["1", "dim"])?;
        let dtype = state.dtype();
        let values = Tensor::from_data(state, (device, dtype)).inner();
        Ok(Self { values, ..Self::new(dim, momentum, device) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::custom_gradient::to_f64_vec;

    #[test]
    fn the_center_goes_on_from_its_state() {
        let device = Device::flex();
        let mut center = DinoCenter::new(2, 0.5, &device);
        let outputs = [Tensor::from_floats([[1.0, 4.0]], &device)];
        center.update(&outputs);
        let mut copy = DinoCenter::from_state(0.5, center.state(), &device).unwrap();
        center.update(&outputs);
        copy.update(&outputs);
        assert_eq!(to_f64_vec(center.values()), [0.75, 3.0]);
        assert_eq!(to_f64_vec(copy.values()), [0.75, 3.0]);
        let flat = TensorData::from([1.0_f32]);
        assert!(DinoCenter::from_state(0.5, flat, &device).is_err());
    }
}
