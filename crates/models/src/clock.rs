//! The place of a run in its schedule.

/// The place of a run in its schedule, counted in whole steps from 0. A step is one update of the
/// weights.
///
/// # Example
/// ```
/// use selfsame_models::Clock;
///
/// let clock = Clock { step: 7, steps_per_epoch: 3, epochs: 3, ..Clock::default() };
/// assert_eq!((clock.epoch(), clock.batch(), clock.total_steps()), (2, 1, 9));
/// assert_eq!(clock.progress(), (7, 9));
/// assert!(!clock.is_finished());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Updates finished.
    pub step: u64,
    /// Updates in one epoch.
    pub steps_per_epoch: u64,
    /// Epochs in the whole run.
    pub epochs: u64,
    /// The step at which the schedules began: 0, unless a finished run was made longer.
    pub schedule_start: u64,
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

    /// Returns the arguments of a schedule: the next step as the schedule counts it, and the steps
    /// of the whole schedule.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        let since = |step: u64| step.saturating_sub(self.schedule_start);
        (since(self.step), since(self.total_steps()))
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
        let clock = Clock { step: 7, steps_per_epoch: 3, epochs: 3, schedule_start: 0 };
        assert_eq!((clock.epoch(), clock.batch(), clock.total_steps()), (2, 1, 9));
        assert!(!clock.is_finished());
        assert!(Clock { step: 9, ..clock }.is_finished());
    }

    #[test]
    fn a_longer_run_counts_its_schedule_from_where_it_was_made_longer() {
        let clock = Clock { step: 9, steps_per_epoch: 3, epochs: 5, schedule_start: 9 };
        assert_eq!(clock.progress(), (0, 6));
        assert_eq!(Clock { step: 11, ..clock }.progress(), (2, 6));
        assert_eq!(clock.epoch(), 3);
    }
}
