//! Distances within and between classes of a batch, and their means over an epoch.

use serde::{Deserialize, Serialize};

use crate::{LabeledFeatures, MetricError};

/// Which pairs of every anchor count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mining {
    /// The farthest row of its class and the nearest of another: the default of TensorFlow
    /// Similarity's metrics.
    #[default]
    Hard,
    /// The nearest row of its class and the farthest of another.
    Easy,
    /// All rows but itself.
    All,
}

/// Mean, extremes and sum of some distances.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Number of distances, at least 1.
    pub count: usize,
    /// Mean of the distances.
    pub mean: f64,
    /// Smallest distance.
    pub min: f64,
    /// Largest distance.
    pub max: f64,
    /// Sum of the distances.
    pub sum: f64,
}

impl Spread {
    fn of(distances: &[f64]) -> Option<Self> {
        let (count, sum) = (distances.len(), distances.iter().sum::<f64>());
        let min = distances.iter().copied().reduce(f64::min)?;
        let max = distances.iter().copied().reduce(f64::max)?;
        Some(Self { count, mean: sum / count as f64, min, max, sum })
    }
}

/// Distances of a batch's rows to those of their own class (positive) and of others (negative).
///
/// # Source
/// The figures are TensorFlow Similarity's `DistanceMetric` and `DistanceGapMetric`. Deviation: an
/// anchor without such a pair is omitted, where theirs takes a distance of another kind, and the
/// gap keeps its sign.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, LabeledFeatures, Mining, PairDistances};
///
/// let features = Features::new(1, vec![0.0, 1.0, 5.0, 7.0])?;
/// let batch = LabeledFeatures::new(&features, &[0, 0, 1, 1])?;
/// let apart = |a: &[f32], b: &[f32]| f64::from((a[0] - b[0]).abs());
/// let found = PairDistances::of(batch, Mining::Hard, apart)?;
/// assert_eq!(found.positive.unwrap().mean, (1.0 + 1.0 + 2.0 + 2.0) / 4.0);
/// assert_eq!(found.negative.unwrap().min, 4.0);
/// assert_eq!(found.gap(), Some(4.0 - 2.0));
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairDistances {
    /// Distances within classes; none if no class has two rows.
    pub positive: Option<Spread>,
    /// Distances between classes; none if there is one class.
    pub negative: Option<Spread>,
}

impl PairDistances {
    /// Measures the pairs of a batch; `distance` receives the anchor and the other row.
    ///
    /// Every row is an anchor once. Time grows with the square of the rows.
    ///
    /// # Errors
    /// If a distance is NaN or infinite.
    pub fn of(
        batch: LabeledFeatures<'_>,
        mining: Mining,
        distance: impl Fn(&[f32], &[f32]) -> f64,
    ) -> Result<Self, MetricError> {
        let (features, labels) = (batch.features(), batch.labels());
        let (mut positive, mut negative) = (vec![], vec![]);
        for anchor in 0..features.rows() {
            let (mut same, mut other) = (vec![], vec![]);
            for row in (0..features.rows()).filter(|&row| row != anchor) {
                let apart = distance(features.row(anchor), features.row(row));
                if !apart.is_finite() {
                    return Err(MetricError::NotFinite { row });
                }
                if labels[row] == labels[anchor] { same.push(apart) } else { other.push(apart) }
            }
            match mining {
                Mining::Hard => {
                    positive.extend(same.into_iter().reduce(f64::max));
                    negative.extend(other.into_iter().reduce(f64::min));
                }
                Mining::Easy => {
                    positive.extend(same.into_iter().reduce(f64::min));
                    negative.extend(other.into_iter().reduce(f64::max));
                }
                Mining::All => {
                    positive.extend(same);
                    negative.extend(other);
                }
            }
        }
        Ok(Self { positive: Spread::of(&positive), negative: Spread::of(&negative) })
    }

    /// Returns the smallest negative distance minus the largest positive one: above 0 if a threshold
    /// tells all measured pairs apart; none without pairs of both kinds.
    #[must_use]
    pub fn gap(&self) -> Option<f64> {
        Some(self.negative?.min - self.positive?.max)
    }
}

/// Means of [`PairDistances`] over the batches of an epoch.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, LabeledFeatures, Mining, PairDistanceMeans, PairDistances};
///
/// let apart = |a: &[f32], b: &[f32]| f64::from((a[0] - b[0]).abs());
/// let mut epoch = PairDistanceMeans::default();
/// for (data, labels) in [(vec![0.0, 1.0, 9.0], vec![0, 0, 1]), (vec![0.0; 4], vec![0; 4])] {
///     let features = Features::new(1, data)?;
///     epoch.add(&PairDistances::of(LabeledFeatures::new(&features, &labels)?, Mining::Hard, apart)?);
/// }
/// // Two anchors with a distance of 1, four with 0.
/// assert_eq!(epoch.mean().positive.unwrap().mean, 2.0 / 6.0);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PairDistanceMeans {
    positive: Total,
    negative: Total,
    gaps: (usize, f64),
}

/// Sums over batches.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Total {
    batches: usize,
    count: usize,
    sum: f64,
    min: f64,
    max: f64,
}

impl Total {
    fn add(&mut self, spread: &Spread) {
        self.batches += 1;
        self.count += spread.count;
        self.sum += spread.sum;
        self.min += spread.min;
        self.max += spread.max;
    }

    fn mean(&self) -> Option<EpochSpread> {
        let batches = self.batches as f64;
        (self.batches > 0).then(|| EpochSpread {
            mean: self.sum / self.count as f64,
            min: self.min / batches,
            max: self.max / batches,
            sum: self.sum / batches,
        })
    }
}

/// Distances of one kind over an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochSpread {
    /// Mean over all distances, each weighing alike, whatever the sizes of the batches.
    pub mean: f64,
    /// Mean over batches of the smallest distance.
    pub min: f64,
    /// Mean over batches of the largest distance.
    pub max: f64,
    /// Mean over batches of the sum.
    pub sum: f64,
}

/// What an epoch's batches have in the mean; batches without pairs of a kind are omitted there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochDistances {
    /// Distances within classes.
    pub positive: Option<EpochSpread>,
    /// Distances between classes.
    pub negative: Option<EpochSpread>,
    /// Mean over batches of the [gap](PairDistances::gap).
    pub gap: Option<f64>,
}

impl PairDistanceMeans {
    /// Adds a batch.
    pub fn add(&mut self, batch: &PairDistances) {
        batch.positive.iter().for_each(|spread| self.positive.add(spread));
        batch.negative.iter().for_each(|spread| self.negative.add(spread));
        if let Some(gap) = batch.gap() {
            self.gaps = (self.gaps.0 + 1, self.gaps.1 + gap);
        }
    }

    /// Returns the means over the batches so far; start a new value for every epoch.
    #[must_use]
    pub fn mean(&self) -> EpochDistances {
        let (count, sum) = self.gaps;
        EpochDistances {
            positive: self.positive.mean(),
            negative: self.negative.mean(),
            gap: (count > 0).then(|| sum / count as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Features;

    fn apart(a: &[f32], b: &[f32]) -> f64 {
        f64::from((a[0] - b[0]).abs())
    }

    fn of(data: &[f32], labels: &[usize], mining: Mining) -> PairDistances {
        let features = Features::new(1, data.to_vec()).unwrap();
        let batch = LabeledFeatures::new(&features, labels).unwrap();
        PairDistances::of(batch, mining, apart).unwrap()
    }

    #[test]
    fn mining_takes_the_extremes_and_all_takes_every_pair() {
        // Class 0 at 0, 1 and 4, class 1 at 6.
        let (data, labels) = ([0.0, 1.0, 4.0, 6.0], [0, 0, 0, 1]);
        let figures = |mining| {
            let found = of(&data, &labels, mining);
            let (p, n) = (found.positive.unwrap(), found.negative.unwrap());
            [
                p.count as f64,
                p.mean,
                p.min,
                p.max,
                p.sum,
                n.count as f64,
                n.mean,
                n.min,
                n.max,
                n.sum,
            ]
        };
        // Positives 4, 3, 4; negatives of 0, 1, 4 and 6: 6, 5, 2 and 2.
        let hard = [3.0, 11.0 / 3.0, 3.0, 4.0, 11.0, 4.0, 15.0 / 4.0, 2.0, 6.0, 15.0];
        // Positives 1, 1, 3; negatives 6, 5, 2 and 6.
        let easy = [3.0, 5.0 / 3.0, 1.0, 3.0, 5.0, 4.0, 19.0 / 4.0, 2.0, 6.0, 19.0];
        // Positives 1, 4, 1, 3, 4, 3; negatives 6, 5, 2 both ways.
        let all = [6.0, 16.0 / 6.0, 1.0, 4.0, 16.0, 6.0, 26.0 / 6.0, 2.0, 6.0, 26.0];
        for (mining, want) in [(Mining::Hard, hard), (Mining::Easy, easy), (Mining::All, all)] {
            let found = figures(mining);
            let near = found.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12);
            assert!(near, "{mining:?}: {found:?} is not {want:?}");
        }
    }

    #[test]
    fn an_overlap_is_a_gap_below_zero() {
        let gap = of(&[0.0, 4.0, 1.0, 9.0], &[0, 0, 1, 1], Mining::Hard).gap().unwrap();
        assert!((gap - (1.0 - 8.0)).abs() < 1e-12);
    }

    #[test]
    fn kinds_of_pairs_that_do_not_exist_are_none() {
        let different = of(&[0.0, 1.0], &[0, 1], Mining::Hard);
        assert!(different.positive.is_none() && different.gap().is_none());
        let one_class = of(&[0.0, 1.0], &[5, 5], Mining::Hard);
        assert!(one_class.negative.is_none() && one_class.gap().is_none());
        let nothing = of(&[], &[], Mining::All);
        assert!(nothing.positive.is_none() && nothing.negative.is_none());
        let mut epoch = PairDistanceMeans::default();
        assert_eq!(epoch.mean(), EpochDistances { positive: None, negative: None, gap: None });
        epoch.add(&different);
        assert!(epoch.mean().positive.is_none() && epoch.mean().negative.is_some());
    }

    #[test]
    fn an_epoch_weighs_every_distance_alike() {
        let mut epoch = PairDistanceMeans::default();
        epoch.add(&of(&[0.0, 3.0], &[0, 0], Mining::Hard));
        epoch.add(&of(&[0.0; 4], &[0; 4], Mining::Hard));
        let found = epoch.mean().positive.unwrap();
        let want = EpochSpread { mean: 1.0, min: 1.5, max: 1.5, sum: 3.0 };
        assert_eq!(found, want, "six distances sum to 6, a mean of means would be 1.5");
    }

    #[test]
    fn a_distance_that_is_not_finite_is_an_error() {
        let features = Features::new(1, vec![0.0, 1.0]).unwrap();
        let batch = LabeledFeatures::new(&features, &[0, 1]).unwrap();
        let found = PairDistances::of(batch, Mining::Hard, |_, _| f64::NAN);
        assert_eq!(found, Err(MetricError::NotFinite { row: 1 }));
    }
}
