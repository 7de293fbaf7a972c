//! The trait of callbacks, and their view of a run.

use selfsame_metrics::Features;
use selfsame_models::{Clock, Method};

use crate::{History, StopReason};

/// The error of a callback, of any type; it ends the run.
///
/// `?` turns every error into it, and so does `"a text".into()`.
pub type CallbackError = Box<dyn std::error::Error + Send + Sync>;

/// The values measured in one optimizer step, all 0 or `None` before the first.
///
/// The first five depend on the run alone: the same run has the same values to the last bit, even
/// when it is resumed. The last three depend on the machine and what else it does, so they stay out
/// of the history and of the logs made from it.
///
/// # Example
/// ```
/// use selfsame_callbacks::StepMetrics;
///
/// let terms = vec![("invariance".to_owned(), 0.25), ("variance".to_owned(), 0.5)];
/// let metrics = StepMetrics { loss: 0.75, terms, ..StepMetrics::default() };
/// assert_eq!(metrics.embedding_std, None, "a method without an embedding");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepMetrics {
    /// The loss before the update.
    pub loss: f64,
    /// The learning rate of the update.
    pub learning_rate: f64,
    /// Standard deviation of the L2-normalized embedding, averaged over its dimensions: 0 when all
    /// samples look the same to the encoder, about `uniform_std` when the embedding is healthy.
    /// `None` if the method gives no embedding.
    pub embedding_std: Option<f64>,
    /// `1/√dim`, the `embedding_std` of embeddings that are spread evenly in all directions; `None`
    /// if the method gives no embedding.
    pub uniform_std: Option<f64>,
    /// The parts of the loss by name, in the method's order; empty if the loss has no parts.
    pub terms: Vec<(String, f64)>,
    /// Samples (not views) trained on per second since the start of the epoch, or since the run was
    /// resumed in it. Depends on the machine.
    pub samples_per_second: f64,
    /// Share of the time since the last reading that was spent waiting for the next batch, 0 to 1.
    /// Depends on the machine.
    pub data_wait: f64,
    /// Resident memory of the process, in bytes; `None` where the system does not tell. Depends on
    /// the machine.
    pub memory_bytes: Option<u64>,
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
/// let sizes = ResNetConfig { blocks: vec![1], channels: 1, ..ResNetConfig::resnet10(1) };
/// let encoder = sizes.init(0, &device);
/// let method = Classifier::new(encoder, 2, 0, &device);
/// let clock = Clock { step: 3, steps_per_epoch: 3, epochs: 2, ..Clock::default() };
/// let mut history = History(vec![EpochRecord { epoch: 1, ..EpochRecord::default() }]);
/// let (metrics, mut stop) = (StepMetrics::default(), None);
/// let mut run = RunView::new(clock, &metrics, &method, &mut history, &mut stop);
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
    pub metrics: &'a StepMetrics,
    /// The networks as they are now.
    pub method: &'a M,
    /// The embedding of the last step, one row per sample of its batch; `None` before the first
    /// step, and if the method gives none.
    pub embedding: Option<&'a Features>,
    history: &'a mut History,
    stop: &'a mut Option<StopReason>,
    warnings: Vec<String>,
}

impl<'a, M: Method> RunView<'a, M> {
    /// Joins the parts of a run that a callback may see; `history` and `stop` take its reports.
    ///
    /// There is no embedding; [`with_embedding`](Self::with_embedding) adds one.
    #[must_use]
    pub fn new(
        clock: Clock,
        metrics: &'a StepMetrics,
        method: &'a M,
        history: &'a mut History,
        stop: &'a mut Option<StopReason>,
    ) -> Self {
        Self { clock, metrics, method, embedding: None, history, stop, warnings: Vec::new() }
    }

    /// Sets the embedding of the last step.
    #[must_use]
    pub fn with_embedding(mut self, embedding: Option<&'a Features>) -> Self {
        self.embedding = embedding;
        self
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

    /// Asks the run to stop after this step, or before the next if it has just started; the run
    /// saves its checkpoint first.
    ///
    /// If several reasons are given, the first one counts.
    pub fn stop(&mut self, why: impl Into<String>) {
        self.stop.get_or_insert(StopReason::Callback(why.into()));
    }

    /// Says that something went wrong which costs the run nothing, such as a log that cannot be
    /// written. Every callback hears of it in [`on_warning`](Callback::on_warning), and the outcome
    /// of the run has it too.
    pub fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// Takes the warnings given so far, as the trainer does after each hook.
    #[must_use]
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}

/// An observer of a training run; every hook does nothing unless overridden.
///
/// Hooks run in the order in which callbacks were added. A callback starts anew when a run is
/// resumed, so every figure that it reports and every decision that it makes must come from the
/// history or from the run as it is, never from what the callback has kept. A decision to stop that
/// the history calls for holds in [`on_start`](Self::on_start) too: a run that was stopped, and is
/// resumed, ends where it ended before.
pub trait Callback<M: Method> {
    /// Runs before the first step, even if the run is resumed.
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

    /// Runs after a hook of any callback has given a warning with [`RunView::warn`].
    fn on_warning(&mut self, _warning: &str) {}

    /// Runs when the run has ended or has been stopped, after its checkpoint was saved.
    ///
    /// # Errors
    /// Any error; the trainer returns it.
    fn on_end(&mut self, _run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        Ok(())
    }
}
