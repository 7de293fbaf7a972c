//! The trait of callbacks, and their view of a run.

use selfsame_models::{Clock, Method};

use crate::{History, StopReason};

/// The error of a callback, of any type; it ends the run.
///
/// `?` turns every error into it, and so does `"a text".into()`.
pub type CallbackError = Box<dyn std::error::Error + Send + Sync>;

/// The values measured in one optimizer step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepMetrics {
    /// The loss before the update.
    pub loss: f64,
    /// The learning rate of the update.
    pub learning_rate: f64,
    /// Standard deviation of the L2-normalized embedding, averaged over its dimensions: 0 when all
    /// images look the same to the encoder, about `uniform_std` when the embedding is healthy.
    pub embedding_std: f64,
    /// `1/√dim`, the `embedding_std` of embeddings that are spread evenly in all directions.
    pub uniform_std: f64,
    /// Images (not views) trained on per second since the start or the resumption of the run.
    pub images_per_second: f64,
}

/// A run as a callback sees it.
///
/// # Example
/// A test of a callback builds the view itself:
/// ```
/// use burn::tensor::Device;
/// use selfsame_callbacks::{EpochRecord, History, RunView, StepMetrics, StopReason};
/// use selfsame_models::{Classifier, Clock, ResNetConfig};
///
/// let device = Device::flex();
/// let encoder = ResNetConfig { blocks: vec![1], width: 1, channels: 1 }.init(&device);
/// let method = Classifier::new(encoder, 2, &device);
/// let clock = Clock { step: 3, steps_per_epoch: 3, epochs: 2 };
/// let mut history = History(vec![EpochRecord { epoch: 1, ..EpochRecord::default() }]);
/// let mut stop = None;
/// let mut run = RunView::new(clock, StepMetrics::default(), &method, &mut history, &mut stop);
/// run.report("recall", 0.5);
/// run.stop("recall is high enough");
/// assert_eq!(history.last("recall"), Some(0.5));
/// assert_eq!(stop, Some(StopReason::Callback("recall is high enough".to_owned())));
/// ```
#[derive(Debug)]
pub struct RunView<'a, M: Method> {
    /// The run's place in its schedule; the step that has just ended is counted.
    pub clock: Clock,
    /// The values of the last step.
    pub metrics: StepMetrics,
    /// The networks as they are now.
    pub method: &'a M,
    history: &'a mut History,
    stop: &'a mut Option<StopReason>,
}

impl<'a, M: Method> RunView<'a, M> {
    /// Joins the parts of a run that a callback may see; `history` and `stop` take its reports.
    #[must_use]
    pub fn new(
        clock: Clock,
        metrics: StepMetrics,
        method: &'a M,
        history: &'a mut History,
        stop: &'a mut Option<StopReason>,
    ) -> Self {
        Self { clock, metrics, method, history, stop }
    }

    /// Returns the epochs that have ended, in `on_epoch_end` including the one that is ending.
    #[must_use]
    pub fn history(&self) -> &History {
        self.history
    }

    /// Adds a value to the newest epoch of the history, where later callbacks see it too.
    ///
    /// Before the end of the first epoch there is nothing to add to, and the value is dropped.
    pub fn report(&mut self, name: &str, value: f64) {
        if let Some(epoch) = self.history.0.last_mut() {
            epoch.metrics.insert(name.to_owned(), value);
        }
    }

    /// Asks the run to stop after this step; the run saves its checkpoint first.
    ///
    /// If several reasons are given, the first one counts.
    pub fn stop(&mut self, why: impl Into<String>) {
        self.stop.get_or_insert(StopReason::Callback(why.into()));
    }
}

/// An observer of a training run; every hook does nothing unless overridden.
///
/// Hooks run in the order in which callbacks were added. A callback must not keep state that the
/// run's result depends on: after a resumption it starts anew.
pub trait Callback<M: Method> {
    /// Runs before the first step, also after a resumption.
    ///
    /// # Errors
    /// Any error; it ends the run.
    fn on_start(&mut self, _run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        Ok(())
    }

    /// Runs after every optimizer step.
    ///
    /// # Errors
    /// Any error; it ends the run.
    fn on_step_end(&mut self, _run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        Ok(())
    }

    /// Runs after the last step of every epoch.
    ///
    /// # Errors
    /// Any error; it ends the run.
    fn on_epoch_end(&mut self, _run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        Ok(())
    }

    /// Runs when the run has ended or has been stopped, after its checkpoint was saved.
    ///
    /// # Errors
    /// Any error; the trainer returns it.
    fn on_end(&mut self, _run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        Ok(())
    }
}
