//! How the neighbors of a query decide on a class.

use serde::{Deserialize, Serialize};

use crate::Hit;

/// Rule by which the neighbors of a query decide on a class and on a distance from it.
///
/// # Source
/// TensorFlow Similarity's `MatchNearest` and `MatchMajorityVote`. Deviation: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matcher {
    /// The nearest neighbor decides, with its distance.
    #[default]
    Nearest,
    /// The most frequent class among the neighbors, with the mean distance of all of them; among
    /// equally frequent classes that of the nearest neighbor.
    MajorityVote,
}

/// Class that the neighbors of a query decided on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// The class.
    pub label: usize,
    /// Distance from it, by the rule of the [`Matcher`].
    pub distance: f32,
    /// Position of the nearest item of that class.
    pub position: usize,
}

impl Matcher {
    /// Decides among `hits`, nearest first, where the item at position `p` has label `labels[p]`;
    /// `None` if there are no hits.
    ///
    /// # Panics
    /// If a hit's position is not below the number of labels.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Hit, Matcher};
    ///
    /// let hits = [(0, 0.5), (1, 1.0), (2, 1.5)];
    /// let hits = hits.map(|(position, distance)| Hit { position, distance });
    /// let nearest = Matcher::Nearest.vote(&hits, &[7, 4, 4]).unwrap();
    /// assert_eq!((nearest.label, nearest.distance), (7, 0.5));
    /// let majority = Matcher::MajorityVote.vote(&hits, &[7, 4, 4]).unwrap();
    /// assert_eq!((majority.label, majority.distance, majority.position), (4, 1.0, 1));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn vote(self, hits: &[Hit], labels: &[usize]) -> Option<Vote> {
        let nearest = hits.first()?;
        let vote = |hit: &Hit, distance| Vote {
            label: labels[hit.position],
            distance,
            position: hit.position,
        };
        match self {
            Self::Nearest => Some(vote(nearest, nearest.distance)),
            Self::MajorityVote => {
                let count = |hit: &Hit| {
                    let same = |other: &&Hit| labels[other.position] == labels[hit.position];
                    hits.iter().filter(same).count()
                };
                // Of equal counts `max_by_key` returns the last, which is here the nearest.
                let winner = hits.iter().rev().max_by_key(|hit| count(hit))?;
                let sum: f64 = hits.iter().map(|hit| f64::from(hit.distance)).sum();
                #[allow(clippy::cast_possible_truncation, reason = "a mean of f32 is one")]
                Some(vote(winner, (sum / hits.len() as f64) as f32))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(distances: &[f32]) -> Vec<Hit> {
        let hit = |(position, &distance)| Hit { position, distance };
        distances.iter().enumerate().map(hit).collect()
    }

    /// Their example has distances whose mean is 1.2, and then 2.2.
    #[test]
    fn votes_are_those_of_tensorflow_similaritys_tests() {
        let vote = |labels: &[usize], distances: &[f32]| {
            let vote = Matcher::MajorityVote.vote(&hits(distances), labels).unwrap();
            (vote.label, vote.distance)
        };
        assert_eq!(vote(&[10, 12, 10, 12, 10], &[1.0, 1.1, 1.2, 1.3, 1.4]), (10, 1.2));
        assert_eq!(vote(&[20, 13, 13, 20, 30], &[2.0, 2.1, 2.2, 2.3, 2.4]), (20, 2.2));
    }

    #[test]
    fn a_tie_goes_to_the_class_of_the_nearest() {
        let vote = Matcher::MajorityVote.vote(&hits(&[0.0, 1.0, 2.0, 3.0]), &[5, 4, 4, 5]).unwrap();
        assert_eq!((vote.label, vote.position), (5, 0));
        let lone = Matcher::MajorityVote.vote(&hits(&[0.0, 1.0, 2.0]), &[9, 8, 7]).unwrap();
        assert_eq!((lone.label, lone.distance), (9, 1.0));
    }

    #[test]
    fn no_neighbors_decide_nothing() {
        assert_eq!(Matcher::Nearest.vote(&[], &[]), None);
        assert_eq!(Matcher::MajorityVote.vote(&[], &[]), None);
    }
}
