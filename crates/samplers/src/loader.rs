//! The loader: batches of views, made by several threads, in one fixed order.

mod batch;
mod image_views;
mod producer;
mod view_source;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, bounded};
use rayon::ThreadPoolBuilder;
use selfsame_augment::ViewMaker;
use selfsame_datasets::{Dataset, stamp};

use crate::{BatchSource, LoaderError, Sampler, SamplerError, Shuffled};

pub use batch::{HostBatch, HostView};
pub use image_views::ImageViews;
use producer::{Pipeline, Producer};
pub use view_source::ViewSource;

/// Settings of a [`Loader`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderConfig {
    /// Samples in a batch, 1 or more.
    pub batch_size: usize,
    /// Threads that make views, 1 or more. The batches do not depend on it.
    pub threads: usize,
    /// The seed of the order of samples and of every random choice of a view.
    pub seed: u64,
}

/// Makes the batches of any epoch.
///
/// A batch depends only on the sampler, the seed, the epoch and the batch's number, not on the
/// threads. A view depends on seed, epoch, sample and view; where a sampler draws a sample several
/// times in an epoch, also on the number of its earlier draws. So a loader has no state, and
/// [`epoch`](Self::epoch) starts at any batch of any epoch.
///
/// All threads work on the same batch. One batch is made while another waits to be taken; with the
/// one in use, three are in memory.
#[derive(Clone)]
pub struct Loader {
    pipeline: Arc<Pipeline>,
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader")
            .field("samples", &self.pipeline.source.samples())
            .field("batch_size", &self.batch_size())
            .field("batches_per_epoch", &self.batches_per_epoch())
            .field("threads", &self.pipeline.threads.current_num_threads())
            .field("seed", &self.pipeline.seed)
            .finish()
    }
}

impl Loader {
    /// Creates a loader that shows every image once an epoch, [`Shuffled`].
    ///
    /// Views are those of a [`Recipe`](selfsame_augment::Recipe), of a
    /// [`CustomRecipe`](selfsame_augment::CustomRecipe), or of any other [`ViewMaker`]. The images
    /// left over after the last complete batch are dropped.
    ///
    /// # Errors
    /// If a setting is 0, a batch needs more images than there are, the recipe is not valid, or the
    /// threads cannot be started.
    pub fn new(
        dataset: Arc<dyn Dataset>,
        recipe: impl ViewMaker + 'static,
        config: LoaderConfig,
    ) -> Result<Self, LoaderError> {
        let LoaderConfig { batch_size, threads, seed } = config;
        let sampler = Shuffled::new(dataset.len(), batch_size, seed)?;
        Self::with_sampler(dataset, recipe, sampler, threads, seed)
    }

    /// Creates a loader of the batches of any sampler; `seed` decides the views.
    ///
    /// # Errors
    /// If `threads` is 0 or they cannot be started, the sampler has no batch or draws from more
    /// samples than there are, or the recipe is not valid.
    ///
    /// # Example
    /// ```
    /// use std::sync::Arc;
    /// use selfsame_augment::Recipe;
    /// use selfsame_datasets::{Split, Synthetic, SyntheticConfig, labels};
    /// use selfsame_samplers::{Balanced, BalancedConfig, Loader};
    ///
    /// let config = SyntheticConfig { images: 40, size: 16, seed: 0, split: Split::Train };
    /// let shapes = Arc::new(Synthetic::new(config));
    /// let sampler = Balanced::new(&labels(&*shapes), BalancedConfig::default())?;
    /// let loader = Loader::with_sampler(shapes, Recipe::shapes(16), sampler, 2, 0)?;
    /// let batch = loader.epoch(0, 999).next().expect("the last of 1,000 batches")?;
    /// assert_eq!(batch.labels[0], batch.labels[1], "two examples of each class");
    /// # Ok::<(), selfsame_samplers::LoaderError>(())
    /// ```
    pub fn with_sampler(
        dataset: Arc<dyn Dataset>,
        recipe: impl ViewMaker + 'static,
        sampler: impl Sampler + 'static,
        threads: usize,
        seed: u64,
    ) -> Result<Self, LoaderError> {
        Self::of(ImageViews::new(dataset, recipe)?, sampler, threads, seed)
    }

    /// Creates a loader of samples of any kind; `seed` decides the views.
    ///
    /// # Errors
    /// If `threads` is 0 or they cannot be started, or the sampler has no batch or draws from more
    /// samples than there are.
    pub fn of(
        source: impl ViewSource + 'static,
        sampler: impl Sampler + 'static,
        threads: usize,
        seed: u64,
    ) -> Result<Self, LoaderError> {
        let settings = [
            ("threads", threads),
            ("batch_size", sampler.batch_size()),
            ("batches_per_epoch", sampler.batches_per_epoch()),
        ];
        if let Some((field, _)) = settings.into_iter().find(|(_, value)| *value == 0) {
            return Err(LoaderError::Zero { field });
        }
        if sampler.samples() > source.samples() {
            let (drawn, all) = (sampler.samples(), source.samples());
            let problem = format!("is {drawn}, but the data set has {all}");
            return Err(SamplerError::Setting { field: "samples", problem }.into());
        }
        let name = |thread| format!("selfsame-loader-{thread}");
        let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build();
        let pool =
            pool.map_err(|error| LoaderError::Threads { threads, reason: error.to_string() })?;
        let (source, sampler) = (Box::new(source), Box::new(sampler));
        let pipeline = Pipeline { source, sampler, seed, threads: pool };
        Ok(Self { pipeline: Arc::new(pipeline) })
    }

    /// Returns the samples in a batch; the last batch of an epoch may have fewer if the sampler
    /// allows it.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.pipeline.sampler.batch_size()
    }

    /// Returns the batches in an epoch, at least 1.
    #[must_use]
    pub fn batches_per_epoch(&self) -> usize {
        self.pipeline.sampler.batches_per_epoch()
    }

    /// Returns the batches of an epoch from `first_batch` on; none if there is no such batch.
    ///
    /// Threads start at once. Dropping the iterator stops them at the next image, without waiting
    /// for them.
    ///
    /// # Example
    /// ```
    /// # use std::sync::Arc;
    /// # use selfsame_augment::Recipe;
    /// # use selfsame_datasets::{Split, Synthetic, SyntheticConfig};
    /// # use selfsame_samplers::{Loader, LoaderConfig};
    /// # let config = SyntheticConfig { images: 20, size: 16, seed: 0, split: Split::Train };
    /// # let shapes = Arc::new(Synthetic::new(config));
    /// let config = LoaderConfig { batch_size: 4, threads: 2, seed: 0 };
    /// let loader = Loader::new(shapes, Recipe::shapes(16), config)?;
    /// let whole: Vec<_> = loader.epoch(7, 0).collect::<Result<_, _>>()?;
    /// let resumed: Vec<_> = loader.epoch(7, 3).collect::<Result<_, _>>()?;
    /// assert_eq!(resumed, whole[3..]);
    /// # Ok::<(), selfsame_samplers::LoaderError>(())
    /// ```
    #[must_use]
    pub fn epoch(&self, epoch: u64, first_batch: usize) -> Batches {
        let left = self.batches_per_epoch().saturating_sub(first_batch);
        let stopped = Arc::new(AtomicBool::new(false));
        // One batch waits here, another with the thread that is to send it.
        let (sender, receiver) = bounded(1);
        let producer =
            Producer { pipeline: self.pipeline.clone(), stopped: stopped.clone(), sender };
        if left > 0 {
            std::thread::spawn(move || producer.run(epoch, first_batch));
        }
        Batches { receiver, next: first_batch, left, stopped }
    }
}

impl BatchSource for Loader {
    type Batch = HostBatch;

    fn batch_size(&self) -> usize {
        self.batch_size()
    }

    fn batches_per_epoch(&self) -> usize {
        self.batches_per_epoch()
    }

    fn epoch(
        &self,
        epoch: u64,
        first_batch: usize,
    ) -> impl Iterator<Item = Result<HostBatch, LoaderError>> {
        self.epoch(epoch, first_batch)
    }

    /// Returns the number of samples and a checksum of their stamps, what decides the
    /// views, the seed, and a checksum of the order of the first epoch.
    fn fingerprint(&self) -> Result<BTreeMap<String, String>, LoaderError> {
        let Pipeline { source, sampler, seed, .. } = self.pipeline.as_ref();
        let stamps: Result<Vec<u64>, _> =
            (0..source.samples()).map(|index| source.stamp(index)).collect();
        let bytes = |numbers: &[u64]| -> Vec<u8> {
            numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
        };
        let order = self.pipeline.order(0)?;
        let batches = 0..order.batches();
        let order: Vec<u64> =
            batches.flat_map(|batch| order.batch(batch)).map(|&index| index as u64).collect();
        let checksum = |numbers: &[u64]| format!("{:016x}", stamp(&[&bytes(numbers)]));
        let entries = [
            ("number of samples", source.samples().to_string()),
            ("the samples (checksum of names and sizes)", checksum(&stamps?)),
            ("views", source.describe()),
            ("seed of the views", seed.to_string()),
            ("batch_size", sampler.batch_size().to_string()),
            ("batches_per_epoch", sampler.batches_per_epoch().to_string()),
            ("order of the samples", checksum(&order)),
        ];
        Ok(entries.map(|(name, value)| (name.to_owned(), value)).into())
    }
}

/// The batches of an epoch, in order. See [`Loader::epoch`].
///
/// The iterator ends with the first error, since an epoch must not have gaps.
#[derive(Debug)]
pub struct Batches {
    receiver: Receiver<Result<HostBatch, LoaderError>>,
    /// The next batch.
    next: usize,
    /// Batches to come.
    left: usize,
    stopped: Arc<AtomicBool>,
}

impl Iterator for Batches {
    type Item = Result<HostBatch, LoaderError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let ended = |_| Err(LoaderError::Ended { batch: self.next });
        let made = self.receiver.recv().unwrap_or_else(ended);
        if made.is_err() {
            self.left = 0;
            return Some(made);
        }
        self.left -= 1;
        self.next += 1;
        Some(made)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        // The producer notices at its next image, or at once if it is waiting to send.
        self.stopped.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::DynamicImage;
    use selfsame_augment::{CustomRecipe, Recipe};
    use selfsame_datasets::{DataError, Split, Synthetic, SyntheticConfig};

    fn loader(threads: usize) -> Loader {
        let shapes = SyntheticConfig { images: 23, size: 12, seed: 1, split: Split::Train };
        let config = LoaderConfig { batch_size: 3, threads, seed: 9 };
        Loader::new(Arc::new(Synthetic::new(shapes)), Recipe::shapes(12), config).unwrap()
    }

    fn all(loader: &Loader, epoch: u64, first: usize) -> Vec<HostBatch> {
        loader.epoch(epoch, first).collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn the_batches_are_the_same_for_any_number_of_threads() {
        let want = all(&loader(1), 4, 0);
        assert_eq!(want.len(), 7);
        for threads in [2, 3, 8, 20] {
            assert!(all(&loader(threads), 4, 0) == want, "{threads} threads");
        }
    }

    #[test]
    fn an_epoch_can_be_entered_at_any_batch() {
        let want = all(&loader(2), 0, 0);
        for first in 0..=7 {
            assert!(all(&loader(3), 0, first) == want[first..], "from batch {first}");
        }
    }

    #[test]
    fn every_epoch_shows_each_image_at_most_once_in_an_order_of_its_own() {
        let order = |epoch| -> Vec<usize> {
            all(&loader(2), epoch, 0).into_iter().flat_map(|batch| batch.indices).collect()
        };
        let (first, second) = (order(0), order(1));
        assert_ne!(first, second);
        let mut sorted = first;
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 21);
    }

    #[test]
    fn an_iterator_dropped_early_ends_its_threads() {
        let mut batches = loader(4).epoch(0, 0);
        assert!(batches.next().is_some());
        drop(batches); // would hang if a thread waited for ever
    }

    #[test]
    fn custom_functions_are_part_of_the_views() {
        let shapes = SyntheticConfig { images: 12, size: 12, seed: 1, split: Split::Train };
        let shapes = Arc::new(Synthetic::new(shapes));
        let config = LoaderConfig { batch_size: 4, threads: 2, seed: 9 };
        let plain = Loader::new(shapes.clone(), Recipe::shapes(12), config).unwrap();
        let marked = CustomRecipe::new(Recipe::shapes(12)).with_last(1, |image, _| {
            image.data[0] = 1.0;
        });
        let marked = Loader::new(shapes, marked, config).unwrap();
        for (plain, marked) in all(&plain, 0, 0).into_iter().zip(all(&marked, 0, 0)) {
            assert!(plain.views[0] == marked.views[0] && plain.indices == marked.indices);
            let [plain, marked] = [&plain.views[1], &marked.views[1]].map(|view| &view.data);
            for (plain, marked) in plain.chunks(3 * 144).zip(marked.chunks(3 * 144)) {
                assert!((marked[0] - 1.0).abs() < 1e-6, "{}", marked[0]);
                assert!(plain[1..].iter().zip(&marked[1..]).all(|(a, b)| (a - b).abs() < 1e-4));
            }
        }
    }

    struct Trap;

    impl Dataset for Trap {
        fn len(&self) -> usize {
            12
        }

        fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
            assert!(index != 7, "seven is a trap");
            Ok(DynamicImage::new_rgb8(16, 16))
        }
    }

    #[test]
    fn a_panic_becomes_an_error_that_names_the_image_and_ends_the_epoch() {
        let config = LoaderConfig { batch_size: 2, threads: 3, seed: 0 };
        let loader = Loader::new(Arc::new(Trap), Recipe::shapes(16), config).unwrap();
        let results: Vec<_> = loader.epoch(0, 0).collect();
        let error = results.last().unwrap().as_ref().unwrap_err().to_string();
        assert!(error.contains("number 7") && error.contains("seven is a trap"), "{error}");
        assert!(results.iter().rev().skip(1).all(Result::is_ok));
    }

    #[test]
    fn settings_that_make_no_sense_are_named() {
        let new = |batch_size, threads| {
            let config = LoaderConfig { batch_size, threads, seed: 0 };
            Loader::new(Arc::new(Trap), Recipe::shapes(16), config).unwrap_err().to_string()
        };
        assert!(new(64, 1).contains("batch of 64") && new(64, 1).contains("only 12"));
        assert!(new(0, 1).contains("batch_size") && new(2, 0).contains("threads"));
    }
}
