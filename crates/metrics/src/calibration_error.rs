//! Whether confidence is what it says.

use crate::class_scores::argmax;
use crate::{ClassScores, MetricError};

/// Returns the expected calibration error: how far confidence is from accuracy, 0 to 1.
///
/// ```text
/// Σ over bins B  |B| / samples · |accuracy of B − mean confidence of B|
/// ```
/// The confidence of a sample is its largest probability. Of `bins` bins of equal width over 0 to 1,
/// each includes its upper end; empty bins add nothing. 15 bins are usual.
///
/// # Errors
/// If there is not one label per row, a label is not a class, there are no rows, a row is not made of
/// probabilities, or `bins` is 0.
///
/// # Source
/// Guo et al., 2017, [arXiv:1706.04599](https://arxiv.org/abs/1706.04599), equations 2 and 3.
///
/// # Example
/// ```
/// use selfsame_metrics::{ClassScores, expected_calibration_error};
///
/// // Sure to 0.75 and right in half of the cases.
/// let probabilities = ClassScores::new(2, vec![0.75, 0.25, 0.75, 0.25])?;
/// assert_eq!(expected_calibration_error(&probabilities, &[0, 1], 15)?, 0.25);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn expected_calibration_error(
    probabilities: &ClassScores,
    labels: &[usize],
    bins: usize,
) -> Result<f64, MetricError> {
    probabilities.check_labels(labels)?;
    probabilities.check_probabilities()?;
    if bins == 0 {
        return Err(MetricError::Setting { key: "bins", range: "1 or more" });
    }
    // Correct samples minus their confidence; the sizes of the bins cancel.
    let mut gaps = vec![0.0; bins];
    for (row, label) in probabilities.iter().zip(labels) {
        let prediction = argmax(row);
        let confidence = row[prediction];
        gaps[bin(confidence, bins)] += f64::from(prediction == *label) - confidence;
    }
    Ok(gaps.iter().map(|gap: &f64| gap.abs()).sum::<f64>() / labels.len() as f64)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a confidence is between 0 and 1"
)]
fn bin(confidence: f64, bins: usize) -> usize {
    ((confidence * bins as f64).ceil() as usize).clamp(1, bins) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_include_their_upper_end() {
        assert_eq!([0.0, 0.1, 0.5, 0.50001, 1.0].map(|p| bin(p, 2)), [0, 0, 0, 1, 1]);
    }

    #[test]
    fn certain_and_right_costs_nothing_and_certain_and_wrong_all() {
        let certain = ClassScores::new(2, vec![1.0, 0.0, 1.0, 0.0]).unwrap();
        let error = |labels| expected_calibration_error(&certain, labels, 15).unwrap();
        assert!(error(&[0, 0]).abs() < 1e-12 && (error(&[1, 1]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn errors_of_opposite_sign_cancel_within_a_bin_only() {
        let two = ClassScores::new(2, vec![0.9, 0.1, 0.6, 0.4]).unwrap();
        let error = |bins| expected_calibration_error(&two, &[0, 1], bins).unwrap();
        assert!((error(10) - 0.35).abs() < 1e-12);
        assert!((error(1) - 0.25).abs() < 1e-12);
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        let sound = ClassScores::new(2, vec![0.5, 0.5]).unwrap();
        assert!(expected_calibration_error(&sound, &[0], 0).is_err());
        assert!(expected_calibration_error(&sound, &[], 15).is_err());
        let logits = ClassScores::new(2, vec![3.0, 0.5]).unwrap();
        let error = expected_calibration_error(&logits, &[0], 15).unwrap_err();
        assert!(error.to_string().contains("softmax"), "{error}");
    }
}
