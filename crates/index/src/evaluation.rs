//! An index judged by labeled queries.

use selfsame_metrics::{LabeledFeatures, Retrieval, RetrievalFigures, Retrieved, ThresholdCounts};
use serde::{Deserialize, Serialize};

use crate::{CutPoint, Hit, Index, IndexError};

/// What an index retrieves for labeled queries, and how well it classifies them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Settings of the retrieval.
    pub retrieval: Retrieval,
    /// Retrieval of items that have the query's label.
    pub figures: RetrievalFigures,
    /// Share of queries whose neighbors decide on their class, whatever the distance, 0 to 1.
    pub accuracy: f64,
    /// Classification at every cut-point of the calibration, on these queries; empty if there is no
    /// calibration.
    pub cut_points: Vec<CutPoint>,
}

impl Index {
    /// Evaluates labeled queries: retrieval with the given settings, and classification at every
    /// cut-point with the number of neighbors and the rule of the calibration (without one, by the
    /// nearest).
    ///
    /// With `drop_self` the queries are the index's own items, in their order.
    ///
    /// # Errors
    /// If the index or the queries are empty, an item has no label, the widths differ, a setting is
    /// out of its range, or with `drop_self` there are not as many queries as items.
    ///
    /// # Source
    /// TensorFlow Similarity's `evaluate_retrieval` and `evaluate_classification`. Deviation: without
    /// a calibration there are no cut-points, which is no error.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{CalibrationConfig, Index, Item};
    /// use selfsame_metrics::{Distance, Features, LabeledFeatures, Retrieval};
    ///
    /// let rows = Features::new(1, vec![0.0, 1.0, 10.0, 12.0])?;
    /// let items = [0, 0, 1, 1].map(Item::labeled).to_vec();
    /// let mut index = Index::from_features(rows, items, Distance::L2)?;
    /// index.calibrate_on_itself(&CalibrationConfig::default())?;
    /// let queries = Features::new(1, vec![0.5, 6.0])?;
    /// let queries = LabeledFeatures::new(&queries, &[0, 0])?;
    /// let result = index.evaluate(queries, Retrieval { k: 2, ..Retrieval::default() })?;
    /// // 6 is nearer to 10, of class 1, than to 1, but beyond the cut-point of 2.
    /// assert_eq!((result.accuracy, result.figures.precision), (0.5, 0.75));
    /// assert_eq!(result.cut_points[0].counts.precision(), 1.0);
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn evaluate(
        &self,
        queries: LabeledFeatures<'_>,
        retrieval: Retrieval,
    ) -> Result<Evaluation, IndexError> {
        let (k, matcher, cut_points) = match self.calibration() {
            Some(calibration) => (calibration.k, calibration.matcher, &calibration.cut_points[..]),
            None => (1, crate::Matcher::Nearest, &[][..]),
        };
        if retrieval.k == 0 {
            return Err(IndexError::setting("k", "1 or more"));
        }
        let drop_self = usize::from(retrieval.drop_self);
        let wanted = retrieval.k.max(k).saturating_add(drop_self);
        let mut hits = self.search_all(queries.features(), wanted)?;
        let figures = self.retrieve(&hits, queries.labels(), &retrieval)?;
        for (query, hits) in hits.iter_mut().enumerate() {
            if retrieval.drop_self {
                hits.retain(|hit| hit.position != query);
            }
            hits.truncate(k);
        }
        let (distances, is_right) = self.decisions(&hits, queries.labels(), matcher)?;
        let at = |cut_point: &CutPoint| {
            let counts = ThresholdCounts::at(&distances, &is_right, cut_point.distance)?;
            Ok(CutPoint { counts, ..cut_point.clone() })
        };
        let cut_points: Result<Vec<CutPoint>, IndexError> = cut_points.iter().map(at).collect();
        let accuracy = ThresholdCounts::at(&distances, &is_right, f64::INFINITY)?.match_rate();
        Ok(Evaluation { retrieval, figures, accuracy, cut_points: cut_points? })
    }

    fn retrieve(
        &self,
        hits: &[Vec<Hit>],
        labels: &[usize],
        retrieval: &Retrieval,
    ) -> Result<RetrievalFigures, IndexError> {
        #[allow(clippy::cast_possible_truncation, reason = "search counts rows by u32")]
        let split = |hits: &Vec<Hit>| -> (Vec<u32>, Vec<f32>) {
            hits.iter().map(|hit| (hit.position as u32, hit.distance)).unzip()
        };
        let lists: Vec<_> = hits.iter().map(split).collect();
        let retrieved: Vec<Retrieved<'_>> =
            lists.iter().map(|(rows, distances)| Retrieved { rows, distances }).collect();
        Ok(retrieval.evaluate(&retrieved, &self.labels()?, labels)?)
    }
}
