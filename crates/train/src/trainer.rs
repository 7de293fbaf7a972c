//! The training loop: batches of views, optimizer steps, callbacks, checkpoints.

use std::time::Instant;

use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use selfsame_callbacks::{
    Callback, CallbackError, EpochRecord, History, RunView, StepMetrics, StopReason, StopSignal,
};
use selfsame_metrics::{Features, std_of_l2_normalized, uniform_std};
use selfsame_models::{Clock, Method, Views};
use selfsame_optim::Schedule;
use selfsame_samplers::{HostView, HostViews, Loader};

use crate::checkpoints::RunState;
use crate::{Checkpoints, TrainError};

/// The training loop of a method, with one optimizer step per batch of the loader.
///
/// A step is a function of the weights, the optimizer's state and the step's number, so a run that
/// is stopped and resumed ends with the same bytes as one that was not.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::Device;
/// use selfsame_augment::Recipe;
/// use selfsame_callbacks::{CollapseAlarm, CsvLog};
/// use selfsame_models::{BarlowTwinsConfig, ResNetConfig, seed_weights};
/// use selfsame_optim::{OptimizerConfig, Schedule};
/// use selfsame_datasets::{Split, Synthetic, SyntheticConfig};
/// use selfsame_samplers::{Loader, LoaderConfig};
/// use selfsame_train::{Checkpoints, Trainer};
///
/// let folder = tempfile::tempdir()?;
/// let device = Device::flex().autodiff();
/// let shapes = SyntheticConfig { images: 16, size: 8, seed: 0, split: Split::Train };
/// let config = LoaderConfig { batch_size: 8, threads: 1, seed: 0 };
/// let loader = Loader::new(Arc::new(Synthetic::new(shapes)), Recipe::shapes(8), config)?;
/// let encoder = ResNetConfig::resnet10(1).init(&device);
/// let method = seed_weights(BarlowTwinsConfig::default().init(encoder, &device), 0);
/// let optimizer = OptimizerConfig::sgd(0.9, 5e-4).init();
/// let outcome = Trainer::new(method, optimizer, Schedule::one_cycle(0.01, 4), loader, 2, &device)
///     .with_callback(CollapseAlarm::default())
///     .with_callback(CsvLog::new(folder.path().join("epochs.csv")))
///     .with_checkpoints(Checkpoints::new(folder.path().join("checkpoint")))?
///     .fit()?;
/// assert_eq!((outcome.clock.step, outcome.history.0.len()), (4, 2));
/// assert!(folder.path().join("checkpoint/step-4").is_dir());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Trainer<M: Method> {
    method: M,
    optimizer: ModuleOptimizer,
    schedule: Schedule,
    loader: Loader,
    device: Device,
    state: RunState,
    callbacks: Vec<Box<dyn Callback<M>>>,
    checkpoints: Option<Checkpoints>,
    signal: StopSignal,
    sync_every: usize,
    unread: Vec<Unread>,
}

/// The results of a step, still on its device.
struct Unread {
    clock: Clock,
    loss: Tensor<1>,
    embedding: Tensor<2>,
    learning_rate: f64,
}

impl<M: Method> std::fmt::Debug for Trainer<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trainer({:?}, {} callbacks)", self.state.clock, self.callbacks.len())
    }
}

/// The result of a run.
#[derive(Debug)]
pub struct Outcome<M: Method> {
    /// The trained networks.
    pub method: M,
    /// The measured values, epoch by epoch.
    pub history: History,
    /// The place in the schedule where the run ended.
    pub clock: Clock,
    /// The reason why it ended early, if it did.
    pub stopped: Option<StopReason>,
    /// Training time in seconds, including callbacks, over all resumptions.
    pub seconds: f64,
}

impl<M: Method> Trainer<M> {
    /// Prepares a run of `epochs` over the loader's images, on an autodiff device.
    ///
    /// # Panics
    /// If `device` is not an autodiff device.
    #[must_use]
    #[track_caller]
    pub fn new(
        method: M,
        optimizer: ModuleOptimizer,
        schedule: Schedule,
        loader: Loader,
        epochs: u64,
        device: &Device,
    ) -> Self {
        assert!(device.is_autodiff(), "training needs a device with autodiff: `device.autodiff()`");
        let steps_per_epoch = loader.batches_per_epoch() as u64;
        let clock = Clock { step: 0, steps_per_epoch, epochs };
        Self {
            method,
            optimizer,
            schedule,
            loader,
            device: device.clone(),
            state: RunState { clock, ..RunState::default() },
            callbacks: Vec::new(),
            checkpoints: None,
            signal: StopSignal::new(),
            sync_every: 1,
            unread: Vec::new(),
        }
    }

    /// Reads losses and embeddings from the device after every `steps` steps (1 by default) and at
    /// the end of an epoch.
    ///
    /// A GPU that is asked for a value first finishes all its work, and then waits for more. The
    /// measured values stay the same to the last bit. Callbacks hear of a step up to `steps − 1`
    /// steps later, and see the networks as they are by then; a loss that is not finite ends the
    /// run equally late.
    ///
    /// # Panics
    /// If `steps` is 0.
    #[must_use]
    #[track_caller]
    pub fn with_sync_every(mut self, steps: usize) -> Self {
        assert!(steps > 0, "synchronizing every 0 steps would be never; give 1 or more");
        self.sync_every = steps;
        self
    }

    /// Adds a callback; callbacks run in the order in which they are added.
    #[must_use]
    pub fn with_callback(mut self, callback: impl Callback<M> + 'static) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Stops the run, after saving it, at the end of the step in which `signal` is raised.
    #[must_use]
    pub fn with_signal(mut self, signal: StopSignal) -> Self {
        self.signal = signal;
        self
    }

    /// Saves the run after every epoch and at a stop, and resumes from the newest checkpoint if
    /// there is one.
    ///
    /// # Errors
    /// If the checkpoint cannot be read, or belongs to a run of another length or other networks.
    pub fn with_checkpoints(mut self, checkpoints: Checkpoints) -> Result<Self, TrainError> {
        let found = checkpoints.load(self.method.clone(), self.optimizer.clone())?;
        if let (Some((state, method, optimizer)), Some(path)) = (found, checkpoints.newest()) {
            let begun = Clock { step: 0, ..state.clock };
            if begun != self.state.clock {
                let reason = format!(
                    "it has {} epochs of {} steps, this run {} of {}",
                    begun.epochs,
                    begun.steps_per_epoch,
                    self.state.clock.epochs,
                    self.state.clock.steps_per_epoch
                );
                return Err(TrainError::Checkpoint { path, reason });
            }
            (self.state, self.method, self.optimizer) = (state, method, optimizer);
        }
        self.checkpoints = Some(checkpoints);
        Ok(self)
    }

    /// Trains until the last epoch has ended, or until the run is stopped.
    ///
    /// # Errors
    /// If an image cannot be read, the loss is not finite, a callback fails, or the run cannot be
    /// saved. The last checkpoint is unchanged then.
    pub fn fit(mut self) -> Result<Outcome<M>, TrainError> {
        let mut stop = None;
        let resumed = (Instant::now(), self.state.clone());
        let (clock, mut last) = (self.state.clock, StepMetrics::default());
        self.notify(clock, last, &mut stop, |callback, run| callback.on_start(run))?;
        while !self.state.clock.is_finished() && stop.is_none() {
            let (epoch, batch) = (self.state.clock.epoch(), self.state.clock.batch());
            #[allow(clippy::cast_possible_truncation, reason = "batches fit the address space")]
            let batches = self.loader.epoch(epoch, batch as usize);
            for views in batches {
                self.step(views?);
                let ends = self.state.clock.batch() == 0;
                let raised = self.signal.is_raised();
                if self.unread.len() < self.sync_every && !ends && !raised {
                    continue;
                }
                let read = self.read()?;
                let elapsed = resumed.0.elapsed().as_secs_f64();
                self.state.seconds = resumed.1.seconds + elapsed;
                let images = (self.state.clock.step - resumed.1.clock.step) as f64
                    * self.loader.batch_size() as f64;
                for (clock, metrics) in read {
                    last = StepMetrics { images_per_second: images / elapsed, ..metrics };
                    self.notify(clock, last, &mut stop, |callback, run| callback.on_step_end(run))?;
                }
                if ends {
                    self.end_epoch(last);
                    let clock = self.state.clock;
                    self.notify(clock, last, &mut stop, |callback, run| {
                        callback.on_epoch_end(run)
                    })?;
                }
                if raised {
                    stop.get_or_insert(StopReason::Signal);
                }
                if stop.is_some() {
                    break;
                }
            }
            self.state.seconds = resumed.1.seconds + resumed.0.elapsed().as_secs_f64();
            if let Some(checkpoints) = &self.checkpoints {
                checkpoints.save(&self.state, &self.method, &self.optimizer)?;
            }
        }
        let (clock, mut late) = (self.state.clock, None); // nothing is left to stop
        self.notify(clock, last, &mut late, |callback, run| callback.on_end(run))?;
        Ok(Outcome {
            method: self.method,
            history: self.state.history,
            clock: self.state.clock,
            stopped: stop.filter(|_| !self.state.clock.is_finished()),
            seconds: self.state.seconds,
        })
    }

    /// Runs one forward and backward pass and one update; reads nothing from the device.
    fn step(&mut self, batch: HostViews) {
        let step = self.method.step(&upload(batch, &self.device));
        let loss = step.loss.clone().inner();
        let learning_rate = self.schedule.at(self.state.clock.step);
        let gradients = GradientsParams::from_grads(step.loss.backward(), &self.method);
        self.method = self.optimizer.step(learning_rate, self.method.clone(), gradients);
        self.state.clock.step += 1;
        let (clock, embedding) = (self.state.clock, step.embedding);
        self.unread.push(Unread { clock, loss, embedding, learning_rate });
    }

    /// Reads the results of the steps that were not read yet, in order.
    fn read(&mut self) -> Result<Vec<(Clock, StepMetrics)>, TrainError> {
        let mut read = Vec::with_capacity(self.unread.len());
        for Unread { clock, loss, embedding, learning_rate } in self.unread.drain(..) {
            let loss = f64::from(loss.into_scalar::<f32>());
            if !loss.is_finite() {
                return Err(TrainError::NonFiniteLoss { loss, step: clock.step });
            }
            let dim = embedding.dims()[1];
            let embedding = Features::new(dim, embedding.into_data().iter::<f32>().collect())?;
            let embedding_std = std_of_l2_normalized(&embedding);
            self.state.loss_sum += loss;
            self.state.std_sum += embedding_std;
            read.push((
                clock,
                StepMetrics {
                    loss,
                    learning_rate,
                    embedding_std,
                    uniform_std: uniform_std(dim),
                    images_per_second: 0.0, // known to the caller
                },
            ));
        }
        Ok(read)
    }

    fn end_epoch(&mut self, last: StepMetrics) {
        let steps = self.state.clock.steps_per_epoch as f64;
        let metrics = [
            ("loss", self.state.loss_sum / steps),
            ("embedding_std", self.state.std_sum / steps),
            ("uniform_std", last.uniform_std),
            ("learning_rate", last.learning_rate),
        ];
        let metrics = metrics.map(|(name, value)| (name.to_owned(), value)).into();
        let epoch = self.state.clock.epoch();
        self.state.history.0.push(EpochRecord { epoch, metrics });
        (self.state.loss_sum, self.state.std_sum) = (0.0, 0.0);
    }

    fn notify(
        &mut self,
        clock: Clock,
        metrics: StepMetrics,
        stop: &mut Option<StopReason>,
        hook: impl Fn(&mut dyn Callback<M>, &mut RunView<'_, M>) -> Result<(), CallbackError>,
    ) -> Result<(), TrainError> {
        for callback in &mut self.callbacks {
            let history = &mut self.state.history;
            let mut run = RunView::new(clock, metrics, &self.method, history, stop);
            hook(callback.as_mut(), &mut run).map_err(TrainError::Callback)?;
        }
        Ok(())
    }
}

/// Moves a batch to the device; its buffers become the tensors' data without a copy.
fn upload(batch: HostViews, device: &Device) -> Views {
    let upload = |view: HostView| Tensor::from_data(TensorData::new(view.data, view.dims), device);
    Views::new(batch.views.into_iter().map(upload).collect(), batch.labels)
}
