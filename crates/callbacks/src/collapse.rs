//! An alarm for encoders that map all samples to one point.

use selfsame_models::Method;

use crate::{Callback, CallbackError, RunView};

/// Stops a run whose embeddings have collapsed.
///
/// An epoch is collapsed if its mean `embedding_std` is below `share` of `uniform_std`, `1/√dim`. A
/// run whose embeddings are only narrow at its start recovers within an epoch or two, so the alarm
/// waits for `patience` collapsed epochs in a row. Its explanation has both figures, and the
/// method's advice ([`Method::collapse_advice`]). Nothing happens if the method gives no embedding.
///
/// The decision comes from the run's history, so a collapsed run that is resumed stops before its
/// next step.
///
/// # Source
/// The figure is that of Chen & He, 2021, [arXiv:2011.10566](https://arxiv.org/abs/2011.10566),
/// section 4.1; share and patience are ours.
///
/// # Example
/// ```
/// use selfsame_callbacks::CollapseAlarm;
///
/// assert_eq!(CollapseAlarm::default(), CollapseAlarm { share: 0.1, patience: 3 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollapseAlarm {
    /// Share of `uniform_std` below which an epoch counts as collapsed. Default 0.1.
    pub share: f64,
    /// Collapsed epochs in a row that end the run; 0 counts as 1. Default 3.
    pub patience: usize,
}

impl Default for CollapseAlarm {
    fn default() -> Self {
        Self { share: 0.1, patience: 3 }
    }
}

impl CollapseAlarm {
    /// Returns what is wrong with a run, if its embeddings have collapsed.
    fn alarm<M: Method>(&self, run: &RunView<'_, M>) -> Option<String> {
        let healthy = run.history().last("uniform_std").or(run.metrics.uniform_std)?;
        let epochs = run.history().series("embedding_std");
        let patience = self.patience.max(1);
        let recent = &epochs[epochs.len().saturating_sub(patience)..];
        let collapsed =
            recent.len() == patience && recent.iter().all(|(_, std)| *std < self.share * healthy);
        collapsed.then(|| {
            format!(
                "the embeddings have collapsed: their standard deviation is {:.5} where \
                 {healthy:.5} is healthy; {}",
                run.history().last("embedding_std").unwrap_or_default(),
                run.method.collapse_advice()
            )
        })
    }
}

impl<M: Method> Callback<M> for CollapseAlarm {
    fn on_start(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        self.on_epoch_end(run)
    }

    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        if let Some(why) = self.alarm(run) {
            run.stop(why);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_run::TestRun;

    /// Returns a run whose epochs had these deviations, where 0.25 is healthy.
    fn run(deviations: &[f64]) -> TestRun {
        let mut run = TestRun::new();
        for std in deviations {
            run.end_epoch(&[("embedding_std", *std), ("uniform_std", 0.25)]);
        }
        run
    }

    #[test]
    fn three_collapsed_epochs_in_a_row_end_the_run_and_two_do_not() {
        let mut alarm = CollapseAlarm::default();
        for deviations in [[0.2, 0.02, 0.02], [0.02, 0.2, 0.02]] {
            let mut run = run(&deviations);
            alarm.on_epoch_end(&mut run.view()).unwrap();
            assert_eq!(run.stop, None);
        }
        let mut run = run(&[0.2, 0.02, 0.02, 0.01]);
        alarm.on_epoch_end(&mut run.view()).unwrap();
        let (why, advice) = (run.why(), run.method.collapse_advice());
        assert!(why.contains("0.01000") && why.contains("0.25000"), "{why}");
        assert!(why.ends_with(advice), "{why}");
    }

    #[test]
    fn a_collapsed_run_that_is_resumed_is_stopped_before_its_next_step() {
        let mut run = run(&[0.01; 3]);
        CollapseAlarm::default().on_start(&mut run.view()).unwrap();
        assert!(run.stop.is_some());
    }

    #[test]
    fn a_method_without_an_embedding_is_never_stopped() {
        let mut run = TestRun::with_series("loss", &[0.0; 5]);
        CollapseAlarm::default().on_epoch_end(&mut run.view()).unwrap();
        assert_eq!(run.stop, None);
    }
}
