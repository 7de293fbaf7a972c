//! Nearest-neighbor accuracy of an encoder, also while it trains.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use selfsame_augment::Recipe;
use selfsame_callbacks::{Callback, CallbackError, RunView};
use selfsame_datasets::Dataset;
use selfsame_metrics::{Knn, LabeledFeatures};
use selfsame_models::{Backbone, Method};

use crate::{TrainError, extract_features};

/// Labeled images among which neighbors are searched, and labeled images to classify by them.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::Device;
/// use selfsame_augment::Recipe;
/// use selfsame_models::{ResNetConfig, seed_weights};
/// use selfsame_datasets::{Split, Synthetic, SyntheticConfig};
/// use selfsame_train::KnnProbe;
///
/// let shapes = |images, split| {
///     Arc::new(Synthetic::new(SyntheticConfig { images, size: 8, seed: 0, split }))
/// };
/// let device = Device::flex();
/// let encoder = seed_weights(ResNetConfig::resnet10(1).init(&device), 0);
/// let (train, queries) = (shapes(40, Split::Train), shapes(10, Split::Test));
/// let probe = KnnProbe { train, queries, recipe: Recipe::evaluation(8), batch: 20 };
/// assert!((0.0..=1.0).contains(&probe.accuracy(&encoder, &device)?));
/// # Ok::<(), selfsame_train::TrainError>(())
/// ```
#[derive(Clone)]
pub struct KnnProbe {
    /// The images among which neighbors are searched.
    pub train: Arc<dyn Dataset>,
    /// The images whose neighbors vote.
    pub queries: Arc<dyn Dataset>,
    /// The evaluation recipe that turns an image into the encoder's input.
    pub recipe: Recipe,
    /// Number of images that are encoded together.
    pub batch: usize,
}

impl std::fmt::Debug for KnnProbe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KnnProbe({} images, {} queries)", self.train.len(), self.queries.len())
    }
}

impl KnnProbe {
    /// Computes the share of queries whose neighbors vote for the right class, 0 to 1.
    ///
    /// # Errors
    /// If an image cannot be read or has no label, or the features are not finite.
    pub fn accuracy<B: Backbone>(&self, encoder: &B, device: &Device) -> Result<f64, TrainError> {
        let labeled = |dataset: &dyn Dataset| {
            let features = extract_features(dataset, &self.recipe, self.batch, device, |view| {
                encoder.forward(view)
            })?;
            let labels = (0..dataset.len()).filter_map(|index| dataset.label(index)).collect();
            Ok::<(_, Vec<usize>), TrainError>((features, labels))
        };
        let (train, train_labels) = labeled(self.train.as_ref())?;
        let (queries, query_labels) = labeled(self.queries.as_ref())?;
        let classes = self.train.class_names().len();
        let train = LabeledFeatures::new(&train, &train_labels)?;
        let queries = LabeledFeatures::new(&queries, &query_labels)?;
        Ok(Knn::default().accuracy(train, queries, classes)?)
    }
}

/// A callback that reports the encoder's accuracy as `knn` at the end of every epoch.
#[derive(Clone, Debug)]
pub struct OnlineKnn(pub KnnProbe);

impl<M: Method> Callback<M> for OnlineKnn {
    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        let encoder = run.method.encoder().valid();
        let device = encoder.devices().into_iter().next().unwrap_or_default();
        let accuracy = self.0.accuracy(&encoder, &device)?;
        run.report("knn", accuracy);
        Ok(())
    }
}
