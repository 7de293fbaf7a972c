//! Watching a run.

use selfsame_models::{Clock, Method};

use crate::{History, StopReason, TrainError};

/// What the last optimizer step measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepMetrics {
    /// The loss before the update.
    pub loss: f64,
    /// The rate of the update.
    pub learning_rate: f64,
    /// Standard deviation of the L2-normalized embedding, averaged over its dimensions: about
    /// `1/√dim` when healthy, 0 when all images look the same to the encoder.
    pub embedding_std: f64,
    /// Width of the embedding, to compare `std` with.
    pub dim: usize,
    /// Images (not views) trained on per second since the start or the resumption of the run.
    pub images_per_second: f64,
}

/// A run as a callback sees it.
#[derive(Debug)]
pub struct RunView<'a, M: Method> {
    /// Where the run stands, the last step counted.
    pub clock: Clock,
    /// What the last step measured.
    pub metrics: StepMetrics,
    /// The networks as they are now.
    pub method: &'a M,
    pub(crate) history: &'a mut History,
    pub(crate) stop: &'a mut Option<StopReason>,
}

impl<M: Method> RunView<'_, M> {
    /// The epochs that have ended, in `on_epoch_end` with the one that is ending.
    #[must_use]
    pub fn history(&self) -> &History {
        self.history
    }

    /// Adds a number to the newest epoch of the history; later callbacks see it too.
    pub fn report(&mut self, name: &str, value: f64) {
        if let Some(epoch) = self.history.0.last_mut() {
            epoch.metrics.insert(name.to_owned(), value);
        }
    }

    /// Asks the run to stop now; it saves first.
    pub fn stop(&mut self, why: impl Into<String>) {
        self.stop.get_or_insert(StopReason::Callback(why.into()));
    }
}

/// Something that watches a run. Every hook does nothing unless overridden.
///
/// Hooks run in the order in which callbacks were added. A callback must not keep state that the
/// run's result depends on: after a resumption it starts anew.
pub trait Callback<M: Method> {
    /// Before the first step, also after a resumption.
    ///
    /// # Errors
    /// Whatever ends the run.
    fn on_start(&mut self, _run: &mut RunView<'_, M>) -> Result<(), TrainError> {
        Ok(())
    }

    /// After every optimizer step.
    ///
    /// # Errors
    /// Whatever ends the run.
    fn on_step_end(&mut self, _run: &mut RunView<'_, M>) -> Result<(), TrainError> {
        Ok(())
    }

    /// After the last step of every epoch.
    ///
    /// # Errors
    /// Whatever ends the run.
    fn on_epoch_end(&mut self, _run: &mut RunView<'_, M>) -> Result<(), TrainError> {
        Ok(())
    }

    /// When the run is over or has been stopped, after it was saved.
    ///
    /// # Errors
    /// Whatever should be told to the caller.
    fn on_end(&mut self, _run: &mut RunView<'_, M>) -> Result<(), TrainError> {
        Ok(())
    }
}
