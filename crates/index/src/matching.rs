//! Queries to classes, or to none.

use selfsame_metrics::{Features, MetricError};
use serde::{Deserialize, Serialize};

use crate::{Hit, Index, IndexError, Matcher, Vote};

/// Answer to a query: a class, or "no match".
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// The class; `None` if the distance is beyond the cut-point.
    pub label: Option<usize>,
    /// Class that the neighbors decided on, however far.
    pub candidate: usize,
    /// Distance from it.
    pub distance: f32,
    /// Position of the nearest item of that class.
    pub position: usize,
}

impl Index {
    /// Matches each query at a cut-point of the [calibration](Self::calibration), with the number of
    /// neighbors and the rule that were calibrated.
    ///
    /// # Errors
    /// If the index is empty or not calibrated, has no such cut-point or an item without a label, or
    /// the queries have another width.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{CalibrationConfig, Index, Item};
    /// use selfsame_metrics::{Distance, Features};
    ///
    /// let rows = Features::new(1, vec![0.0, 1.0, 10.0, 12.0])?;
    /// let items = [0, 0, 1, 1].map(Item::labeled).to_vec();
    /// let mut index = Index::from_features(rows, items, Distance::L2)?;
    /// index.calibrate_on_itself(&CalibrationConfig::default())?;
    /// let matches = index.match_all(&Features::new(1, vec![2.0, 5.0])?, "optimal")?;
    /// assert_eq!((matches[0].label, matches[1].label), (Some(0), None));
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn match_all(&self, queries: &Features, cut_point: &str) -> Result<Vec<Match>, IndexError> {
        let calibration = self.calibration().ok_or(IndexError::Uncalibrated)?;
        let distance = calibration.cut_point(cut_point)?.distance;
        let hits = self.search_all(queries, calibration.k)?;
        self.match_hits(&hits, calibration.matcher, distance)
    }

    /// Matches queries up to a `distance`, where `hits[i]` is what a search found for query `i`.
    ///
    /// # Errors
    /// If `distance` is NaN, a query has no hit, or an item has no label.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item, Matcher};
    /// use selfsame_metrics::{Distance, Features};
    ///
    /// let rows = Features::new(1, vec![0.0, 10.0, 12.0])?;
    /// let index = Index::from_features(rows, [0, 1, 1].map(Item::labeled).to_vec(), Distance::L2)?;
    /// let hits = index.search_all(&Features::new(1, vec![4.0])?, 3)?;
    /// let nearest = index.match_hits(&hits, Matcher::Nearest, 5.0)?;
    /// assert_eq!(nearest[0].label, Some(0));
    /// // The mean of 4, 6 and 8 is beyond 5.
    /// let majority = index.match_hits(&hits, Matcher::MajorityVote, 5.0)?;
    /// assert_eq!((majority[0].label, majority[0].candidate), (None, 1));
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn match_hits(
        &self,
        hits: &[Vec<Hit>],
        matcher: Matcher,
        distance: f64,
    ) -> Result<Vec<Match>, IndexError> {
        if distance.is_nan() {
            return Err(IndexError::setting("distance", "a number, not NaN"));
        }
        let answer = |vote: Vote| Match {
            label: (f64::from(vote.distance) <= distance).then_some(vote.label),
            candidate: vote.label,
            distance: vote.distance,
            position: vote.position,
        };
        Ok(self.votes(hits, matcher)?.into_iter().map(answer).collect())
    }

    /// Returns what the neighbors of each query decide on.
    pub(crate) fn votes(
        &self,
        hits: &[Vec<Hit>],
        matcher: Matcher,
    ) -> Result<Vec<Vote>, IndexError> {
        let labels = self.labels()?;
        let items = labels.len();
        let beyond = hits.iter().flatten().find(|hit| hit.position >= items);
        if let Some(&Hit { position, .. }) = beyond {
            return Err(IndexError::Position { position, items });
        }
        let none = IndexError::Metric(MetricError::Setting {
            key: "hits",
            range: "at least one for each query",
        });
        let votes: Option<Vec<Vote>> =
            hits.iter().map(|hits| matcher.vote(hits, &labels)).collect();
        votes.ok_or(none)
    }
}
