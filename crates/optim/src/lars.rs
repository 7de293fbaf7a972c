//! LARS, with a learning rate per layer for large batches.

use burn::optim::{Optimizer, RecordState};
use burn::tensor::{Device, Tensor};
use selfsame_kernels::{MomentumStep, momentum_step};

/// LARS, which is SGD whose steps are proportional to the length of each parameter.
///
/// ```text
/// λ ← trust · ‖w‖ / (‖gradient‖ + decay · ‖w‖)       1 where w or its gradient is zero
/// λ ← min(λ / rate, 1)                                with `clip`
/// v ← momentum · v + λ (gradient + decay · w)
/// w ← w − rate · v
/// ```
/// [`GroupedOptimizer`](crate::GroupedOptimizer) gives norms and biases to plain SGD.
///
/// # Source
/// You et al., 2017, [arXiv:1708.03888](https://arxiv.org/abs/1708.03888), eq. 6.
/// Deviation: the rate multiplies the velocity instead of the gradient, as in SimCLR's code, so
/// that a changed rate takes effect at once. `clip` is that of NVIDIA's `LARC`, which solo-learn uses.
///
/// # Example
/// ```
/// use burn::optim::Optimizer;
/// use burn::tensor::{Device, Tensor};
/// use selfsame_optim::Lars;
///
/// let lars = Lars { momentum: 0.9, weight_decay: 0.0, trust: 0.1, clip: false };
/// let weight = Tensor::<1>::from_floats([3.0, 4.0], &Device::flex());
/// let gradient = Tensor::from_floats([0.0, 7.0], &Device::flex());
/// let (weight, _) = lars.step(1.0, weight, gradient, None);
/// // The step has a tenth of the weight's length, 0.5, whatever the length of the gradient.
/// let values: Vec<f32> = weight.into_data().iter().collect();
/// assert!((values[0] - 3.0).abs() < 1e-6 && (values[1] - 3.5).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lars {
    /// Share of the velocity that is kept, in `[0, 1)`.
    pub momentum: f64,
    /// Weight decay; at least 0.
    pub weight_decay: f64,
    /// Length of a step divided by the length of the weight, at rate 1; at least 0. Paper and
    /// SimCLR: 0.001.
    pub trust: f64,
    /// Whether λ is divided by the rate and at most 1, so that a step is at most as long as that of
    /// SGD.
    pub clip: bool,
}

/// The velocity of one parameter.
#[derive(Clone, Debug, RecordState)]
pub struct LarsState<const D: usize> {
    velocity: Tensor<D>,
}

impl Optimizer for Lars {
    type State<const D: usize> = LarsState<D>;

    fn step<const D: usize>(
        &self,
        rate: f64,
        weight: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<LarsState<D>>,
    ) -> (Tensor<D>, Option<LarsState<D>>) {
        let (length, slope) = (norm(&weight), norm(&gradient));
        let zero = length.clone().equal_elem(0.0).bool_or(slope.clone().equal_elem(0.0));
        let local = length.clone() * self.trust / (slope + length * self.weight_decay);
        let local = if self.clip { (local * rate.recip()).clamp_max(1.0) } else { local };
        let local = local.mask_fill(zero, 1.0);
        let velocity = state.map(|state| state.velocity);
        let step = MomentumStep {
            rate,
            momentum: self.momentum,
            weight_decay: self.weight_decay,
            nesterov: false,
        };
        let (weight, velocity) = momentum_step(weight, gradient, velocity, Some(local), step);
        (weight, Some(LarsState { velocity }))
    }

    fn to_device<const D: usize>(state: LarsState<D>, device: &Device) -> LarsState<D> {
        LarsState { velocity: state.velocity.to_device(device) }
    }
}

fn norm<const D: usize>(tensor: &Tensor<D>) -> Tensor<1> {
    tensor.clone().square().sum().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARS: Lars = Lars { momentum: 0.5, weight_decay: 0.1, trust: 0.01, clip: false };

    #[test]
    fn equals_the_formula_worked_by_hand() {
        let device = Device::flex();
        let weight = Tensor::<2>::from_floats([[3.0, 4.0]], &device);
        let gradient = Tensor::<2>::from_floats([[0.0, 2.0]], &device);
        let (weight, state) = LARS.step(1.0, weight, gradient.clone(), None);
        // λ = 0.01 · 5 / (2 + 0.5) = 0.02; v = 0.02 · [0.3, 2.4]
        let found: Vec<f32> = weight.clone().into_data().iter().collect();
        assert!((found[0] - 2.994).abs() < 1e-6 && (found[1] - 3.952).abs() < 1e-6, "{found:?}");
        let (weight, _) = LARS.step(10.0, weight, gradient, state);
        // ‖w‖ = √(2.994² + 3.952²) = 4.958036, λ = 0.0198654; v = ½ v + λ · [0.2994, 2.3952]
        let found: Vec<f32> = weight.into_data().iter().collect();
        assert!(
            (found[0] - 2.904_523).abs() < 1e-4 && (found[1] - 3.236_184).abs() < 1e-4,
            "{found:?}"
        );
    }

    #[test]
    fn a_clipped_step_is_the_shorter_one_of_lars_at_rate_1_and_of_sgd() {
        let lars = Lars { weight_decay: 0.0, clip: true, ..LARS };
        let device = Device::flex();
        let weight = Tensor::<1>::from_floats([3.0, 4.0], &device);
        // λ / rate = 0.01 · 5 / 2 / 0.1 = 0.25 and 0.01 · 5 / 0.001 / 0.1 = 500
        for (gradient, want) in [(2.0, 3.95), (0.001, 3.9999)] {
            let gradient = Tensor::from_floats([0.0, gradient], &device);
            let moved = lars.step(0.1, weight.clone(), gradient, None).0;
            let found: Vec<f32> = moved.into_data().iter().collect();
            assert!((found[1] - want).abs() < 1e-6, "{found:?}");
        }
        let still = lars.step(0.0, weight.clone(), weight.clone(), None).0;
        assert_eq!(still.into_data(), weight.into_data(), "no step at rate 0");
    }

    #[test]
    fn a_zero_weight_moves_by_plain_sgd() {
        let device = Device::flex();
        let (zero, one) = (Tensor::<1>::zeros([2], &device), Tensor::<1>::ones([2], &device));
        let moved: Vec<f32> = LARS.step(0.1, zero, one, None).0.into_data().iter().collect();
        assert!(moved.iter().all(|w| (w + 0.1).abs() < 1e-7), "{moved:?}");
    }
}
