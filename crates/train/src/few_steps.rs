//! Runs too short to learn from.

use selfsame_models::Clock;

/// Updates below which a run is called short. A rule of thumb: 24 steps are known to have left an
/// encoder worse than a random one, and the quick runs on drawn shapes, which learn, have more than
/// this.
const ENOUGH: u64 = 100;

/// Says that a run has too few updates to learn much, and what would give it more; `None` if it
/// has enough.
///
/// `batch_size` is the number of samples in an update. A program shows the sentence before it
/// starts, with [`Trainer::clock`](crate::Trainer::clock).
///
/// # Example
/// ```
/// use selfsame_models::Clock;
/// use selfsame_train::few_steps;
///
/// let clock = Clock { steps_per_epoch: 4, epochs: 6, ..Clock::default() };
/// let sentence = few_steps(clock, 1024).expect("too few");
/// assert_eq!(
///     sentence,
///     "only 24 steps (6 epochs of 4), too few steps to learn much; for 100 or more take 25 or \
///      more epochs, or a batch of 128 or smaller"
/// );
/// assert_eq!(few_steps(Clock { epochs: 25, ..clock }, 1024), None);
/// ```
#[must_use]
pub fn few_steps(clock: Clock, batch_size: usize) -> Option<String> {
    let Clock { steps_per_epoch, epochs, .. } = clock;
    let steps = clock.total_steps();
    if steps == 0 || steps >= ENOUGH {
        return None;
    }
    let enough_epochs = ENOUGH.div_ceil(steps_per_epoch);
    // A power of two, with which the same epochs have enough steps.
    let smaller = (batch_size as u64 * steps / ENOUGH).checked_ilog2().map(|log| 1_u64 << log);
    let or_batch = match smaller {
        Some(smaller) if smaller >= SMALLEST => format!(", or a batch of {smaller} or smaller"),
        _ => String::new(),
    };
    let (step, epoch) = (plural(steps, "step"), plural(epochs, "epoch"));
    Some(format!(
        "only {step} ({epoch} of {steps_per_epoch}), too few steps to learn much; for {ENOUGH} or \
         more take {enough_epochs} or more epochs{or_batch}"
    ))
}

/// Smaller batches are no advice for most methods.
const SMALLEST: u64 = 16;

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advised_has_enough_steps() {
        for (steps_per_epoch, epochs) in [(1, 1), (1, 99), (4, 6), (33, 3), (99, 1), (7, 14)] {
            let clock = Clock { steps_per_epoch, epochs, ..Clock::default() };
            let said = few_steps(clock, 256).expect("too few");
            let number = |after: &str| -> u64 {
                let rest = &said[said.find(after).unwrap() + after.len()..];
                rest.split(' ').next().unwrap().parse().unwrap()
            };
            assert!(number("take ") * steps_per_epoch >= ENOUGH, "{said}");
            if said.contains("batch of ") {
                let samples = 256 * steps_per_epoch;
                assert!(samples / number("batch of ") * epochs >= ENOUGH, "{said}");
            }
        }
    }

    #[test]
    fn one_step_is_named_as_such_and_a_run_of_nothing_or_of_enough_is_not() {
        let of = |steps_per_epoch, epochs| {
            few_steps(Clock { steps_per_epoch, epochs, ..Clock::default() }, 64)
        };
        assert!(of(1, 1).unwrap().starts_with("only 1 step (1 epoch of 1)"));
        assert!(!of(1, 1).unwrap().contains("batch"), "no batch is small enough");
        assert_eq!((of(0, 5), of(10, 10), of(100, 1)), (None, None, None));
    }
}
