//! The thread that makes one batch after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;
use rayon::ThreadPool;
use rayon::prelude::*;
use selfsame_datasets::DataError;

use super::batch::{HostBatch, HostView};
use super::view_source::ViewSource;
use crate::key::Key;
use crate::{EpochOrder, LoaderError, Sampler, SamplerError};

/// The inputs and the resources of making batches.
pub(super) struct Pipeline {
    pub(super) source: Box<dyn ViewSource>,
    pub(super) sampler: Box<dyn Sampler>,
    pub(super) seed: u64,
    pub(super) threads: ThreadPool,
}

/// Makes the batches of an epoch, each on all threads of the pipeline.
pub(super) struct Producer {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) stopped: Arc<AtomicBool>,
    pub(super) sender: Sender<Result<HostBatch, LoaderError>>,
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
    pub(super) fn order(&self, epoch: u64) -> Result<EpochOrder, LoaderError> {
        let wrong = |problem| SamplerError::Setting { field: "epoch", problem }.into();
        let order = catch_unwind(AssertUnwindSafe(|| self.sampler.epoch(epoch)));
        let order = order.map_err(|panic| wrong(format!("panicked: {}", message(&*panic))))?;
        let (batches, wanted) = (order.batches(), self.sampler.batches_per_epoch());
        if batches != wanted {
            return Err(wrong(format!("{epoch} has {batches} batches instead of {wanted}")));
        }
        let samples = self.source.samples();
        match (0..batches).flat_map(|batch| order.batch(batch)).find(|&&index| index >= samples) {
            Some(index) => Err(wrong(format!("{epoch} has sample {index} of {samples}"))),
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
    ) -> Result<HostBatch, LoaderError> {
        let (indices, repeats) = (order.batch(batch).to_vec(), order.repeats(batch));
        let empty = |view| {
            let dims = [vec![indices.len()], self.source.view_dims(view)].concat();
            HostView { data: vec![0.0; dims.iter().product()], dims }
        };
        let mut views: Vec<HostView> = (0..self.source.view_count()).map(empty).collect();
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
            // A custom source or function may panic; the run must not wait forever then.
            catch_unwind(AssertUnwindSafe(|| {
                let label = self.source.write_views(index, key.view(0), places)?;
                Ok(self.sampler.label(index, label))
            }))
            .unwrap_or_else(|panic| Err(self.panicked(index, &*panic)))
        };
        // All samples are awaited, so that of several errors the first in the batch is returned,
        // whichever occurred first.
        let labels: Vec<Result<Option<usize>, DataError>> =
            self.threads.install(|| jobs.map(fill).collect());
        let labels = labels.into_iter().collect::<Result<_, DataError>>()?;
        Ok(HostBatch { epoch, batch, indices, labels, views })
    }

    fn panicked(&self, index: usize, panic: &(dyn std::any::Any + Send)) -> DataError {
        let name = catch_unwind(AssertUnwindSafe(|| self.source.name(index)));
        let name = name.unwrap_or_else(|_| format!("number {index}"));
        DataError::Image { name, reason: format!("making its views panicked: {}", message(panic)) }
    }
}

/// Returns the message of a panic.
fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given")
}
