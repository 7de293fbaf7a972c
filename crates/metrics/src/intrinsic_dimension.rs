//! Intrinsic dimension: of how many dimensions the set is on which the features lie.

use rayon::prelude::*;

use crate::squared_distance::squared_distance;
use crate::{Features, MetricError};

/// Share of the largest ratios that the fit omits, as in the paper.
const OMITTED: f64 = 0.1;

/// Returns the intrinsic dimension of the features by the distances of each row to its two nearest
/// neighbors (TwoNN).
///
/// ```text
/// μ = r₂ / r₁ of each of N rows, ascending      d = Σ xᵢ yᵢ / Σ xᵢ²
/// xᵢ = log μᵢ      yᵢ = −log(1 − i / N)      i = 1 … ⌊0.9 N⌋
/// ```
/// Above 0; a curved sheet in hundreds of dimensions has 2. Higher means that more varies, be it
/// content or noise. Rows with a duplicate (`r₁ = 0`) are omitted and not counted in `N`.
///
/// Scale, rotation and shift change nothing. Time grows with the square of the rows.
///
/// # Errors
/// If fewer than three rows differ, or all ratios are 1, as on a grid.
///
/// # Source
/// Facco et al., 2017, [doi:10.1038/s41598-017-11873-y](https://doi.org/10.1038/s41598-017-11873-y).
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, intrinsic_dimension};
///
/// // A line in three dimensions, at irregular places.
/// let places = (0..500_u16).map(|i| (f32::from(i) * 0.618_034).fract());
/// let line = Features::new(3, places.flat_map(|x| [x, 2.0 * x, 1.0 - x]).collect())?;
/// assert!(intrinsic_dimension(&line)? < 3.0);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn intrinsic_dimension(features: &Features) -> Result<f64, MetricError> {
    features.at_least(3)?;
    let ratio = |index| {
        let (first, second) = two_nearest(features, index);
        (first > 0.0).then(|| (second / first).ln() / 2.0) // of squared distances
    };
    let ratios = (0..features.rows()).into_par_iter().filter_map(ratio);
    let mut logs: Vec<f64> = ratios.filter(|log| log.is_finite()).collect();
    logs.sort_unstable_by(f64::total_cmp);
    let count = logs.len() as f64;
    let kept =
        logs.iter().zip(1_u32..).take_while(|(_, i)| f64::from(*i) <= (1.0 - OMITTED) * count);
    let (mut product, mut square) = (0.0, 0.0);
    for (log, i) in kept {
        product += log * -(1.0 - f64::from(i) / count).ln();
        square += log * log;
    }
    if square > 0.0 {
        Ok(product / square)
    } else {
        let range = "at different distances of at least three different rows";
        Err(MetricError::Setting { key: "features", range })
    }
}

/// Returns the squared distances of a row to its two nearest others.
fn two_nearest(features: &Features, index: usize) -> (f64, f64) {
    let row = features.row(index);
    let mut nearest = (f64::INFINITY, f64::INFINITY);
    for other in (0..features.rows()).filter(|&other| other != index) {
        let distance = squared_distance(row, features.row(other));
        if distance < nearest.0 {
            nearest = (distance, nearest.0);
        } else if distance < nearest.1 {
            nearest.1 = distance;
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Uniform in a cube of `inner` dimensions, which is turned into `dim` dimensions.
    fn cube(rows: usize, inner: usize, dim: usize, scale: f32) -> Features {
        let mut generator = ChaCha8Rng::seed_from_u64(5);
        let mut data = Vec::with_capacity(rows * dim);
        for _ in 0..rows {
            let place: Vec<f32> = (0..inner).map(|_| generator.random_range(0.0..1.0)).collect();
            data.extend((0..dim).map(|i| scale * place[i % inner]));
        }
        Features::new(dim, data).unwrap()
    }

    #[test]
    fn a_cube_has_its_dimension_whatever_the_space_and_scale() {
        for (inner, dim, scale) in [(1, 1, 1.0), (2, 2, 1e-15), (2, 10, 1.0), (5, 40, 1e15)] {
            let found = intrinsic_dimension(&cube(1500, inner, dim, scale)).unwrap();
            let apart = (found - inner as f64).abs() / inner as f64;
            assert!(apart < 0.1, "{found} is not {inner}");
        }
    }

    #[test]
    fn hand_derived_ratios_of_four_places() {
        // Places 0, 1, 3, 7: (r₁, r₂) are (1, 3), (1, 2), (2, 3), (4, 6).
        let found = intrinsic_dimension(&Features::new(1, vec![0.0, 1.0, 3.0, 7.0]).unwrap());
        let logs = [1.5_f64, 1.5, 2.0].map(f64::ln); // 3 is above 0.9 of the four
        let want = [0.25_f64, 0.5, 0.75].map(|f| -(1.0 - f).ln());
        let product: f64 = logs.iter().zip(want).map(|(x, y)| x * y).sum();
        let square: f64 = logs.iter().map(|x| x * x).sum();
        assert!((found.unwrap() - product / square).abs() < 1e-12);
    }

    #[test]
    fn duplicates_are_omitted_and_too_few_rows_are_an_error() {
        let data = [0.0, 1.0, 3.0, 7.0, 100.0, 100.0].to_vec();
        assert!(intrinsic_dimension(&Features::new(1, data).unwrap()).is_ok());
        for data in [vec![1.0; 5], vec![1.0, 1.0, 2.0], vec![0.0; 9]] {
            assert!(intrinsic_dimension(&Features::new(1, data).unwrap()).is_err());
        }
        let grid = Features::new(1, vec![0.0, 1.0, 2.0]).unwrap();
        let _ = intrinsic_dimension(&grid); // no panic where ratios are 1 or 2
        let two = Features::new(1, vec![0.0, 1.0]).unwrap();
        assert_eq!(intrinsic_dimension(&two), Err(MetricError::Rows { rows: 2, least: 3 }));
    }
}
