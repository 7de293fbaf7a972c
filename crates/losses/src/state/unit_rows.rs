//! Rows drawn at random, of length 1.

use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Returns rows of length 1, uniform over all directions, `[count, dim]` in single precision.
///
/// They depend on `seed` alone (`ChaCha8`) and are drawn on the host, so that a seed gives the same
/// rows on every backend.
#[track_caller]
pub(super) fn unit_rows(
    name: &str,
    [count, dim]: [usize; 2],
    seed: u64,
    device: &Device,
) -> Tensor<2> {
    assert!(count > 0 && dim > 0, "{name} need rows and columns, got {:?}", [count, dim]);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut elements = Vec::with_capacity(count * dim);
    for _ in 0..count {
        let row: Vec<f64> = (0..dim).map(|_| StandardNormal.sample(&mut rng)).collect();
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        elements.extend(row.into_iter().map(|x| (x / length) as f32));
    }
    Tensor::from_data(TensorData::new(elements, [count, dim]), (device, DType::F32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::custom_gradient::to_f64_vec;

    #[test]
    fn rows_have_unit_length_and_no_common_direction() {
        let rows = unit_rows("rows", [2000, 4], 7, &Device::flex());
        let lengths = to_f64_vec(rows.clone().square().sum_dim(1));
        assert!(lengths.iter().all(|length| (length - 1.0).abs() < 1e-5));
        let means = to_f64_vec(rows.mean_dim(0));
        // One coordinate has the deviation 1/2; its mean over 2,000 is within 5 sigma, 0.056.
        assert!(means.iter().all(|mean| mean.abs() < 0.056), "{means:?}");
    }

    #[test]
    fn a_seed_is_one_set_of_rows() {
        let draw = |seed, count| to_f64_vec(unit_rows("rows", [count, 3], seed, &Device::flex()));
        assert_eq!(draw(1, 2), draw(1, 4)[..6], "more rows come after the same ones");
        assert_ne!(draw(1, 2), draw(2, 2));
    }

    #[test]
    #[should_panic(expected = "rows need rows and columns, got [2, 0]")]
    fn rows_without_columns_are_named() {
        let _ = unit_rows("rows", [2, 0], 1, &Device::flex());
    }
}
