//! SIGReg's characteristic functions, rotated from knot to knot in registers.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
mod host;

/// A point at which characteristic functions are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knot {
    /// The point, above 0.
    pub t: f64,
    /// The characteristic function of the standard normal at `t`.
    pub normal: f64,
    /// The weight of the squared difference, for each slice.
    pub weight: f64,
}

/// Computes the weighted squared distance of the projections' characteristic functions from the
/// standard normal's, summed over slices and knots, times the batch size.
///
/// Knot `k`, counted from 1, is at `k · gap`. `None` also if an angle `gap · projection` reaches
/// 4096, or is NaN.
///
/// # Shapes
/// - `projected`: `[batch, slices]`
/// - output: `[1]`
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::loss::{Knot, characteristic_distance};
///
/// // All projections are 0: their characteristic function is 1 everywhere.
/// let projected = Tensor::<2>::zeros([4, 3], &Device::flex());
/// let knot = Knot { t: 1.0, normal: 0.5, weight: 1.0 };
/// let loss = characteristic_distance(&projected, 1.0, &[knot]).expect("single precision on Flex");
/// assert_eq!(loss.into_scalar::<f32>(), 4.0 * 3.0 * 0.25);
/// ```
#[must_use]
pub fn characteristic_distance(
    projected: &Tensor<2>,
    gap: f64,
    knots: &[Knot],
) -> Option<Tensor<1>> {
    on_flex!(on_flex(projected, gap, knots))
}

#[cfg(feature = "flex")]
fn on_flex(projected: &Tensor<2>, gap: f64, knots: &[Knot]) -> Option<Tensor<1>> {
    use super::{custom_gradient, reduce::host::max_abs};
    use crate::flex::{as_f32_slice, constant_f32, contiguous_f32, scalar_f32};

    let [batch, slices] = projected.dims();
    let contiguous = contiguous_f32(projected)?;
    let (elements, gap) = (as_f32_slice(&contiguous), gap as f32);
    let largest = max_abs(elements) * gap;
    if largest.is_nan() || largest >= host::LARGEST_ANGLE {
        return None;
    }
    let angles = host::Angles { projected: elements, slices, gap, knots: knots.len() };
    let mut misses = angles.sums();
    let mut value = 0.0;
    for of_slice in misses.chunks_exact_mut(2 * knots.len()) {
        for (miss, knot) in of_slice.chunks_exact_mut(2).zip(knots) {
            miss[0] = miss[0] / batch as f64 - knot.normal;
            miss[1] /= batch as f64;
            value += (miss[0].powi(2) + miss[1].powi(2)) * knot.weight * batch as f64;
        }
    }
    let value = scalar_f32(value, projected);
    Some(custom_gradient(projected.clone(), value, || {
        let of_knots = misses.chunks_exact(2).zip(knots.iter().cycle());
        let slopes = of_knots.flat_map(|(miss, knot)| {
            let factor = 2.0 * knot.weight * knot.t;
            [(miss[1] * factor) as f32, (miss[0] * factor) as f32]
        });
        let gradient = angles.gradient(&slopes.collect::<Vec<f32>>());
        constant_f32(gradient, [batch, slices], projected)
    }))
}
