//! Means and standard deviations of the channels, where no published ones fit.

use rayon::prelude::*;

use crate::pixels::spaced;
use crate::{DataError, Dataset};

/// Mean and standard deviation of red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelStatistics {
    /// Means, from 0 to 1.
    pub mean: [f64; 3],
    /// Standard deviations over all pixels, from 0 to 0.5.
    pub std: [f64; 3],
    /// Number of images that were looked at.
    pub images: usize,
}

/// Computes mean and standard deviation of each channel over up to `limit` images, evenly spaced.
///
/// Every image counts the same, whatever its size. Values are those of the pixels divided by the
/// greatest of their type; gray images count as RGB. Images that cannot be used are passed over.
/// Where all pixels are alike, the deviation is 0: do not divide by it.
///
/// # Errors
/// If no image can be used.
///
/// # Example
/// ```
/// use selfsame_datasets::{InMemory, Layout, channel_statistics};
///
/// let half_white = [[0; 8], [255; 8]].concat();
/// let images = InMemory::new(half_white, [4, 4, 1], Layout::Hwc)?;
/// let statistics = channel_statistics(&images, 1_000)?;
/// assert_eq!((statistics.mean, statistics.std), ([0.5; 3], [0.5; 3]));
/// # Ok::<(), selfsame_datasets::DataError>(())
/// ```
pub fn channel_statistics(
    dataset: &dyn Dataset,
    limit: usize,
) -> Result<ChannelStatistics, DataError> {
    let indices: Vec<usize> = spaced(dataset.len(), limit).collect();
    let moments: Vec<Result<[[f64; 2]; 3], DataError>> =
        indices.par_iter().map(|index| moments(dataset, *index)).collect();
    let all = moments.len();
    let (mut sums, mut images, mut failed) = ([[0.0; 2]; 3], 0, None);
    // In order, so that the result does not depend on the number of threads.
    for (moments, index) in moments.into_iter().zip(indices) {
        match moments {
            Ok(moments) => {
                images += 1;
                for (sum, moment) in sums.as_flattened_mut().iter_mut().zip(moments.as_flattened())
                {
                    *sum += moment;
                }
            }
            Err(error) => {
                failed.get_or_insert_with(|| (dataset.name(index), error.reason()));
            }
        }
    }
    if images == 0 {
        let nothing = || (String::from("-"), String::from("there are no images"));
        let (name, reason) = failed.unwrap_or_else(nothing);
        return Err(DataError::NoneUsable { all, name, reason });
    }
    let mean = sums.map(|[sum, _]| sum / images as f64);
    let variance =
        |[sum, squares]: [f64; 2]| squares / images as f64 - (sum / images as f64).powi(2);
    let std = sums.map(|sums| variance(sums).max(0.0).sqrt());
    Ok(ChannelStatistics { mean, std, images })
}

/// Returns the mean of each channel and that of its square.
fn moments(dataset: &dyn Dataset, index: usize) -> Result<[[f64; 2]; 3], DataError> {
    let image = dataset.image(index)?.into_rgb16();
    let mut sums = [[0.0; 2]; 3];
    for pixel in image.pixels() {
        for ([sum, squares], value) in sums.iter_mut().zip(pixel.0) {
            let value = f64::from(value) / 65_535.0;
            *sum += value;
            *squares += value * value;
        }
    }
    let pixels = (f64::from(image.width()) * f64::from(image.height())).max(1.0);
    Ok(sums.map(|sums| sums.map(|sum| sum / pixels)))
}
