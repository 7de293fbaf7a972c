//! Batch norm in training, with what stands around it in a residual network.

use burn::tensor::activation::relu;
use burn::tensor::{Tensor, module};

/// What [`batch_norm_train`] gives.
#[derive(Clone, Debug)]
pub struct BatchNormTrain<const D: usize> {
    /// The normalized input, of its shape.
    pub output: Tensor<D>,
    /// Mean of each channel over the batch, `[channels]`, a constant.
    pub mean: Tensor<1>,
    /// Biased variance of each channel over the batch, `[channels]`, a constant.
    pub variance: Tensor<1>,
}

/// What follows the norm.
#[allow(clippy::large_enum_variant, reason = "a tensor is passed by value everywhere")]
#[derive(Clone, Debug)]
pub enum Then<const D: usize> {
    /// Nothing.
    Nothing,
    /// A ReLU.
    Relu,
    /// The sum with another tensor of the same shape, then a ReLU.
    AddRelu(Tensor<D>),
}

/// Normalizes each channel by its mean and variance over the batch, scales and shifts it, and does
/// what follows.
///
/// ```text
/// y = then(γ (x − mean) / √(variance + ε) + β)
/// ```
/// On the Flex backend in single precision the whole is one operator with two passes over memory
/// each way; elsewhere it is made of burn's operators. Both give the same numbers up to rounding.
///
/// # Shapes
/// - `x`, and what is added: `[batch, channels, …]`
/// - `gamma`, `beta`: `[channels]`
///
/// # Panics
/// If the shapes do not fit.
///
/// # Source
/// Ioffe & Szegedy, 2015, [arXiv:1502.03167](https://arxiv.org/abs/1502.03167), algorithm 1.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::{Then, batch_norm_train};
///
/// let device = Device::flex();
/// let x = Tensor::<2>::from_floats([[1.0], [3.0]], &device);
/// let (one, zero) = (Tensor::ones([1], &device), Tensor::zeros([1], &device));
/// let norm = batch_norm_train(x, one, zero, Then::Relu, 0.0);
/// assert_eq!(norm.output.into_data().iter::<f32>().collect::<Vec<_>>(), [0.0, 1.0]);
/// assert_eq!(norm.variance.into_scalar::<f32>(), 1.0);
/// ```
#[must_use]
#[track_caller]
pub fn batch_norm_train<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    then: Then<D>,
    epsilon: f64,
) -> BatchNormTrain<D> {
    check(&x, &gamma, &beta, &then);
    #[cfg(feature = "flex")]
    if crate::applies(&x) {
        return on_flex(x, gamma, beta, then, epsilon);
    }
    let norm = module::batch_norm_train(x, gamma, beta, epsilon);
    let output = follow(norm.output, then);
    BatchNormTrain { output, mean: norm.mean, variance: norm.variance }
}

/// Normalizes each channel by given statistics, scales and shifts it, and does what follows: batch
/// norm of a network that is used, not trained.
///
/// ```text
/// y = then(γ (x − mean) / √(variance + ε) + β)
/// ```
///
/// # Shapes
/// - `x`, and what is added: `[batch, channels, …]`
/// - `gamma`, `beta`, `mean`, `variance`: `[channels]`
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
#[track_caller]
pub fn batch_norm<const D: usize>(
    x: Tensor<D>,
    [gamma, beta]: [Tensor<1>; 2],
    [mean, variance]: [Tensor<1>; 2],
    then: Then<D>,
    epsilon: f64,
) -> Tensor<D> {
    check(&x, &gamma, &beta, &then);
    #[cfg(feature = "flex")]
    if crate::applies(&x) && !x.device().is_autodiff() {
        let moments = Tensor::stack::<2>(vec![mean, variance], 0).into_dispatch();
        return normalize(x, [gamma, beta], moments, then, epsilon);
    }
    follow(module::batch_norm(x, gamma, beta, mean, variance, epsilon), then)
}

#[track_caller]
fn check<const D: usize>(x: &Tensor<D>, gamma: &Tensor<1>, beta: &Tensor<1>, then: &Then<D>) {
    let channels = x.dims()[1];
    assert_eq!(gamma.dims(), [channels], "`gamma` needs one number per channel");
    assert_eq!(beta.dims(), [channels], "`beta` needs one number per channel");
    if let Then::AddRelu(carried) = then {
        assert_eq!(carried.dims(), x.dims(), "what is added needs the shape of the input");
    }
}

fn follow<const D: usize>(normalized: Tensor<D>, then: Then<D>) -> Tensor<D> {
    match then {
        Then::Nothing => normalized,
        Then::Relu => relu(normalized),
        Then::AddRelu(carried) => relu(normalized + carried),
    }
}

#[cfg(feature = "flex")]
fn on_flex<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    then: Then<D>,
    epsilon: f64,
) -> BatchNormTrain<D> {
    use crate::extension::KernelOps;
    use burn::backend::Dispatch;

    let channels = gamma.dims()[0];
    let moments = Dispatch::kernel_moments(x.clone().into_dispatch());
    let statistics = Tensor::<2>::from_dispatch(moments.clone()).inner();
    let row =
        |row: usize| statistics.clone().slice([row..row + 1, 0..channels]).reshape([channels]);
    let (mean, variance) = (row(0), row(1));
    let output = normalize(x, [gamma, beta], moments, then, epsilon);
    BatchNormTrain { output, mean, variance }
}

#[cfg(feature = "flex")]
fn normalize<const D: usize>(
    x: Tensor<D>,
    parameters: [Tensor<1>; 2],
    moments: burn::backend::DispatchTensor,
    then: Then<D>,
    epsilon: f64,
) -> Tensor<D> {
    use crate::extension::KernelOps;
    use burn::backend::Dispatch;

    let (x, [gamma, beta]) = (x.into_dispatch(), parameters.map(Tensor::into_dispatch));
    Tensor::from_dispatch(match then {
        Then::Nothing => Dispatch::kernel_batch_norm(x, gamma, beta, moments, epsilon, false),
        Then::Relu => Dispatch::kernel_batch_norm(x, gamma, beta, moments, epsilon, true),
        Then::AddRelu(carried) => {
            let carried = carried.into_dispatch();
            Dispatch::kernel_batch_norm_add(x, gamma, beta, moments, carried, epsilon)
        }
    })
}
