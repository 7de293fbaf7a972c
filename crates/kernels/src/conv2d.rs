//! Two-dimensional convolution.

#[cfg(feature = "flex")]
mod dense;
#[cfg(feature = "flex")]
mod direct;
#[cfg(feature = "flex")]
mod layout;
#[cfg(feature = "flex")]
mod lines;
#[cfg(feature = "flex")]
mod operator;
#[cfg(feature = "flex")]
mod winograd;
#[cfg(feature = "flex")]
mod winograd_gradient;

use burn::tensor::Tensor;
use burn::tensor::module;
use burn::tensor::ops::ConvOptions;

/// Convolves images with a kernel, without bias, groups or dilation.
///
/// On the Flex backend in single precision, with the same stride and padding in both directions,
/// our kernels run forward and backward; elsewhere burn's operators do. Both give the same values
/// up to rounding.
///
/// # Shapes
/// - `x`: `[batch, d_input, height, width]`
/// - `weight`: `[d_output, d_input, kernel_height, kernel_width]`
/// - output: `[batch, d_output, (height + 2 padding − kernel_height) / stride + 1, …]`
///
/// # Panics
/// If the channels differ, a stride is 0, or the kernel is larger than the padded image.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::conv2d;
///
/// let device = Device::flex();
/// let x = Tensor::<4>::ones([1, 2, 4, 4], &device);
/// let weight = Tensor::<4>::ones([3, 2, 3, 3], &device);
/// let y = conv2d(x, weight, [1, 1], [1, 1]);
/// assert_eq!(y.dims(), [1, 3, 4, 4]);
/// assert_eq!(y.max().into_scalar::<f32>(), 18.0);
/// ```
#[must_use]
#[track_caller]
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    stride: [usize; 2],
    padding: [usize; 2],
) -> Tensor<4> {
    let ([_, d_input, height, width], [_, d_kernel, kernel_height, kernel_width]) =
        (x.dims(), weight.dims());
    assert_eq!(d_input, d_kernel, "image and kernel must have the same channels");
    assert!(!stride.contains(&0), "a stride must be 1 or more, got {stride:?}");
    assert!(
        kernel_height <= height + 2 * padding[0] && kernel_width <= width + 2 * padding[1],
        "a kernel of {kernel_height} × {kernel_width} does not fit {height} × {width} with padding {padding:?}"
    );
    #[cfg(feature = "flex")]
    if stride[0] == stride[1]
        && padding[0] == padding[1]
        && crate::flex::is_f32_on_flex(&x)
        && crate::flex::is_f32_on_flex(&weight)
    {
        use burn::backend::Dispatch;
        use operator::Conv2dOps;

        let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
        return Tensor::from_dispatch(Dispatch::kernel_conv2d(x, weight, stride[0], padding[0]));
    }
    module::conv2d(x, weight, None, ConvOptions::new(stride, padding, [1, 1], 1))
}
