//! Search for the penalty of a linear probe.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::objective::{Objective, penalty};
use super::{FeatureScaling, FittedProbe, tolerance};
use crate::lbfgs::{Curvature, minimize};
use crate::{LabeledFeatures, MetricError};

/// [`LinearProbe`](crate::LinearProbe) with its penalty searched on part of the training rows.
///
/// ```text
/// minimize  C Σ −log softmax(W x + b)[label]  +  1/2 ‖W‖²      for each C of the grid
/// ```
/// A tenth of the rows of each class, drawn by the seed, is held out; the `C` with the best accuracy
/// on them is kept, the smallest of equal ones, and the layer fitted again to all training rows. Test
/// rows take no part. The fits go from the strongest penalty to the weakest, each from the result and
/// curvature of the one before.
///
/// # Source
/// The logistic regression of DINOv3's evaluation, Siméoni et al., 2025,
/// [arXiv:2508.10104](https://arxiv.org/abs/2508.10104): 45 values of `C`, chosen on 10 % of the
/// training rows, L-BFGS in double precision. Deviation: features are standardized by default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeGrid {
    /// The values of `C`, above 0, in any order; larger is a weaker penalty.
    pub c: Vec<f64>,
    /// Share of the rows of each class that is held out, above 0 and below 1.
    pub held_out: f64,
    /// Decides which rows are held out.
    pub seed: u64,
    /// Maximum number of L-BFGS steps per value.
    pub steps: usize,
    /// What is done to the features first; by default they are standardized.
    #[serde(default)]
    pub scaling: FeatureScaling,
}

impl Default for ProbeGrid {
    /// Returns the 45 values `10^(i/4 − 6)`, `i` from 0 to 44, that is from 1e-6 to 1e5; a tenth
    /// held out with seed 0; at most 1000 steps per value, as DINOv3 has them.
    fn default() -> Self {
        let c = (0..45).map(|i| 10.0_f64.powf(f64::from(i) / 4.0 - 6.0)).collect();
        Self { c, held_out: 0.1, seed: 0, steps: 1000, scaling: FeatureScaling::Standardize }
    }
}

/// The chosen penalty and the layer fitted with it, from [`ProbeGrid::fit`].
#[derive(Clone, Debug)]
pub struct GridFit {
    /// The layer, fitted to all training rows.
    pub probe: FittedProbe,
    /// The chosen `C`.
    pub c: f64,
    /// `(C, accuracy on the rows held out)`, `C` ascending.
    pub accuracies: Vec<(f64, f64)>,
}

/// Largest element of the gradient at which a fit that only chooses `C` ends: that of scikit-learn.
const ROUGH: f64 = 1e-4;

impl ProbeGrid {
    /// Chooses `C` and fits a linear layer with it to all rows.
    ///
    /// # Errors
    /// If there are no rows, a label is not below `classes`, the grid is empty, a value of it is not
    /// above 0, `held_out` is not between 0 and 1, or no class has the two rows that holding one out
    /// takes.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, LabeledFeatures, ProbeGrid};
    ///
    /// let features = Features::new(1, (0..20).map(|i| i as f32 - 9.5).collect())?;
    /// let labels: Vec<usize> = (0..20).map(|i| i / 10).collect();
    /// let train = LabeledFeatures::new(&features, &labels)?;
    /// let fit = ProbeGrid::default().fit(train, 2)?;
    /// assert_eq!((fit.accuracies.len(), fit.probe.accuracy(train)?), (45, 1.0));
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn fit(&self, train: LabeledFeatures<'_>, classes: usize) -> Result<GridFit, MetricError> {
        let mut probe = FittedProbe::untrained(train, classes, self.scaling)?;
        let grid = self.ascending()?;
        let (kept, held) = self.split(train.labels(), classes)?;
        let part = |rows: &[usize]| {
            let labels: Vec<usize> = rows.iter().map(|row| train.labels()[*row]).collect();
            (train.features().select(rows), labels)
        };
        let ((features, labels), (held, held_labels)) = (part(&kept), part(&held));
        let held = LabeledFeatures::new(&held, &held_labels)?;
        let fitted = LabeledFeatures::new(&features, &labels)?;

        let mut trial = FittedProbe::untrained(fitted, classes, self.scaling)?;
        let rows = trial.scaled(features.as_slice());
        let mut objective = Objective::new(&rows, &labels, classes, 0.0);
        let mut curvature = Curvature::default();
        let width = features.dim() + 1;
        let mut accuracies = Vec::with_capacity(grid.len());
        let (mut best, mut chosen) = (f64::NEG_INFINITY, (grid[0], Vec::new()));
        for c in grid {
            let penalty = penalty(1.0 / c, labels.len(), classes);
            curvature.add_penalty(penalty - objective.penalty, |at| at % width + 1 != width);
            objective.penalty = penalty;
            let loss = |weights: &[f64]| objective.at(weights);
            let start = std::mem::take(&mut trial.weights);
            trial.weights = minimize(loss, start, ROUGH, self.steps, &mut curvature);
            let accuracy = trial.accuracy(held)?;
            accuracies.push((c, accuracy));
            if accuracy > best {
                (best, chosen) = (accuracy, (c, trial.weights.clone()));
            }
        }
        drop(rows);

        let (c, start) = chosen;
        let rows = probe.scaled(train.features().as_slice());
        let penalty = penalty(1.0 / c, train.labels().len(), classes);
        let objective = Objective::new(&rows, train.labels(), classes, penalty);
        let loss = |weights: &[f64]| objective.at(weights);
        probe.weights = minimize(loss, start, tolerance(), self.steps, &mut Curvature::default());
        Ok(GridFit { probe, c, accuracies })
    }

    fn ascending(&self) -> Result<Vec<f64>, MetricError> {
        let mut grid = self.c.clone();
        if grid.is_empty() || !grid.iter().all(|c| *c > 0.0 && c.is_finite()) {
            return Err(MetricError::Setting { key: "c", range: "one or more values above 0" });
        }
        grid.sort_by(f64::total_cmp);
        Ok(grid)
    }

    /// Returns the rows to fit and the rows held out, both ascending: of each class the share
    /// rounded, at least one and not all; a class of one row is fitted.
    fn split(
        &self,
        labels: &[usize],
        classes: usize,
    ) -> Result<(Vec<usize>, Vec<usize>), MetricError> {
        if !(self.held_out > 0.0 && self.held_out < 1.0) {
            return Err(MetricError::Setting { key: "held_out", range: "above 0 and below 1" });
        }
        let mut of_classes = vec![Vec::new(); classes];
        labels.iter().enumerate().for_each(|(row, label)| of_classes[*label].push(row));
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let (mut kept, mut held) = (Vec::new(), Vec::new());
        for mut rows in of_classes {
            rows.shuffle(&mut rng);
            let most = rows.len().saturating_sub(1);
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of a number of rows"
            )]
            let share = (rows.len() as f64 * self.held_out).round() as usize;
            let out = share.max(1).min(most);
            held.extend_from_slice(&rows[..out]);
            kept.extend_from_slice(&rows[out..]);
        }
        if held.is_empty() {
            return Err(MetricError::Setting {
                key: "held_out",
                range: "used with a class of two rows or more; a `LinearProbe` holds none out",
            });
        }
        kept.sort_unstable();
        held.sort_unstable();
        Ok((kept, held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_45_quarter_decades_from_a_millionth() {
        let c = ProbeGrid::default().c;
        assert_eq!(c.len(), 45);
        assert!((c[0] / 1e-6 - 1.0).abs() < 1e-9 && (c[44] / 1e5 - 1.0).abs() < 1e-9);
        assert!((c[24] - 1.0).abs() < 1e-9 && (c[28] / c[24] - 10.0).abs() < 1e-9);
    }

    #[test]
    fn a_tenth_of_each_class_is_held_out_by_the_seed() {
        let labels: Vec<usize> =
            (0..130).map(|i| usize::from(i >= 100) + usize::from(i == 129)).collect();
        let split = |seed| ProbeGrid { seed, ..ProbeGrid::default() }.split(&labels, 5).unwrap();
        let (kept, held) = split(3);
        let count = |class| held.iter().filter(|row| labels[**row] == class).count();
        assert_eq!([0, 1, 2].map(count), [10, 3, 0], "a class of one row is fitted");
        let mut all = [kept, held.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..130).collect::<Vec<_>>());
        assert_eq!(split(3).1, held);
        assert_ne!(split(4).1, held);
    }
}
