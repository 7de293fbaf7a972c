//! The training loop: batches of views, optimizer steps, callbacks, checkpoints.

use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use selfsame_callbacks::{
    Callback, CallbackError, EpochRecord, History, RunView, SaveSignal, StepMetrics, StopReason,
    StopSignal,
};
use selfsame_metrics::{Features, std_of_l2_normalized, uniform_std};
use selfsame_models::{Clock, Context, Method, first_non_finite_layer, settings};
use selfsame_optim::{GroupedOptimizer, ParameterGroup, Schedule, add_gradients, scale_gradients};
use selfsame_samplers::{BatchSource, Loader};

use crate::checkpoints::RunState;
use crate::fingerprint::{add_json, add_shapes, short_type_name};
use crate::folder_lock::FolderLock;
use crate::pace::{TimeLimit, time_of_epoch};
use crate::unread::Unread;
use crate::{Checkpoints, TrainError, TrainerConfig, Upload};

/// The training loop of a method, with one optimizer step per batch of its source.
///
/// A step is a function of the networks, their state, the optimizer's state and the step's number,
/// so a run that is stopped and resumed ends with the same bytes as one that was not.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::Device;
/// use selfsame_augment::Recipe;
/// use selfsame_callbacks::{CollapseAlarm, CsvLog};
/// use selfsame_datasets::{Split, Synthetic, SyntheticConfig};
/// use selfsame_models::{BarlowTwinsConfig, ResNetConfig};
/// use selfsame_optim::{OptimizerConfig, Schedule};
/// use selfsame_samplers::{Loader, LoaderConfig};
/// use selfsame_train::{Checkpoints, Trainer, TrainerConfig};
///
/// let folder = tempfile::tempdir()?;
/// let device = Device::flex().autodiff();
/// let shapes = SyntheticConfig { images: 16, size: 8, seed: 0, split: Split::Train };
/// let config = LoaderConfig { batch_size: 8, threads: 1, seed: 0 };
/// let loader = Loader::new(Arc::new(Synthetic::new(shapes)), Recipe::shapes(8), config)?;
/// let encoder = ResNetConfig::resnet10(1).init(0, &device);
/// let method = BarlowTwinsConfig::default().init(encoder, 0, &device);
/// let (optimizer, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(0.01));
/// let config = TrainerConfig::new(2, optimizer, schedule);
/// let outcome = Trainer::new(method, loader, config, &device)?
///     .with_callback(CollapseAlarm::default())
///     .with_callback(CsvLog::new(folder.path().join("epochs.csv")))
///     .with_checkpoints(Checkpoints::new(folder.path().join("checkpoint")))?
///     .fit()?;
/// assert_eq!((outcome.clock.step, outcome.history.0.len()), (4, 2));
/// assert!(folder.path().join("checkpoint/step-4").is_dir());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Trainer<M: Method, S: BatchSource = Loader> {
    method: M,
    optimizer: GroupedOptimizer,
    source: Arc<S>,
    accumulate: usize,
    device: Device,
    state: RunState,
    callbacks: Vec<Box<dyn Callback<M>>>,
    checkpoints: Option<Checkpoints>,
    /// Keeps other runs out of the folder of checkpoints.
    lock: Option<FolderLock>,
    signal: StopSignal,
    save_signal: SaveSignal,
    time_limit: Option<TimeLimit>,
    sync_every: usize,
    unread: Vec<Unread>,
    /// The embedding of the last step that was read.
    embedding: Option<Features>,
    warnings: Vec<String>,
}

impl<M: Method, S: BatchSource> std::fmt::Debug for Trainer<M, S> {
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
    /// What went wrong since the start or the last resumption without costing the run anything,
    /// such as a log that could not be written.
    pub warnings: Vec<String>,
}

/// The times of a run since it was started or resumed.
struct Times {
    start: Instant,
    /// Seconds and steps of the run before.
    before: (f64, u64),
    /// The start of the epoch, or of this part of it, and its first step.
    epoch_start: (Instant, u64),
    last_read: Instant,
    last_saved: Instant,
    /// Time spent waiting for batches since the last reading.
    waited: Duration,
}

impl<M: Method, S: BatchSource> Trainer<M, S>
where
    S::Batch: Upload<M::Batch>,
{
    /// Prepares a run over the batches of `source`, on an autodiff device.
    ///
    /// # Errors
    /// If a setting is not valid, an epoch has fewer batches than are accumulated, or a sample of
    /// the source cannot be found.
    ///
    /// # Panics
    /// If `device` is not an autodiff device.
    #[track_caller]
    pub fn new(
        method: M,
        source: S,
        config: TrainerConfig,
        device: &Device,
    ) -> Result<Self, TrainError> {
        assert!(device.is_autodiff(), "training needs a device with autodiff: `device.autodiff()`");
        let setting = |field, problem: String| Err(TrainError::Setting { field, problem });
        if config.epochs == 0 {
            return setting("epochs", "must be 1 or more".to_owned());
        }
        if config.accumulate == 0 {
            return setting("accumulate", "must be 1 or more".to_owned());
        }
        let batches = source.batches_per_epoch();
        if batches < config.accumulate {
            let problem = format!(
                "is {}, but an epoch has {batches} batches; lower it, or make batches smaller",
                config.accumulate
            );
            return setting("accumulate", problem);
        }
        let steps_per_epoch = (batches / config.accumulate) as u64;
        let clock = Clock { steps_per_epoch, epochs: config.epochs, ..Clock::default() };

        let mut fingerprint = source.fingerprint()?;
        add_json(&mut fingerprint, "run", &settings(&config));
        fingerprint.remove("run.epochs"); // compared by itself
        add_json(&mut fingerprint, "method", &method.settings());
        fingerprint.insert("method".to_owned(), short_type_name::<M>());
        let version = env!("CARGO_PKG_VERSION").to_owned();
        fingerprint.insert("the version of selfsame".to_owned(), version);
        add_shapes(&mut fingerprint, &method);

        let TrainerConfig { epochs, optimizer, schedule, groups, clip_norm, accumulate } = config;
        let constant = |path: &&str| {
            ParameterGroup::new(*path).with_schedule(Schedule::constant(schedule.peak()))
        };
        let groups = method.constant_rate().iter().map(constant).chain(groups).collect();
        let optimizer = GroupedOptimizer::new(optimizer, schedule, groups, clip_norm)?;
        optimizer.check(&method)?;
        optimizer.check_rates(clock.total_steps())?;
        Ok(Self {
            method,
            optimizer,
            source: Arc::new(source),
            accumulate,
            device: device.clone(),
            state: RunState { clock, requested_epochs: epochs, fingerprint, ..RunState::default() },
            callbacks: Vec::new(),
            checkpoints: None,
            lock: None,
            signal: StopSignal::new(),
            save_signal: SaveSignal::new(),
            time_limit: None,
            sync_every: 1,
            unread: Vec::new(),
            embedding: None,
            warnings: Vec::new(),
        })
    }

    /// Reads losses and embeddings from the device after every `steps` steps (1 by default) and at
    /// the end of an epoch.
    ///
    /// A GPU that is asked for a value first finishes all its work, and then waits for more. The
    /// measured values stay the same to the last bit. Callbacks hear of a step up to `steps − 1`
    /// steps later, and see the networks as they are by then; a loss that is not finite ends the
    /// run equally late. Only with 1 is it found before the update, when the layer at fault can
    /// still be named.
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

    /// Stops the run, after saving it, at the end of the step in which `signal` is raised; before
    /// the first step, if it is raised by then.
    #[must_use]
    pub fn with_signal(mut self, signal: StopSignal) -> Self {
        self.signal = signal;
        self
    }

    /// Saves the run, if it has checkpoints, at the end of the step in which `signal` is raised,
    /// and lowers it.
    #[must_use]
    pub fn with_save_signal(mut self, signal: SaveSignal) -> Self {
        self.save_signal = signal;
        self
    }

    /// Adds something else that decides the result, such as the version of a program. A checkpoint
    /// with another value is refused. Call it before [`with_checkpoints`](Self::with_checkpoints).
    #[must_use]
    pub fn with_fingerprint(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.state.fingerprint.insert(name.into(), value.into());
        self
    }

    /// Saves the run after every epoch, at a stop and after an error, and resumes from the newest
    /// checkpoint if there is one.
    ///
    /// # Errors
    /// If the newest checkpoint is damaged, or belongs to a run with other settings, networks, data
    /// or length, or if another run uses the folder. The error says what differs.
    pub fn with_checkpoints(mut self, checkpoints: Checkpoints) -> Result<Self, TrainError> {
        self.lock = Some(checkpoints.lock()?);
        let found = checkpoints.load(&self.state, self.method.clone(), self.optimizer.clone())?;
        if let Some((state, method, optimizer)) = found {
            (self.state, self.method, self.optimizer) = (state, method, optimizer);
        }
        self.checkpoints = Some(checkpoints);
        Ok(self)
    }

    /// Ends the run within `limit` of training time over all resumptions: with its schedule at its
    /// end if possible.
    ///
    /// A new run times a few steps of a copy of the networks. If the epochs that were asked for
    /// do not fit, it lowers their number to what does, so that the schedule ends in time;
    /// [`clock`](Self::clock) tells, before [`fit`](Self::fit). After each epoch the number follows
    /// the time that epochs took: it grows if that surely leaves time for more, and shrinks if they
    /// would not end in time. A run that is still too slow is stopped and saved at the limit.
    ///
    /// Call it after [`with_checkpoints`](Self::with_checkpoints), as a run that is resumed gets no
    /// more epochs than it had.
    ///
    /// # Errors
    /// If not one epoch fits, or a sample cannot be read.
    pub fn with_time_limit(mut self, limit: Duration) -> Result<Self, TrainError> {
        let time = TimeLimit { limit, most_epochs: self.state.clock.epochs };
        self.time_limit = Some(time);
        if self.state.clock.step > self.state.clock.schedule_start || self.state.clock.is_finished()
        {
            return Ok(self);
        }
        let (method, optimizer) = (&self.method, self.optimizer.clone());
        let clock = self.state.clock;
        let epoch = time_of_epoch(method, optimizer, self.source.as_ref(), clock, &self.device)?;
        // A tenth is left for callbacks and checkpoints.
        let fitting = time.room(0.9, self.state.seconds, epoch.as_secs_f64());
        if fitting == 0 {
            return Err(TrainError::TimeLimit { limit, epoch });
        }
        let clock = &mut self.state.clock;
        clock.epochs = clock.epochs.min(clock.epoch() + fitting);
        self.optimizer.check_rates(clock.progress().1)?;
        Ok(self)
    }

    /// Returns the run's place in its schedule: step 0 of a new run, a later one if a checkpoint was
    /// found.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.state.clock
    }

    /// Trains until the last epoch has ended, or until the run is stopped.
    ///
    /// # Errors
    /// If a sample cannot be read, the loss is not finite, a callback fails, or the run cannot be
    /// saved. The last finished step is saved then, except for a loss that is not finite: the last
    /// checkpoint is from before.
    pub fn fit(mut self) -> Result<Outcome<M>, TrainError> {
        let now = Instant::now();
        let mut times = Times {
            start: now,
            before: (self.state.seconds, self.state.clock.step),
            epoch_start: (now, self.state.clock.step),
            last_read: now,
            last_saved: now,
            waited: Duration::ZERO,
        };
        let mut stop = None;
        let mut last = StepMetrics::default();
        self.notify(self.state.clock, &last, &mut stop, |callback, run| callback.on_start(run))?;
        while !self.state.clock.is_finished() && stop.is_none() {
            if self.signal.is_raised() {
                stop = Some(StopReason::Signal);
                break;
            }
            let ended = self.train_epoch(&mut times, &mut last, &mut stop);
            self.state.seconds = times.seconds();
            match ended {
                Ok(()) => self.save(&mut times)?,
                Err(error @ TrainError::NonFiniteLoss { .. }) => return Err(error),
                Err(error) => {
                    // The cause counts; if saving fails as well, the last checkpoint stays.
                    let _ = self.save(&mut times);
                    return Err(error);
                }
            }
        }
        let mut late = None; // nothing is left to stop
        self.notify(self.state.clock, &last, &mut late, |callback, run| callback.on_end(run))?;
        Ok(Outcome {
            method: self.method,
            history: self.state.history,
            clock: self.state.clock,
            stopped: stop.filter(|_| !self.state.clock.is_finished()),
            seconds: self.state.seconds,
            warnings: self.warnings,
        })
    }

    /// Trains until the epoch ends, or until the run is stopped.
    fn train_epoch(
        &mut self,
        times: &mut Times,
        last: &mut StepMetrics,
        stop: &mut Option<StopReason>,
    ) -> Result<(), TrainError> {
        times.epoch_start = (Instant::now(), self.state.clock.step);
        let source = self.source.clone();
        let first = self.state.clock.batch() * self.accumulate as u64;
        #[allow(clippy::cast_possible_truncation, reason = "batches fit the address space")]
        let mut batches = source.epoch(self.state.clock.epoch(), first as usize);
        loop {
            let asked = Instant::now();
            let taken: Result<Vec<_>, _> = batches.by_ref().take(self.accumulate).collect();
            times.waited += asked.elapsed();
            let stepped = match taken {
                Ok(taken) if taken.len() < self.accumulate => return Ok(()), // left over
                Ok(taken) => self.step(taken),
                Err(error) => Err(error.into()),
            };
            let ends = self.state.clock.batch() == 0;
            let is_late =
                self.time_limit.is_some_and(|time| times.seconds() >= time.limit.as_secs_f64());
            let raised = self.signal.is_raised();
            let (clock, since_saved) = (self.state.clock, times.last_saved.elapsed());
            let is_due = self.save_signal.take()
                || self.checkpoints.as_ref().is_some_and(|c| c.is_due(clock, since_saved));
            let must_read = ends || is_late || raised || is_due || stepped.is_err();
            if self.unread.len() < self.sync_every && !must_read {
                continue;
            }
            let told = self.read(times, last, stop);
            stepped?;
            if let Err(TrainError::NonFiniteLoss { .. }) = told {
                return told;
            }
            if ends {
                // Also after a callback has failed, so that what is saved is a whole epoch.
                self.end_epoch(last);
                self.state.seconds = times.seconds();
                let clock = self.state.clock;
                let hook = |callback: &mut dyn Callback<M>, run: &mut RunView<'_, M>| {
                    callback.on_epoch_end(run)
                };
                told.and(self.notify(clock, last, stop, hook))?;
                self.keep_time(times);
            } else {
                told?;
            }
            if raised {
                stop.get_or_insert(StopReason::Signal);
            }
            if is_late {
                stop.get_or_insert(StopReason::TimeLimit);
            }
            if ends || stop.is_some() {
                return Ok(());
            }
            if is_due {
                self.state.seconds = times.seconds();
                self.save(times)?;
            }
        }
    }

    /// Runs a forward and backward pass for each batch and one update; reads nothing from the
    /// device, unless every step is read.
    fn step(&mut self, batches: Vec<S::Batch>) -> Result<(), TrainError> {
        let context = Context::new(self.state.clock);
        let count = batches.len();
        let mut gradients: Option<GradientsParams> = None;
        let mut carries = Vec::with_capacity(count);
        let mut result: Option<Unread> = None;
        for batch in batches {
            let batch = batch.upload(&self.device);
            let step = self.method.step(&batch, &context);
            let loss = step.loss.clone().inner();
            if self.sync_every == 1 {
                let loss = f64::from(loss.clone().into_scalar::<f32>());
                if !loss.is_finite() {
                    let layer = first_non_finite_layer(&self.method, || {
                        let _ = self.method.step(&batch, &context);
                    });
                    let (step, total) = context.clock.progress();
                    return Err(TrainError::NonFiniteLoss {
                        loss,
                        step: context.clock.step + 1,
                        learning_rate: self.optimizer.rate(step, total),
                        layer,
                    });
                }
            }
            let more = GradientsParams::from_grads(step.loss.backward(), &self.method);
            gradients = Some(match gradients {
                None => more,
                Some(sum) => add_gradients(sum, more, &self.method),
            });
            carries.push(step.carry);
            let more = Unread::new(loss, step.terms, step.embedding);
            result = Some(match result {
                None => more,
                Some(sum) => sum.add(more),
            });
        }
        let (Some(mut gradients), Some(mut result)) = (gradients, result) else { return Ok(()) };
        if count > 1 {
            let share = (count as f64).recip();
            gradients = scale_gradients(gradients, &self.method, share);
            result = result.scale(share);
        }
        let (step, total) = context.clock.progress();
        result.learning_rate = self.optimizer.rate(step, total);
        let gradients = self.method.filter(gradients, &context);
        self.method = self.optimizer.step(step, total, self.method.clone(), gradients);
        self.method.after_update(carries, &context);
        self.state.clock.step += 1;
        result.clock = self.state.clock;
        self.unread.push(result);
        Ok(())
    }

    /// Reads the results of the steps that were not read yet, in order, and tells the callbacks.
    fn read(
        &mut self,
        times: &mut Times,
        last: &mut StepMetrics,
        stop: &mut Option<StopReason>,
    ) -> Result<(), TrainError> {
        let unread = std::mem::take(&mut self.unread);
        let mut metrics = Vec::with_capacity(unread.len());
        for result in unread {
            let clock = result.clock;
            metrics.push((clock, self.metrics(result)?));
        }
        let (epoch_start, first_step) = times.epoch_start;
        let elapsed = epoch_start.elapsed().as_secs_f64();
        let samples = (self.state.clock.step - first_step) as f64
            * (self.source.batch_size() * self.accumulate) as f64;
        let since = times.last_read.elapsed().as_secs_f64();
        let waited = std::mem::take(&mut times.waited).as_secs_f64();
        times.last_read = Instant::now();
        let memory_bytes = memory_stats::memory_stats().map(|stats| stats.physical_mem as u64);
        let mut first_error = Ok(());
        for (clock, (metrics, embedding)) in metrics {
            *last = StepMetrics {
                samples_per_second: samples / elapsed,
                data_wait: (waited / since).clamp(0.0, 1.0),
                memory_bytes,
                ..metrics
            };
            self.embedding = embedding;
            let told = self.notify(clock, last, stop, |callback, run| callback.on_step_end(run));
            first_error = first_error.and(told);
        }
        first_error
    }

    /// Reads the result of a step from the device and adds it to the sums of the epoch.
    fn metrics(&mut self, result: Unread) -> Result<(StepMetrics, Option<Features>), TrainError> {
        let Unread { clock, loss, terms, embedding, learning_rate } = result;
        let scalar = |tensor: Tensor<1>| f64::from(tensor.into_scalar::<f32>());
        let loss = scalar(loss);
        if !loss.is_finite() {
            let layer = first_non_finite_layer(&self.method, || {});
            let step = clock.step;
            return Err(TrainError::NonFiniteLoss { loss, step, learning_rate, layer });
        }
        let terms: Vec<(String, f64)> =
            terms.into_iter().map(|(name, term)| (name.to_owned(), scalar(term))).collect();
        let embedding = embedding
            .map(|rows| Features::new(rows.dims()[1], rows.into_data().iter::<f32>().collect()))
            .transpose()?;
        let embedding_std = embedding.as_ref().map(std_of_l2_normalized);
        let uniform_std = embedding.as_ref().map(|rows| uniform_std(rows.dim()));
        let mut add = |name: &str, value: f64| {
            *self.state.sums.entry(name.to_owned()).or_default() += value;
        };
        add("loss", loss);
        for (name, term) in &terms {
            add(name, *term);
        }
        if let Some(std) = embedding_std {
            add("embedding_std", std);
        }
        let metrics = StepMetrics {
            loss,
            learning_rate,
            embedding_std,
            uniform_std,
            terms,
            ..StepMetrics::default()
        };
        Ok((metrics, embedding))
    }

    /// Adapts the number of epochs to the time limit, by the time of the epochs since the start.
    fn keep_time(&mut self, times: &Times) {
        let (clock, (seconds, first_step)) = (self.state.clock, times.before);
        let steps = clock.step - first_step;
        let Some(time) = self.time_limit else { return };
        if clock.is_finished() || steps < clock.steps_per_epoch {
            return;
        }
        let elapsed = times.seconds();
        let epoch = (elapsed - seconds) * clock.steps_per_epoch as f64 / steps as f64;
        let adapted = Clock { epochs: time.epochs(clock, elapsed, epoch), ..clock };
        if self.optimizer.check_rates(adapted.progress().1).is_ok() {
            self.state.clock = adapted;
        }
    }

    fn end_epoch(&mut self, last: &StepMetrics) {
        let steps = self.state.clock.steps_per_epoch as f64;
        let sums = std::mem::take(&mut self.state.sums).into_iter();
        let mut metrics: std::collections::BTreeMap<String, f64> =
            sums.map(|(name, sum)| (name, sum / steps)).collect();
        metrics.insert("learning_rate".to_owned(), last.learning_rate);
        metrics.extend(last.uniform_std.map(|std| ("uniform_std".to_owned(), std)));
        let epoch = self.state.clock.epoch();
        self.state.history.0.push(EpochRecord { epoch, metrics });
    }

    fn save(&self, times: &mut Times) -> Result<(), TrainError> {
        let Some(checkpoints) = &self.checkpoints else { return Ok(()) };
        checkpoints.save(&self.state, &self.method, &self.optimizer)?;
        times.last_saved = Instant::now();
        Ok(())
    }

    /// Calls a hook of every callback, also after one has failed, and returns the first error; then
    /// tells all of them of the warnings.
    fn notify(
        &mut self,
        clock: Clock,
        metrics: &StepMetrics,
        stop: &mut Option<StopReason>,
        hook: impl Fn(&mut dyn Callback<M>, &mut RunView<'_, M>) -> Result<(), CallbackError>,
    ) -> Result<(), TrainError> {
        let (mut first_error, mut warnings) = (Ok(()), Vec::new());
        for callback in &mut self.callbacks {
            let history = &mut self.state.history;
            let mut run = RunView::new(clock, metrics, &self.method, history, stop)
                .with_embedding(self.embedding.as_ref());
            let told = hook(callback.as_mut(), &mut run).map_err(TrainError::Callback);
            warnings.append(&mut run.take_warnings());
            first_error = first_error.and(told);
        }
        for warning in &warnings {
            self.callbacks.iter_mut().for_each(|callback| callback.on_warning(warning));
        }
        self.warnings.append(&mut warnings);
        first_error
    }
}

impl Times {
    /// Returns the training time over all resumptions.
    fn seconds(&self) -> f64 {
        self.before.0 + self.start.elapsed().as_secs_f64()
    }
}
