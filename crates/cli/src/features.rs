//! The features that an encoder computes of the images of a run.

use std::sync::Arc;

use burn::tensor::Device;
use selfsame::augment::Recipe;
use selfsame::datasets::Dataset;
use selfsame::metrics::Features;
use selfsame::models::AnyBackbone;

use crate::encoder::features;
use crate::images::Images;

/// Rows from which on a spectrum says something.
const ENOUGH: usize = 500;

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

    /// Returns those to judge the features as such by: of the test images, unless they are so few
    /// that the training images say more.
    pub(crate) fn to_judge(&self) -> &Features {
        self.test.as_ref().filter(|test| test.rows() >= ENOUGH).unwrap_or(&self.train)
    }
}
