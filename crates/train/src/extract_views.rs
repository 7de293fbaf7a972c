//! The features of several views of each sample.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use selfsame_augment::Recipe;
use selfsame_datasets::Dataset;
use selfsame_metrics::Features;
use selfsame_samplers::{ImageViews, ViewSource};

use crate::extract_features::{Draw, extract_draw};
use crate::{ExtractedFeatures, TrainError};

/// Computes the features of `count` views of every sample of `source` with `forward`: one set per
/// view, with the samples as rows in the same order.
///
/// View `v` is view `v mod V` of epoch `v / V` in a run with this `seed`, if the source makes `V`
/// views of a sample. With a source of one view they are all of the same kind, as `LiDAR` takes them;
/// with the two of a training recipe and a count of 2 they are the pairs that alignment compares.
///
/// # Shapes
/// - `forward`: `[batch, ...]` on `device` to `[batch, dim]`
/// - output: `count` sets of one row of `dim` values per sample; the labels are in each
///
/// # Errors
/// If `count` or `batch` is 0, a sample cannot be read, or a feature is not finite.
///
/// # Panics
/// If a view has another number of dimensions than `forward` takes.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::{Device, Tensor};
/// use selfsame_augment::Recipe;
/// use selfsame_datasets::{Split, Synthetic, SyntheticConfig};
/// use selfsame_samplers::ImageViews;
/// use selfsame_train::extract_views_of;
///
/// let config = SyntheticConfig { images: 5, size: 8, seed: 0, split: Split::Test };
/// let images = ImageViews::new(Arc::new(Synthetic::new(config)), Recipe::shapes(8))?;
/// let forward = |x: Tensor<4>| x.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2);
/// let views = extract_views_of(&images, 3, 0, 2, &Device::flex(), forward)?;
/// assert_eq!((views.len(), views[2].features.rows()), (3, 5));
/// assert_ne!(views[0].features, views[1].features, "other views of the same images");
/// assert_eq!(views[0].labels, views[2].labels);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn extract_views_of<const D: usize>(
    source: &dyn ViewSource,
    count: usize,
    seed: u64,
    batch: usize,
    device: &Device,
    forward: impl Fn(Tensor<D>) -> Tensor<2>,
) -> Result<Vec<ExtractedFeatures>, TrainError> {
    for (field, value) in [("count", count), ("batch", batch), ("views", source.view_count())] {
        if value == 0 {
            return Err(TrainError::Setting { field, problem: "must be 1 or more".to_owned() });
        }
    }
    let mut found = Vec::with_capacity(count);
    for epoch in 0.. {
        let views = source.view_count().min(count - found.len());
        if views == 0 {
            break;
        }
        let draw = Draw { seed, epoch, views };
        let (features, labels) = extract_draw(source, draw, batch, device, &forward)?;
        let with_labels = |features| ExtractedFeatures { features, labels: labels.clone() };
        found.extend(features.into_iter().map(with_labels));
    }
    Ok(found)
}

/// Computes the features of `count` views of every image of `dataset` with `forward`: one set per
/// view, with the images as rows in the same order, as [`extract_views_of`].
///
/// `recipe` is that of training, not of evaluation.
///
/// # Shapes
/// - `forward`: `[batch, channel, height, width]` on `device` to `[batch, dim]`
/// - output: `count` sets of one row of `dim` values per image
///
/// # Errors
/// If `count` or `batch` is 0, an image cannot be read, the recipe is not valid, or a feature is not
/// finite.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use selfsame_augment::Recipe;
/// use selfsame_datasets::{Split, Synthetic, SyntheticConfig};
/// use selfsame_models::{Backbone, ResNetConfig};
/// use selfsame_train::extract_views;
///
/// let config = SyntheticConfig { images: 6, size: 8, seed: 0, split: Split::Test };
/// let images = Arc::new(Synthetic::new(config));
/// let device = Device::flex();
/// let encoder = ResNetConfig::resnet10(1).init(0, &device);
/// let forward = |x| encoder.forward(x);
/// let views = extract_views(images, &Recipe::shapes(8), 2, 0, 4, &device, forward)?;
/// assert_eq!([views[0].rows(), views[1].rows()], [6, 6]);
/// # Ok::<(), selfsame_train::TrainError>(())
/// ```
pub fn extract_views(
    dataset: Arc<dyn Dataset>,
    recipe: &Recipe,
    count: usize,
    seed: u64,
    batch: usize,
    device: &Device,
    forward: impl Fn(Tensor<4>) -> Tensor<2>,
) -> Result<Vec<Features>, TrainError> {
    let source = ImageViews::new(dataset, recipe.clone())?;
    let views = extract_views_of(&source, count, seed, batch, device, forward)?;
    Ok(views.into_iter().map(|view| view.features).collect())
}
