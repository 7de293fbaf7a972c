//! SGD with momentum.

use burn::optim::{Optimizer, RecordState};
use burn::tensor::{Device, Tensor};
use selfsame_kernels::{MomentumStep, momentum_step};

/// Stochastic gradient descent with momentum, as in PyTorch.
///
/// ```text
/// g ← gradient + decay · w
/// v ← momentum · v + g            (v = g at the first step)
/// w ← w − rate · (g + momentum · v)    Nesterov
/// w ← w − rate · v                     otherwise
/// ```
///
/// # Source
/// Sutskever et al., 2013, in the form of `torch.optim.SGD` with dampening 0.
/// Deviation: none. (burn's own SGD has a dampening of 0.1 by default.)
///
/// # Example
/// ```
/// use burn::optim::Optimizer;
/// use burn::tensor::{Device, Tensor};
/// use selfsame_optim::Sgd;
///
/// let sgd = Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.0 };
/// let one = Tensor::<1>::ones([1], &Device::flex());
/// let (weight, _) = sgd.step(0.25, one.clone(), one, None);
/// assert_eq!(weight.into_scalar::<f32>(), 0.75);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Share of the velocity that is kept, in `[0, 1)`.
    pub momentum: f64,
    /// Whether the step looks ahead along the velocity.
    pub nesterov: bool,
    /// Weight decay, added to the gradient; at least 0.
    pub weight_decay: f64,
}

/// The velocity of one parameter.
#[derive(Clone, Debug, RecordState)]
pub struct SgdState<const D: usize> {
    velocity: Tensor<D>,
}

impl Optimizer for Sgd {
    type State<const D: usize> = SgdState<D>;

    fn step<const D: usize>(
        &self,
        rate: f64,
        weight: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<SgdState<D>>,
    ) -> (Tensor<D>, Option<SgdState<D>>) {
        let step = MomentumStep {
            rate,
            momentum: self.momentum,
            weight_decay: self.weight_decay,
            nesterov: self.nesterov,
        };
        let velocity = state.map(|state| state.velocity);
        let (weight, velocity) = momentum_step(weight, gradient, velocity, None, step);
        (weight, Some(SgdState { velocity }))
    }

    fn to_device<const D: usize>(state: SgdState<D>, device: &Device) -> SgdState<D> {
        SgdState { velocity: state.velocity.to_device(device) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two steps down the slope 1 from 1, at rate 0.1, momentum 0.5, decay 0.2.
    fn two_steps(nesterov: bool) -> f32 {
        let sgd = Sgd { momentum: 0.5, nesterov, weight_decay: 0.2 };
        let one = Tensor::<1>::ones([1], &Device::flex());
        let (weight, state) = sgd.step(0.1, one.clone(), one.clone(), None);
        sgd.step(0.1, weight, one, state).0.into_scalar()
    }

    #[test]
    fn equals_the_formula_worked_by_hand() {
        // g = 1.2, v = 1.2, w = 0.88; g = 1.176, v = 1.776, w = 0.7024
        assert!((two_steps(false) - 0.7024).abs() < 1e-6);
        // g = 1.2, v = 1.2, step 1.8, w = 0.82; g = 1.164, v = 1.764, step 2.046, w = 0.6154
        assert!((two_steps(true) - 0.6154).abs() < 1e-6);
    }
}
