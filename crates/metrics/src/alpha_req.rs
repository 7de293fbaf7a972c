//! Alpha-ReQ: how fast the spectrum of the covariance declines.

use std::ops::RangeInclusive;

use crate::gram::rounding_floor;
use crate::{Features, MetricError, covariance_spectrum};

/// Returns α of the power law `λᵣ ∝ r^(−α)` that fits the covariance's eigenvalues of `ranks`, which
/// count from 1, the largest.
///
/// ```text
/// minimize over α, c   Σ over ranks r of (1/r) · (log λᵣ − c + α log r)²
/// ```
/// At least 0; near 1 is best according to the paper: far below, the features spread over
/// directions that are noise, far above, they use few directions. The authors fit ranks 11 to
/// 100, `11..=100`. Ranks that do not exist, and eigenvalues that are 0 up to rounding, are omitted.
/// Scale and rotation change nothing.
///
/// # Errors
/// If fewer than two eigenvalues remain, or there are fewer than two rows.
///
/// # Source
/// Agrawal et al., 2022, "α-ReQ: Assessing Representation Quality in Self-Supervised Learning by
/// measuring eigenspectrum decay", section 3. The weights `1/r` are those of Stringer et al., 2019,
/// [doi:10.1038/s41586-019-1346-5](https://doi.org/10.1038/s41586-019-1346-5), which the authors use.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, alpha_req};
///
/// // Variances 4 and 1 along two axes: 4 · 2^(−α) = 1 at α = 2.
/// let cross = Features::new(2, vec![2.0, 0.0, -2.0, 0.0, 0.0, 1.0, 0.0, -1.0])?;
/// assert!((alpha_req(&cross, 1..=100)? - 2.0).abs() < 1e-9);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn alpha_req(features: &Features, ranks: RangeInclusive<usize>) -> Result<f64, MetricError> {
    alpha_req_of(&covariance_spectrum(features)?, ranks)
}

/// As [`alpha_req`], of a spectrum that is at hand.
pub(crate) fn alpha_req_of(
    spectrum: &[f64],
    ranks: RangeInclusive<usize>,
) -> Result<f64, MetricError> {
    let floor = rounding_floor(spectrum);
    // (weight, log of the rank, log of the eigenvalue)
    let points: Vec<(f64, f64, f64)> = spectrum
        .iter()
        .zip(1_usize..)
        .filter(|&(&value, rank)| value > floor && ranks.contains(&rank))
        .map(|(value, rank)| (1.0 / rank as f64, (rank as f64).ln(), value.ln()))
        .collect();
    if points.len() < 2 {
        let range = "of at least two directions within the ranks";
        return Err(MetricError::Setting { key: "features", range });
    }
    let total: f64 = points.iter().map(|point| point.0).sum();
    let mean = |of: fn(&(f64, f64, f64)) -> f64| {
        points.iter().map(|point| point.0 * of(point)).sum::<f64>() / total
    };
    let (x, y) = (mean(|point| point.1), mean(|point| point.2));
    let covariance: f64 = points.iter().map(|(w, a, b)| w * (a - x) * (b - y)).sum();
    let variance: f64 = points.iter().map(|(w, a, _)| w * (a - x).powi(2)).sum();
    Ok(-covariance / variance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_power_law_has_its_exponent(alpha in 0.0_f64..3.0, scale in 1e-30_f64..1e30, many in 2_u32..300) {
            let spectrum: Vec<f64> =
                (1..=many).map(|rank| scale * f64::from(rank).powf(-alpha)).collect();
            let found = alpha_req_of(&spectrum, 1..=1000).unwrap();
            prop_assert!((found - alpha).abs() < 1e-9, "{} is not {}", found, alpha);
        }
    }

    #[test]
    fn ranks_outside_and_zeros_are_omitted() {
        let spectrum = [1e9, 4.0, 1.0, 0.0, 1e-40];
        let found = alpha_req_of(&[1e3, 4.0, 1.0, 0.0], 2..=9).unwrap();
        assert!((found - 4.0_f64.ln() / 1.5_f64.ln()).abs() < 1e-9);
        assert!(alpha_req_of(&spectrum, 3..=5).is_err(), "one eigenvalue is no line");
        assert!(alpha_req_of(&[], 1..=9).is_err() && alpha_req_of(&[0.0; 4], 1..=9).is_err());
    }

    #[test]
    fn equal_rows_are_an_error() {
        let constant = Features::new(3, [0.1, 0.2, 0.3].repeat(5)).unwrap();
        assert!(alpha_req(&constant, 1..=3).is_err());
    }
}
