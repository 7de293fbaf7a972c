//! Adam and `AdamW`, for transformers.

use burn::optim::{Optimizer, RecordState};
use burn::tensor::{Device, Tensor};

/// Adam, whose steps are the moving average of the gradient over that of its size.
///
/// ```text
/// g ← gradient + decay · w            Adam; AdamW instead: w ← w − rate · decay · w
/// m ← β₁ m + (1 − β₁) g
/// v ← β₂ v + (1 − β₂) g²
/// w ← w − rate · m̂ / (√v̂ + ε)         m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)
/// ```
/// `t` counts the steps of the parameter from 1.
///
/// # Source
/// Kingma & Ba, 2014, [arXiv:1412.6980](https://arxiv.org/abs/1412.6980), algorithm 1; Loshchilov &
/// Hutter, 2017, [arXiv:1711.05101](https://arxiv.org/abs/1711.05101), algorithm 2, in the form of
/// `torch.optim.Adam` and `torch.optim.AdamW`.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::optim::Optimizer;
/// use burn::tensor::{Device, Tensor};
/// use selfsame_optim::Adam;
///
/// let adam = Adam { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.0, decoupled: true };
/// let one = Tensor::<1>::ones([1], &Device::flex());
/// let (weight, _) = adam.step(0.25, one.clone(), one * 7.0, None);
/// // The first step has the length of the rate, whatever the length of the gradient.
/// assert!((weight.into_scalar::<f32>() - 0.75).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// β₁ and β₂, the shares of the two averages that are kept, each in `[0, 1)`.
    pub betas: [f64; 2],
    /// ε, added to the square root; at least 0. PyTorch: 1e-8.
    pub epsilon: f64,
    /// Weight decay; at least 0.
    pub weight_decay: f64,
    /// Whether the decay bypasses the averages, as in `AdamW`.
    pub decoupled: bool,
}

/// The averages of one parameter.
#[derive(Clone, Debug, RecordState)]
pub struct AdamState<const D: usize> {
    time: usize,
    mean: Tensor<D>,
    square: Tensor<D>,
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        rate: f64,
        weight: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let [keep_mean, keep_square] = self.betas;
        let (weight, gradient) = match self.weight_decay {
            0.0 => (weight, gradient),
            decay if self.decoupled => (weight * (1.0 - rate * decay), gradient),
            decay => (weight.clone(), gradient + weight * decay),
        };
        let mean = gradient.clone() * (1.0 - keep_mean);
        let square = gradient.square() * (1.0 - keep_square);
        let state = match state {
            None => AdamState { time: 1, mean, square },
            Some(AdamState { time, mean: old_mean, square: old_square }) => AdamState {
                time: time + 1,
                mean: old_mean * keep_mean + mean,
                square: old_square * keep_square + square,
            },
        };
        let time = i32::try_from(state.time).unwrap_or(i32::MAX);
        let [mean_share, square_share] = self.betas.map(|beta| 1.0 - beta.powi(time));
        let size = state.square.clone().sqrt() * square_share.sqrt().recip() + self.epsilon;
        let weight = weight - state.mean.clone() / size * (rate / mean_share);
        (weight, Some(state))
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        let AdamState { time, mean, square } = state;
        AdamState { time, mean: mean.to_device(device), square: square.to_device(device) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three steps from [1, −2] by gradients that change sign, at rates 0.1, 0.1 and 0.05.
    fn three_steps(decoupled: bool) -> Vec<f32> {
        let adam = Adam { betas: [0.9, 0.95], epsilon: 1e-8, weight_decay: 0.2, decoupled };
        let device = Device::flex();
        let mut weight = Tensor::<1>::from_floats([1.0, -2.0], &device);
        let mut state = None;
        for (rate, gradient) in [(0.1, [0.5, -1.0]), (0.1, [-0.25, 3.0]), (0.05, [2.0, 0.0])] {
            let gradient = Tensor::from_floats(gradient, &device);
            (weight, state) = adam.step(rate, weight, gradient, state);
        }
        weight.into_data().iter().collect()
    }

    #[test]
    fn equals_pytorch() {
        // torch 2.15 in double precision.
        let adam = [0.803_290_559_107_789, -1.942_816_898_658_043];
        let adam_w = [0.794_390_749_166_87, -1.872_168_156_934_714];
        for (decoupled, want) in [(false, adam), (true, adam_w)] {
            for (found, want) in three_steps(decoupled).into_iter().zip(want) {
                assert!((f64::from(found) - want).abs() < 1e-6, "{found} for {want}");
            }
        }
    }

    #[test]
    fn a_gradient_of_zero_moves_nothing_and_stays_finite() {
        let adam = Adam { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.0, decoupled: true };
        let one = Tensor::<1>::ones([1], &Device::flex());
        let (weight, _) = adam.step(0.1, one.clone(), one.zeros_like(), None);
        assert_eq!(weight.into_scalar::<f32>().to_bits(), 1.0_f32.to_bits());
    }
}
