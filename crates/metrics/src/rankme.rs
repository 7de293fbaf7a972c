//! RankMe: how many directions the features use.

use crate::gram::{effective_rank, rounding_floor, squared_singular_values};
use crate::{Features, MetricError};

/// Returns the effective rank of the features, the exponential of the entropy of their normalized
/// singular values: 1 to `min(rows, dim)`, higher is better.
///
/// Rows are taken as they are, neither centered nor normalized, so the figure changes with neither
/// scale nor rotation. Compare it only between features of equally many rows and dimensions.
///
/// # Errors
/// If all features are zero or there are none.
///
/// # Source
/// Garrido et al., 2023, [arXiv:2210.02885](https://arxiv.org/abs/2210.02885), eq. 1.
/// Deviation: singular values of zero are skipped; the paper adds an epsilon.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, rankme};
///
/// let corner = Features::new(2, vec![1.0, 0.0, 0.0, 1.0])?;
/// assert!((rankme(&corner)? - 2.0).abs() < 1e-9);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn rankme(features: &Features) -> Result<f64, MetricError> {
    features.at_least(1)?;
    let squares = squared_singular_values(features.rows(), features.dim(), |index, out| {
        out.iter_mut().zip(features.row(index)).for_each(|(out, x)| *out = f64::from(*x));
    })?;
    let singular = squares.iter().map(|square| square.sqrt());
    effective_rank(singular, rounding_floor(&squares).sqrt())
        .ok_or(MetricError::Setting { key: "features", range: "not all zero" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tall_and_wide_features_have_the_same_rank() {
        let data: Vec<f32> = (0..12_u8).map(|i| f32::from(i * i % 7) - 2.0).collect();
        let wide = Features::new(4, data.clone()).unwrap();
        let tall = (0..4).flat_map(|column| data.chunks(4).map(move |row| row[column])).collect();
        let tall = Features::new(3, tall).unwrap();
        assert!((rankme(&wide).unwrap() - rankme(&tall).unwrap()).abs() < 1e-9);
    }

    #[test]
    fn scale_changes_nothing_up_to_the_largest_norms() {
        for scale in [1e-30_f32, 1.0, 1e38] {
            let features = Features::new(2, vec![scale, 0.0, 0.0, scale, 0.0, 0.0]).unwrap();
            assert!((rankme(&features).unwrap() - 2.0).abs() < 1e-9, "{scale}");
        }
    }

    #[test]
    fn one_direction_has_rank_one_and_none_is_an_error() {
        let line: Vec<f32> =
            (1..200_u16).flat_map(|i| [0.5, 1.0, -2.0].map(|x| x * f32::from(i))).collect();
        assert!((rankme(&Features::new(3, line).unwrap()).unwrap() - 1.0).abs() < 1e-6);
        assert!(
            (rankme(&Features::new(3, vec![1.0, 2.0, 3.0]).unwrap()).unwrap() - 1.0).abs() < 1e-9
        );
        assert!(rankme(&Features::new(3, vec![0.0; 9]).unwrap()).is_err());
        let none = MetricError::Rows { rows: 0, least: 1 };
        assert_eq!(rankme(&Features::new(3, vec![]).unwrap()), Err(none));
    }
}
