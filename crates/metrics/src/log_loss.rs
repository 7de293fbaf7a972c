//! The cost of probabilities.

use crate::{ClassScores, MetricError};

/// Returns the mean of `−ln p`, where `p` is the probability of a sample's label.
///
/// Probabilities below 2.2e-16 count as that, as scikit-learn does, so that one sample of
/// probability 0 costs 36, not infinity.
///
/// # Errors
/// If there is not one label per row, a label is not a class, there are no rows, or a row is not made
/// of probabilities.
///
/// # Example
/// ```
/// use selfsame_metrics::{ClassScores, log_loss};
///
/// let probabilities = ClassScores::new(2, vec![0.5, 0.5, 0.0, 1.0])?;
/// assert_eq!(log_loss(&probabilities, &[0, 1])?, std::f64::consts::LN_2 / 2.0);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn log_loss(probabilities: &ClassScores, labels: &[usize]) -> Result<f64, MetricError> {
    probabilities.check_labels(labels)?;
    probabilities.check_probabilities()?;
    let costs = probabilities.iter().zip(labels);
    let costs = costs.map(|(row, label)| -row[*label].max(f64::EPSILON).ln());
    Ok(costs.sum::<f64>() / labels.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impossible_label_costs_a_finite_amount() {
        let sure = ClassScores::new(2, vec![1.0, 0.0]).unwrap();
        assert!(log_loss(&sure, &[0]).unwrap().abs() < 1e-12);
        assert!((log_loss(&sure, &[1]).unwrap() - 36.04).abs() < 0.01);
        assert!(log_loss(&sure, &[2]).is_err());
        assert!(log_loss(&ClassScores::new(2, vec![2.0, -1.0]).unwrap(), &[0]).is_err());
    }
}
