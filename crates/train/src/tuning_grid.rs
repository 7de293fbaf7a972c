//! Settings of supervised training, chosen on held-out labels.

use std::sync::Arc;

use burn::tensor::Tensor;
use selfsame_datasets::{Subset, stratified_split};
use selfsame_metrics::{Features, Summary};
use selfsame_models::Backbone;
use selfsame_optim::OptimizerConfig;
use serde::{Deserialize, Serialize};

use crate::fine_tune::accuracy_of_scores;
use crate::labels::{all_labels, labels_to_learn};
use crate::{FineTune, Supervised, TrainError, Tuned};

/// Images per class, on average, from which on some are held out to choose the settings.
const ENOUGH: usize = 3;

/// Candidates for the settings of supervised training, of which the labeled images choose one.
///
/// A part of the labeled images is held out, the same share of each class. Every candidate is trained
/// on the rest and judged by its accuracy on the held-out part; of equal ones the lower cross-entropy
/// decides, then the order. The best is then trained on all labeled images. A candidate whose loss
/// becomes NaN or infinite loses. **Where the images are fewer than three per class on average, the
/// first candidate is taken**: what could be held out would say nothing. Test images have no part in
/// the choice.
///
/// A network from scratch and a pre-trained one are compared fairly if both choose from a grid of
/// their own: [`from_scratch`](Self::from_scratch), [`fine_tuning`](Self::fine_tuning).
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::Device;
/// use selfsame_augment::Recipe;
/// use selfsame_datasets::{Dataset, Split, Synthetic, SyntheticConfig};
/// use selfsame_models::ResNetConfig;
/// use selfsame_optim::OptimizerConfig;
/// use selfsame_train::{FineTune, Supervised, TuningGrid};
///
/// let shapes = |split| -> Arc<dyn Dataset> {
///     Arc::new(Synthetic::new(SyntheticConfig { images: 30, size: 8, seed: 0, split }))
/// };
/// let (train, test) = (shapes(Split::Train), shapes(Split::Test));
/// let device = Device::flex();
/// let images = Supervised::new(train, test, Recipe::supervised_shapes(8), &device);
/// let sgd = FineTune::from_scratch(OptimizerConfig::sgd(0.9, 5e-4), 0.1);
/// let grid = TuningGrid::product(&sgd, &[0.1, 0.01], &[2]);
///
/// let encoder = ResNetConfig::resnet10(1).init(0, &device);
/// let labeled: Vec<usize> = (0..30).collect();
/// let choice = grid.choose(&encoder, &images, &labeled)?;
/// assert_eq!(choice.trials.len(), 2);
/// assert!([0.1, 0.01].contains(&choice.settings.rate));
/// # Ok::<(), selfsame_train::TrainError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuningGrid {
    /// The candidates, at least one; the first is taken where the labels cannot choose.
    pub candidates: Vec<FineTune>,
    /// Share of the labeled images that is held out, above 0 and below 1; at least one image of every
    /// class of two or more. Default 0.2.
    #[serde(default = "a_fifth")]
    pub held_out: f64,
}

fn a_fifth() -> f64 {
    0.2
}

/// The settings that were chosen, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The settings.
    pub settings: FineTune,
    /// What became of each candidate on the held-out images, in order; empty if there was only one,
    /// or too few images to choose by.
    pub trials: Vec<Trial>,
}

/// What became of a candidate on the held-out images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Share of the held-out images that it classifies correctly; `None` if it diverged.
    pub accuracy: Option<f64>,
    /// Mean cross-entropy on the held-out images, in nats; `None` if it diverged.
    pub cross_entropy: Option<f64>,
}

impl TuningGrid {
    /// Returns a grid of these candidates, of which a fifth of the labeled images chooses.
    #[must_use]
    pub fn new(candidates: Vec<FineTune>) -> Self {
        Self { candidates, held_out: a_fifth() }
    }

    /// Returns a grid of all pairs of a learning rate and a number of steps, with all other settings
    /// as in `base`; the first rate and the first number of steps are the first candidate.
    ///
    /// # Example
    /// ```
    /// use selfsame_train::{FineTune, TuningGrid};
    ///
    /// let grid = TuningGrid::product(&FineTune::default(), &[1e-3, 1e-4], &[200, 1_000]);
    /// let found: Vec<_> = grid.candidates.iter().map(|one| (one.rate, one.steps)).collect();
    /// assert_eq!(found, [(1e-3, 200), (1e-3, 1_000), (1e-4, 200), (1e-4, 1_000)]);
    /// ```
    #[must_use]
    pub fn product(base: &FineTune, rates: &[f64], steps: &[u64]) -> Self {
        let candidate =
            |rate| steps.iter().map(move |&steps| FineTune { rate, steps, ..base.clone() });
        Self::new(rates.iter().flat_map(|&rate| candidate(rate)).collect())
    }

    /// Returns the grid for fresh weights of any encoder: SGD at 0.1, 0.03 and 0.3 with a weight decay
    /// of 5e-4, and `AdamW` at 1e-3 and 3e-4 with one of 0.05, for 2,000 and for 500 steps.
    ///
    /// The first is SGD at 0.1, as residual networks are trained; transformers need `AdamW`, which
    /// [`product`](Self::product) can put first. All values are ours.
    #[must_use]
    pub fn from_scratch() -> Self {
        let sgd = FineTune::from_scratch(OptimizerConfig::sgd(0.9, 5e-4), 0.1);
        let adam_w = FineTune::from_scratch(OptimizerConfig::adam_w(0.05), 1e-3);
        let mut grid = Self::product(&sgd, &[0.1, 0.03, 0.3], &[2_000, 500]);
        grid.candidates.extend(Self::product(&adam_w, &[1e-3, 3e-4], &[2_000, 500]).candidates);
        grid
    }

    /// Returns the grid for a pre-trained encoder: [`FineTune::default`] at 3e-3, 1e-2 and 1e-3, for
    /// 2,000 and for 500 steps. All values are ours.
    #[must_use]
    pub fn fine_tuning() -> Self {
        Self::product(&FineTune::default(), &[3e-3, 1e-2, 1e-3], &[2_000, 500])
    }

    /// Chooses the settings for the training images at `labeled`, starting from `encoder`.
    ///
    /// # Errors
    /// As [`FineTune::fit`], except that a candidate may diverge, as long as one does not; if there is
    /// no candidate, or `held_out` is not a share.
    pub fn choose<B: Backbone<Input = Tensor<4>>>(
        &self,
        encoder: &B,
        supervised: &Supervised,
        labeled: &[usize],
    ) -> Result<Choice, TrainError> {
        let setting = |field, problem| TrainError::Setting { field, problem };
        let first = self.candidates.first().ok_or_else(|| {
            setting("candidates", "is empty; give settings to choose from".to_owned())
        })?;
        if !(self.held_out > 0.0 && self.held_out < 1.0) {
            let problem = format!("is {}, not between 0 and 1", self.held_out);
            return Err(setting("held_out", problem));
        }
        let labels = labels_to_learn(supervised.train.as_ref(), labeled)?;
        let classes = supervised.train.class_names().len();
        if self.candidates.len() == 1 || labeled.len() < ENOUGH * classes {
            return Ok(Choice { settings: first.clone(), trials: Vec::new() });
        }
        let [rest, held_out] = stratified_split(&labels, self.held_out, supervised.seed)
            .map(|places| places.into_iter().map(|place| labeled[place]).collect::<Vec<_>>());
        let mut trials = Vec::with_capacity(self.candidates.len());
        let mut diverged = None;
        for (candidate, number) in self.candidates.iter().zip(1..) {
            let title = supervised.title.as_ref();
            let title =
                title.map(|title| format!("{title}, trial {number} of {}", self.candidates.len()));
            let supervised = Supervised { title, ..supervised.clone() };
            match trial(candidate, encoder, &supervised, &rest, &held_out) {
                Ok(trial) => trials.push(trial),
                Err(error @ (TrainError::NonFiniteLoss { .. } | TrainError::Metric(_))) => {
                    trials.push(Trial { accuracy: None, cross_entropy: None });
                    diverged = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        match (best(&trials), diverged) {
            (Some(place), _) => Ok(Choice { settings: self.candidates[place].clone(), trials }),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(Choice { settings: first.clone(), trials }),
        }
    }

    /// Chooses the settings, and trains with them on all training images at `labeled`.
    ///
    /// # Errors
    /// As [`choose`](Self::choose) and [`FineTune::fit`].
    pub fn fit<B: Backbone<Input = Tensor<4>>>(
        &self,
        encoder: &B,
        supervised: &Supervised,
        labeled: &[usize],
    ) -> Result<(Choice, Tuned<B>), TrainError> {
        let choice = self.choose(encoder, supervised, labeled)?;
        let tuned = choice.settings.fit(encoder, supervised, labeled)?;
        Ok((choice, tuned))
    }

    /// Returns the test accuracy over several label samples, each with a choice of its own.
    ///
    /// `encoder` gives the network that sample `n` starts from, counted from 0: the pre-trained one
    /// always, or fresh weights of another seed each time.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); if there is no sample, or a test image has no label.
    pub fn accuracy<B: Backbone<Input = Tensor<4>>>(
        &self,
        encoder: impl Fn(u64) -> B,
        supervised: &Supervised,
        samples: &[Vec<usize>],
    ) -> Result<Summary, TrainError> {
        if samples.is_empty() {
            let problem = "is empty; give at least one label sample".to_owned();
            return Err(TrainError::Setting { field: "samples", problem });
        }
        let labels = all_labels(supervised.test.as_ref(), "test")?;
        let accuracy = |(labeled, number): (&Vec<usize>, u64)| {
            let (_, tuned) = self.fit(&encoder(number), supervised, labeled)?;
            Ok(tuned.accuracy(&labels))
        };
        let found: Result<Vec<f64>, TrainError> = samples.iter().zip(0..).map(accuracy).collect();
        Ok(Summary::of(&found?))
    }
}

fn trial<B: Backbone<Input = Tensor<4>>>(
    candidate: &FineTune,
    encoder: &B,
    supervised: &Supervised,
    rest: &[usize],
    held_out: &[usize],
) -> Result<Trial, TrainError> {
    let classifier = candidate.train(encoder, supervised, rest)?;
    let images = Arc::new(Subset::new(supervised.train.clone(), held_out.to_vec()));
    let labels = all_labels(images.as_ref(), "labeled")?;
    let scores = supervised.scores(&classifier, images)?;
    let (accuracy, loss) = (accuracy_of_scores(&scores, &labels), cross_entropy(&scores, &labels));
    Ok(Trial { accuracy: Some(accuracy), cross_entropy: Some(loss) })
}

/// Returns the mean of `log Σ exp(scores) − score of the label`.
fn cross_entropy(scores: &Features, labels: &[usize]) -> f64 {
    let loss = |(row, &label): (usize, &usize)| {
        let row = scores.row(row);
        let highest = f64::from(row.iter().copied().fold(f32::MIN, f32::max));
        let sum: f64 = row.iter().map(|score| (f64::from(*score) - highest).exp()).sum();
        sum.ln() + highest - f64::from(row[label])
    };
    labels.iter().enumerate().map(loss).sum::<f64>() / labels.len().max(1) as f64
}

/// Returns the place of the highest accuracy, of equal ones that of the lowest cross-entropy, of
/// equal ones the first.
fn best(trials: &[Trial]) -> Option<usize> {
    let judged =
        |(place, trial): (usize, &Trial)| Some((place, trial.accuracy?, trial.cross_entropy?));
    let judged = trials.iter().enumerate().filter_map(judged);
    let best = judged.min_by(|a, b| b.1.total_cmp(&a.1).then(a.2.total_cmp(&b.2)));
    best.map(|(place, ..)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(accuracy: f64, cross_entropy: f64) -> Trial {
        Trial { accuracy: Some(accuracy), cross_entropy: Some(cross_entropy) }
    }

    #[test]
    fn accuracy_decides_then_cross_entropy_then_the_order() {
        assert_eq!(best(&[trial(0.5, 0.1), trial(0.6, 2.0)]), Some(1));
        assert_eq!(best(&[trial(0.6, 2.0), trial(0.6, 1.0), trial(0.6, 1.0)]), Some(1));
        let diverged = Trial { accuracy: None, cross_entropy: None };
        assert_eq!(best(&[diverged, trial(0.0, 9.0)]), Some(1));
        assert_eq!(best(&[diverged]), None);
    }

    #[test]
    fn the_cross_entropy_is_that_of_the_softmax() {
        // Odds of 3 to 1 for the label, and of 1 to 1.
        let scores = Features::new(2, vec![3.0_f32.ln(), 0.0, 100.0, 100.0]).unwrap();
        let want = f64::midpoint((4.0_f64 / 3.0).ln(), 2.0_f64.ln());
        assert!((cross_entropy(&scores, &[0, 1]) - want).abs() < 1e-6);
    }
}
