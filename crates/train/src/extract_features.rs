//! The features of whole data sets.

use burn::tensor::{Device, Tensor, TensorData};
use selfsame_augment::{Recipe, ViewKey};
use selfsame_datasets::Dataset;
use selfsame_metrics::Features;
use selfsame_samplers::{ImageViews, ViewSource};

use crate::TrainError;

/// Features and what is known of the samples they belong to, row by row.
#[derive(Clone, Debug)]
pub struct ExtractedFeatures {
    /// One row per sample.
    pub features: Features,
    /// The class of each sample, where known.
    pub labels: Vec<Option<usize>>,
}

/// Computes the features of every sample of `source` with `forward`, in order, `batch` at a time.
///
/// The first view of each sample is used, drawn with seed 0; the source should be one that makes
/// views for evaluation. After training, call `valid()` on the encoder first: otherwise batch norm
/// uses the statistics of each batch, and changes its running ones.
///
/// # Shapes
/// - `forward`: `[batch, ...]` on `device` to `[batch, dim]`
/// - output: one row of `dim` values per sample
///
/// # Errors
/// If a sample cannot be read, or a feature is not finite.
///
/// # Panics
/// If `batch` is 0, or a view has another number of dimensions than `forward` takes.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::{Device, Tensor};
/// use selfsame_augment::Recipe;
/// use selfsame_datasets::{Split, Synthetic, SyntheticConfig};
/// use selfsame_samplers::ImageViews;
/// use selfsame_train::extract_features_of;
///
/// let config = SyntheticConfig { images: 5, size: 8, seed: 0, split: Split::Test };
/// let images = ImageViews::new(Arc::new(Synthetic::new(config)), Recipe::evaluation(8))?;
/// // The mean of every channel, as a feature.
/// let forward = |x: Tensor<4>| x.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2);
/// let found = extract_features_of(&images, 2, &Device::flex(), forward)?;
/// assert_eq!((found.features.rows(), found.features.dim()), (5, 3));
/// assert_eq!(found.labels[4], Some(4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn extract_features_of<const D: usize>(
    source: &dyn ViewSource,
    batch: usize,
    device: &Device,
    forward: impl Fn(Tensor<D>) -> Tensor<2>,
) -> Result<ExtractedFeatures, TrainError> {
    let dims = source.view_dims(0);
    let size: usize = dims.iter().product();
    let mut unused: Vec<Vec<f32>> = (1..source.view_count())
        .map(|view| vec![0.0; source.view_dims(view).iter().product()])
        .collect();
    let (mut dim, mut features, mut labels) = (0, Vec::new(), Vec::new());
    let indices: Vec<usize> = (0..source.samples()).collect();
    for chunk in indices.chunks(batch) {
        let mut values = vec![0.0; chunk.len() * size];
        for (&index, view) in chunk.iter().zip(values.chunks_mut(size)) {
            let key = ViewKey { seed: 0, epoch: 0, sample: index as u64, view: 0 };
            let mut views = vec![view];
            views.extend(unused.iter_mut().map(Vec::as_mut_slice));
            labels.push(source.write_views(index, key, &mut views)?);
        }
        let dims = [vec![chunk.len()], dims.clone()].concat();
        assert_eq!(dims.len(), D, "`forward` takes {D} dimensions, the views have {dims:?}");
        let rows = forward(Tensor::from_data(TensorData::new(values, dims), device));
        dim = rows.dims()[1];
        features.extend(rows.into_data().iter::<f32>());
    }
    Ok(ExtractedFeatures { features: Features::new(dim, features)?, labels })
}

/// Computes the features of every image of `dataset` with `forward`, in order, `batch` at a time.
///
/// `recipe` is [`Recipe::for_evaluation`] of the recipe that the encoder was trained with; another
/// normalization gives worse features without an error. Its first view is used, drawn with seed 0.
/// After training, call `valid()` on the encoder first: otherwise batch norm uses the statistics of
/// each batch, and changes its running ones.
///
/// # Shapes
/// - `forward`: `[batch, channel, height, width]` on `device` to `[batch, dim]`
/// - output: one row of `dim` values per image
///
/// # Errors
/// If an image cannot be read, the recipe is not valid, or a feature is not finite.
///
/// # Panics
/// If `batch` is 0.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::{Device, Tensor};
/// use selfsame_augment::Recipe;
/// use selfsame_datasets::{Split, Synthetic, SyntheticConfig};
/// use selfsame_train::extract_features;
///
/// let config = SyntheticConfig { images: 5, size: 8, seed: 0, split: Split::Test };
/// let images = Arc::new(Synthetic::new(config));
/// // The mean of every channel, as a feature.
/// let forward = |x: Tensor<4>| x.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2);
/// let features = extract_features(images, &Recipe::evaluation(8), 2, &Device::flex(), forward)?;
/// assert_eq!((features.rows(), features.dim()), (5, 3));
/// # Ok::<(), selfsame_train::TrainError>(())
/// ```
pub fn extract_features(
    dataset: std::sync::Arc<dyn Dataset>,
    recipe: &Recipe,
    batch: usize,
    device: &Device,
    forward: impl Fn(Tensor<4>) -> Tensor<2>,
) -> Result<Features, TrainError> {
    let views = ImageViews::new(dataset, recipe.clone())?;
    Ok(extract_features_of(&views, batch, device, forward)?.features)
}
