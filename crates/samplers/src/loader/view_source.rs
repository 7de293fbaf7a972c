//! The interface of samples that are shown as views.

use selfsame_augment::ViewKey;
use selfsame_datasets::DataError;

/// Samples of any kind that are shown as views: signals, tables, images.
///
/// A [`Loader`](crate::Loader) makes batches of them on several threads.
/// [`ImageViews`](crate::ImageViews) is the source of images. Every random choice must come from the
/// key, so that the views do not depend on threads or on their order.
///
/// # Example
/// ```
/// use rand::RngExt;
/// use selfsame_augment::ViewKey;
/// use selfsame_datasets::DataError;
/// use selfsame_samplers::{Loader, Shuffled, ViewSource};
///
/// /// Sine waves of 10 frequencies, in two views with noise.
/// struct Waves;
///
/// impl ViewSource for Waves {
///     fn samples(&self) -> usize {
///         100
///     }
///
///     fn view_count(&self) -> usize {
///         2
///     }
///
///     fn view_dims(&self, _view: usize) -> Vec<usize> {
///         vec![1, 64]
///     }
///
///     fn write_views(
///         &self,
///         index: usize,
///         key: ViewKey,
///         views: &mut [&mut [f32]],
///     ) -> Result<Option<usize>, DataError> {
///         for (view, values) in (0..).zip(views) {
///             let mut rng = ViewKey { view, ..key }.rng();
///             for (time, value) in values.iter_mut().enumerate() {
///                 let wave = ((index % 10 + 1) as f32 * time as f32 * 0.1).sin();
///                 *value = wave + rng.random_range(-0.1..0.1);
///             }
///         }
///         Ok(Some(index % 10))
///     }
/// }
///
/// let loader = Loader::of(Waves, Shuffled::new(100, 20, 0)?, 2, 0)?;
/// let batch = loader.epoch(0, 0).next().expect("five batches")?;
/// assert_eq!(batch.views[1].dims, [20, 1, 64]);
/// # Ok::<(), selfsame_samplers::LoaderError>(())
/// ```
pub trait ViewSource: Send + Sync {
    /// Returns the number of samples.
    fn samples(&self) -> usize;

    /// Returns the number of views of a sample.
    fn view_count(&self) -> usize;

    /// Returns the shape of a view of one sample, without the batch: `[channels, height, width]` of
    /// an image, `[channels, length]` of a signal.
    fn view_dims(&self, view: usize) -> Vec<usize>;

    /// Writes all views of a sample and returns its class, if it has one.
    ///
    /// `views` has a slice for each view, as long as [`view_dims`](Self::view_dims) says. The key has
    /// view 0; a view's own random choices come from `ViewKey { view, ..key }.rng()`.
    ///
    /// # Errors
    /// If the sample cannot be read; the error names it.
    fn write_views(
        &self,
        index: usize,
        key: ViewKey,
        views: &mut [&mut [f32]],
    ) -> Result<Option<usize>, DataError>;

    /// Returns the name of a sample, for messages. Default: its number.
    fn name(&self, index: usize) -> String {
        format!("number {index}")
    }

    /// Returns a number that changes when the sample does, as far as that is cheap to tell. A run
    /// that is resumed compares it. Default: 0.
    ///
    /// # Errors
    /// If the sample cannot be found; the error names it.
    fn stamp(&self, _index: usize) -> Result<u64, DataError> {
        Ok(0)
    }

    /// Returns everything that decides the views besides samples and keys, as text. A run that is
    /// resumed compares it. Default: the name of the type.
    fn describe(&self) -> String {
        std::any::type_name::<Self>().to_owned()
    }
}
