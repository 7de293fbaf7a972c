//! Values of the inputs: the same at every call, on every device.

use burn::tensor::{Device, Tensor, TensorData};

/// Returns a tensor with values uniform in `(-√3, √3)`: mean 0, variance 1. Element `i` is a hash
/// of `seed` and `i`.
#[must_use]
pub fn values<const D: usize>(seed: u64, dims: [usize; D], device: &Device) -> Tensor<D> {
    let value = |index: u64| {
        let mut hash = (index + 1 + (seed << 40)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        // 24 bits, which single precision holds.
        let uniform = ((hash ^ (hash >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0;
        uniform * 3.0_f64.sqrt()
    };
    let values: Vec<f64> = (0..).take(dims.iter().product()).map(value).collect();
    Tensor::from_data(TensorData::new(values, dims).convert::<f32>(), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_is_0_and_variance_1_and_seeds_differ() {
        let device = Device::flex();
        let [first, again, other] =
            [1, 1, 2].map(|seed| values(seed, [100, 100], &device).into_data());
        assert_eq!(first, again);
        assert_ne!(first, other);
        let values: Vec<f64> = first.iter::<f64>().collect();
        let mean = values.iter().sum::<f64>() / 1e4;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e4;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.03, "{mean}, {variance}");
    }
}
