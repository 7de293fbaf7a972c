//! Distances beyond which a neighbor is no match.

mod cut_point;
mod metric;

use selfsame_metrics::{LabeledFeatures, MetricError, ThresholdCounts, threshold_curve};
use serde::{Deserialize, Serialize};

pub use self::cut_point::{CutPoint, Target};
pub use self::metric::CalibrationMetric;
use crate::{Hit, Index, IndexError, Matcher};

/// What a calibration looks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationConfig {
    /// Neighbors per query, 1 or more; all items if there are fewer. Default: 1 (TensorFlow
    /// Similarity).
    pub k: usize,
    /// Rule by which they decide. Default: the nearest (TensorFlow Similarity).
    pub matcher: Matcher,
    /// What is best at cut-point `optimal`. Default: F1 (TensorFlow Similarity).
    pub metric: CalibrationMetric,
    /// More cut-points, which reach a value. Default: none.
    pub targets: Vec<Target>,
}

impl Default for CalibrationConfig {
    fn default() -> Self {
        Self {
            k: 1,
            matcher: Matcher::default(),
            metric: CalibrationMetric::F1,
            targets: Vec::new(),
        }
    }
}

/// Cut-points of an index: named distances, and how well each tells matches from others.
///
/// Every query counts once, as `ThresholdCounts` has it: its neighbors decide on a class and a
/// distance, the class is the query's or not, and the distance is within the cut-point or not.
/// Recall is therefore a share of the queries whose neighbors decide rightly, and is 1 if all
/// distances are within; read it beside the match rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Neighbors per query.
    pub k: usize,
    /// Rule by which they decide.
    pub matcher: Matcher,
    /// What is best at cut-point `optimal`.
    pub metric: CalibrationMetric,
    /// Number of queries.
    pub queries: usize,
    /// Number of items at the time.
    pub items: usize,
    /// `optimal`, then the targets in their order.
    pub cut_points: Vec<CutPoint>,
}

/// Name of the cut-point that every calibration has.
const OPTIMAL: &str = "optimal";

impl Index {
    /// Finds distances that tell queries of a class from others, and keeps them with the index.
    ///
    /// Candidates are all distances at which a query's neighbors decide. Cut-point `optimal` is the
    /// candidate with the best value of the metric, the largest of equal ones. A target is the
    /// largest candidate that reaches it for precision, specificity and the false positive rate,
    /// which accept the more the larger they are, and the smallest for all others.
    ///
    /// Take queries that are not in the index, or each finds itself; for the index's own items there
    /// is [`calibrate_on_itself`](Self::calibrate_on_itself).
    ///
    /// # Errors
    /// If the index or the queries are empty, an item has no label, `k` is 0, no query is matched
    /// with its own class, a target is not reached at any distance, or two cut-points have the same
    /// name. An earlier calibration stays then.
    ///
    /// # Source
    /// TensorFlow Similarity's `calibrate`. Deviation: distances are not rounded to 8 decimals; each
    /// target names its metric; a target that is not reached is an error, not a missing cut-point.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{CalibrationConfig, CalibrationMetric, Index, Item, Target};
    /// use selfsame_metrics::{Distance, Features, LabeledFeatures};
    ///
    /// let rows = Features::new(1, vec![0.0, 10.0])?;
    /// let items = vec![Item::labeled(0), Item::labeled(1)];
    /// let mut index = Index::from_features(rows, items, Distance::L2)?;
    /// let queries = Features::new(1, vec![0.5, 9.0, 12.0, 4.0])?;
    /// let queries = LabeledFeatures::new(&queries, &[0, 1, 1, 1])?;
    /// let targets = vec![Target::new("half", CalibrationMetric::Recall, 0.5)];
    /// let calibration =
    ///     index.calibrate(queries, &CalibrationConfig { targets, ..Default::default() })?;
    /// // The distances are 0.5, 1, 2 (right) and 4 (wrong).
    /// assert_eq!(calibration.cut_points[0].distance, 2.0);
    /// assert_eq!(calibration.cut_points[0].counts.f1(), 1.0);
    /// assert_eq!(calibration.cut_points[1].distance, 1.0);
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn calibrate(
        &mut self,
        queries: LabeledFeatures<'_>,
        config: &CalibrationConfig,
    ) -> Result<&Calibration, IndexError> {
        let hits = self.search_all(queries.features(), config.k)?;
        self.calibrate_hits(&hits, queries.labels(), config)
    }

    /// Calibrates with the index's own items as queries, each among the others.
    ///
    /// # Errors
    /// As [`calibrate`](Self::calibrate).
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{CalibrationConfig, Index, Item};
    /// use selfsame_metrics::{Distance, Features};
    ///
    /// let rows = Features::new(1, vec![0.0, 1.0, 10.0, 12.0])?;
    /// let items = [0, 0, 1, 1].map(Item::labeled).to_vec();
    /// let mut index = Index::from_features(rows, items, Distance::L2)?;
    /// let calibration = index.calibrate_on_itself(&CalibrationConfig::default())?;
    /// assert_eq!(calibration.cut_points[0].distance, 2.0);
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn calibrate_on_itself(
        &mut self,
        config: &CalibrationConfig,
    ) -> Result<&Calibration, IndexError> {
        let labels = self.labels()?;
        let hits = self.search_others(config.k)?;
        self.calibrate_hits(&hits, &labels, config)
    }

    /// Calibrates with `hits[i]` as what a search found for a query of class `labels[i]`, such as an
    /// approximate search.
    ///
    /// # Errors
    /// As [`calibrate`](Self::calibrate), or if there is not one label for each query, or a query
    /// has no hit.
    pub fn calibrate_hits(
        &mut self,
        hits: &[Vec<Hit>],
        labels: &[usize],
        config: &CalibrationConfig,
    ) -> Result<&Calibration, IndexError> {
        if config.k == 0 {
            return Err(IndexError::setting("k", "1 or more"));
        }
        let curve = self.threshold_curve(hits, labels, config.matcher)?;
        if curve.last().is_none_or(|(_, counts)| counts.true_positives == 0) {
            return Err(IndexError::NothingMatches);
        }
        let (distance, counts) = config.metric.best(&curve);
        let mut cut_points = vec![CutPoint { name: OPTIMAL.to_owned(), distance, counts }];
        for target in &config.targets {
            cut_points.push(target.find(&curve)?);
        }
        let calibration = Calibration {
            k: config.k,
            matcher: config.matcher,
            metric: config.metric,
            queries: hits.len(),
            items: self.len(),
            cut_points,
        };
        calibration.check()?;
        Ok(self.calibration.insert(calibration))
    }

    /// Returns the counts at every distance at which neighbors decide, nearest first: what a
    /// calibration chooses from, for example as a plot of precision over recall.
    ///
    /// # Errors
    /// If there are no queries, there is not one label for each, a query has no hit, or an item has
    /// no label.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item, Matcher};
    /// use selfsame_metrics::{Distance, Features};
    ///
    /// let rows = Features::new(1, vec![0.0, 10.0])?;
    /// let index = Index::from_features(rows, [0, 1].map(Item::labeled).to_vec(), Distance::L2)?;
    /// let hits = index.search_all(&Features::new(1, vec![0.5, 4.0])?, 1)?;
    /// let curve = index.threshold_curve(&hits, &[0, 1], Matcher::Nearest)?;
    /// assert_eq!((curve[0].0, curve[0].1.precision()), (0.5, 1.0));
    /// assert_eq!((curve[1].0, curve[1].1.precision()), (4.0, 0.5));
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn threshold_curve(
        &self,
        hits: &[Vec<Hit>],
        labels: &[usize],
        matcher: Matcher,
    ) -> Result<Vec<(f64, ThresholdCounts)>, IndexError> {
        let (distances, is_right) = self.decisions(hits, labels, matcher)?;
        Ok(threshold_curve(&distances, &is_right)?)
    }

    /// Returns for each query the distance of the decision, and whether it is right.
    pub(crate) fn decisions(
        &self,
        hits: &[Vec<Hit>],
        labels: &[usize],
        matcher: Matcher,
    ) -> Result<(Vec<f32>, Vec<bool>), IndexError> {
        if hits.len() != labels.len() {
            let error = MetricError::LabelCount { labels: labels.len(), rows: hits.len() };
            return Err(error.into());
        }
        let votes = self.votes(hits, matcher)?;
        Ok(votes
            .iter()
            .zip(labels)
            .map(|(vote, &label)| (vote.distance, vote.label == label))
            .unzip())
    }
}

impl Calibration {
    /// Returns the cut-point named `name`.
    ///
    /// # Errors
    /// If there is none.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{CalibrationConfig, Index, Item};
    /// use selfsame_metrics::{Distance, Features};
    ///
    /// let rows = Features::new(1, vec![0.0, 1.0])?;
    /// let items = [0, 0].map(Item::labeled).to_vec();
    /// let mut index = Index::from_features(rows, items, Distance::L2)?;
    /// let calibration = index.calibrate_on_itself(&CalibrationConfig::default())?;
    /// assert_eq!(calibration.cut_point("optimal")?.distance, 1.0);
    /// let error = calibration.cut_point("best").unwrap_err().to_string();
    /// assert_eq!(error, "no cut-point is named `best`; there are `optimal`");
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn cut_point(&self, name: &str) -> Result<&CutPoint, IndexError> {
        self.cut_points.iter().find(|cut_point| cut_point.name == name).ok_or_else(|| {
            let known: Vec<String> =
                self.cut_points.iter().map(|cut_point| format!("`{}`", cut_point.name)).collect();
            IndexError::CutPoint { name: name.to_owned(), known: known.join(", ") }
        })
    }

    /// Checks what was read from a file or asked for.
    pub(crate) fn check(&self) -> Result<(), IndexError> {
        if self.k == 0 {
            return Err(IndexError::setting("k", "1 or more"));
        }
        for (place, cut_point) in self.cut_points.iter().enumerate() {
            if !cut_point.distance.is_finite() {
                return Err(IndexError::setting("distance", "finite"));
            }
            let name = &cut_point.name;
            if self.cut_points[..place].iter().any(|other| other.name == *name) {
                return Err(IndexError::DuplicateCutPoint { name: name.clone() });
            }
        }
        Ok(())
    }
}
