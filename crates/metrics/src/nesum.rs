//! NESum: the sum of the covariance's eigenvalues in units of the largest.

use crate::{Features, MetricError, covariance_spectrum};

/// Returns the sum of the covariance's eigenvalues divided by the largest: 1 to `dim`, higher is
/// better.
///
/// # Errors
/// If there are fewer than two rows, or all are equal.
///
/// # Source
/// He & Ozay, 2022, "Exploring the gap between collapsed and whitened features in
/// self-supervised learning", section 3.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, nesum};
///
/// let cross = Features::new(2, vec![1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, -1.0])?;
/// assert!((nesum(&cross)? - 2.0).abs() < 1e-9);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn nesum(features: &Features) -> Result<f64, MetricError> {
    nesum_of(&covariance_spectrum(features)?)
}

/// As [`nesum`], of a spectrum that is at hand.
pub(crate) fn nesum_of(spectrum: &[f64]) -> Result<f64, MetricError> {
    match spectrum.first() {
        Some(&largest) if largest > 0.0 => Ok(spectrum.iter().sum::<f64>() / largest),
        _ => Err(MetricError::Setting { key: "features", range: "not all equal" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_one_and_equal_rows_are_an_error() {
        let line = Features::new(2, vec![1.0, 2.0, 2.0, 4.0, 5.0, 10.0]).unwrap();
        assert!((nesum(&line).unwrap() - 1.0).abs() < 1e-9);
        let constant = Features::new(2, [0.1, 0.3].repeat(7)).unwrap();
        let error = nesum(&constant).unwrap_err();
        assert_eq!(error.to_string(), "`features` must be not all equal");
    }
}
