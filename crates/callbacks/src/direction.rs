//! Which values of a figure are better.

use serde::{Deserialize, Serialize};

/// Which values of a figure are better; in files `lower` and `higher`.
///
/// # Example
/// ```
/// use selfsame_callbacks::Direction;
///
/// assert!(Direction::Higher.is_better(0.5, 0.25));
/// assert!(!Direction::Lower.is_better(0.5, 0.5), "equal is not better");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// A lower value is better, as of a loss.
    Lower,
    /// A higher value is better, as of an accuracy.
    Higher,
}

impl Direction {
    /// Returns whether `value` is better than `other`; NaN is worse than every other value.
    ///
    /// # Example
    /// ```
    /// use selfsame_callbacks::Direction;
    ///
    /// assert!(Direction::Lower.is_better(1.0, f64::NAN));
    /// assert!(!Direction::Lower.is_better(f64::NAN, 1.0));
    /// ```
    #[must_use]
    pub fn is_better(self, value: f64, other: f64) -> bool {
        let gain = match self {
            Self::Lower => other - value,
            Self::Higher => value - other,
        };
        gain > 0.0 || (other.is_nan() && !value.is_nan())
    }

    /// Returns the value that is worse than `value` by `delta`.
    pub(crate) fn worse(self, value: f64, delta: f64) -> f64 {
        match self {
            Self::Lower => value + delta,
            Self::Higher => value - delta,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_worse_than_all_and_not_better_than_itself() {
        for direction in [Direction::Lower, Direction::Higher] {
            for value in [f64::NEG_INFINITY, -1.0, 0.0, f64::INFINITY] {
                assert!(direction.is_better(value, f64::NAN), "{direction:?} {value}");
                assert!(!direction.is_better(f64::NAN, value), "{direction:?} {value}");
                assert!(!direction.is_better(value, value), "{direction:?} {value}");
            }
            assert!(!direction.is_better(f64::NAN, f64::NAN));
        }
        assert!(Direction::Lower.is_better(f64::NEG_INFINITY, f64::INFINITY));
    }

    #[test]
    fn a_file_names_it_in_lower_case() {
        let text = serde_json::to_string(&[Direction::Lower, Direction::Higher]).unwrap();
        assert_eq!(text, r#"["lower","higher"]"#);
    }
}
