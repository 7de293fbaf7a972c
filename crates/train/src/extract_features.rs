//! The features of whole data sets.

use burn::tensor::{Device, Tensor, TensorData};
use selfsame_augment::{Recipe, Scratch, ViewKey, ViewMaker};
use selfsame_datasets::Dataset;
use selfsame_metrics::Features;

use crate::TrainError;

/// Computes the features of every image of `dataset` with `forward`, in order, `batch` at a time.
///
/// `recipe` is an evaluation recipe, such as [`Recipe::evaluation`]. Its first view is used, drawn
/// with seed 0.
///
/// # Shapes
/// - `forward`: `[batch, channel, height, width]` on `device` to `[batch, dim]`
/// - output: one row of `dim` values per image
///
/// # Errors
/// If an image cannot be read, or a feature is not finite.
///
/// # Panics
/// If `batch` is 0.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_augment::Recipe;
/// use selfsame_datasets::{Split, Synthetic, SyntheticConfig};
/// use selfsame_train::extract_features;
///
/// let config = SyntheticConfig { images: 5, size: 8, seed: 0, split: Split::Test };
/// let (images, recipe) = (Synthetic::new(config), Recipe::evaluation(8));
/// // The mean of every channel, as a feature.
/// let forward = |x: burn::tensor::Tensor<4>| x.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2);
/// let features = extract_features(&images, &recipe, 2, &Device::flex(), forward)?;
/// assert_eq!((features.rows(), features.dim()), (5, 3));
/// # Ok::<(), selfsame_train::TrainError>(())
/// ```
pub fn extract_features(
    dataset: &dyn Dataset,
    recipe: &Recipe,
    batch: usize,
    device: &Device,
    forward: impl Fn(Tensor<4>) -> Tensor<2>,
) -> Result<Features, TrainError> {
    let [channels, height, width] = recipe.view_dims(0);
    let size = channels * height * width;
    let mut scratch = Scratch::default();
    let (mut dim, mut features) = (0, Vec::new());
    let indices: Vec<usize> = (0..dataset.len()).collect();
    for chunk in indices.chunks(batch) {
        let mut pixels = vec![0.0; chunk.len() * size];
        for (&index, view) in chunk.iter().zip(pixels.chunks_mut(size)) {
            let key = ViewKey { seed: 0, epoch: 0, sample: index as u64, view: 0 };
            recipe.write_view(&dataset.image(index)?, key, &mut scratch, view);
        }
        let pixels = TensorData::new(pixels, [chunk.len(), channels, height, width]);
        let rows = forward(Tensor::from_data(pixels, device));
        dim = rows.dims()[1];
        features.extend(rows.into_data().iter::<f32>());
    }
    Ok(Features::new(dim, features)?)
}
