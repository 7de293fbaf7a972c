//! The maximum over windows that do not overlap.

#[cfg(feature = "flex")]
mod host;
#[cfg(feature = "flex")]
mod operator;

use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Tensor, module};

/// Returns the maximum over windows that lie side by side, from the upper left corner on; rows and
/// columns that fill no window are dropped.
///
/// The gradient of a window goes to the first of its largest pixels. On the Flex backend in single
/// precision this is our operator; elsewhere it is burn's.
///
/// # Shapes
/// - `x`: `[batch, channels, height, width]`
/// - output: `[batch, channels, height / window[0], width / window[1]]`
///
/// # Panics
/// If a side of the window is 0, or longer than that of the image.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::max_pool2d;
///
/// let x = Tensor::<1>::from_floats([1., 5., 2., 3., 4., 9.], &Device::flex());
/// let y = max_pool2d(x.reshape([1, 1, 2, 3]), [2, 2]);
/// assert_eq!(y.into_data().iter::<f32>().collect::<Vec<_>>(), [5.0]);
/// ```
#[must_use]
#[track_caller]
pub fn max_pool2d(x: Tensor<4>, window: [usize; 2]) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    assert!(
        (1..=height).contains(&window[0]) && (1..=width).contains(&window[1]),
        "a window of {window:?} does not fit {height} × {width} pixels"
    );
    #[cfg(feature = "flex")]
    if crate::flex::is_f32_on_flex(&x) {
        use burn::backend::Dispatch;
        use operator::MaxPoolOps;

        let found = Dispatch::kernel_max_pool2d(x.into_dispatch(), window[0], window[1]);
        return Tensor::from_dispatch(found);
    }
    module::max_pool2d(x, MaxPoolOptions::new(window))
}
