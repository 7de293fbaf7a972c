//! Alignment: how near the views of a sample are.

use crate::features::unit;
use crate::{Features, MetricError};

/// Returns the mean distance of two views of a sample, `mean ‖x − y‖^α` of normalized rows: 0 to
/// `2^α`, lower is better; a row of zeros is at the center of the sphere.
///
/// # Errors
/// If the sets differ in shape or are empty, or `alpha` is not above 0.
///
/// # Source
/// Wang & Isola, 2020, [arXiv:2005.10242](https://arxiv.org/abs/2005.10242), section 4.1.1.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, alignment};
///
/// let view_a = Features::new(2, vec![1.0, 0.0, 0.0, 3.0])?;
/// let view_b = Features::new(2, vec![-1.0, 0.0, 0.0, 1.0])?;
/// // Squared distances 4 and 0.
/// assert_eq!(alignment(&view_a, &view_b, 2.0)?, 2.0);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn alignment(view_a: &Features, view_b: &Features, alpha: f64) -> Result<f64, MetricError> {
    view_a.same_width(view_b)?;
    view_a.at_least(1)?;
    view_a.paired_with(view_b)?;
    if !(alpha > 0.0 && alpha.is_finite()) {
        return Err(MetricError::Setting { key: "alpha", range: "above 0" });
    }
    let squared_distance = |index| {
        let (a, b) = (unit(view_a.row(index)), unit(view_b.row(index)));
        a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum::<f64>()
    };
    let all = (0..view_a.rows()).map(|index| squared_distance(index).powf(alpha / 2.0));
    Ok(all.sum::<f64>() / view_a.rows() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_do_not_matter_and_zero_rows_are_at_the_center() {
        let a = Features::new(2, vec![3.0, 0.0, 0.0, 0.0]).unwrap();
        let b = Features::new(2, vec![0.0, 1e-30, 1e30, 0.0]).unwrap();
        assert!((alignment(&a, &b, 2.0).unwrap() - f64::midpoint(2.0, 1.0)).abs() < 1e-12);
        assert!(alignment(&a, &a, 2.0).unwrap().abs() < 1e-12);
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        let (one, two) = (Features::new(1, vec![1.0]).unwrap(), Features::new(1, vec![1.0; 2]));
        let pairs = MetricError::Pairs { first: 1, second: 2 };
        assert_eq!(alignment(&one, &two.unwrap(), 2.0), Err(pairs));
        let empty = Features::new(1, vec![]).unwrap();
        assert!(alignment(&empty, &empty, 2.0).is_err());
        assert!(alignment(&one, &one, 0.0).is_err() && alignment(&one, &one, f64::NAN).is_err());
    }
}
