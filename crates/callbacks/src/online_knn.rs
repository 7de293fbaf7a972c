//! Nearest-neighbor accuracy as training goes.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use selfsame_augment::Recipe;
use selfsame_metrics::{Knn, LabeledFeatures};
use selfsame_models::{Backbone, Method};
use selfsame_samplers::Dataset;

use crate::{Callback, RunView, TrainError, extract_features};

/// Labeled images to find neighbors in, and labeled images to find them for.
#[derive(Clone)]
pub struct KnnProbe {
    /// Where neighbors are looked for.
    pub bank: Arc<dyn Dataset>,
    /// Whose neighbors are looked for.
    pub queries: Arc<dyn Dataset>,
    /// How an image is shown to the encoder.
    pub recipe: Recipe,
    /// Images encoded at a time.
    pub batch: usize,
}

impl std::fmt::Debug for KnnProbe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KnnProbe({} images, {} queries)", self.bank.len(), self.queries.len())
    }
}

impl KnnProbe {
    /// Share of the queries whose neighbors vote for the right class, 0 to 1.
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
        let (bank, bank_labels) = labeled(self.bank.as_ref())?;
        let (queries, query_labels) = labeled(self.queries.as_ref())?;
        let classes = self.bank.class_names().len();
        let train = LabeledFeatures::new(&bank, &bank_labels)?;
        let queries = LabeledFeatures::new(&queries, &query_labels)?;
        Ok(Knn::default().accuracy(train, queries, classes)?)
    }
}

/// Reports `knn` at the end of every epoch.
#[derive(Debug)]
pub struct OnlineKnn(pub KnnProbe);

impl<M: Method> Callback<M> for OnlineKnn {
    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), TrainError> {
        let encoder = run.method.encoder().valid();
        let device = encoder.devices().into_iter().next().unwrap_or_default();
        let accuracy = self.0.accuracy(&encoder, &device)?;
        run.report("knn", accuracy);
        Ok(())
    }
}
