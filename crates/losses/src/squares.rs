//! Means of squares that cannot overflow.

use burn::tensor::Tensor;

/// Mean of the squares of all numbers; where it exceeds the type's range it stays just inside.
pub(crate) fn mean_square<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let limit = x.dtype().finfo().map_or(1e38, |info| info.max) / 16.0;
    let largest = x.clone().inner().abs().max().clamp_min(1.0);
    let scaled = x / largest.clone().reshape([1_usize; D]);
    scaled.square().mean() * largest.clamp_max(limit.sqrt()).square()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn small_large_and_huge() {
        let mean = |x: [f32; 2]| {
            mean_square(Tensor::<1>::from_floats(x, &Device::flex())).into_scalar::<f32>()
        };
        assert!((mean([0.3, -0.4]) - 0.125).abs() < 1e-7);
        assert!((mean([3e9, -4e9]) / 1.25e19 - 1.0).abs() < 1e-6);
        assert!(mean([1e20, 1e30]).is_finite());
        assert!(mean([1.0, f32::NAN]).is_nan());
    }
}
