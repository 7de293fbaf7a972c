//! Votes of neighbors.

use serde::{Deserialize, Serialize};

/// What the vote of a neighbor weighs.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, Knn, LabeledFeatures, Votes};
///
/// let rows = Features::new(2, vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0])?;
/// let train = LabeledFeatures::new(&rows, &[0, 1, 1])?;
/// let query = Features::new(2, vec![1.0, 0.1])?;
/// let vote = |votes| Knn { votes, ..Knn::default() }.predict(train, &query, 2);
/// assert_eq!((vote(Votes::Weighted)?, vote(Votes::Majority)?), (vec![0], vec![1]));
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Votes {
    /// `exp(s / temperature)`, where `s` is the cosine, the inner product, or minus the distance.
    #[default]
    Weighted,
    /// One each; a class's score is its number of votes.
    Majority,
}

impl Votes {
    /// Returns the classes that have a vote with their scores, best first, from the labels and
    /// distances of the neighbors, nearest first.
    pub(super) fn count(
        self,
        labels: &[usize],
        distances: &[f32],
        temperature: f64,
    ) -> Vec<(usize, f64)> {
        // Relative to the nearest, so that nothing overflows; that changes no order and no share.
        let nearest = distances.first().map_or(0.0, |distance| f64::from(*distance));
        let weight = |distance: f32| match self {
            Self::Majority => 1.0,
            Self::Weighted if f64::from(distance) <= nearest => 1.0, // also of two infinite ones
            Self::Weighted => ((nearest - f64::from(distance)) / temperature).exp(),
        };
        // In order of each class's nearest member.
        let mut scores: Vec<(usize, f64)> = Vec::new();
        for (&label, &distance) in labels.iter().zip(distances) {
            match scores.iter_mut().find(|(class, _)| *class == label) {
                Some((_, score)) => *score += weight(distance),
                None => scores.push((label, weight(distance))),
            }
        }
        if self == Self::Weighted {
            scores.sort_by_key(|(class, _)| *class);
        }
        scores.sort_by(|a, b| b.1.total_cmp(&a.1)); // stable
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tied_majority_goes_to_the_class_with_the_nearest_member() {
        let ranked = Votes::Majority.count(&[7, 3, 3, 7, 5], &[0.1, 0.2, 0.3, 0.4, 0.5], 1.0);
        assert_eq!(ranked, [(7, 2.0), (3, 2.0), (5, 1.0)]);
    }

    #[test]
    fn tied_weights_go_to_the_lower_class() {
        let ranked = Votes::Weighted.count(&[7, 3], &[f32::INFINITY; 2], 1.0);
        assert_eq!(ranked, [(3, 1.0), (7, 1.0)]);
    }
}
