//! The covariance that `TiCo` carries from step to step.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use selfsame_kernels::{Factor::Transposed, gram};

use super::constant::{constant, replace, wider};
use crate::ops::l2_normalize::l2_normalize;

/// The moving covariance of the embeddings, which [`tico`](crate::tico()) keeps view a away from;
/// zero at first.
///
/// A covariance is a module: a method that holds one has it in its record and on its device. It is
/// a constant to the gradient and to every optimizer. It is kept in single precision, or in double
/// once the rows are.
///
/// # Source
/// Zhu et al., 2022, [arXiv:2206.10698](https://arxiv.org/abs/2206.10698), algorithm 1.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::TicoCovariance;
///
/// let device = Device::flex();
/// let covariance = TicoCovariance::new(2, &device);
/// let next = covariance.next(Tensor::from_floats([[2.0, 0.0], [0.0, 0.5]], &device), 0.5);
/// // Half of the mean of two unit directions, each counted once.
/// let found = next.matrix().into_data().try_to_vec::<f32>().unwrap();
/// assert_eq!(found, [0.25, 0.0, 0.0, 0.25]);
/// ```
#[derive(Module, Debug)]
pub struct TicoCovariance {
    matrix: Param<Tensor<2>>,
}

impl TicoCovariance {
    /// Returns a covariance of zeros for embeddings with `dim` columns.
    #[must_use]
    pub fn new(dim: usize, device: &Device) -> Self {
        Self { matrix: constant(Tensor::<2>::zeros([dim, dim], device)) }
    }

    /// Returns the covariance after a batch, `β C + (1 − β) Âᵀ Â / batch`: `rows`, `[batch, dim]`,
    /// are made unit length, and `momentum` is β, from 0 to 1, the share of the old covariance.
    ///
    /// The loss of a step reads the result. What is held is replaced by it after the optimizer's
    /// step.
    ///
    /// # Panics
    /// If there are no rows, or they have not `dim` columns.
    #[must_use]
    #[track_caller]
    pub fn next(&self, rows: Tensor<2>, momentum: f64) -> Self {
        let (old, new) = (self.matrix.dims(), rows.dims());
        assert!(
            new[0] > 0 && new[1] == old[1],
            "a covariance of shape {old:?} cannot follow rows of {new:?}"
        );
        let rows = l2_normalize(rows.inner());
        let batch_matrix = gram(Transposed(&rows)) * ((1.0 - momentum) / new[0] as f64);
        let dtype = wider(self.matrix.dtype(), batch_matrix.dtype());
        let matrix = self.matrix().cast(dtype) * momentum + batch_matrix.cast(dtype);
        let mut next = self.clone();
        replace(&mut next.matrix, matrix);
        next
    }

    /// Returns the matrix, `[dim, dim]`, without a graph.
    #[must_use]
    pub fn matrix(&self) -> Tensor<2> {
        self.matrix.val().inner()
    }
}

#[cfg(test)]
mod tests {
    use super::super::constant::checks::{never_trained, restored};
    use super::*;
    use crate::laws::ramp;
    use crate::ops::custom_gradient::to_f64_vec;

    fn rows() -> Tensor<2> {
        ramp(&Tensor::zeros([4, 3], &Device::flex()))
    }

    #[test]
    fn a_recorded_covariance_goes_on_alike() {
        let device = Device::flex();
        let covariance = TicoCovariance::new(3, &device).next(rows(), 0.9);
        let copy = restored(&covariance, TicoCovariance::new(3, &device.clone().autodiff()));
        let next = |covariance: &TicoCovariance| {
            to_f64_vec(covariance.next(rows().flip([1]), 0.9).matrix())
        };
        assert_eq!(to_f64_vec(copy.matrix()), to_f64_vec(covariance.matrix()));
        assert_eq!(next(&copy), next(&covariance));
        let wider = TicoCovariance::new(4, &device);
        assert!(wider.try_load_record(covariance.into_record()).is_err());
    }

    #[test]
    fn the_next_one_leaves_the_first_as_it_was() {
        let first = TicoCovariance::new(3, &Device::flex());
        let next = first.next(rows(), 0.9);
        assert_eq!(to_f64_vec(first.matrix()), [0.0; 9]);
        // The squares of unit rows sum to 1.
        let trace = [0, 4, 8].map(|place| to_f64_vec(next.matrix())[place]).iter().sum::<f64>();
        assert!((trace - 0.1).abs() < 1e-6, "{trace}");
    }

    #[test]
    fn no_gradient_and_no_optimizer_reaches_the_covariance() {
        let rows = rows().autodiff().require_grad();
        let covariance = TicoCovariance::new(3, &rows.device()).next(rows * 2.0, 0.9);
        never_trained(&covariance, TicoCovariance::matrix);
    }

    #[test]
    #[should_panic(expected = "a covariance of shape [2, 2] cannot follow rows of [4, 3]")]
    fn rows_of_another_width_are_named() {
        let _ = TicoCovariance::new(2, &Device::flex()).next(rows(), 0.9);
    }
}
