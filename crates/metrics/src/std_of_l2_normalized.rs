//! Spread of the directions of the features.

use crate::Features;
use crate::features::l2_norm;

/// Returns the standard deviation of the L2-normalized features over rows, averaged over
/// dimensions.
///
/// The result is 0 for rows of one direction (collapse), and about [`uniform_std`] for rows of all
/// directions. The variance is divided by `n`, not by `n − 1`, so that a single row has 0.
///
/// # Source
/// Chen & He, 2021, [arXiv:2011.10566](https://arxiv.org/abs/2011.10566), section 4.1.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, uniform_std, std_of_l2_normalized};
///
/// let collapsed = Features::new(2, vec![1.0, 2.0, 2.0, 4.0])?;
/// assert!(std_of_l2_normalized(&collapsed) < 1e-7);
/// let spread = Features::new(2, vec![1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, -1.0])?;
/// assert!((std_of_l2_normalized(&spread) - uniform_std(2)).abs() < 1e-12);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[must_use]
pub fn std_of_l2_normalized(features: &Features) -> f64 {
    let (rows, dim) = (features.rows(), features.dim());
    let mut sums = vec![(0.0, 0.0); dim];
    for index in 0..rows {
        let row = features.row(index);
        let norm = l2_norm(row);
        for (x, (sum, squares)) in row.iter().zip(&mut sums) {
            let x = if norm > 0.0 { f64::from(*x) / norm } else { 0.0 };
            *sum += x;
            *squares += x * x;
        }
    }
    let rows = rows.max(1) as f64;
    let deviation =
        |(sum, squares): &(f64, f64)| (squares / rows - (sum / rows).powi(2)).max(0.0).sqrt();
    sums.iter().map(deviation).sum::<f64>() / dim as f64
}

/// Returns the [`std_of_l2_normalized`] of rows that are uniform on the sphere: `1 / √dim`.
///
/// # Example
/// ```
/// assert_eq!(selfsame_metrics::uniform_std(64), 0.125);
/// ```
#[must_use]
pub fn uniform_std(dim: usize) -> f64 {
    1.0 / (dim as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_do_not_matter_and_one_row_has_no_spread() {
        let of = |data: &[f32]| std_of_l2_normalized(&Features::new(2, data.to_vec()).unwrap());
        let spread = of(&[1.0, 0.0, 0.0, 1.0]);
        assert!((spread - 0.5).abs() < 1e-12, "two corners deviate by a half in both dimensions");
        assert!((of(&[1e38, 0.0, 0.0, 1e-38]) - spread).abs() < 1e-12);
        assert!(of(&[3.0, 4.0]) < 1e-7 && of(&[]).abs() < 1e-12 && of(&[0.0; 4]).abs() < 1e-12);
    }
}
