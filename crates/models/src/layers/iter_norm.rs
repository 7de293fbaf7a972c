//! Iterative normalization: features are whitened in groups.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::finite::observe;

/// Newton steps towards the inverse square root, as in the paper.
const STEPS: usize = 5;

/// Added to every variance, as in the official code.
const EPSILON: f64 = 1e-5;

/// Whitens groups of features over the batch, then scales and shifts each feature.
///
/// ```text
/// output = γ ⊙ P₅ X / √tr S + β        P₀ = I,  Pₖ = ³⁄₂ Pₖ₋₁ − ½ Pₖ₋₁³ S / tr S
/// ```
/// The columns of `X` are the rows of the batch, less their mean, of one group of features; `S` is
/// their (biased) covariance plus `ε` times the identity, ε 1e-5. `P` approaches the inverse square
/// root of `S / tr S`; five steps leave directions of little variance smaller than the others. The
/// gradient includes the whitening.
///
/// The layer normalizes by the batch it is given, in evaluation too: it ends a projector, which is not
/// kept.
///
/// # Source
/// Huang et al., 2019, [arXiv:1904.03441](https://arxiv.org/abs/1904.03441), algorithm 1.
/// Deviation: no running statistics.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::IterNorm;
///
/// // A group of one feature is divided by its deviation, here 2.
/// let norm = IterNorm::new(1, 1, &Device::flex());
/// let output = norm.forward(Tensor::from_floats([[1.0], [5.0]], &Device::flex()));
/// let values: Vec<f32> = output.into_data().iter().collect();
/// assert!((values[0] + 1.0).abs() < 1e-4 && (values[1] - 1.0).abs() < 1e-4);
/// ```
#[derive(Module, Debug)]
pub struct IterNorm {
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    groups: usize,
}

impl IterNorm {
    /// Creates a layer for `d_input` features in `groups` groups of neighbors, with scale 1 and
    /// shift 0.
    ///
    /// # Panics
    /// If `groups` does not divide `d_input`.
    #[must_use]
    #[track_caller]
    pub fn new(d_input: usize, groups: usize, device: &Device) -> Self {
        assert!(
            groups > 0 && d_input.is_multiple_of(groups),
            "{d_input} features cannot be split into {groups} groups of one size"
        );
        Self {
            gamma: Param::from_tensor(Tensor::ones([d_input], device)),
            beta: Param::from_tensor(Tensor::zeros([d_input], device)),
            groups,
        }
    }

    /// Whitens each group of features.
    ///
    /// # Shapes
    /// - `input` and output: `[batch, d_input]`
    ///
    /// # Panics
    /// If the second dimension of `input` is not `d_input`.
    #[must_use]
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let [batch, dim] = input.dims();
        let width = dim / self.groups;
        let centered = input.clone() - input.mean_dim(0);
        let x = centered.transpose().reshape([self.groups, width, batch]);
        let identity = Tensor::<2>::eye(width, &x.device()).unsqueeze::<3>();
        let covariance = x.clone().matmul(x.clone().swap_dims(1, 2)) / batch as f64;
        let covariance = covariance + identity.clone() * EPSILON;
        let trace = (covariance.clone() * identity.clone()).sum_dim(2).sum_dim(1); // [groups, 1, 1]
        let unit = covariance / trace.clone();
        let mut root = identity.expand([self.groups, width, width]);
        for _ in 0..STEPS {
            let cube = root.clone().matmul(root.clone()).matmul(root.clone());
            root = root * 1.5 - cube.matmul(unit.clone()) * 0.5;
        }
        let white = root.matmul(x) / trace.sqrt();
        let white = white.reshape([dim, batch]).transpose();
        let output = white * self.gamma.val().unsqueeze() + self.beta.val().unsqueeze();
        observe(self.gamma.id, output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Tolerance;

    /// Eight rows of four features, no two alike.
    fn rows(device: &Device) -> Tensor<2> {
        let value = |i: i32| (0.7 * f64::from(i * i) + 0.1).sin() as f32 * 3.0 + 0.5;
        let values: Vec<f32> = (0..32).map(value).collect();
        Tensor::<1>::from_floats(values.as_slice(), device).reshape([8, 4])
    }

    #[test]
    fn features_of_a_group_become_uncorrelated_and_groups_stay_apart() {
        let device = Device::flex();
        let norm = IterNorm::new(4, 2, &device);
        let white = norm.forward(rows(&device));
        let covariance = white.clone().transpose().matmul(white.clone()) / 8.0;
        for group in [0, 2] {
            let block = covariance.clone().slice([group..group + 2, group..group + 2]);
            block.into_data().assert_approx_eq::<f32>(
                &[[1.0_f32, 0.0], [0.0, 1.0]].into(),
                Tolerance::absolute(0.02),
            );
        }
        let first = |output: Tensor<2>| output.narrow(1, 0, 2).into_data();
        let scale = Tensor::<2>::from_floats([[1.0, 1.0, 5.0, -2.0]], &device);
        let other = norm.forward(rows(&device) * scale);
        other.clone().narrow(1, 0, 2).into_data().assert_eq(&first(white), true);
    }

    #[test]
    fn uncorrelated_features_follow_the_recursion_of_their_shares_of_the_variance() {
        let device = Device::flex();
        // Variances 1 and 9, no covariance.
        let input = [[1.0, 3.0], [1.0, -3.0], [-1.0, 3.0], [-1.0, -3.0]];
        let output = IterNorm::new(2, 1, &device).forward(Tensor::from_floats(input, &device));
        let total = 10.0 + 2.0 * EPSILON;
        let factor = |variance: f64| {
            let share = (variance + EPSILON) / total;
            (0..5).fold(1.0, |p: f64, _| 1.5 * p - 0.5 * p.powi(3) * share) / total.sqrt()
        };
        let want = input.map(|[a, b]| [(factor(1.0) * a) as f32, (factor(9.0) * b) as f32]);
        output.into_data().assert_approx_eq::<f32>(&want.into(), Tolerance::absolute(1e-5));
    }

    #[test]
    fn scale_and_shift_come_last_and_learn() {
        let device = Device::flex().autodiff();
        let mut norm = IterNorm::new(4, 2, &device);
        let plain = norm.forward(rows(&device)).into_data();
        norm.gamma = Param::from_tensor(Tensor::full([4], 2.0, &device));
        norm.beta = Param::from_tensor(Tensor::ones([4], &device));
        let output = norm.forward(rows(&device).require_grad());
        let undone = (output.clone() - 1.0) / 2.0;
        undone.into_data().assert_approx_eq::<f32>(&plain, Tolerance::absolute(1e-5));
        let gradients = output.square().sum().backward();
        assert!(norm.gamma.val().grad(&gradients).is_some());
        assert!(norm.beta.val().grad(&gradients).is_some());
    }

    #[test]
    fn constant_features_have_finite_outputs_and_gradients() {
        let device = Device::flex().autodiff();
        let input = Tensor::<2>::ones([3, 4], &device).require_grad();
        let output = IterNorm::new(4, 2, &device).forward(input.clone());
        let gradients = output.square().sum().backward();
        assert!(input.grad(&gradients).unwrap().is_finite().all().into_scalar::<bool>());
    }

    #[test]
    #[should_panic(expected = "6 features cannot be split into 4 groups")]
    fn groups_of_different_sizes_are_refused() {
        let _ = IterNorm::new(6, 4, &Device::flex());
    }
}
