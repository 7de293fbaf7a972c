//! Batch normalization, with or without scale and shift.

use burn::module::{Flag, Module, Param, RunningState};
use burn::tensor::{Device, Tensor};
use selfsame_kernels::{Epilogue, batch_norm, batch_norm_train};

use crate::finite::observe;

/// Settings of a [`BatchNorm`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNormConfig {
    /// Channels (or features) of the input.
    pub d_input: usize,
    /// Whether a scale γ and a shift β are learned. Default true; the last layer of some
    /// projectors has neither.
    pub affine: bool,
    /// The scale γ at the start. Default 1; a residual block whose last norm has 0 starts as the
    /// identity.
    pub scale: f64,
    /// Added to the variance. Default `1e-5`, as in PyTorch.
    pub epsilon: f64,
    /// Share of a new batch in the running statistics. Default `0.1`, as in PyTorch.
    pub momentum: f64,
}

impl BatchNormConfig {
    /// Returns the defaults: learned scale and shift, `scale` 1, `epsilon` 1e-5, `momentum` 0.1.
    #[must_use]
    pub fn new(d_input: usize) -> Self {
        Self { d_input, affine: true, scale: 1.0, epsilon: 1e-5, momentum: 0.1 }
    }

    /// Returns the same settings without scale and shift.
    #[must_use]
    pub fn without_affine(self) -> Self {
        Self { affine: false, ..self }
    }

    /// Returns the same settings with another scale at the start.
    #[must_use]
    pub fn with_scale(self, scale: f64) -> Self {
        Self { scale, ..self }
    }

    /// Creates a layer with shift 0, running mean 0 and running variance 1.
    #[must_use]
    pub fn init(&self, device: &Device) -> BatchNorm {
        let ones = || Tensor::<1>::ones([self.d_input], device);
        let zeros = || Tensor::<1>::zeros([self.d_input], device);
        BatchNorm {
            gamma: self.affine.then(|| Param::from_tensor(ones() * self.scale)),
            beta: self.affine.then(|| Param::from_tensor(zeros())),
            running_mean: RunningState::new(zeros()),
            running_var: RunningState::new(ones()),
            training: Param::from_bool(true),
            epsilon: self.epsilon,
            momentum: self.momentum,
        }
    }
}

/// Normalizes each channel over the batch, then scales and shifts it.
///
/// On an autodiff device, unless the layer was made by `freeze()` or `valid()`, it uses the mean and
/// the biased variance of the batch, and updates the running statistics, the variance unbiased as
/// in PyTorch. Elsewhere it uses the running statistics. A layer without gradients, by `no_grad()` or
/// in a [`Momentum`](crate::Momentum) network, is not frozen: it uses the batch.
///
/// Unlike burn's layer, it can omit scale and shift, and its running statistics are current after
/// every forward pass, so that it can be saved at any time.
///
/// # Source
/// Ioffe & Szegedy, 2015, [arXiv:1502.03167](https://arxiv.org/abs/1502.03167).
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::BatchNormConfig;
///
/// let device = Device::flex().autodiff();
/// let norm = BatchNormConfig::new(1).init(&device);
/// let output = norm.forward(Tensor::<2>::from_floats([[2.0], [4.0]], &device));
/// let values: Vec<f32> = output.into_data().iter().collect();
/// assert!((values[0] + 1.0).abs() < 1e-4 && (values[1] - 1.0).abs() < 1e-4);
/// ```
#[derive(Module, Debug)]
pub struct BatchNorm {
    gamma: Option<Param<Tensor<1>>>,
    beta: Option<Param<Tensor<1>>>,
    running_mean: RunningState<Tensor<1>>,
    running_var: RunningState<Tensor<1>>,
    training: Param<Flag>,
    epsilon: f64,
    momentum: f64,
}

impl BatchNorm {
    /// Returns the layer with a scale that is not learned; the shift, if any, is.
    #[must_use]
    pub fn with_fixed_scale(self) -> Self {
        Self { gamma: self.gamma.map(|gamma| gamma.set_require_grad(false)), ..self }
    }

    /// Normalizes each channel.
    ///
    /// # Shapes
    /// - `input` and output: `[batch, d_input, ...]`
    ///
    /// # Panics
    /// If the second dimension of `input` is not `d_input`.
    #[must_use]
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        self.forward_with(input, Epilogue::None)
    }

    /// Normalizes each channel, and applies `epilogue` in the same pass over memory.
    ///
    /// # Shapes
    /// - `input` and output: `[batch, d_input, ...]`
    ///
    /// # Panics
    /// If the second dimension of `input` is not `d_input`.
    #[must_use]
    pub fn forward_with<const D: usize>(
        &self,
        input: Tensor<D>,
        epilogue: Epilogue<D>,
    ) -> Tensor<D> {
        let device = input.device();
        let mean = self.running_mean.value_sync();
        let gamma =
            self.gamma.as_ref().map_or_else(|| Tensor::ones(mean.dims(), &device), Param::val);
        let beta =
            self.beta.as_ref().map_or_else(|| Tensor::zeros(mean.dims(), &device), Param::val);
        if !(device.is_autodiff() && self.training.is_enabled()) {
            let variance = self.running_var.value_sync();
            let output = batch_norm(input, [gamma, beta], [mean, variance], epilogue, self.epsilon);
            return observe(self.training.id, output);
        }
        let dims = input.dims();
        let samples = (dims.iter().product::<usize>() / dims[1]) as f64;
        let normalized = batch_norm_train(input, gamma, beta, epilogue, self.epsilon);
        let unbiased = normalized.variance * (samples / (samples - 1.0).max(1.0));
        self.follow(&self.running_mean, normalized.mean);
        self.follow(&self.running_var, unbiased);
        observe(self.training.id, normalized.output)
    }

    fn follow(&self, running: &RunningState<Tensor<1>>, batch: Tensor<1>) {
        let old = running.value_sync().inner();
        let new = old * (1.0 - self.momentum) + batch.inner() * self.momentum;
        running.update(new.autodiff());
        let _ = running.value_sync(); // burn defers updates; this one takes effect now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{TensorData, Tolerance};

    fn rows(device: &Device) -> Tensor<2> {
        Tensor::from_floats([[1.0, 10.0], [3.0, 10.0], [5.0, 40.0]], device)
    }

    #[test]
    fn training_uses_the_batch_and_remembers_it_unbiased() {
        let device = Device::flex().autodiff();
        let norm = BatchNormConfig::new(2).init(&device);
        let output = norm.forward(rows(&device));
        let z = 1.5_f32.sqrt(); // 2 / sqrt(8 / 3)
        let want = [[-z, -0.5_f32.sqrt()], [0.0, -0.5_f32.sqrt()], [z, 2.0_f32.sqrt()]];
        output.into_data().assert_approx_eq::<f32>(&want.into(), Tolerance::rel_abs(1e-5, 1e-5));
        let mean = norm.running_mean.value().into_data();
        mean.assert_approx_eq::<f32>(&[0.3_f32, 2.0].into(), Tolerance::rel_abs(1e-5, 1e-6));
        let variance = norm.running_var.value().into_data(); // 0.9 + 0.1 × {4, 300}
        variance.assert_approx_eq::<f32>(&[1.3_f32, 30.9].into(), Tolerance::rel_abs(1e-5, 1e-6));
    }

    #[test]
    fn a_copy_for_evaluation_uses_and_keeps_the_running_statistics() {
        let device = Device::flex().autodiff();
        let norm = BatchNormConfig::new(2).without_affine().init(&device);
        let frozen = norm.valid();
        let _ = norm.forward(rows(&device));
        let output = frozen.forward(rows(&Device::flex())).into_data();
        let want: TensorData = [[1.0_f32, 10.0], [3.0, 10.0], [5.0, 40.0]].into();
        output.assert_approx_eq::<f32>(&want, Tolerance::rel_abs(1e-4, 1e-4));
        assert_eq!(norm.num_params(), 4, "running statistics only");
    }

    #[test]
    fn beside_a_fixed_scale_the_shift_learns() {
        let device = Device::flex().autodiff();
        let norm = BatchNormConfig::new(2).init(&device).with_fixed_scale();
        for norm in [norm.clone(), norm.valid().train()] {
            let gradients = norm.forward(rows(&device)).sum().backward();
            let gradients = burn::optim::GradientsParams::from_grads(gradients, &norm);
            assert_eq!(gradients.len(), 1);
            let shift = gradients.get::<1>(norm.beta.unwrap().id).unwrap().into_data();
            shift.assert_approx_eq::<f32>(&[3.0_f32, 3.0].into(), Tolerance::absolute(1e-6));
        }
    }
}
