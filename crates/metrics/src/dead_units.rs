//! Dead units: dimensions of the features that never change.

use crate::gram::column_means;
use crate::{Features, MetricError};

/// Returns the dimensions whose variance over rows is at most `share` of the mean variance of all,
/// in ascending order.
///
/// A `share` of 1e-4, ours, is a hundredth of the standard deviation; with 0 only constant
/// dimensions are dead. If all rows are equal every dimension is. Scale changes nothing.
///
/// # Errors
/// If there are fewer than two rows, or `share` is not 0 to 1.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, dead_units};
///
/// let features = Features::new(3, vec![1.0, 5.0, 0.1, 2.0, 5.0, 0.2, 3.0, 5.0, 0.3])?;
/// assert_eq!(dead_units(&features, 1e-4)?, [1]);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn dead_units(features: &Features, share: f64) -> Result<Vec<usize>, MetricError> {
    features.at_least(2)?;
    if !(0.0..=1.0).contains(&share) {
        return Err(MetricError::Setting { key: "share", range: "0 to 1" });
    }
    let means = column_means(features);
    let mut variances = vec![0.0; features.dim()];
    for row in features.as_slice().chunks(features.dim()) {
        let squares = row.iter().zip(&means).map(|(x, mean)| (f64::from(*x) - mean).powi(2));
        variances.iter_mut().zip(squares).for_each(|(sum, square)| *sum += square);
    }
    let most = share * variances.iter().sum::<f64>() / features.dim() as f64;
    Ok((0..features.dim()).filter(|&unit| variances[unit] <= most).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_decides_and_scale_does_not() {
        for scale in [1e-30_f32, 1.0, 1e30] {
            // Variances in the proportion 10,000 : 1 : 0, a mean of 3,333.7.
            let rows = [[100.0, 1.0, 0.0], [-100.0, -1.0, 0.0]].concat();
            let features = Features::new(3, rows.into_iter().map(|x| x * scale).collect()).unwrap();
            assert_eq!(dead_units(&features, 0.0).unwrap(), [2]);
            assert_eq!(dead_units(&features, 1e-4).unwrap(), [2]);
            assert_eq!(dead_units(&features, 1e-3).unwrap(), [1, 2]);
        }
    }

    #[test]
    fn equal_rows_are_all_dead_and_one_row_is_an_error() {
        let constant = Features::new(2, [0.1, 0.7].repeat(9)).unwrap();
        assert_eq!(dead_units(&constant, 1e-4).unwrap(), [0, 1]);
        let one = Features::new(2, vec![1.0, 2.0]).unwrap();
        assert_eq!(dead_units(&one, 1e-4), Err(MetricError::Rows { rows: 1, least: 2 }));
        assert!(dead_units(&constant, -1.0).is_err() && dead_units(&constant, f64::NAN).is_err());
    }
}
