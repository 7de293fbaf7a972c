//! The features that an encoder computes of the images of a run.

use std::sync::Arc;

use burn::tensor::Device;
use selfsame::augment::Recipe;
use selfsame::datasets::Dataset;
use selfsame::metrics::Features;
use selfsame::models::AnyBackbone;

use crate::encoder::features;
use crate::images::Images;

/// Features of all images of a run, one row for each.
pub(crate) struct ImageFeatures {
    pub train: Features,
    /// `None` if the images have no labels.
    pub test: Option<Features>,
}

impl ImageFeatures {
    pub(crate) fn extract(
        images: &Images,
        shown: &Recipe,
        network: &AnyBackbone,
        device: &Device,
    ) -> anyhow::Result<Self> {
        let of = |dataset: &Arc<dyn Dataset>| features(network, shown, dataset, device);
        Ok(Self { train: of(&images.train)?, test: images.test.as_ref().map(of).transpose()? })
    }
}
