//! Supervised training of a whole network: fine-tuning of a pre-trained encoder, or from scratch.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_callbacks::Progress;
use selfsame_datasets::Subset;
use selfsame_metrics::{Features, accuracy};
use selfsame_models::{Backbone, Batch, Classifier};
use selfsame_optim::{OptimizerConfig, ParameterGroup, Schedule};
use selfsame_samplers::Loader;
use serde::{Deserialize, Serialize};

use crate::labels::labels_to_learn;
use crate::passes::Passes;
use crate::{Supervised, TrainError, Trainer, TrainerConfig, Upload, stage_groups};

/// Images that tell which layers belong to which stage.
const PROBED: usize = 2;
/// Steps between two readings of the loss.
const SYNC_EVERY: usize = 20;

/// Settings of supervised training of an encoder and a linear classifier.
///
/// ```text
/// rate of the encoder's parameters = rate · layer_decay^depth       rate of the head = rate · head_factor
/// ```
/// The depth is that of [`stage_groups`]: 0 in the last stage, 1 in the one before, and so on. Every
/// rate rises linearly in the first steps and then falls to 0 by half a cosine. The default
/// fine-tunes; [`from_scratch`](Self::from_scratch) trains fresh weights.
///
/// # Source
/// The form is that of `BEiT` and MAE: He et al., 2021,
/// [arXiv:2111.06377](https://arxiv.org/abs/2111.06377), table 9. Training the head first is from Kumar
/// et al., 2022, [arXiv:2202.10054](https://arxiv.org/abs/2202.10054).
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::Device;
/// use selfsame_augment::Recipe;
/// use selfsame_datasets::{Dataset, Split, Synthetic, SyntheticConfig, labels};
/// use selfsame_models::ResNetConfig;
/// use selfsame_train::{FineTune, Supervised};
///
/// let shapes = |split| -> Arc<dyn Dataset> {
///     Arc::new(Synthetic::new(SyntheticConfig { images: 40, size: 8, seed: 0, split }))
/// };
/// let (train, test) = (shapes(Split::Train), shapes(Split::Test));
/// let test_labels: Vec<usize> = labels(&*test).into_iter().flatten().collect();
/// let device = Device::flex();
/// let images = Supervised::new(train, test, Recipe::supervised_shapes(8), &device);
/// // In place of a pre-trained encoder.
/// let encoder = ResNetConfig::resnet10(1).init(0, &device);
/// let labeled: Vec<usize> = (0..20).collect();
/// let settings = FineTune { steps: 3, batch_size: 10, ..FineTune::default() };
/// let tuned = settings.fit(&encoder, &images, &labeled)?;
/// assert_eq!((tuned.scores.rows(), tuned.scores.dim()), (40, 10));
/// assert!((0.0..=1.0).contains(&tuned.accuracy(&test_labels)));
/// # Ok::<(), selfsame_train::TrainError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FineTune {
    /// The optimizer of all parameters. Default `AdamW` with a weight decay of 0.05 (MAE).
    pub optimizer: OptimizerConfig,
    /// The highest learning rate of the encoder's last stage. Default 3e-3 (ours, from narrow
    /// residual networks on drawn shapes, for which 1e-2 is better still; MAE has 1e-3 for large
    /// transformers).
    pub rate: f64,
    /// The rate of the classifier, as a multiple of `rate`, at least 0. Default 10 (ours): it starts
    /// with random weights, and the encoder does not.
    pub head_factor: f64,
    /// The rate of a stage as a multiple of that of the next, above 0 and at most 1. Default 0.75
    /// (MAE's for its base size).
    pub layer_decay: f64,
    /// Optimizer steps, 1 or more, whatever the number of images. Default 2,000 (ours).
    pub steps: u64,
    /// Steps before these in which only the classifier is trained. Default 0.
    ///
    /// The encoder's weights stay as they are in these; batch norm updates its running statistics.
    pub head_steps: u64,
    /// Images in a batch, 1 or more; all if there are fewer. Default 64.
    pub batch_size: usize,
    /// Share of the steps in which the rates rise, 0 to 1. Default 0.1 (ours).
    pub warmup: f64,
    /// The largest norm of all gradients together. Default: none.
    pub clip_norm: Option<f64>,
}

impl Default for FineTune {
    fn default() -> Self {
        Self {
            optimizer: OptimizerConfig::adam_w(0.05),
            rate: 3e-3,
            head_factor: 10.0,
            layer_decay: 0.75,
            steps: 2_000,
            head_steps: 0,
            batch_size: 64,
            warmup: 0.1,
            clip_norm: None,
        }
    }
}

/// A network that was trained with labels, and what it says of the test images.
#[derive(Debug)]
pub struct Tuned<B: Module> {
    /// The network, as for evaluation.
    pub classifier: Classifier<B>,
    /// The scores of all classes, a row for each test image: unnormalized log-probabilities.
    pub scores: Features,
}

impl<B: Module> Tuned<B> {
    /// Returns the share of test images whose highest score is that of their class, 0 to 1. Of equal
    /// scores the first counts.
    ///
    /// # Panics
    /// If there are not as many labels as test images.
    #[must_use]
    #[track_caller]
    pub fn accuracy(&self, labels: &[usize]) -> f64 {
        accuracy_of_scores(&self.scores, labels)
    }
}

#[track_caller]
pub(crate) fn accuracy_of_scores(scores: &Features, labels: &[usize]) -> f64 {
    let highest = |row: &[f32]| {
        let mut best = 0;
        for (class, score) in row.iter().enumerate() {
            if *score > row[best] {
                best = class;
            }
        }
        best
    };
    let predictions: Vec<usize> = (0..scores.rows()).map(|row| highest(scores.row(row))).collect();
    accuracy(&predictions, labels)
}

impl FineTune {
    /// Returns settings for fresh weights: the same rate in all layers.
    ///
    /// # Example
    /// ```
    /// use selfsame_optim::OptimizerConfig;
    /// use selfsame_train::FineTune;
    ///
    /// let settings = FineTune::from_scratch(OptimizerConfig::sgd(0.9, 5e-4), 0.1);
    /// assert_eq!((settings.rate, settings.head_factor, settings.layer_decay), (0.1, 1.0, 1.0));
    /// ```
    #[must_use]
    pub fn from_scratch(optimizer: OptimizerConfig, rate: f64) -> Self {
        Self { optimizer, rate, head_factor: 1.0, layer_decay: 1.0, ..Self::default() }
    }

    /// Trains a copy of `encoder` with a new classifier on the training images at `labeled`, and
    /// scores the test images.
    ///
    /// An encoder that is frozen as a whole, such as the teacher of DINO, is trained as a whole; of
    /// one that is frozen in part, those parts stay frozen. The same arguments give the same bytes,
    /// whatever the number of threads.
    ///
    /// # Errors
    /// If a setting is not valid; an image cannot be read, has no label or is given twice; all are of
    /// one class, or there are fewer than classes; the loss or a score is not finite; or the run was
    /// stopped.
    pub fn fit<B: Backbone<Input = Tensor<4>>>(
        &self,
        encoder: &B,
        supervised: &Supervised,
        labeled: &[usize],
    ) -> Result<Tuned<B>, TrainError> {
        let classifier = self.train(encoder, supervised, labeled)?;
        let scores = supervised.scores(&classifier, supervised.test.clone())?;
        Ok(Tuned { classifier, scores })
    }

    /// Trains, and returns the network as for evaluation. Test images have no part in it.
    pub(crate) fn train<B: Backbone<Input = Tensor<4>>>(
        &self,
        encoder: &B,
        supervised: &Supervised,
        labeled: &[usize],
    ) -> Result<Classifier<B>, TrainError> {
        self.validate()?;
        labels_to_learn(supervised.train.as_ref(), labeled)?;
        let device = supervised.training_device();
        let encoder = trainable(encoder, &device);
        let classes = supervised.train.class_names().len();
        let group = |path: &str, schedule| ParameterGroup::new(path).with_schedule(schedule);

        let head = |steps| group("head", self.schedule(self.rate * self.head_factor, steps));
        let mut groups = Vec::new();
        if self.layer_decay < 1.0 {
            let input = self.some_views(supervised, labeled, &device)?;
            groups = stage_groups(&encoder, input, "encoder", |depth| {
                self.schedule(self.rate * self.layer_decay.powi(depth), self.steps)
            });
        }
        groups.push(head(self.steps));
        let mut classifier = Classifier::new(encoder, classes, supervised.seed, &device);
        if self.head_steps > 0 {
            let groups = vec![group("encoder", Schedule::constant(0.0)), head(self.head_steps)];
            classifier = self.run(classifier, supervised, labeled, groups, self.head_steps)?;
        }
        let classifier = self.run(classifier, supervised, labeled, groups, self.steps)?;
        Ok(classifier.valid())
    }

    fn run<B: Backbone<Input = Tensor<4>>>(
        &self,
        classifier: Classifier<B>,
        supervised: &Supervised,
        labeled: &[usize],
        groups: Vec<ParameterGroup>,
        steps: u64,
    ) -> Result<Classifier<B>, TrainError> {
        let (loader, epochs) = self.loader(supervised, labeled, steps)?;
        let config = TrainerConfig {
            groups,
            clip_norm: self.clip_norm,
            ..TrainerConfig::new(epochs, self.optimizer, self.schedule(self.rate, steps))
        };
        let trainer = Trainer::new(classifier, loader, config, &supervised.training_device())?;
        let mut trainer =
            trainer.with_sync_every(SYNC_EVERY).with_signal(supervised.signal.clone());
        if let Some(title) = &supervised.title {
            trainer = trainer.with_callback(Progress::new(title));
        }
        let outcome = trainer.fit()?;
        match outcome.stopped {
            None => Ok(outcome.method),
            Some(_) => Err(TrainError::Stopped),
        }
    }

    fn loader(
        &self,
        supervised: &Supervised,
        labeled: &[usize],
        steps: u64,
    ) -> Result<(Loader, u64), TrainError> {
        let images = Arc::new(Subset::new(supervised.train.clone(), labeled.to_vec()));
        let (batch, seed) = (self.batch_size.min(labeled.len()), supervised.seed);
        let passes = Passes::new(labeled.len(), batch, steps, seed)
            .map_err(selfsame_samplers::LoaderError::from)?;
        let (epochs, recipe) = (passes.epochs(), supervised.recipe.clone());
        Ok((Loader::with_sampler(images, recipe, passes, supervised.threads, seed)?, epochs))
    }

    /// Returns the views of a few images.
    fn some_views(
        &self,
        supervised: &Supervised,
        labeled: &[usize],
        device: &Device,
    ) -> Result<Tensor<4>, TrainError> {
        let settings = Self { batch_size: PROBED, ..self.clone() };
        let (loader, _) = settings.loader(supervised, labeled, 1)?;
        let ended = selfsame_samplers::LoaderError::Ended { batch: 0 };
        let batch = loader.epoch(0, 0).next().ok_or(ended)??;
        let batch: Batch<Tensor<4>> = batch.upload(device);
        Ok(batch.views[0].clone())
    }

    fn schedule(&self, peak: f64, steps: u64) -> Schedule {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count"
        )]
        let warmup_steps = (self.warmup * steps as f64).round() as u64;
        Schedule::warmup_cosine(peak, warmup_steps)
    }

    /// Checks what the optimizer and the schedule do not.
    fn validate(&self) -> Result<(), TrainError> {
        let setting = |field, problem: String| Err(TrainError::Setting { field, problem });
        if self.steps == 0 {
            return setting("steps", "must be 1 or more".to_owned());
        }
        if self.batch_size == 0 {
            return setting("batch_size", "must be 1 or more".to_owned());
        }
        if !(self.layer_decay > 0.0 && self.layer_decay <= 1.0) {
            return setting("layer_decay", format!("is {}, not in (0, 1]", self.layer_decay));
        }
        if !(0.0..=1.0).contains(&self.warmup) {
            return setting("warmup", format!("is {}, not from 0 to 1", self.warmup));
        }
        if !(self.head_factor >= 0.0 && self.head_factor.is_finite()) {
            let problem = format!("is {}, not a finite value of 0 or more", self.head_factor);
            return setting("head_factor", problem);
        }
        Ok(())
    }
}

/// Returns a copy of the encoder on `device` whose parameters can be trained.
fn trainable<B: Module>(encoder: &B, device: &Device) -> B {
    // Clones of a module share the buffers of batch norm; `valid` copies them.
    let copy = encoder.valid().to_device(&device.clone().inner()).train();
    let mut trained = AnyTrained(false);
    copy.visit(&mut trained);
    if trained.0 { copy } else { copy.set_require_grad(true) }
}

/// Whether any parameter has gradients.
struct AnyTrained(bool);

impl burn::module::ModuleVisitor for AnyTrained {
    fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
        self.0 |= param.is_require_grad();
    }
}
