//! Training with labels, to compare with: an encoder fine-tuned, and the same network from scratch.

use selfsame::augment::Recipe;
use selfsame::metrics::Summary;
use selfsame::models::{AnyBackbone, BackboneConfig};
use selfsame::optim::OptimizerConfig;
use selfsame::train::{FineTune, Supervised, TuningGrid};

use crate::amount::Amount;
use crate::encoder::{Encoder, fresh};
use crate::images::Images;

/// Training with labels on the images of an evaluation.
pub(crate) struct WithLabels<'a> {
    pub images: &'a Images,
    pub encoder: &'a Encoder,
    pub threads: usize,
    pub seed: u64,
    /// Whether the images are drawn shapes, which may be turned.
    pub is_drawn: bool,
    /// Fewer steps, and one learning rate.
    pub quick: bool,
    pub quiet: bool,
}

impl WithLabels<'_> {
    /// Returns the test accuracy of the encoder after it was trained with the labels of each sample.
    pub(crate) fn fine_tuned(
        &self,
        amount: Amount,
        samples: &[Vec<usize>],
    ) -> anyhow::Result<Summary> {
        let rates = [3e-3, 1e-2, 1e-3];
        let grid = self.grid(&FineTune::default(), &rates, amount, samples);
        let network = self.encoder.trainable()?;
        let recipe = self.recipe();
        self.accuracy(&grid, |_| network.clone(), recipe, ("fine-tuned", amount), samples)
    }

    /// Returns the test accuracy of the same network, trained from fresh weights.
    pub(crate) fn trained_from_scratch(
        &self,
        amount: Amount,
        samples: &[Vec<usize>],
    ) -> anyhow::Result<Summary> {
        let (optimizer, rates) = match self.encoder.config {
            BackboneConfig::ResNet(_) | BackboneConfig::Airbench(_) => {
                (OptimizerConfig::sgd(0.9, 5e-4), [0.1, 0.03, 0.3])
            }
            _ => (OptimizerConfig::adam_w(0.05), [1e-3, 3e-4, 3e-3]),
        };
        let base = FineTune::from_scratch(optimizer, rates[0]);
        let grid = self.grid(&base, &rates, amount, samples);
        let device = self.encoder.device.clone().autodiff();
        let Encoder { config, shown, .. } = self.encoder;
        let fresh = |number| fresh(config, self.seed + number, self.images, shown, &device);
        let networks = (0..samples.len() as u64).map(fresh).collect::<anyhow::Result<Vec<_>>>()?;
        let network = |number: u64| networks[usize::try_from(number).unwrap_or(0)].clone();
        let recipe = self.recipe_from_scratch(amount);
        self.accuracy(&grid, network, recipe, ("from scratch", amount), samples)
    }

    /// Returns the candidates: with few labels enough steps to converge, since fewer would flatter
    /// the pre-trained encoder; with more, passes over them.
    fn grid(
        &self,
        base: &FineTune,
        rates: &[f64],
        amount: Amount,
        samples: &[Vec<usize>],
    ) -> TuningGrid {
        let labels = samples.first().map_or(1, Vec::len);
        let (batch_size, steps) = match amount {
            Amount::PerClass(_) => (20, if self.quick { 100 } else { 800 }),
            _ => (64, (if self.quick { 3 } else { 10 }) * (labels as u64 / 64).max(1)),
        };
        let rates = if self.quick { &rates[..1] } else { rates };
        TuningGrid::product(&FineTune { batch_size, ..base.clone() }, rates, &[steps])
    }

    fn accuracy(
        &self,
        grid: &TuningGrid,
        network: impl Fn(u64) -> AnyBackbone,
        recipe: Recipe,
        (title, amount): (&str, Amount),
        samples: &[Vec<usize>],
    ) -> anyhow::Result<Summary> {
        let Some(test) = &self.images.test else { anyhow::bail!("there are no labeled images") };
        let device = self.encoder.device.clone().autodiff();
        let title = format!("{title}, labels: {amount}");
        let run = Supervised {
            shown: self.encoder.shown.clone(),
            threads: self.threads,
            seed: self.seed,
            title: (!self.quiet).then_some(title),
            ..Supervised::new(self.images.labeled_images(), test.clone(), recipe, &device)
        };
        Ok(grid.accuracy(network, &run, samples)?)
    }

    /// Returns the view to learn from, in the size that the encoder takes.
    fn recipe(&self) -> Recipe {
        let side = self.encoder.side();
        let recipe = if self.is_drawn {
            Recipe::supervised_shapes(side)
        } else {
            Recipe::supervised_cifar().with_side(side)
        };
        recipe.with_normalize(self.encoder.shown.normalize)
    }

    /// Returns the view to learn from without pre-training: of few images one that crops and colors
    /// more, which on CIFAR-10 made the stronger network to compare with.
    fn recipe_from_scratch(&self, amount: Amount) -> Recipe {
        match amount {
            Amount::PerClass(_) if !self.is_drawn => {
                let recipe = Recipe::simsiam_cifar().with_side(self.encoder.side());
                let views = recipe.views[..1].to_vec();
                Recipe { views, ..recipe }.with_normalize(self.encoder.shown.normalize)
            }
            _ => self.recipe(),
        }
    }
}
