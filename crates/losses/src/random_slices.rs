//! Random directions to project on.

use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Returns unit columns in `dim` dimensions, uniform over all directions.
///
/// The columns depend on `seed` and `step` alone (`ChaCha8` with both as its key), so that a
/// resumed run and every device of a parallel run see the same directions.
///
/// # Shapes
/// - output: `[dim, count]`, single precision
///
/// # Panics
/// If `dim` or `count` is 0.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_losses::random_slices;
///
/// let draw = |step| random_slices(3, 5, 1, step, &Device::flex()).into_data();
/// assert_eq!(draw(0), draw(0));
/// assert_ne!(draw(0), draw(1));
/// ```
#[must_use]
#[track_caller]
pub fn random_slices(dim: usize, count: usize, seed: u64, step: u64, device: &Device) -> Tensor<2> {
    assert!(dim > 0 && count > 0, "slices need rows and columns, got {:?}", [dim, count]);
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&step.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    let mut elements = vec![0.0; dim * count];
    for column in 0..count {
        let direction: Vec<f64> = (0..dim).map(|_| StandardNormal.sample(&mut rng)).collect();
        let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
        for (row, x) in direction.into_iter().enumerate() {
            elements[row * count + column] = x / length;
        }
    }
    let elements = TensorData::new(elements, [dim, count]);
    Tensor::from_data(elements, (device, DType::F32)).inner()
}

/// Returns the number of slices, which must fit views of `dims`.
#[track_caller]
pub(crate) fn slice_count(name: &str, dims: [usize; 2], slices: &Tensor<2>) -> usize {
    let [rows, count] = slices.dims();
    assert!(
        rows == dims[1] && count > 0,
        "{name} needs slices of shape [dim, slices], got {:?} for views of shape {dims:?}",
        [rows, count]
    );
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::custom_gradient::to_f64_vec;

    #[test]
    fn columns_have_unit_length_and_no_common_direction() {
        let slices = random_slices(4, 2000, 7, 3, &Device::flex());
        let lengths = to_f64_vec(slices.clone().square().sum_dim(0));
        assert!(lengths.iter().all(|length| (length - 1.0).abs() < 1e-5));
        let means = to_f64_vec(slices.clone().mean_dim(1));
        // One coordinate has the deviation 1/2; its mean over 2,000 is within 5 sigma, 0.056.
        assert!(means.iter().all(|mean| mean.abs() < 0.056), "{means:?}");
        let squares = to_f64_vec(slices.square().mean_dim(1));
        assert!(squares.iter().all(|square| (square - 0.25).abs() < 0.03), "{squares:?}");
    }
}
