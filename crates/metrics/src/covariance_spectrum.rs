//! Spectrum of the covariance: how much the features vary along each of their directions.

use crate::gram::{column_means, squared_singular_values};
use crate::{Features, MetricError};

/// Returns the eigenvalues of the features' covariance, largest first; a steep decline means that
/// the features use few directions.
///
/// The covariance is divided by `n − 1`. There are `dim` eigenvalues; of fewer rows than that at least
/// `dim − rows` are 0. At most `min(rows, dim)²` values are held beside the features.
///
/// # Errors
/// If there are fewer than two rows.
///
/// # Source
/// Jing et al., 2022, [arXiv:2110.09348](https://arxiv.org/abs/2110.09348), section 3.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, covariance_spectrum};
///
/// let line = Features::new(2, vec![1.0, 5.0, 3.0, 5.0])?;
/// let spectrum = covariance_spectrum(&line)?;
/// assert!((spectrum[0] - 2.0).abs() < 1e-12 && spectrum[1].abs() < 1e-12);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn covariance_spectrum(features: &Features) -> Result<Vec<f64>, MetricError> {
    features.at_least(2)?;
    let (rows, dim, means) = (features.rows(), features.dim(), column_means(features));
    let squares = squared_singular_values(rows, dim, |index, out| {
        let centered = features.row(index).iter().zip(&means).map(|(x, mean)| f64::from(*x) - mean);
        out.iter_mut().zip(centered).for_each(|(out, x)| *out = x);
    })?;
    let divisor = rows as f64 - 1.0;
    let mut spectrum: Vec<f64> = squares.into_iter().map(|square| square / divisor).collect();
    spectrum.resize(dim, 0.0);
    Ok(spectrum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eigenvalues_sum_to_the_variances_whatever_the_shape() {
        for (rows, dim) in [(3, 7), (7, 3), (2, 1)] {
            let data: Vec<f32> = (0..rows * dim).map(|i| ((i * i * 5) % 13) as f32).collect();
            let spectrum = covariance_spectrum(&Features::new(dim, data.clone()).unwrap()).unwrap();
            let variance = |column: usize| {
                let values: Vec<f64> = data.chunks(dim).map(|row| f64::from(row[column])).collect();
                let mean = values.iter().sum::<f64>() / rows as f64;
                values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (rows as f64 - 1.0)
            };
            let want: f64 = (0..dim).map(variance).sum();
            assert_eq!(spectrum.len(), dim);
            assert!((spectrum.iter().sum::<f64>() - want).abs() < 1e-9 * want);
            assert!(spectrum.is_sorted_by(|a, b| a >= b) && spectrum.iter().all(|&v| v >= 0.0));
        }
    }

    #[test]
    fn constant_features_have_a_spectrum_of_zeros() {
        let constant = Features::new(3, [0.1, 1e30, -7.0].repeat(5)).unwrap();
        assert_eq!(covariance_spectrum(&constant).unwrap(), [0.0; 3]);
        let one = Features::new(1, vec![1.0]).unwrap();
        assert_eq!(covariance_spectrum(&one), Err(MetricError::Rows { rows: 1, least: 2 }));
    }
}
