//! Distances between two rows.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::MetricError;

/// How far apart two rows are; the smaller, the nearer.
///
/// ```text
/// cosine  1 − ⟨a, b⟩ / (‖a‖ ‖b‖)     0 to 2; a row of zeros has cosine 0 with every row
/// dot     −⟨a, b⟩
/// l2      ‖a − b‖                      Euclidean, not squared
/// l1      Σ |aᵢ − bᵢ|
/// snr     var(a − b) / var(a)          variances over the elements; `a` is the query
/// ```
/// In `snr` a query whose elements are all equal is at distance 0 from rows that differ from it by a
/// constant, and infinitely far from all others.
///
/// # Source
/// `snr`: Yuan et al., 2019, [arXiv:1904.02616](https://arxiv.org/abs/1904.02616), as TensorFlow
/// Similarity has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    /// 1 minus the cosine of the angle.
    #[default]
    Cosine,
    /// The negative inner product.
    Dot,
    /// The Euclidean distance.
    L2,
    /// The sum of absolute differences.
    L1,
    /// The inverse of the signal-to-noise ratio, the query being the signal.
    Snr,
}

impl Distance {
    /// Every distance.
    pub const ALL: [Self; 5] = [Self::Cosine, Self::Dot, Self::L2, Self::L1, Self::Snr];

    /// Returns the distance of `row` from `query`, computed in double precision. The cosine is rounded
    /// to single precision before it is subtracted, so that rows in the same direction are at
    /// distance 0.
    ///
    /// # Panics
    /// If the lengths differ.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Distance;
    ///
    /// let (query, row) = ([3.0, 0.0], [0.0, 4.0]);
    /// let all = Distance::ALL.map(|distance| distance.between(&query, &row));
    /// assert_eq!(all, [1.0, 0.0, 5.0, 7.0, 12.25 / 2.25]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn between(self, query: &[f32], row: &[f32]) -> f64 {
        assert_eq!(query.len(), row.len(), "a distance is between rows of one width");
        match self {
            Self::Cosine => 1.0 - cosine(query, row, squares(query), squares(row)),
            Self::Dot => -dot(query, row),
            Self::L2 => squared_distance(query, row).sqrt(),
            Self::L1 => sum(query, row, |a, b| (a - b).abs()),
            Self::Snr => noise_to_signal(query, row),
        }
    }

    /// Returns the name, which `FromStr` and serde read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Dot => "dot",
            Self::L2 => "l2",
            Self::L1 => "l1",
            Self::Snr => "snr",
        }
    }
}

impl Display for Distance {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Distance {
    type Err = MetricError;

    fn from_str(name: &str) -> Result<Self, MetricError> {
        let known = Self::ALL.into_iter().find(|distance| distance.name() == name);
        known.ok_or_else(|| MetricError::UnknownDistance { name: name.to_owned() })
    }
}

/// Returns the inner product.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |a, b| a * b)
}

/// Returns the squared L2 norm.
pub(crate) fn squares(a: &[f32]) -> f64 {
    dot(a, a)
}

/// Returns the cosine of rows whose squared norms are known, rounded to single precision: exactly 1
/// for rows in the same direction, 0 for zeros.
#[allow(clippy::cast_possible_truncation, reason = "rounding is meant")]
pub(crate) fn cosine(a: &[f32], b: &[f32], squares_a: f64, squares_b: f64) -> f64 {
    let norms = (squares_a * squares_b).sqrt();
    if norms > 0.0 { f64::from((dot(a, b) / norms).clamp(-1.0, 1.0) as f32) } else { 0.0 }
}

fn noise_to_signal(query: &[f32], row: &[f32]) -> f64 {
    let count = query.len() as f64;
    let noise_mean = sum(query, row, |a, b| a - b) / count;
    let noise = sum(query, row, |a, b| (a - b - noise_mean) * (a - b - noise_mean));
    let mean = sum(query, query, |a, _| a) / count;
    let signal = sum(query, query, |a, _| (a - mean) * (a - mean));
    if noise == 0.0 { 0.0 } else { noise / signal }
}

/// Returns the squared Euclidean distance.
pub(crate) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |a, b| (a - b) * (a - b))
}

/// Sums a term per pair of elements in eight lanes, so that the order of additions, and with it
/// every bit, is the same on all machines.
#[inline(always)]
#[allow(clippy::inline_always, reason = "it takes on the instruction set of its caller")]
pub(crate) fn sum(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let (heads_a, tail_a) = a.as_chunks::<8>();
    let (heads_b, tail_b) = b.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for (a, b) in heads_a.iter().zip(heads_b) {
        for lane in 0..8 {
            lanes[lane] += term(f64::from(a[lane]), f64::from(b[lane]));
        }
    }
    for (lane, (a, b)) in tail_a.iter().zip(tail_b).enumerate() {
        lanes[lane] += term(f64::from(*a), f64::from(*b));
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definitions, element by element.
    fn plain(distance: Distance, a: &[f32], b: &[f32]) -> f64 {
        let pairs = || a.iter().zip(b).map(|(a, b)| (f64::from(*a), f64::from(*b)));
        let norm = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let variance = |x: Vec<f64>| {
            let mean = x.iter().sum::<f64>() / x.len() as f64;
            x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64
        };
        let inner: f64 = pairs().map(|(a, b)| a * b).sum();
        match distance {
            Distance::Cosine if norm(a) * norm(b) > 0.0 => 1.0 - inner / (norm(a) * norm(b)),
            Distance::Cosine => 1.0,
            Distance::Dot => -inner,
            Distance::L2 => pairs().map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt(),
            Distance::L1 => pairs().map(|(a, b)| (a - b).abs()).sum(),
            Distance::Snr => {
                let signal = variance(pairs().map(|(a, _)| a).collect());
                let noise = variance(pairs().map(|(a, b)| a - b).collect());
                if noise == 0.0 { 0.0 } else { noise / signal }
            }
        }
    }

    proptest! {
        #[test]
        fn equals_the_plain_definition(
            rows in proptest::collection::vec((-5.0_f32..5.0, -5.0_f32..5.0), 2..40),
        ) {
            let (a, b): (Vec<f32>, Vec<f32>) = rows.into_iter().unzip();
            for distance in Distance::ALL {
                let (found, want) = (distance.between(&a, &b), plain(distance, &a, &b));
                // The cosine is rounded to single precision; a constant query is infinitely far.
                let tolerance = if distance == Distance::Cosine { 1e-7 } else { 1e-9 };
                let close = (found - want).abs() <= tolerance * want.abs().max(1.0);
                prop_assert!(close || found.total_cmp(&want).is_eq(), "{distance}");
            }
        }
    }

    #[test]
    fn a_row_is_at_distance_zero_from_itself_and_zeros_are_orthogonal_to_all() {
        let row = [0.1, -0.7, 3e30, 1e-30];
        for distance in [Distance::Cosine, Distance::L2, Distance::L1, Distance::Snr] {
            assert!(distance.between(&row, &row).abs() < 1e-300, "{distance}");
        }
        assert!((Distance::Cosine.between(&[0.0; 4], &row) - 1.0).abs() < 1e-300);
    }

    #[test]
    fn a_constant_query_has_no_signal() {
        assert!(Distance::Snr.between(&[1.0, 1.0], &[3.0, 3.0]).abs() < 1e-300);
        assert!(Distance::Snr.between(&[1.0, 1.0], &[3.0, 4.0]).is_infinite());
    }

    #[test]
    fn names_are_read_back_by_parser_and_serde() {
        for distance in Distance::ALL {
            assert_eq!(distance.to_string().parse(), Ok(distance));
            let json = serde_json::to_string(&distance).unwrap();
            assert_eq!(json, format!("\"{distance}\""));
            assert_eq!(serde_json::from_str::<Distance>(&json).unwrap(), distance);
        }
        let error = "euclid".parse::<Distance>().unwrap_err();
        assert!(error.to_string().contains("`euclid`"), "{error}");
    }
}
