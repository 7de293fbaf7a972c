//! Accuracy on labeled samples that are held out, after training and during it.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_augment::Recipe;
use selfsame_callbacks::{Callback, CallbackError, RunView};
use selfsame_datasets::{Dataset, Subset, stratified_split, stratified_subset};
use selfsame_metrics::{Features, Knn, LabeledFeatures, LinearProbe};
use selfsame_models::{Backbone, Method};

use crate::labels::all_labels;
use crate::{TrainError, extract_features};

/// Forward passes that take as long as a forward and a backward pass.
const FORWARD_PASSES: usize = 3;
/// One in so many forward passes of an epoch may be for evaluation.
const SHARE: usize = 20;
/// The most images that measure progress; more make it hardly more precise.
const LIMIT: usize = 2_500;

/// Labeled images to learn from, and labeled images that are held out to measure accuracy.
///
/// Both come from the training images ([`split`](Self::split)), so that test images have no part in
/// any choice.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::Device;
/// use selfsame_augment::Recipe;
/// use selfsame_datasets::{Split, Synthetic, SyntheticConfig};
/// use selfsame_models::ResNetConfig;
/// use selfsame_train::HeldOut;
///
/// let config = SyntheticConfig { images: 60, size: 8, seed: 0, split: Split::Train };
/// let images = Arc::new(Synthetic::new(config));
/// let held_out = HeldOut::split(images, Recipe::shapes(8).for_evaluation(), 50, 0)?;
/// let device = Device::flex();
/// let encoder = ResNetConfig::resnet10(1).init(0, &device);
/// assert!((0.0..=1.0).contains(&held_out.knn(&encoder, &device)?));
/// # Ok::<(), selfsame_train::TrainError>(())
/// ```
#[derive(Clone)]
pub struct HeldOut {
    /// The images among which neighbors are searched, and on which a linear probe is trained.
    pub train: Arc<dyn Dataset>,
    /// The images that are classified.
    pub queries: Arc<dyn Dataset>,
    /// The recipe that turns an image into the encoder's input: [`Recipe::for_evaluation`] of the
    /// recipe that it was trained with. Another normalization lowers the accuracy without an error.
    pub recipe: Recipe,
    /// Number of images that are encoded together.
    pub batch: usize,
}

impl std::fmt::Debug for HeldOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HeldOut({} images, {} queries)", self.train.len(), self.queries.len())
    }
}

/// The features and labels of both parts.
struct Extracted {
    train: Features,
    train_labels: Vec<usize>,
    queries: Features,
    query_labels: Vec<usize>,
}

impl HeldOut {
    /// Takes at most `images` training images, equally many of each class, and holds out a fifth of
    /// them.
    ///
    /// # Errors
    /// If an image has no label.
    pub fn split(
        dataset: Arc<dyn Dataset>,
        recipe: Recipe,
        images: usize,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let labels = all_labels(dataset.as_ref(), "held_out")?;
        let chosen = stratified_subset(&labels, images.min(labels.len()), seed);
        let chosen_labels: Vec<usize> = chosen.iter().map(|&index| labels[index]).collect();
        let [train, queries] = stratified_split(&chosen_labels, 0.2, seed).map(|places| {
            let indices = places.into_iter().map(|place| chosen[place]).collect();
            let part: Arc<dyn Dataset> = Arc::new(Subset::new(dataset.clone(), indices));
            part
        });
        Ok(Self { train, queries, recipe, batch: 128 })
    }

    /// Takes so many training images that measuring accuracy after every epoch costs little of it, and
    /// holds out a fifth of them, as [`split`](Self::split).
    ///
    /// ```text
    /// images = min(2500, 3 · views · training images / 20)
    /// ```
    /// `views` is the number of views of each image that an epoch trains on. A forward and backward
    /// pass of a view costs about three forward passes, so evaluation is at most a twentieth of an
    /// epoch's computation. That leaves as much for reading the images and for the neighbors. Methods
    /// that encode only a part of each view, such as MAE, have shorter epochs: give fewer `views`.
    ///
    /// # Errors
    /// If an image has no label.
    ///
    /// # Example
    /// ```
    /// use std::sync::Arc;
    ///
    /// use selfsame_augment::Recipe;
    /// use selfsame_datasets::{Split, Synthetic, SyntheticConfig};
    /// use selfsame_train::HeldOut;
    ///
    /// let config = SyntheticConfig { images: 1_000, size: 8, seed: 0, split: Split::Train };
    /// let images = Arc::new(Synthetic::new(config));
    /// let held_out = HeldOut::for_every_epoch(images, Recipe::evaluation(8), 2, 0)?;
    /// assert_eq!((held_out.train.len(), held_out.queries.len()), (240, 60));
    /// # Ok::<(), selfsame_train::TrainError>(())
    /// ```
    pub fn for_every_epoch(
        dataset: Arc<dyn Dataset>,
        recipe: Recipe,
        views: usize,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let images = FORWARD_PASSES * views * dataset.len() / SHARE;
        Self::split(dataset, recipe, images.min(LIMIT), seed)
    }

    /// Computes the share of queries whose neighbors vote for the right class, 0 to 1. The encoder is
    /// used as for evaluation, and stays as it is.
    ///
    /// # Errors
    /// If an image cannot be read or has no label, or the features are not finite.
    pub fn knn<B: Backbone<Input = Tensor<4>>>(
        &self,
        encoder: &B,
        device: &Device,
    ) -> Result<f64, TrainError> {
        self.knn_of(&self.extract(encoder, device)?)
    }

    /// Computes the share of queries that a linear classifier on the features gets right, 0 to 1. The
    /// encoder is used as for evaluation, and stays as it is.
    ///
    /// # Errors
    /// If an image cannot be read or has no label, or the features are not finite.
    pub fn linear_probe<B: Backbone<Input = Tensor<4>>>(
        &self,
        encoder: &B,
        device: &Device,
    ) -> Result<f64, TrainError> {
        self.linear_probe_of(&self.extract(encoder, device)?)
    }

    fn extract<B: Backbone<Input = Tensor<4>>>(
        &self,
        encoder: &B,
        device: &Device,
    ) -> Result<Extracted, TrainError> {
        // In training mode batch norm would use statistics of the batch, and change its own.
        let (encoder, device) = (encoder.valid(), device.clone().inner());
        let features = |dataset: &Arc<dyn Dataset>| {
            extract_features(dataset.clone(), &self.recipe, self.batch, &device, |view| {
                encoder.forward(view)
            })
        };
        Ok(Extracted {
            train: features(&self.train)?,
            train_labels: all_labels(self.train.as_ref(), "held_out")?,
            queries: features(&self.queries)?,
            query_labels: all_labels(self.queries.as_ref(), "held_out")?,
        })
    }

    fn knn_of(&self, extracted: &Extracted) -> Result<f64, TrainError> {
        let classes = self.train.class_names().len();
        let train = LabeledFeatures::new(&extracted.train, &extracted.train_labels)?;
        let queries = LabeledFeatures::new(&extracted.queries, &extracted.query_labels)?;
        Ok(Knn::default().accuracy(train, queries, classes)?)
    }

    fn linear_probe_of(&self, extracted: &Extracted) -> Result<f64, TrainError> {
        let classes = self.train.class_names().len();
        let train = LabeledFeatures::new(&extracted.train, &extracted.train_labels)?;
        let queries = LabeledFeatures::new(&extracted.queries, &extracted.query_labels)?;
        Ok(LinearProbe::default().fit(train, classes)?.accuracy(queries)?)
    }
}

/// A callback that reports the encoder's accuracy on [`HeldOut`] images at the end of every epoch:
/// `knn` and, if asked for, `linear`.
#[derive(Clone, Debug)]
pub struct OnlineAccuracy {
    held_out: HeldOut,
    has_linear_probe: bool,
}

impl OnlineAccuracy {
    /// Measures the accuracy of nearest neighbors, as `knn`.
    #[must_use]
    pub fn knn(held_out: HeldOut) -> Self {
        Self { held_out, has_linear_probe: false }
    }

    /// Also measures that of a linear classifier on the features, as `linear`, which takes longer.
    #[must_use]
    pub fn with_linear_probe(self) -> Self {
        Self { has_linear_probe: true, ..self }
    }
}

impl<M: Method> Callback<M> for OnlineAccuracy
where
    M::Encoder: Backbone<Input = Tensor<4>>,
{
    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let encoder = run.method.encoder();
        let device = encoder.devices().into_iter().next().unwrap_or_default();
        let extracted = self.held_out.extract(encoder, &device)?;
        run.report("knn", self.held_out.knn_of(&extracted)?);
        if self.has_linear_probe {
            run.report("linear", self.held_out.linear_probe_of(&extracted)?);
        }
        Ok(())
    }
}
