//! Rows and queries whose Euclidean distances have the order of another distance.

use selfsame_metrics::{Distance, Features};

/// A map of rows and of queries into a space of one more value.
///
/// ```text
/// distance   row x                            query q           squared L2
/// cosine     x / |x|, 0;  zeros: 0, 1         q / |q|, 0        2 − 2 cos
/// dot        x / M, √(1 − |x|² / M²)          q / |q|, 0        2 − 2 q·x / (M |q|)
/// SNR        x − mean(x), 0                   q − mean(q), 0    dim · var(q − x)
/// L2, L1     x, 0                             q, 0
/// ```
/// `M` is the largest norm of all rows.
///
/// # Source
/// The dot product: Bachrach et al., 2014, "Speeding up the Xbox recommender system using a
/// Euclidean transformation for inner-product spaces".
#[derive(Debug)]
pub(super) struct Euclidean {
    distance: Distance,
    largest_norm: f64,
}

impl Euclidean {
    pub(super) fn of(features: &Features, distance: Distance) -> Self {
        let rows = 0..features.rows();
        let largest_norm = rows.map(|row| norm(features.row(row))).fold(0.0, f64::max);
        Self { distance, largest_norm }
    }

    pub(super) fn row(&self, row: &[f32]) -> Vec<f32> {
        match self.distance {
            Distance::Cosine if norm(row) == 0.0 => extended(row, |x| x, 1.0),
            Distance::Dot if self.largest_norm > 0.0 => {
                let rest = 1.0 - (norm(row) / self.largest_norm).powi(2);
                extended(row, |x| x / self.largest_norm, rest.max(0.0).sqrt())
            }
            _ => self.query(row),
        }
    }

    pub(super) fn query(&self, query: &[f32]) -> Vec<f32> {
        match self.distance {
            Distance::Cosine | Distance::Dot => {
                let norm = norm(query);
                extended(query, |x| if norm > 0.0 { x / norm } else { x }, 0.0)
            }
            Distance::Snr => {
                let mean = query.iter().map(|&x| f64::from(x)).sum::<f64>() / query.len() as f64;
                extended(query, |x| x - mean, 0.0)
            }
            _ => extended(query, |x| x, 0.0),
        }
    }
}

/// Maps each value, and adds one at the end.
#[allow(clippy::cast_possible_truncation, reason = "the space is one of f32")]
fn extended(row: &[f32], map: impl Fn(f64) -> f64, last: f64) -> Vec<f32> {
    row.iter().map(|&x| map(f64::from(x)) as f32).chain([last as f32]).collect()
}

fn norm(row: &[f32]) -> f64 {
    row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nearer_rows_are_nearer_in_the_space(
            query in prop::collection::vec(-9_i8..9, 5),
            a in prop::collection::vec(-9_i8..9, 5),
            b in prop::collection::vec(-9_i8..9, 5),
        ) {
            let [query, a, b] = [query, a, b].map(|row| row.into_iter().map(f32::from).collect::<Vec<_>>());
            let rows = Features::new(5, [a.clone(), b.clone()].concat()).unwrap();
            for distance in [Distance::Cosine, Distance::Dot, Distance::L2, Distance::Snr] {
                let space = Euclidean::of(&rows, distance);
                let l2 = |row: &[f32]| Distance::L2.between(&space.query(&query), &space.row(row));
                let gap = distance.between(&query, &b) - distance.between(&query, &a);
                if gap.is_finite() && gap > 1e-3 {
                    prop_assert!(l2(&a) < l2(&b), "{distance:?}: {} {}", l2(&a), l2(&b));
                }
            }
        }
    }
}
