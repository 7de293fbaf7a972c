//! The time that an epoch will take, and the epochs that a time limit has room for.

use std::time::{Duration, Instant};

use burn::optim::GradientsParams;
use burn::tensor::Device;
use selfsame_models::{Clock, Context, Method};
use selfsame_optim::GroupedOptimizer;
use selfsame_samplers::BatchSource;

use crate::{TrainError, Upload};

/// Steps that are timed, after one that warms up.
const TIMED: usize = 4;

/// The part of a time limit that epochs are added for; the rest is for slower ones.
const FILLED: f64 = 0.95;

/// The time that a run may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeLimit {
    pub(crate) limit: Duration,
    /// The epochs of the run if time were no matter.
    pub(crate) most_epochs: u64,
}

impl TimeLimit {
    /// Returns how many epochs of `epoch` seconds fit into a share of the time after `elapsed`
    /// seconds.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "too many or negative epochs are cut off"
    )]
    pub(crate) fn room(&self, share: f64, elapsed: f64, epoch: f64) -> u64 {
        ((share * self.limit.as_secs_f64() - elapsed) / epoch) as u64
    }

    /// Returns how many epochs a run has to have to end in time, if it is between two of them after
    /// `elapsed` seconds, and each of those to come takes `epoch` seconds.
    ///
    /// The number is changed only where that is sure to be right, since the learning rate jumps a
    /// little with it.
    pub(crate) fn epochs(&self, clock: Clock, elapsed: f64, epoch: f64) -> u64 {
        let fitting = |share| clock.epoch().saturating_add(self.room(share, elapsed, epoch));
        let epochs = clock.epochs.max(fitting(FILLED)).min(fitting(1.0));
        epochs.min(self.most_epochs).max(clock.epoch() + 1)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_follow_the_speed_of_those_before() {
        let limit = TimeLimit { limit: Duration::from_hours(1), most_epochs: 30 };
        let clock = |epoch: u64, epochs| Clock {
            step: 10 * epoch,
            steps_per_epoch: 10,
            epochs,
            schedule_start: 0,
        };
        for (at, planned, elapsed, epoch, expected, case) in [
            (1, 8, 375.0, 375.0, 9, "faster than it was timed"),
            (1, 8, 400.0, 400.0, 8, "as fast as it was timed"),
            (4, 9, 1_580.0, 395.0, 9, "slower, within the time that is left free"),
            (4, 9, 1_640.0, 410.0, 8, "too slow"),
            (7, 8, 3_700.0, 530.0, 8, "too late: the limit stops it"),
            (8, 9, 3_300.0, 410.0, 9, "the last epoch does not fit: the limit stops it"),
            (1, 30, 1.0, 1.0, 30, "not more than were asked for"),
            (0, 2, 0.0, 0.0, 30, "no time at all"),
        ] {
            assert_eq!(limit.epochs(clock(at, planned), elapsed, epoch), expected, "{case}");
        }
    }
}
