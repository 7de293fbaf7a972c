//! The images of supervised training, and where it happens.

use std::sync::Arc;

use burn::tensor::Device;
use selfsame_augment::Recipe;
use selfsame_callbacks::StopSignal;
use selfsame_datasets::Dataset;
use selfsame_metrics::Features;
use selfsame_models::{Backbone, Classifier};

use crate::{TrainError, extract_features};

/// Images per forward pass of an evaluation.
const BATCH: usize = 128;

/// What supervised training needs besides a network, its settings and the choice of labels.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::Device;
/// use selfsame_augment::Recipe;
/// use selfsame_datasets::{Dataset, Split, Synthetic, SyntheticConfig};
/// use selfsame_train::Supervised;
///
/// let shapes = |split| -> Arc<dyn Dataset> {
///     Arc::new(Synthetic::new(SyntheticConfig { images: 20, size: 8, seed: 0, split }))
/// };
/// let (train, test) = (shapes(Split::Train), shapes(Split::Test));
/// let images = Supervised::new(train, test, Recipe::supervised_shapes(8), &Device::flex());
/// let images = Supervised { threads: 2, title: Some("all labels".to_owned()), ..images };
/// assert_eq!(images.shown, Recipe::supervised_shapes(8).for_evaluation());
/// ```
#[derive(Clone)]
pub struct Supervised {
    /// The training images. Only the labels of those that are chosen are read.
    pub train: Arc<dyn Dataset>,
    /// The images that are scored in the end; they have no part in any choice, and need no labels
    /// where nothing but scores is asked for.
    pub test: Arc<dyn Dataset>,
    /// The views of training: one of each image is usual.
    pub recipe: Recipe,
    /// The view of evaluation: [`Recipe::for_evaluation`] of the recipe that the encoder was trained
    /// with.
    pub shown: Recipe,
    /// The device to train on.
    pub device: Device,
    /// Threads that make views, 1 or more; the result does not depend on it.
    pub threads: usize,
    /// The seed of the classifier's weights, the order of the images, and their views.
    pub seed: u64,
    /// Stops training at the end of a step; the result is [`TrainError::Stopped`] then.
    pub signal: StopSignal,
    /// The title of the progress that is shown; `None` shows nothing.
    pub title: Option<String>,
}

impl std::fmt::Debug for Supervised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (train, test) = (self.train.len(), self.test.len());
        write!(f, "Supervised({train} images, {test} for testing, {:?})", self.title)
    }
}

impl Supervised {
    /// Joins images and the views of training, with one thread, seed 0, and nothing shown. Test
    /// images are shown as [`Recipe::for_evaluation`] of `recipe`.
    #[must_use]
    pub fn new(
        train: Arc<dyn Dataset>,
        test: Arc<dyn Dataset>,
        recipe: Recipe,
        device: &Device,
    ) -> Self {
        let (shown, device, signal) = (recipe.for_evaluation(), device.clone(), StopSignal::new());
        Self { train, test, recipe, shown, device, threads: 1, seed: 0, signal, title: None }
    }

    /// Returns the device with autodiff.
    pub(crate) fn training_device(&self) -> Device {
        let device = self.device.clone();
        if device.is_autodiff() { device } else { device.autodiff() }
    }

    /// Computes the scores of all classes for every image of `dataset`, as for evaluation.
    pub(crate) fn scores<B: Backbone<Input = burn::tensor::Tensor<4>>>(
        &self,
        classifier: &Classifier<B>,
        dataset: Arc<dyn Dataset>,
    ) -> Result<Features, TrainError> {
        let device = self.device.clone().inner();
        extract_features(dataset, &self.shown, BATCH, &device, |views| classifier.forward(views))
    }
}
