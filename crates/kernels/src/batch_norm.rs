//! Batch norm, fused with what follows it: an activation, and in a residual network an addition.

#[cfg(feature = "flex")]
mod host;
#[cfg(feature = "flex")]
mod operator;

use burn::tensor::activation::{gelu, relu};
use burn::tensor::{Tensor, module};

/// The output of [`batch_norm_train`], with the statistics it was normalized by.
#[derive(Clone, Debug)]
pub struct BatchNormTrain<const D: usize> {
    /// The normalized input, in the input's shape.
    pub output: Tensor<D>,
    /// Mean of each channel over the batch, `[channels]`, a constant.
    pub mean: Tensor<1>,
    /// Biased variance of each channel over the batch, `[channels]`, a constant.
    pub variance: Tensor<1>,
}

/// The operation that is fused after a batch norm.
#[allow(clippy::large_enum_variant, reason = "a tensor is passed by value everywhere")]
#[derive(Clone, Debug)]
pub enum Epilogue<const D: usize> {
    /// No operation.
    None,
    /// A ReLU.
    Relu,
    /// A GELU.
    Gelu,
    /// The sum with a residual of the same shape, then a ReLU.
    AddRelu(Tensor<D>),
}

/// Normalizes each channel by its mean and variance over the batch, scales and shifts it, and
/// applies the epilogue.
///
/// ```text
/// y = epilogue(γ (x − mean) / √(variance + ε) + β)
/// ```
/// On the Flex backend in single precision this is one operator with two passes over memory forward
/// and two backward; elsewhere it is burn's operators. Both give the same values up to rounding.
///
/// # Shapes
/// - `x`, and the residual: `[batch, channels, …]`
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
/// use selfsame_kernels::{Epilogue, batch_norm_train};
///
/// let device = Device::flex();
/// let x = Tensor::<2>::from_floats([[1.0], [3.0]], &device);
/// let (one, zero) = (Tensor::ones([1], &device), Tensor::zeros([1], &device));
/// let norm = batch_norm_train(x, one, zero, Epilogue::Relu, 0.0);
/// assert_eq!(norm.output.into_data().iter::<f32>().collect::<Vec<_>>(), [0.0, 1.0]);
/// assert_eq!(norm.variance.into_scalar::<f32>(), 1.0);
/// ```
#[must_use]
#[track_caller]
pub fn batch_norm_train<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epilogue: Epilogue<D>,
    epsilon: f64,
) -> BatchNormTrain<D> {
    check(&x, &gamma, &beta, &epilogue);
    #[cfg(feature = "flex")]
    if crate::flex::is_f32_on_flex(&x) {
        return on_flex(x, gamma, beta, epilogue, epsilon);
    }
    let norm = module::batch_norm_train(x, gamma, beta, epsilon);
    let output = apply_epilogue(norm.output, epilogue);
    BatchNormTrain { output, mean: norm.mean, variance: norm.variance }
}

/// Normalizes each channel by fixed statistics, scales and shifts it, and applies the epilogue:
/// batch norm in inference.
///
/// ```text
/// y = epilogue(γ (x − mean) / √(variance + ε) + β)
/// ```
///
/// # Shapes
/// - `x`, and the residual: `[batch, channels, …]`
/// - `gamma`, `beta`, `mean`, `variance`: `[channels]`
///
/// # Panics
/// If the shapes do not fit.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::{Epilogue, batch_norm};
///
/// let device = Device::flex();
/// let x = Tensor::<2>::from_floats([[1.0], [3.0]], &device);
/// let of_channels = |value: f32| Tensor::<1>::from_floats([value], &device);
/// let parameters = [of_channels(2.0), of_channels(0.5)];
/// let statistics = [of_channels(2.0), of_channels(1.0)];
/// let y = batch_norm(x, parameters, statistics, Epilogue::None, 0.0);
/// assert_eq!(y.into_data().iter::<f32>().collect::<Vec<_>>(), [-1.5, 2.5]);
/// ```
#[must_use]
#[track_caller]
pub fn batch_norm<const D: usize>(
    x: Tensor<D>,
    [gamma, beta]: [Tensor<1>; 2],
    [mean, variance]: [Tensor<1>; 2],
    epilogue: Epilogue<D>,
    epsilon: f64,
) -> Tensor<D> {
    check(&x, &gamma, &beta, &epilogue);
    #[cfg(feature = "flex")]
    if crate::flex::is_f32_on_flex(&x) && !x.device().is_autodiff() {
        let moments = Tensor::stack::<2>(vec![mean, variance], 0).into_dispatch();
        return normalize(x, [gamma, beta], moments, epilogue, epsilon);
    }
    apply_epilogue(module::batch_norm(x, gamma, beta, mean, variance, epsilon), epilogue)
}

#[track_caller]
fn check<const D: usize>(
    x: &Tensor<D>,
    gamma: &Tensor<1>,
    beta: &Tensor<1>,
    epilogue: &Epilogue<D>,
) {
    let channels = x.dims()[1];
    assert_eq!(gamma.dims(), [channels], "`gamma` needs one value per channel");
    assert_eq!(beta.dims(), [channels], "`beta` needs one value per channel");
    if let Epilogue::AddRelu(residual) = epilogue {
        assert_eq!(residual.dims(), x.dims(), "the residual needs the shape of the input");
    }
}

fn apply_epilogue<const D: usize>(normalized: Tensor<D>, epilogue: Epilogue<D>) -> Tensor<D> {
    match epilogue {
        Epilogue::None => normalized,
        Epilogue::Relu => relu(normalized),
        Epilogue::Gelu => gelu(normalized),
        Epilogue::AddRelu(residual) => relu(normalized + residual),
    }
}

#[cfg(feature = "flex")]
fn on_flex<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epilogue: Epilogue<D>,
    epsilon: f64,
) -> BatchNormTrain<D> {
    use burn::backend::Dispatch;
    use operator::BatchNormOps;

    let channels = gamma.dims()[0];
    let moments = Dispatch::kernel_moments(x.clone().into_dispatch());
    let statistics = Tensor::<2>::from_dispatch(moments.clone()).inner();
    let row =
        |row: usize| statistics.clone().slice([row..row + 1, 0..channels]).reshape([channels]);
    let (mean, variance) = (row(0), row(1));
    let output = normalize(x, [gamma, beta], moments, epilogue, epsilon);
    BatchNormTrain { output, mean, variance }
}

#[cfg(feature = "flex")]
fn normalize<const D: usize>(
    x: Tensor<D>,
    parameters: [Tensor<1>; 2],
    moments: burn::backend::DispatchTensor,
    epilogue: Epilogue<D>,
    epsilon: f64,
) -> Tensor<D> {
    use burn::backend::Dispatch;
    use host::Activation;
    use operator::BatchNormOps;

    let (x, [gamma, beta]) = (x.into_dispatch(), parameters.map(Tensor::into_dispatch));
    let activation = match epilogue {
        Epilogue::None => Activation::None,
        Epilogue::Relu => Activation::Relu,
        Epilogue::Gelu => Activation::Gelu,
        Epilogue::AddRelu(residual) => {
            let residual = residual.into_dispatch();
            return Tensor::from_dispatch(Dispatch::kernel_batch_norm_add(
                x, gamma, beta, moments, residual, epsilon,
            ));
        }
    };
    Tensor::from_dispatch(Dispatch::kernel_batch_norm(x, gamma, beta, moments, epsilon, activation))
}
