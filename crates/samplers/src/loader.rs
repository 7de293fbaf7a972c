//! Batches of views, made by several threads, in one fixed order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use selfsame_augment::{Recipe, Scratch, ViewKey};

use crate::subset::shuffle;
use crate::{DataError, Dataset};

/// How a [`Loader`] works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderConfig {
    /// Pictures in a batch.
    pub batch_size: usize,
    /// Threads that make views; the batches do not depend on it.
    pub threads: usize,
    /// Decides the order of pictures and every random choice of a view.
    pub seed: u64,
}

/// One view of every picture of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct HostView {
    /// `[batch, channels, height, width]`.
    pub dims: [usize; 4],
    /// The numbers, in that order.
    pub data: Vec<f32>,
}

/// A batch in memory: all views of some pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct HostViews {
    /// The epoch, from 0.
    pub epoch: u64,
    /// The batch within the epoch, from 0.
    pub batch: usize,
    /// Which pictures these are.
    pub indices: Vec<usize>,
    /// Their classes, where known.
    pub labels: Vec<Option<usize>>,
    /// One entry per view of the recipe.
    pub views: Vec<HostView>,
}

/// Makes the batches of any epoch.
///
/// In each epoch every picture comes once, in an order that depends on seed and epoch alone; the
/// pictures left over after the last whole batch are dropped. A view depends on seed, epoch, picture
/// and view alone. So a loader has no state: `epoch(e, b)` starts at any batch of any epoch.
#[derive(Clone)]
pub struct Loader {
    dataset: Arc<dyn Dataset>,
    recipe: Arc<Recipe>,
    config: LoaderConfig,
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Loader({} pictures, {:?})", self.dataset.len(), self.config)
    }
}

impl Loader {
    /// A loader of `dataset`.
    ///
    /// # Errors
    /// If a setting is 0, a batch needs more pictures than there are, or the recipe cannot be
    /// followed.
    pub fn new(
        dataset: Arc<dyn Dataset>,
        recipe: Recipe,
        config: LoaderConfig,
    ) -> Result<Self, DataError> {
        let LoaderConfig { batch_size, threads, .. } = config;
        for (key, value) in [("batch_size", batch_size), ("threads", threads)] {
            if value == 0 {
                return Err(DataError::Zero { key });
            }
        }
        recipe.validate()?;
        if batch_size > dataset.len() {
            return Err(DataError::Batch { batch_size, pictures: dataset.len() });
        }
        Ok(Self { dataset, recipe: Arc::new(recipe), config })
    }

    /// Pictures in a batch.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.config.batch_size
    }

    /// Whole batches in an epoch, at least 1.
    #[must_use]
    pub fn batches_per_epoch(&self) -> usize {
        self.dataset.len() / self.config.batch_size
    }

    /// The batches of an epoch from `first_batch` on. Threads start at once and wait when they are a
    /// batch ahead each; dropping the iterator ends them.
    #[must_use]
    pub fn epoch(&self, epoch: u64, first_batch: usize) -> EpochBatches {
        let mut order: Vec<usize> = (0..self.dataset.len()).collect();
        // A key no view has.
        let key = ViewKey { seed: self.config.seed, epoch, picture: u64::MAX, view: u32::MAX };
        shuffle(&mut order, &mut key.rng());
        let order: Arc<[usize]> = order.into();
        let end = self.batches_per_epoch();
        let threads = self.config.threads.min(end.saturating_sub(first_batch));
        let stopped = Arc::new(AtomicBool::new(false));
        let start = |thread: usize| {
            let (sender, receiver) = bounded(1);
            let work = Worker {
                loader: self.clone(),
                order: order.clone(),
                epoch,
                stopped: stopped.clone(),
            };
            let batches = (first_batch + thread..end).step_by(threads);
            (receiver, std::thread::spawn(move || work.run(batches, &sender)))
        };
        let (receivers, handles) = (0..threads).map(start).unzip();
        EpochBatches { receivers, handles, next: 0, left: end.saturating_sub(first_batch), stopped }
    }
}

/// One thread: it makes every so many-th batch.
struct Worker {
    loader: Loader,
    order: Arc<[usize]>,
    epoch: u64,
    stopped: Arc<AtomicBool>,
}

impl Worker {
    fn run(
        &self,
        batches: impl Iterator<Item = usize>,
        sender: &Sender<Result<HostViews, DataError>>,
    ) {
        let mut scratch = Scratch::default();
        for batch in batches {
            let views = self.make(batch, &mut scratch);
            let failed = views.is_err();
            // Nobody listens any more when the iterator was dropped.
            if sender.send(views).is_err() || failed {
                return;
            }
        }
    }

    fn make(&self, batch: usize, scratch: &mut Scratch) -> Result<HostViews, DataError> {
        let Loader { dataset, recipe, config } = &self.loader;
        let indices = self.order[batch * config.batch_size..][..config.batch_size].to_vec();
        let labels = indices.iter().map(|&index| dataset.label(index)).collect();
        let empty = |view| {
            let [channels, height, width] = recipe.view_dims(view);
            let dims = [indices.len(), channels, height, width];
            HostView { dims, data: vec![0.0; dims.iter().product()] }
        };
        let mut views: Vec<HostView> = (0..recipe.view_count()).map(empty).collect();
        for (place, &index) in indices.iter().enumerate() {
            if self.stopped.load(Ordering::Relaxed) {
                break; // nobody will look at this batch
            }
            let mut write = || -> Result<(), DataError> {
                let picture = dataset.picture(index)?;
                for (view, HostView { dims, data }) in (0..).zip(&mut views) {
                    let size: usize = dims[1..].iter().product();
                    let seed = config.seed;
                    let key = ViewKey { seed, epoch: self.epoch, picture: index as u64, view };
                    recipe.write_view(&picture, key, scratch, &mut data[place * size..][..size]);
                }
                Ok(())
            };
            // A data set of the user's own may panic; that must not leave the run waiting.
            catch_unwind(AssertUnwindSafe(&mut write)).unwrap_or_else(|panic| {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                let reason = format!("it made the loader panic: {}", text.unwrap_or("no reason given"));
                Err(DataError::Picture { name: dataset.name(index), reason })
            })?;
        }
        Ok(HostViews { epoch: self.epoch, batch, indices, labels, views })
    }
}

/// The batches of one epoch, in order. See [`Loader::epoch`].
#[derive(Debug)]
pub struct EpochBatches {
    receivers: Vec<Receiver<Result<HostViews, DataError>>>,
    handles: Vec<JoinHandle<()>>,
    next: usize,
    left: usize,
    stopped: Arc<AtomicBool>,
}

impl Iterator for EpochBatches {
    type Item = Result<HostViews, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let batch = self.receivers[self.next % self.receivers.len()].recv();
        self.next += 1;
        self.left -= 1;
        let batch = batch.unwrap_or_else(|_| {
            let name = format!("of batch {}", self.next - 1);
            Err(DataError::Picture { name, reason: "the thread that made it has ended".to_owned() })
        });
        if batch.is_err() {
            self.left = 0; // an epoch with a hole is no epoch
        }
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl Drop for EpochBatches {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.receivers.clear();
        for handle in self.handles.drain(..) {
            let _ = handle.join(); // a panic in it has already been told
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Split, Synthetic, SyntheticConfig};
    use image::DynamicImage;

    fn loader(threads: usize) -> Loader {
        let shapes = SyntheticConfig { pictures: 23, size: 12, seed: 1, split: Split::Train };
        let config = LoaderConfig { batch_size: 3, threads, seed: 9 };
        Loader::new(Arc::new(Synthetic::new(shapes)), Recipe::shapes(12), config).unwrap()
    }

    fn all(loader: &Loader, epoch: u64, first: usize) -> Vec<HostViews> {
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
    fn every_epoch_shows_each_picture_at_most_once_in_an_order_of_its_own() {
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

    struct Trap;

    impl Dataset for Trap {
        fn len(&self) -> usize {
            12
        }

        fn picture(&self, index: usize) -> Result<DynamicImage, DataError> {
            assert!(index != 7, "seven is a trap");
            Ok(DynamicImage::new_rgb8(16, 16))
        }
    }

    #[test]
    fn a_panic_becomes_an_error_that_names_the_picture_and_ends_the_epoch() {
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
