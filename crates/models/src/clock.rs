//! Where a run stands.

/// The place of a run in its schedule. Counts start at 0 and grow by whole steps.
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
    /// The epoch the next step belongs to.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.step / self.steps_per_epoch.max(1)
    }

    /// The place of the next step inside its epoch.
    #[must_use]
    pub fn batch(&self) -> u64 {
        self.step % self.steps_per_epoch.max(1)
    }

    /// Steps in the whole run.
    #[must_use]
    pub fn total_steps(&self) -> u64 {
        self.steps_per_epoch * self.epochs
    }

    /// Whether the run is over.
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
