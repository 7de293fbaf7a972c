//! Uniformity: how evenly the features cover the sphere.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::features::unit;
use crate::{Features, MetricError};

/// Rows of either side of a block of pairs; fixed, so that threads do not change a sum.
const BLOCK: usize = 128;

/// Returns how evenly normalized rows cover the sphere, `log mean exp(−t ‖x − y‖²)` over all pairs:
/// `−4 t` to 0, lower is better.
///
/// Time grows with the square of the rows, memory does not: rows are compared block by block.
///
/// # Errors
/// If there are fewer than two rows, or `t` is not above 0.
///
/// # Source
/// Wang & Isola, 2020, [arXiv:2005.10242](https://arxiv.org/abs/2005.10242), section 4.1.2.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, uniformity};
///
/// let collapsed = Features::new(2, vec![1.0, 1.0, 2.0, 2.0])?;
/// assert!(uniformity(&collapsed, 2.0)?.abs() < 1e-12);
/// let opposite = Features::new(1, vec![1.0, -1.0])?;
/// assert!((uniformity(&opposite, 2.0)? + 8.0).abs() < 1e-12);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn uniformity(features: &Features, t: f64) -> Result<f64, MetricError> {
    features.at_least(2)?;
    if !(t > 0.0 && t.is_finite()) {
        return Err(MetricError::Setting { key: "t", range: "above 0" });
    }
    let rows = features.rows();
    let sums: Vec<f64> = (0..rows.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let left = UnitRows::new(features, block);
            (0..=block).map(|other| left.sum(&UnitRows::new(features, other), t)).sum()
        })
        .collect();
    let count = rows * (rows - 1) / 2;
    Ok((sums.iter().sum::<f64>() / count as f64).ln())
}

/// One block of normalized rows.
struct UnitRows {
    first: usize,
    count: usize,
    data: Vec<f64>,
    squared_norms: Vec<f64>,
}

impl UnitRows {
    fn new(features: &Features, block: usize) -> Self {
        let first = block * BLOCK;
        let rows: Vec<Vec<f64>> = (first..features.rows().min(first + BLOCK))
            .map(|index| unit(features.row(index)))
            .collect();
        let squared_norms = rows.iter().map(|row| row.iter().map(|x| x * x).sum()).collect();
        Self { first, count: rows.len(), data: rows.concat(), squared_norms }
    }

    /// Sums `exp(−t ‖x − y‖²)` over the pairs whose second row comes before the first.
    fn sum(&self, before: &Self, t: f64) -> f64 {
        let dim = self.data.len() / self.count;
        let mut products = vec![0.0; self.count * before.count];
        let out = MatMut::from_row_major_slice_mut(&mut products, self.count, before.count);
        let left = MatRef::from_row_major_slice(&self.data, self.count, dim);
        let right = MatRef::from_row_major_slice(&before.data, before.count, dim).transpose();
        matmul(out, Accum::Replace, left, right, 1.0, Par::Seq);
        let rows = products.chunks(before.count).zip(&self.squared_norms).zip(self.first..);
        rows.map(|((products, norm), row)| {
            let others = products.iter().zip(&before.squared_norms).zip(before.first..row);
            others
                .map(|((product, other), _)| (norm + other - 2.0 * product).max(0.0))
                .map(|squared_distance| (-t * squared_distance).exp())
                .sum::<f64>()
        })
        .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, pair by pair.
    fn naive(features: &Features, t: f64) -> f64 {
        let rows: Vec<Vec<f64>> = (0..features.rows()).map(|i| unit(features.row(i))).collect();
        let (mut sum, mut count) = (0.0, 0.0);
        for i in 0..rows.len() {
            for j in 0..i {
                let squares = rows[i].iter().zip(&rows[j]).map(|(a, b)| (a - b).powi(2));
                sum += (-t * squares.sum::<f64>()).exp();
                count += 1.0;
            }
        }
        (sum / count).ln()
    }

    proptest! {
        #[test]
        fn blocks_equal_the_definition(
            dim in 1_usize..5, data in proptest::collection::vec(-3.0_f32..3.0, 10..900), t in 0.1_f64..4.0
        ) {
            let rows = data.len() / dim;
            let features = Features::new(dim, data[..rows * dim].to_vec()).unwrap();
            let (found, want) = (uniformity(&features, t).unwrap(), naive(&features, t));
            prop_assert!((found - want).abs() < 1e-10, "{} is not {}", found, want);
            prop_assert!((-4.0 * t - 1e-9..=1e-9).contains(&found));
        }
    }

    #[test]
    fn zero_rows_and_huge_norms_are_defined() {
        // Unit rows e₁, e₁ and 0: squared distances 0, 1 and 1.
        let features = Features::new(2, vec![1e38, 0.0, 1e-38, 0.0, 0.0, 0.0]).unwrap();
        let want = ((1.0 + 2.0 * (-2.0_f64).exp()) / 3.0).ln();
        assert!((uniformity(&features, 2.0).unwrap() - want).abs() < 1e-12);
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        let one = Features::new(1, vec![1.0]).unwrap();
        assert_eq!(uniformity(&one, 2.0), Err(MetricError::Rows { rows: 1, least: 2 }));
        let two = Features::new(1, vec![1.0, 2.0]).unwrap();
        assert!(uniformity(&two, 0.0).is_err() && uniformity(&two, f64::INFINITY).is_err());
    }
}
