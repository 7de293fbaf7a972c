//! The features of whole data sets.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
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
    let draw = Draw { seed: 0, epoch: 0, views: 1 };
    let (mut views, labels) = extract_draw(source, draw, batch, device, forward)?;
    Ok(ExtractedFeatures { features: views.swap_remove(0), labels })
}

/// The views to extract the features of: the first ones that a source makes in an epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw {
    pub(crate) seed: u64,
    pub(crate) epoch: u64,
    /// Number of views, 1 to that of the source.
    pub(crate) views: usize,
}

/// Computes the features of each view of a draw, and the labels of the samples.
pub(crate) fn extract_draw<const D: usize>(
    source: &dyn ViewSource,
    draw: Draw,
    batch: usize,
    device: &Device,
    forward: impl Fn(Tensor<D>) -> Tensor<2>,
) -> Result<(Vec<Features>, Vec<Option<usize>>), TrainError> {
    let dims: Vec<Vec<usize>> =
        (0..source.view_count()).map(|view| source.view_dims(view)).collect();
    let sizes: Vec<usize> = dims.iter().map(|dims| dims.iter().product()).collect();
    let (mut dim, mut features) = (0, vec![Vec::new(); draw.views]);
    let mut labels = Vec::with_capacity(source.samples());
    let indices: Vec<usize> = (0..source.samples()).collect();
    for chunk in indices.chunks(batch) {
        let mut values: Vec<Vec<f32>> =
            sizes.iter().take(draw.views).map(|size| vec![0.0; chunk.len() * size]).collect();
        labels.extend(write_rows(source, draw, chunk, &sizes, &mut values)?);
        for ((values, dims), features) in values.into_iter().zip(&dims).zip(&mut features) {
            let dims = [vec![chunk.len()], dims.clone()].concat();
            assert_eq!(dims.len(), D, "`forward` takes {D} dimensions, the views have {dims:?}");
            let rows = forward(Tensor::from_data(TensorData::new(values, dims), device));
            dim = rows.dims()[1];
            features.extend(rows.into_data().iter::<f32>());
        }
    }
    let features = features.into_iter().map(|features| Features::new(dim, features));
    Ok((features.collect::<Result<_, _>>()?, labels))
}

/// Makes the views of some samples, on all cores, and returns their labels. The first views are
/// written one sample after the other to `values`; a source makes the others, too.
fn write_rows(
    source: &dyn ViewSource,
    draw: Draw,
    samples: &[usize],
    sizes: &[usize],
    values: &mut [Vec<f32>],
) -> Result<Vec<Option<usize>>, TrainError> {
    let mut rows: Vec<_> =
        values.iter_mut().zip(sizes).map(|(values, size)| values.chunks_mut(*size)).collect();
    let rows: Vec<Vec<&mut [f32]>> =
        samples.iter().map(|_| rows.iter_mut().filter_map(Iterator::next).collect()).collect();
    let write = |(mut views, &index): (Vec<&mut [f32]>, &usize)| {
        let mut others: Vec<Vec<f32>> =
            sizes[draw.views..].iter().map(|size| vec![0.0; *size]).collect();
        views.extend(others.iter_mut().map(Vec::as_mut_slice));
        let Draw { seed, epoch, .. } = draw;
        let key = ViewKey { seed, epoch, sample: index as u64, view: 0 };
        source.write_views(index, key, &mut views)
    };
    let labels: Vec<Result<Option<usize>, _>> =
        rows.into_par_iter().zip(samples).map(write).collect();
    // Of several errors the first: the same one whatever the number of threads.
    Ok(labels.into_iter().collect::<Result<_, _>>()?)
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
