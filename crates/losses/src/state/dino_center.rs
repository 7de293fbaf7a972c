//! DINO's center: the running mean of the teacher's outputs.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::constant::{constant, replace, wider};
use crate::ops::shapes::common_dims;

/// The running mean of the teacher's outputs, which [`dino`](crate::dino()) subtracts so that no
/// output always wins.
///
/// A center is a module: a method that holds one has it in its record and on its device. It is a
/// constant to the gradient and to every optimizer. It is kept in single precision, or in double
/// once the outputs are.
///
/// # Source
/// Caron et al., 2021, [arXiv:2104.14294](https://arxiv.org/abs/2104.14294), eq. 4.
/// Deviation: none.
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
#[derive(Module, Debug)]
pub struct DinoCenter {
    values: Param<Tensor<2>>,
    momentum: f64,
}

impl DinoCenter {
    /// Returns a center of zeros for `dim` outputs. `momentum`, in `[0, 1)`, is the share of the
    /// old center that an update keeps; the paper has 0.9. The record does not hold the momentum.
    ///
    /// # Panics
    /// If the momentum is not in `[0, 1)`.
    #[must_use]
    #[track_caller]
    pub fn new(dim: usize, momentum: f64, device: &Device) -> Self {
        assert!((0.0..1.0).contains(&momentum), "momentum must be in [0, 1), got {momentum}");
        Self { values: constant(Tensor::<2>::zeros([1, dim], device)), momentum }
    }

    /// Returns the center, `[1, dim]`, without a graph.
    #[must_use]
    pub fn values(&self) -> Tensor<2> {
        self.values.val().inner()
    }

    /// Moves the center towards the mean of these outputs of the teacher, `[batch, dim]` for each
    /// view. Call it after the optimizer's step.
    ///
    /// # Panics
    /// If there is no view, or the shapes do not fit.
    #[track_caller]
    pub fn update(&mut self, teacher: &[Tensor<2>]) {
        let [_, dim] = common_dims("DinoCenter::update", 1, teacher);
        let shape = self.values.dims();
        assert_eq!(dim, shape[1], "a center of shape {shape:?} cannot follow {dim} outputs");
        let views: Vec<Tensor<2>> = teacher.iter().map(|view| view.clone().inner()).collect();
        let mean = Tensor::cat(views, 0).mean_dim(0);
        let dtype = wider(self.values.dtype(), mean.dtype());
        let (old, mean) = (self.values().cast(dtype), mean.cast(dtype));
        replace(&mut self.values, old * self.momentum + mean * (1.0 - self.momentum));
    }
}

#[cfg(test)]
mod tests {
    use super::super::constant::checks::{never_trained, restored};
    use super::*;
    use crate::ops::custom_gradient::to_f64_vec;

    #[test]
    fn a_recorded_center_goes_on_alike() {
        let device = Device::flex();
        let mut center = DinoCenter::new(2, 0.5, &device);
        let outputs = [Tensor::from_floats([[1.0, 4.0]], &device)];
        center.update(&outputs);
        let mut copy = restored(&center, DinoCenter::new(2, 0.5, &device.clone().autodiff()));
        center.update(&outputs);
        copy.update(&outputs);
        assert_eq!(to_f64_vec(center.values()), [0.75, 3.0]);
        assert_eq!(to_f64_vec(copy.values()), [0.75, 3.0]);
        let wider = DinoCenter::new(3, 0.5, &device);
        assert!(wider.try_load_record(center.into_record()).is_err());
    }

    #[test]
    fn no_gradient_and_no_optimizer_reaches_the_center() {
        let device = Device::flex().autodiff();
        let mut center = DinoCenter::new(2, 0.5, &device);
        let outputs = Tensor::<2>::from_floats([[1.0, 4.0]], &device).require_grad();
        center.update(&[outputs * 2.0]);
        assert_eq!(to_f64_vec(center.values()), [1.0, 4.0]);
        never_trained(&center, DinoCenter::values);
    }

    #[test]
    #[should_panic(expected = "a center of shape [1, 3] cannot follow 2 outputs")]
    fn outputs_of_another_width_are_named() {
        let device = Device::flex();
        DinoCenter::new(3, 0.5, &device).update(&[Tensor::ones([1, 2], &device)]);
    }
}
