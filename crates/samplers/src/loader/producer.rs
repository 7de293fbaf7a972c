//! The thread that makes one batch after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::Sender;
use rayon::ThreadPool;
use rayon::prelude::*;
use selfsame_augment::{CropBox, Plan, Scratch, ViewMaker};
use selfsame_datasets::{DataError, Dataset, DecodeError, EncodedImage, Region};

use super::batch::{HostView, HostViews};
use crate::key::Key;
use crate::{EpochOrder, LoaderError, Sampler, SamplerError};

/// The inputs and the resources of making batches.
pub(super) struct Pipeline {
    pub(super) dataset: Arc<dyn Dataset>,
    pub(super) recipe: Box<dyn ViewMaker>,
    pub(super) sampler: Box<dyn Sampler>,
    pub(super) seed: u64,
    pub(super) threads: ThreadPool,
    /// Memory for making views, one for each view in progress.
    pub(super) scratches: Mutex<Vec<Scratch>>,
}

/// Makes the batches of an epoch, each on all threads of the pipeline.
pub(super) struct Producer {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) stopped: Arc<AtomicBool>,
    pub(super) sender: Sender<Result<HostViews, LoaderError>>,
}

impl Producer {
    pub(super) fn run(&self, epoch: u64, first_batch: usize) {
        let order = match self.pipeline.order(epoch) {
            Ok(order) => order,
            Err(error) => return drop(self.sender.send(Err(error))),
        };
        for batch in first_batch..order.batches() {
            let made = self.pipeline.make(&order, epoch, batch, &self.stopped);
            let failed = made.is_err();
            // Nothing receives batches once the iterator is dropped.
            if self.stopped.load(Ordering::Relaxed) || self.sender.send(made).is_err() || failed {
                return;
            }
        }
    }
}

impl Pipeline {
    /// Returns the order of an epoch, if the sampler keeps its contract.
    fn order(&self, epoch: u64) -> Result<EpochOrder, LoaderError> {
        let wrong = |problem| SamplerError::Setting { field: "epoch", problem }.into();
        let order = catch_unwind(AssertUnwindSafe(|| self.sampler.epoch(epoch)));
        let order = order.map_err(|panic| wrong(format!("panicked: {}", message(&*panic))))?;
        let (batches, wanted) = (order.batches(), self.sampler.batches_per_epoch());
        if batches != wanted {
            return Err(wrong(format!("{epoch} has {batches} batches instead of {wanted}")));
        }
        let images = self.dataset.len();
        match (0..batches).flat_map(|batch| order.batch(batch)).find(|&&index| index >= images) {
            Some(index) => Err(wrong(format!("{epoch} has sample {index} of {images}"))),
            None => Ok(order),
        }
    }

    /// Makes a batch.
    fn make(
        &self,
        order: &EpochOrder,
        epoch: u64,
        batch: usize,
        stopped: &AtomicBool,
    ) -> Result<HostViews, LoaderError> {
        let (indices, repeats) = (order.batch(batch).to_vec(), order.repeats(batch));
        let empty = |view| {
            let [channels, height, width] = self.recipe.view_dims(view);
            let dims = [indices.len(), channels, height, width];
            HostView { dims, data: vec![0.0; dims.iter().product()] }
        };
        let mut views: Vec<HostView> = (0..self.recipe.view_count()).map(empty).collect();
        // The destinations of each sample's views, one list per sample.
        let mut places: Vec<Vec<&mut [f32]>> = indices.iter().map(|_| Vec::new()).collect();
        for HostView { dims, data } in &mut views {
            let size: usize = dims[1..].iter().product();
            places.iter_mut().zip(data.chunks_exact_mut(size)).for_each(|(all, one)| all.push(one));
        }
        let jobs = indices.par_iter().zip(repeats).zip(&mut places).with_max_len(1);
        let fill = |((&index, &repeat), places): ((&usize, &u32), &mut Vec<&mut [f32]>)| {
            if stopped.load(Ordering::Relaxed) {
                return Ok(None); // nobody will receive this batch
            }
            let key = Key::views(self.seed, epoch, repeat, index);
            // A custom data set or function may panic; the run must not wait forever then.
            catch_unwind(AssertUnwindSafe(|| self.write_views(index, key, places)))
                .unwrap_or_else(|panic| Err(self.panicked(index, &*panic)))
        };
        // All images are awaited, so that of several errors the first in the batch is returned,
        // whichever occurred first.
        let labels: Vec<Result<Option<usize>, DataError>> =
            self.threads.install(|| jobs.map(fill).collect());
        let labels = labels.into_iter().collect::<Result<_, DataError>>()?;
        Ok(HostViews { epoch, batch, indices, labels, views })
    }

    /// Writes all views of an image; returns its label.
    fn write_views(
        &self,
        index: usize,
        key: Key,
        places: &mut [&mut [f32]],
    ) -> Result<Option<usize>, DataError> {
        let mut scratch = self.scratches().pop().unwrap_or_default();
        if let Some(bytes) = self.dataset.encoded(index)? {
            let named = |error: DecodeError| DataError::Image {
                name: self.dataset.name(index),
                reason: error.to_string(),
            };
            let image = EncodedImage::open(&bytes).map_err(named)?;
            let [width, height] = image.size().map(|side| side as usize);
            let plan = |view| self.recipe.plan(key.view(view), [height, width]);
            let plans: Vec<Plan> = (0..).take(places.len()).map(plan).collect();
            let scale = plans.iter().map(Plan::smallest_scale).min().unwrap_or(1);
            let scale = u32::try_from(scale).unwrap_or(1);
            let part = plans.iter().map(Plan::part).reduce(CropBox::with);
            let CropBox { top, left, height, width } =
                part.unwrap_or(CropBox::whole([height, width]));
            let region = Region { top, left, height, width };
            let image = image.decode_region(scale, region).map_err(named)?;
            for (plan, place) in plans.iter().zip(places) {
                self.recipe.write_planned(&image, plan, &mut scratch, place);
            }
        } else {
            let image = self.dataset.image(index)?;
            for (view, place) in (0..).zip(places) {
                self.recipe.write_view(&image, key.view(view), &mut scratch, place);
            }
        }
        self.scratches().push(scratch);
        Ok(self.sampler.label(index, self.dataset.label(index)))
    }

    fn scratches(&self) -> MutexGuard<'_, Vec<Scratch>> {
        // Nothing panics while it is locked.
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn panicked(&self, index: usize, panic: &(dyn std::any::Any + Send)) -> DataError {
        let name = catch_unwind(AssertUnwindSafe(|| self.dataset.name(index)));
        let name = name.unwrap_or_else(|_| format!("number {index}"));
        DataError::Image { name, reason: format!("making its views panicked: {}", message(panic)) }
    }
}

/// Returns the message of a panic.
fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given")
}
