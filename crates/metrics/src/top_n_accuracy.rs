//! Accuracy that forgives wrong orders among the best.

use crate::{ClassScores, MetricError};

/// Returns the share of samples whose label is among the `n` classes with the largest scores.
///
/// Among equal scores the lower class ranks higher, as in [`ClassScores::predictions`], so that with
/// `n` of 1 this is the accuracy. With `n` of all classes or more it is 1.
///
/// # Errors
/// If there is not one label per row, a label is not a class, there are no rows, or `n` is 0.
///
/// # Example
/// ```
/// use selfsame_metrics::{ClassScores, top_n_accuracy};
///
/// let scores = ClassScores::new(3, vec![0.5, 0.3, 0.2, 0.5, 0.3, 0.2])?;
/// assert_eq!(top_n_accuracy(&scores, &[1, 2], 2)?, 0.5);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn top_n_accuracy(
    scores: &ClassScores,
    labels: &[usize],
    n: usize,
) -> Result<f64, MetricError> {
    scores.check_labels(labels)?;
    if n == 0 {
        return Err(MetricError::Setting { key: "n", range: "1 or more" });
    }
    let rank = |row: &[f64], label: usize| {
        let ahead = |(class, score): (usize, &f64)| {
            *score > row[label] || (class < label && *score >= row[label])
        };
        row.iter().enumerate().filter(|pair| ahead(*pair)).count()
    };
    let hits = scores.iter().zip(labels).filter(|(row, label)| rank(row, **label) < n).count();
    Ok(hits as f64 / labels.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accuracy;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_sorting_and_grows_with_n(
            rows in proptest::collection::vec((proptest::array::uniform4(0_u8..4), 0_usize..4), 1..30),
        ) {
            let values = rows.iter().flat_map(|(row, _)| row.map(f64::from)).collect();
            let labels: Vec<usize> = rows.iter().map(|(_, label)| *label).collect();
            let scores = ClassScores::new(4, values).unwrap();
            for n in 1..6 {
                let hit = |(row, label): (&[f64], &usize)| {
                    let mut order: Vec<usize> = (0..4).collect();
                    order.sort_by(|a, b| row[*b].total_cmp(&row[*a])); // stable
                    order[..n.min(4)].contains(label)
                };
                let want = scores.iter().zip(&labels).filter(|pair| hit(*pair)).count();
                let found = top_n_accuracy(&scores, &labels, n).unwrap();
                prop_assert!((found - want as f64 / labels.len() as f64).abs() < 1e-12);
            }
            let first = top_n_accuracy(&scores, &labels, 1).unwrap();
            prop_assert!((first - accuracy(&scores.predictions(), &labels)).abs() < 1e-12);
        }
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        let scores = ClassScores::new(2, vec![1.0, 0.0]).unwrap();
        assert!(top_n_accuracy(&scores, &[0], 0).is_err());
        assert!(top_n_accuracy(&scores, &[2], 1).is_err());
        assert!(top_n_accuracy(&scores, &[0, 1], 1).is_err());
        let none = ClassScores::new(2, vec![]).unwrap();
        assert!(top_n_accuracy(&none, &[], 1).is_err());
    }
}
