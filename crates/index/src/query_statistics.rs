//! What queries found, and how long they took.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Hit;

/// Distances of the hits of many queries.
///
/// It depends on the index and the queries alone; the time that searches take is kept apart, in
/// [`QueryTimes`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryStatistics {
    /// Number of queries.
    pub queries: usize,
    /// Queries that found nothing, as a search within a distance may.
    pub without_hits: usize,
    /// Number of hits of all queries.
    pub hits: usize,
    /// Distances of the nearest hit of each query.
    pub nearest: Option<Distribution>,
    /// Distances of the farthest hit of each query.
    pub farthest: Option<Distribution>,
    /// Distances of all hits.
    pub all: Option<Distribution>,
}

/// Mean, deviation and quantiles of some values.
///
/// Quantiles lie between two values as NumPy's do by default (linear interpolation).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// Mean.
    pub mean: f64,
    /// Standard deviation, with the number of values in the denominator.
    pub std: f64,
    /// Smallest value.
    pub min: f64,
    /// A twentieth of the values is below.
    pub quantile_05: f64,
    /// A quarter of the values is below.
    pub quantile_25: f64,
    /// Half of the values is below.
    pub median: f64,
    /// Three quarters of the values are below.
    pub quantile_75: f64,
    /// Nineteen of twenty values are below.
    pub quantile_95: f64,
    /// Largest value.
    pub max: f64,
}

impl QueryStatistics {
    /// Describes what searches found: `hits[i]` for query `i`, nearest first.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item, QueryStatistics};
    /// use selfsame_metrics::{Distance, Features};
    ///
    /// let rows = Features::new(1, vec![0.0, 10.0])?;
    /// let index = Index::from_features(rows, vec![Item::default(); 2], Distance::L2)?;
    /// let hits = index.search_all_within(&Features::new(1, vec![1.0, 4.0, 99.0])?, 7.0)?;
    /// let statistics = QueryStatistics::of(&hits);
    /// assert_eq!((statistics.queries, statistics.without_hits, statistics.hits), (3, 1, 3));
    /// let nearest = statistics.nearest.unwrap();
    /// assert_eq!((nearest.min, nearest.mean, nearest.max), (1.0, 2.5, 4.0));
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    #[must_use]
    pub fn of(hits: &[Vec<Hit>]) -> Self {
        let spread = |hits: &mut dyn Iterator<Item = &Hit>| {
            Distribution::of(hits.map(|hit| f64::from(hit.distance)).collect())
        };
        Self {
            queries: hits.len(),
            without_hits: hits.iter().filter(|hits| hits.is_empty()).count(),
            hits: hits.iter().map(Vec::len).sum(),
            nearest: spread(&mut hits.iter().filter_map(|hits| hits.first())),
            farthest: spread(&mut hits.iter().filter_map(|hits| hits.last())),
            all: spread(&mut hits.iter().flatten()),
        }
    }
}

impl Distribution {
    /// Describes values; `None` if there are none.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::Distribution;
    ///
    /// let spread = Distribution::of(vec![4.0, 1.0, 3.0, 2.0]).unwrap();
    /// assert_eq!((spread.mean, spread.median, spread.quantile_25), (2.5, 2.5, 1.75));
    /// assert_eq!(Distribution::of(vec![]), None);
    /// ```
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in the values"
        )]
        let quantile = |share: f64| {
            let place = share * (count - 1.0);
            let (below, above) = (place.floor() as usize, place.ceil() as usize);
            values[below] + (values[above] - values[below]) * place.fract()
        };
        Some(Self {
            mean,
            std: (squares / count).sqrt(),
            min,
            quantile_05: quantile(0.05),
            quantile_25: quantile(0.25),
            median: quantile(0.5),
            quantile_75: quantile(0.75),
            quantile_95: quantile(0.95),
            max,
        })
    }
}

/// Times of the last searches, which differ from run to run.
///
/// # Example
/// ```
/// use std::time::Duration;
///
/// use selfsame_index::QueryTimes;
///
/// let mut times = QueryTimes::of_the_last(2);
/// for milliseconds in [900, 10, 20] {
///     times.record(Duration::from_millis(milliseconds));
/// }
/// assert_eq!(times.lookups(), 3);
/// assert_eq!(times.seconds().unwrap().max, 0.02, "the first is no longer among the last two");
/// ```
#[derive(Clone, Debug)]
pub struct QueryTimes {
    window: usize,
    lookups: u64,
    last: std::collections::VecDeque<Duration>,
}

impl Default for QueryTimes {
    /// Keeps the last 1,000 searches, as TensorFlow Similarity does.
    fn default() -> Self {
        Self::of_the_last(1_000)
    }
}

impl QueryTimes {
    /// Keeps the times of the last `window` searches, at least one.
    #[must_use]
    pub fn of_the_last(window: usize) -> Self {
        Self { window: window.max(1), lookups: 0, last: std::collections::VecDeque::new() }
    }

    /// Records how long one search took.
    pub fn record(&mut self, time: Duration) {
        if self.last.len() == self.window {
            self.last.pop_front();
        }
        self.last.push_back(time);
        self.lookups += 1;
    }

    /// Returns the number of searches so far.
    #[must_use]
    pub fn lookups(&self) -> u64 {
        self.lookups
    }

    /// Returns the spread of the last times in seconds; `None` if there were none.
    #[must_use]
    pub fn seconds(&self) -> Option<Distribution> {
        Distribution::of(self.last.iter().map(Duration::as_secs_f64).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_and_none_have_a_spread_or_none() {
        let one = Distribution::of(vec![-3.0]).unwrap();
        assert_eq!(
            (one.mean, one.std, one.min, one.median, one.max),
            (-3.0, 0.0, -3.0, -3.0, -3.0)
        );
        let none = QueryStatistics::of(&[vec![], vec![]]);
        assert_eq!((none.queries, none.without_hits, none.nearest), (2, 2, None));
        assert!(QueryTimes::default().seconds().is_none());
    }

    /// `numpy.quantile([1, 2, 4, 8, 16], [.05, .25, .5, .75, .95])`, and `numpy.std`.
    #[test]
    fn quantiles_are_those_of_numpy() {
        let spread = Distribution::of(vec![16.0, 1.0, 4.0, 2.0, 8.0]).unwrap();
        let found = [spread.quantile_05, spread.quantile_25, spread.median, spread.quantile_75];
        for (found, want) in found.into_iter().zip([1.2, 2.0, 4.0, 8.0]) {
            assert!((found - want).abs() < 1e-12, "{found} is not {want}");
        }
        assert!((spread.quantile_95 - 14.4).abs() < 1e-12);
        assert!((spread.std - 29.76_f64.sqrt()).abs() < 1e-12);
    }
}
