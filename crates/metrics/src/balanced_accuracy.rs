//! Accuracy in which every class counts the same.

use crate::{ConfusionMatrix, MetricError};

/// Returns the mean over the classes of the share of their samples that is predicted correctly.
///
/// A class without samples has no accuracy and is left out of the mean, as scikit-learn does.
///
/// # Errors
/// If the lengths differ, a label or prediction is not below `classes`, or there are no samples.
///
/// # Example
/// ```
/// use selfsame_metrics::balanced_accuracy;
///
/// let labels = [0, 0, 0, 0, 2];
/// assert_eq!(balanced_accuracy(&labels, &[0, 0, 0, 1, 1], 3)?, 0.375);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn balanced_accuracy(
    labels: &[usize],
    predictions: &[usize],
    classes: usize,
) -> Result<f64, MetricError> {
    let of_classes = class_accuracies(labels, predictions, classes)?;
    let known: Vec<f64> = of_classes.into_iter().flatten().collect();
    if known.is_empty() {
        return Err(MetricError::Rows { rows: 0, least: 1 });
    }
    Ok(known.iter().sum::<f64>() / known.len() as f64)
}

/// Returns for each class the share of its samples that is predicted correctly, or `None` if it has
/// no samples.
///
/// # Errors
/// If the lengths differ, or a label or prediction is not below `classes`.
///
/// # Example
/// ```
/// use selfsame_metrics::class_accuracies;
///
/// assert_eq!(class_accuracies(&[0, 0], &[0, 1], 2)?, [Some(0.5), None]);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn class_accuracies(
    labels: &[usize],
    predictions: &[usize],
    classes: usize,
) -> Result<Vec<Option<f64>>, MetricError> {
    let matrix = ConfusionMatrix::new(labels, predictions, classes)?;
    Ok((0..classes).map(|class| matrix.class_accuracy(class)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn always_the_same_class_is_chance_however_rare_the_others() {
        let labels: Vec<usize> = (0..100).map(|i| if i < 98 { 0 } else { i - 97 }).collect();
        let found = balanced_accuracy(&labels, &[0; 100], 3).unwrap();
        assert!((found - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        assert_eq!(balanced_accuracy(&[], &[], 3), Err(MetricError::Rows { rows: 0, least: 1 }));
        assert!(balanced_accuracy(&[0], &[3], 3).is_err());
        assert!(balanced_accuracy(&[0], &[0, 1], 3).is_err());
    }
}
