//! Batches of views, made by several threads, in one fixed order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use selfsame_augment::{CropBox, Plan, Scratch, ViewKey, ViewMaker};
use serde::{Deserialize, Serialize};

use crate::{DataError, Dataset, EncodedImage, EpochOrder, Sampler, Shuffled};

/// How a [`Loader`] works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderConfig {
    /// Images in a batch.
    pub batch_size: usize,
    /// Threads that make views; the batches do not depend on it.
    pub threads: usize,
    /// Decides the order of images and every random choice of a view.
    pub seed: u64,
}

/// One view of every image of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct HostView {
    /// `[batch, channels, height, width]`.
    pub dims: [usize; 4],
    /// The numbers, in that order.
    pub data: Vec<f32>,
}

/// A batch in memory: all views of some images.
#[derive(Clone, Debug, PartialEq)]
pub struct HostViews {
    /// The epoch, from 0.
    pub epoch: u64,
    /// The batch within the epoch, from 0.
    pub batch: usize,
    /// Which images these are.
    pub indices: Vec<usize>,
    /// Their classes, where known.
    pub labels: Vec<Option<usize>>,
    /// One entry per view of the recipe.
    pub views: Vec<HostView>,
}

/// Makes the batches of any epoch.
///
/// A batch depends on the sampler, the seed, the epoch and the batch alone, not on the threads; a
/// view depends on seed, epoch, image and view alone, and where a sampler gives an image several
/// times an epoch, on how often it came before. So a loader has no state: `epoch(e, b)` starts at any
/// batch of any epoch.
///
/// All threads work on one batch. One batch is being made while another waits to be taken, so with
/// the one in use there are three in memory. A JPEG is decoded as far as the crops of its views reach,
/// and at a half, a quarter or an eighth of its size where all of them stay as large as the views.
#[derive(Clone)]
pub struct Loader {
    work: Arc<Work>,
}

/// What all batches have in common.
struct Work {
    dataset: Arc<dyn Dataset>,
    recipe: Box<dyn ViewMaker>,
    sampler: Box<dyn Sampler>,
    seed: u64,
    threads: ThreadPool,
    /// Room for making views; as many as are needed at once.
    scratches: Mutex<Vec<Scratch>>,
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader")
            .field("images", &self.work.dataset.len())
            .field("batch_size", &self.batch_size())
            .field("batches_per_epoch", &self.batches_per_epoch())
            .field("threads", &self.work.threads.current_num_threads())
            .field("seed", &self.work.seed)
            .finish()
    }
}

impl Loader {
    /// A loader of `dataset` whose views are those of a [`Recipe`](selfsame_augment::Recipe), or of
    /// anything that makes views, as an [`CustomRecipe`](selfsame_augment::CustomRecipe).
    ///
    /// It shows every image once an epoch, [`Shuffled`]; the images left over after the last whole
    /// batch are dropped.
    ///
    /// # Errors
    /// If a setting is 0, a batch needs more images than there are, the recipe cannot be followed,
    /// or the threads cannot be started.
    pub fn new(
        dataset: Arc<dyn Dataset>,
        recipe: impl ViewMaker + 'static,
        config: LoaderConfig,
    ) -> Result<Self, DataError> {
        let LoaderConfig { batch_size, threads, seed } = config;
        let sampler = Shuffled::new(dataset.len(), batch_size, seed)?;
        Self::with_sampler(dataset, recipe, sampler, threads, seed)
    }

    /// A loader of the batches of any sampler, whose views `seed` decides.
    ///
    /// # Errors
    /// If `threads` is 0 or they cannot be started, the sampler has no batch or draws from more
    /// images than there are, or the recipe cannot be followed.
    pub fn with_sampler(
        dataset: Arc<dyn Dataset>,
        recipe: impl ViewMaker + 'static,
        sampler: impl Sampler + 'static,
        threads: usize,
        seed: u64,
    ) -> Result<Self, DataError> {
        let settings = [
            ("threads", threads),
            ("batch_size", sampler.batch_size()),
            ("batches_per_epoch", sampler.batches_per_epoch()),
        ];
        if let Some((key, _)) = settings.into_iter().find(|(_, value)| *value == 0) {
            return Err(DataError::Zero { key });
        }
        recipe.validate()?;
        if sampler.images() > dataset.len() {
            let (drawn, all) = (sampler.images(), dataset.len());
            let problem = format!("is {drawn}, but the data set has {all}");
            return Err(DataError::Sampler { field: "images", problem });
        }
        let name = |thread| format!("selfsame-loader-{thread}");
        let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build();
        let pool =
            pool.map_err(|error| DataError::Threads { threads, reason: error.to_string() })?;
        let (recipe, sampler) = (Box::new(recipe), Box::new(sampler));
        let scratches = Mutex::default();
        let work = Work { dataset, recipe, sampler, seed, threads: pool, scratches };
        Ok(Self { work: Arc::new(work) })
    }

    /// Images in a batch; the last of an epoch may have fewer if the sampler says so.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.work.sampler.batch_size()
    }

    /// Batches in an epoch, at least 1.
    #[must_use]
    pub fn batches_per_epoch(&self) -> usize {
        self.work.sampler.batches_per_epoch()
    }

    /// The batches of an epoch from `first_batch` on. Threads start at once; dropping the iterator
    /// stops them at the next image and waits for none.
    #[must_use]
    pub fn epoch(&self, epoch: u64, first_batch: usize) -> Batches {
        let left = self.batches_per_epoch().saturating_sub(first_batch);
        self.start(epoch, first_batch, Some(left))
    }

    /// The batches of this and all further epochs; it never ends by itself.
    ///
    /// The first batches of an epoch are made while the last of the one before are in use.
    #[must_use]
    pub fn batches(&self) -> Batches {
        self.start(0, 0, None)
    }

    /// [`batches`](Self::batches) from the place where others [were](Batches::state).
    ///
    /// # Errors
    /// If seed, number of images, batch size or batches in an epoch differ from those of the saved
    /// place, or there is no such batch.
    pub fn resume(&self, state: &LoaderState) -> Result<Batches, DataError> {
        let here = self.state(state.epoch, state.batch);
        let fields = [
            ("seed", state.seed, here.seed),
            ("images", state.images as u64, here.images as u64),
            ("batch_size", state.batch_size as u64, here.batch_size as u64),
            ("batches_per_epoch", state.batches_per_epoch as u64, here.batches_per_epoch as u64),
        ];
        if let Some((field, saved, here)) =
            fields.into_iter().find(|(_, saved, here)| saved != here)
        {
            return Err(DataError::State { field, saved, here });
        }
        if state.batch >= here.batches_per_epoch {
            let (saved, here) = (state.batch as u64, here.batches_per_epoch as u64 - 1);
            return Err(DataError::State { field: "batch", saved, here });
        }
        Ok(self.start(state.epoch, state.batch, None))
    }

    fn state(&self, epoch: u64, batch: usize) -> LoaderState {
        LoaderState {
            seed: self.work.seed,
            images: self.work.dataset.len(),
            batch_size: self.batch_size(),
            batches_per_epoch: self.batches_per_epoch(),
            epoch,
            batch,
        }
    }

    fn start(&self, epoch: u64, batch: usize, left: Option<usize>) -> Batches {
        let next = self.state(epoch, batch);
        let stopped = Arc::new(AtomicBool::new(false));
        // One batch waits here, another in the hands of the thread that would send it.
        let (sender, receiver) = bounded(1);
        let producer = Producer { work: self.work.clone(), stopped: stopped.clone(), sender };
        if left != Some(0) {
            let last_epoch = left.map(|_| epoch);
            std::thread::spawn(move || producer.run(epoch, batch, last_epoch));
        }
        Batches { receiver, next, left, stopped }
    }
}

/// Where in the stream of batches a loader is: what comes next.
///
/// A serde value; with the same data set, recipe and sampler, [`Loader::resume`] goes on with exactly
/// the batches that would have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoaderState {
    /// The loader's seed.
    pub seed: u64,
    /// Images of its data set.
    pub images: usize,
    /// Images in a batch.
    pub batch_size: usize,
    /// Batches in an epoch.
    pub batches_per_epoch: usize,
    /// The epoch of the next batch, from 0.
    pub epoch: u64,
    /// The next batch within the epoch, from 0.
    pub batch: usize,
}

/// The thread that hands out the work on one batch after the other.
struct Producer {
    work: Arc<Work>,
    stopped: Arc<AtomicBool>,
    sender: Sender<Result<HostViews, DataError>>,
}

impl Producer {
    fn run(&self, mut epoch: u64, mut first_batch: usize, last_epoch: Option<u64>) {
        loop {
            let order = match self.work.order(epoch) {
                Ok(order) => order,
                Err(error) => return drop(self.sender.send(Err(error))),
            };
            for batch in first_batch..order.batches() {
                let made = self.work.make(&order, epoch, batch, &self.stopped);
                let failed = made.is_err();
                // Nobody listens any more when the iterator was dropped.
                if self.stopped.load(Ordering::Relaxed) || self.sender.send(made).is_err() || failed
                {
                    return;
                }
            }
            if last_epoch == Some(epoch) {
                return;
            }
            (epoch, first_batch) = (epoch + 1, 0);
        }
    }
}

impl Work {
    /// The order of an epoch, if the sampler keeps its word.
    fn order(&self, epoch: u64) -> Result<EpochOrder, DataError> {
        let wrong = |problem| DataError::Sampler { field: "epoch", problem };
        let order = catch_unwind(AssertUnwindSafe(|| self.sampler.epoch(epoch)));
        let order = order.map_err(|panic| wrong(format!("panicked: {}", text(&*panic))))?;
        let (batches, wanted) = (order.batches(), self.sampler.batches_per_epoch());
        if batches != wanted {
            return Err(wrong(format!("{epoch} has {batches} batches instead of {wanted}")));
        }
        let images = self.dataset.len();
        match (0..batches).flat_map(|batch| order.batch(batch)).find(|&&index| index >= images) {
            Some(index) => Err(wrong(format!("{epoch} has image {index} of {images}"))),
            None => Ok(order),
        }
    }

    fn make(
        &self,
        order: &EpochOrder,
        epoch: u64,
        batch: usize,
        stopped: &AtomicBool,
    ) -> Result<HostViews, DataError> {
        let (indices, repeats) = (order.batch(batch).to_vec(), order.repeats(batch));
        let empty = |view| {
            let [channels, height, width] = self.recipe.view_dims(view);
            let dims = [indices.len(), channels, height, width];
            HostView { dims, data: vec![0.0; dims.iter().product()] }
        };
        let mut views: Vec<HostView> = (0..self.recipe.view_count()).map(empty).collect();
        // The places of each image's views, one list per image.
        let mut places: Vec<Vec<&mut [f32]>> = indices.iter().map(|_| Vec::new()).collect();
        for HostView { dims, data } in &mut views {
            let size: usize = dims[1..].iter().product();
            places.iter_mut().zip(data.chunks_exact_mut(size)).for_each(|(all, one)| all.push(one));
        }
        let jobs = indices.par_iter().zip(repeats).zip(&mut places).with_max_len(1);
        let fill = |((&index, &repeat), places): ((&usize, &u32), &mut Vec<&mut [f32]>)| {
            if stopped.load(Ordering::Relaxed) {
                return Ok(None); // nobody will look at this batch
            }
            // An image that comes again in an epoch has the views of an epoch that never comes.
            let key = ViewKey {
                seed: self.seed,
                epoch: epoch | u64::from(repeat) << 32,
                sample: index as u64,
                view: 0,
            };
            // A data set of the user's own may panic; that must not leave the run waiting.
            catch_unwind(AssertUnwindSafe(|| self.image(index, key, places)))
                .unwrap_or_else(|panic| Err(self.panicked(index, &*panic)))
        };
        // All are awaited, so that of several errors it is always the first that is told.
        let labels: Vec<Result<Option<usize>, DataError>> =
            self.threads.install(|| jobs.map(fill).collect());
        let labels = labels.into_iter().collect::<Result<_, _>>()?;
        Ok(HostViews { epoch, batch, indices, labels, views })
    }

    /// Makes all views of an image; gives its label.
    fn image(
        &self,
        index: usize,
        key: ViewKey,
        places: &mut [&mut [f32]],
    ) -> Result<Option<usize>, DataError> {
        let mut scratch = self.scratches().pop().unwrap_or_default();
        if let Some(bytes) = self.dataset.encoded(index)? {
            let named = |error| DataError::undecoded(self.dataset.name(index), &error);
            let image = EncodedImage::open(&bytes).map_err(named)?;
            let [width, height] = image.size().map(|side| side as usize);
            let plan = |view| self.recipe.plan(ViewKey { view, ..key }, [height, width]);
            let plans: Vec<Plan> = (0..).take(places.len()).map(plan).collect();
            let scale = plans.iter().map(Plan::smallest_scale).min().unwrap_or(1);
            let scale = u32::try_from(scale).unwrap_or(1);
            let part = plans.iter().map(Plan::part).reduce(CropBox::with);
            let part = part.unwrap_or(CropBox::whole([height, width]));
            let image = image.decode_part(scale, part).map_err(named)?;
            for (plan, place) in plans.iter().zip(places) {
                self.recipe.write_planned(&image, plan, &mut scratch, place);
            }
        } else {
            let image = self.dataset.image(index)?;
            for (view, place) in (0..).zip(places) {
                self.recipe.write_view(&image, ViewKey { view, ..key }, &mut scratch, place);
            }
        }
        self.scratches().push(scratch);
        Ok(self.sampler.label(index, self.dataset.label(index)))
    }

    fn scratches(&self) -> std::sync::MutexGuard<'_, Vec<Scratch>> {
        // Nothing panics while it is locked.
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn panicked(&self, index: usize, panic: &(dyn std::any::Any + Send)) -> DataError {
        let name = catch_unwind(AssertUnwindSafe(|| self.dataset.name(index)));
        let name = name.unwrap_or_else(|_| format!("number {index}"));
        DataError::Image { name, reason: format!("it made the loader panic: {}", text(panic)) }
    }
}

/// What a panic said.
fn text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given")
}

/// Batches in order. See [`Loader::epoch`] and [`Loader::batches`].
///
/// The first error ends it: an epoch with a hole is no epoch.
#[derive(Debug)]
pub struct Batches {
    receiver: Receiver<Result<HostViews, DataError>>,
    next: LoaderState,
    /// Batches to come; `None` without end.
    left: Option<usize>,
    stopped: Arc<AtomicBool>,
}

impl Batches {
    /// Where the stream is: the place of the batch that comes next.
    ///
    /// # Example
    /// ```
    /// # use std::sync::Arc;
    /// # use selfsame_augment::Recipe;
    /// # use selfsame_samplers::{Loader, LoaderConfig, Split, Synthetic, SyntheticConfig};
    /// # let config = SyntheticConfig { images: 20, size: 16, seed: 0, split: Split::Train };
    /// # let shapes = Arc::new(Synthetic::new(config));
    /// let config = LoaderConfig { batch_size: 8, threads: 2, seed: 0 };
    /// let loader = Loader::new(shapes, Recipe::shapes(16), config)?;
    /// let mut batches = loader.batches();
    /// batches.next();
    /// let state = batches.state(); // to be saved
    /// let mut again = loader.resume(&state)?;
    /// assert_eq!(batches.next().unwrap()?, again.next().unwrap()?);
    /// # Ok::<(), selfsame_samplers::DataError>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> LoaderState {
        self.next
    }
}

impl Iterator for Batches {
    type Item = Result<HostViews, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == Some(0) {
            return None;
        }
        let LoaderState { epoch, batch, .. } = self.next;
        let made = self.receiver.recv().unwrap_or_else(|_| {
            let name = format!("of batch {batch}");
            Err(DataError::Image { name, reason: "the thread that made it has ended".to_owned() })
        });
        if made.is_err() {
            self.left = Some(0);
            return Some(made);
        }
        self.left = self.left.map(|left| left - 1);
        (self.next.epoch, self.next.batch) = match batch + 1 {
            next if next < self.next.batches_per_epoch => (epoch, next),
            _ => (epoch + 1, 0),
        };
        Some(made)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.left)
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        // The producer notices at its next image, or at once if it waits to send.
        self.stopped.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Split, Synthetic, SyntheticConfig};
    use image::DynamicImage;
    use selfsame_augment::{CustomRecipe, Recipe};

    fn loader(threads: usize) -> Loader {
        let shapes = SyntheticConfig { images: 23, size: 12, seed: 1, split: Split::Train };
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
    fn functions_of_ones_own_are_part_of_the_views() {
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
