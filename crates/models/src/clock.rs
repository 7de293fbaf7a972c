//! The place of a run in its schedule.

/// The place of a run in its schedule, counted in whole steps from 0.
///
/// # Example
/// ```
/// use selfsame_models::Clock;
///
/// let clock = Clock { step: 7, steps_per_epoch: 3, epochs: 3 };
/// assert_eq!((clock.epoch(), clock.batch(), clock.total_steps()), (2, 1, 9));
/// assert!(!clock.is_finished());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Optimizer steps finished.
    pub step: u64,
    /// Steps in one epoch.
    pub steps_per_epoch: u64,
    /// Epochs in the whole run.
    pub epochs: u64,
}

impl Clock {
    /// Returns the epoch of the next step, from 0.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.step / self.steps_per_epoch.max(1)
    }

    /// Returns the index of the next step in its epoch, from 0.
    #[must_use]
    pub fn batch(&self) -> u64 {
        self.step % self.steps_per_epoch.max(1)
    }

    /// Returns the number of steps in the whole run.
    #[must_use]
    pub fn total_steps(&self) -> u64 {
        self.steps_per_epoch * self.epochs
    }

    /// Returns whether all steps have been taken.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.step >= self.total_steps()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_has_an_epoch_and_a_batch() {
        let clock = Clock { step: 7, steps_per_epoch: 3, epochs: 3 };
        assert_eq!((clock.epoch(), clock.batch(), clock.total_steps()), (2, 1, 9));
        assert!(!clock.is_finished());
        assert!(Clock { step: 9, ..clock }.is_finished());
    }
}
