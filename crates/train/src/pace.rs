//! The time that an epoch will take.

use std::time::{Duration, Instant};

use burn::optim::GradientsParams;
use burn::tensor::Device;
use selfsame_models::{Clock, Context, Method};
use selfsame_optim::GroupedOptimizer;
use selfsame_samplers::BatchSource;

use crate::{TrainError, Upload};

/// Steps that are timed, after one that warms up.
const TIMED: usize = 4;

/// Times a few steps of a copy of the networks; the networks themselves stay as they are.
pub(crate) fn time_of_epoch<M: Method, S: BatchSource>(
    method: &M,
    mut optimizer: GroupedOptimizer,
    source: &S,
    clock: Clock,
    device: &Device,
) -> Result<Duration, TrainError>
where
    S::Batch: Upload<M::Batch>,
{
    let context = Context::new(clock);
    let (step, total) = clock.progress();
    // Clones of a module share the buffers of batch norm; this copies them.
    let mut method = method.valid().train();
    let mut start = None;
    let mut timed = 0_u32;
    for batch in source.epoch(clock.epoch(), 0).take(TIMED + 1) {
        let batch = batch?.upload(device);
        let result = method.step(&batch, &context);
        let loss = result.loss.clone().inner();
        let gradients = GradientsParams::from_grads(result.loss.backward(), &method);
        let gradients = method.filter(gradients, &context);
        method = optimizer.step(step, total, method, gradients);
        method.after_update(vec![result.carry], &context);
        let _ = loss.into_data(); // waits for the device
        match start {
            None => start = Some(Instant::now()), // the first step warms up
            Some(_) => timed += 1,
        }
    }
    let elapsed = start.map(|start| start.elapsed()).unwrap_or_default();
    let batches = u32::try_from(source.batches_per_epoch()).unwrap_or(u32::MAX);
    Ok(elapsed / timed.max(1) * batches)
}
