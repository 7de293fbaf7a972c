//! One run: an encoder is trained on images without labels, then measured.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use burn::module::Module;
use burn::tensor::Device;
use selfsame::callbacks::{
    CollapseAlarm, CsvLog, Health, JsonLinesLog, Progress, StopReason, TensorBoard, TimingLog,
};
use selfsame::device::NamedDevice;
use selfsame::files::{shell_word, write_atomically};
use selfsame::metrics::Summary;
use selfsame::models::{
    AnyBackbone, AnyMethod, BackboneConfig, Clock, Method, Needs, WeightsFile, to_pytorch,
};
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{
    Checkpoints, OnlineAccuracy, Outcome, RunFolder, TrainError, Trainer, few_steps,
};
use serde_json::json;

use crate::encoder::fresh;
use crate::exhibit::Exhibit;
use crate::features::ImageFeatures;
use crate::findings::{
    Accuracy, BeforeAfter, Counts, FeatureHealth, Findings, Row, Seconds, Spread, Versions,
    class_accuracies,
};
use crate::given::Given;
use crate::images::Images;
use crate::judge::{Judge, Probed};
use crate::page::{views, write_page};
use crate::settings::Settings;
use crate::signals::{INTERRUPTED, Signals};
use crate::terminal::{Terminal, complain};

/// What is said of a run that was not worth its time.
const WORSE: &str = "training has made the nearest neighbors worse than they were before; train \
                     longer, lower the learning rate, or choose another method";

/// Where a run starts.
#[derive(Clone, Debug)]
pub(crate) enum Start {
    /// Anew, with what was given of its settings.
    New(Given),
    /// From its newest checkpoint.
    Resumed,
    /// From its newest checkpoint, with a number of epochs that may make a finished run longer.
    Extended,
}

/// How a run works, which does not change its result.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub device: String,
    pub threads: usize,
    pub time_limit: Option<Duration>,
    pub save_every: Option<Duration>,
    pub tensorboard: bool,
    pub terminal: Terminal,
}

/// A run whose images have been read.
pub(crate) struct Run {
    started: Instant,
    settings: Settings,
    start: Start,
    work: Work,
    /// Locked from the start.
    folder: RunFolder,
    device_name: &'static str,
    /// The device, with autodiff.
    device: Device,
    signals: Signals,
    images: Images,
}

impl Run {
    /// Reads the images, and completes the settings of a new run.
    pub(crate) fn prepare(
        folder: RunFolder,
        mut settings: Settings,
        start: Start,
        work: Work,
    ) -> anyhow::Result<Self> {
        let started = Instant::now();
        let NamedDevice { name: device_name, device, .. } = selfsame::device(&work.device)?;
        let device = device.autodiff();
        let signals = Signals::listen()?;
        let (side, seed) = (settings.read_side(), settings.seed);
        let images = Images::load(&settings.data, side, seed, &[folder.path()])?;
        if let Start::New(given) = &start {
            settings = given.resolve(Some(images.known()))?;
            settings.data.pixels = images.pixels.clone();
        }
        let method = settings.method.name();
        ensure!(
            method.needs() != Needs::Labels || images.labeled.len() == images.train.len(),
            "{} learns from labels, and {} of the {} images for training have none; choose another \
             method",
            method.title(),
            images.train.len() - images.labeled.len(),
            images.train.len()
        );
        let run =
            Self { started, settings, start, work, folder, device_name, device, signals, images };
        Ok(run)
    }

    /// Trains the encoder, measures it, and writes what was found.
    pub(crate) fn go(&self) -> anyhow::Result<ExitCode> {
        let Self { settings, images, work, .. } = self;
        let terminal = work.terminal;
        let (batch_size, seed) = (settings.batch_size, settings.seed);
        terminal.fact(images.describe());
        terminal.fact(self.describe());
        let config = LoaderConfig { batch_size, threads: work.threads, seed };
        let loader = Loader::new(images.train.clone(), settings.recipe.clone(), config)?;
        let method = self.method()?;
        if matches!(self.start, Start::New(_)) {
            self.rehearse(&method, &loader)?;
            self.begin()?; // before the checkpoints of a run that it replaces are seen
        }
        self.signals
            .set_farewell(format!("\nstopped; resume it with\n  {}", self.resume_command()));
        let judge = Judge::new(images, seed);
        let warning = judge.as_ref().and_then(Judge::warning);
        if let Some(warning) = &warning {
            terminal.fact(format_args!("  {warning}"));
        }
        let random = method.encoder().valid();
        let (trainer, may_extend) = self.trainer(&method, &loader)?;
        drop(method); // the trainer has it
        self.write(RunFolder::VIEWS, views(settings, images)?.as_bytes())?;

        let start = Instant::now();
        let random = self.extract(&random)?;
        // Those of the trained encoder will take as long.
        let spent = self.started.elapsed() + start.elapsed();
        let trainer = self.say_length(trainer, may_extend, spent)?;
        let trainer = self.with_callbacks(trainer)?;
        let start = Instant::now();
        let outcome = self.signals.while_training(|| trainer.fit())?;
        let fitting = start.elapsed();
        if let Some(reason) = &outcome.stopped {
            return self.stopped(reason);
        }
        self.signals.set_farewell(format!(
            "\nstopped while the encoder was measured; it is trained and saved, and is measured by\n  \
             {}",
            self.resume_command()
        ));
        if self.signals.stop.is_raised() {
            complain(format_args!(
                "stopped; the encoder is trained and saved, and is measured by\n  {}",
                self.resume_command()
            ));
            return Ok(ExitCode::from(INTERRUPTED));
        }
        let encoder = outcome.method.encoder().valid();
        let learned = self.extract(&encoder)?;
        self.write(RunFolder::ENCODER, &self.weights(&encoder)?)?;

        let measured = judge.map(|judge| measure(&judge, &random, &learned)).transpose();
        // The report and the encoder are worth having without it.
        let failed = measured.as_ref().err().map(|error| {
            let text = format!("accuracy could not be measured: {error:#}");
            terminal.note(format_args!("warning: {text}"));
            text
        });
        let (knn, probed) = measured.ok().flatten().unzip();
        let accuracy = probed.as_ref().map(accuracy);
        let classes = probed.as_ref().map_or_else(Vec::new, |[learned, _]| {
            class_accuracies(images.train.class_names(), &learned.classification.classes)
        });
        let features = FeatureHealth::of(learned.to_judge())?;
        let worse = knn.filter(|knn| knn.after < knn.before).map(|_| WORSE.to_owned());
        if let Some(worse) = &worse {
            terminal.note(format_args!("warning: {worse}"));
        }
        let warnings = warning.into_iter().chain(failed).chain(worse);
        let warnings = warnings.chain(self.warnings(&outcome)).collect();
        let findings = Findings {
            knn,
            accuracy,
            classes,
            warnings,
            ..self.findings(&outcome, fitting, features)
        };
        let predictions = probed.as_ref().map(|[learned, _]| learned.predictions.as_slice());
        let exhibit =
            Exhibit::new(images, &settings.data.paths, &learned, predictions, Exhibit::MOST);
        write_page(
            self.folder.path(),
            &self.folder.file(RunFolder::REPORT),
            settings,
            &findings,
            images,
            &exhibit,
        )?;
        let result = serde_json::to_string_pretty(&findings)? + "\n";
        self.write(RunFolder::RESULT, result.as_bytes())?;
        if terminal.json {
            terminal.summary(result.trim_end());
        } else {
            terminal.summary(&findings);
            let out = self.folder.path().display();
            terminal.fact(format_args!(
                "{out} contains report.html, result.json, encoder.safetensors, views.png"
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Creates the method around the encoder, which starts anew or from weights.
    fn method(&self) -> anyhow::Result<AnyMethod> {
        let Self { settings, device, .. } = self;
        let shown = settings.shown();
        let mut encoder = fresh(&settings.backbone, settings.seed, &self.images, &shown, device)?;
        // A run without a checkpoint starts from them, too, and accuracy before training is theirs.
        if let Some(path) = &settings.init {
            let loaded =
                WeightsFile::open(path).and_then(|file| file.load(encoder)).with_context(|| {
                    format!(
                        "cannot start from {}; give the --model, --width and --image-size that its \
                         weights are of",
                        path.display()
                    )
                })?;
            encoder = loaded.network;
        }
        Ok(settings.method.init(encoder, settings.seed, device)?)
    }

    /// Checks that a new run can start, before the one that it replaces is removed.
    fn rehearse(&self, method: &AnyMethod, loader: &Loader) -> anyhow::Result<()> {
        let training = self.settings.training(loader.batches_per_epoch() as u64);
        let trainer = Trainer::new(method.clone(), loader.clone(), training, &self.device)?;
        if let Some(limit) = self.work.time_limit {
            trainer.with_time_limit(limit).map_err(warmup_hint)?;
        }
        Ok(())
    }

    /// Says what is trained.
    fn describe(&self) -> String {
        let Self { settings, .. } = self;
        let name = settings.backbone.name().map_or_else(
            || {
                format!(
                    "a {} of {} features",
                    family(&settings.backbone),
                    settings.backbone.d_output()
                )
            },
            str::to_owned,
        );
        let patches = match &settings.backbone {
            BackboneConfig::Vit(vit) => format!(" in patches of {}", vit.patch),
            _ => String::new(),
        };
        let views = settings.recipe.views.len();
        format!(
            "{} with {name}, {views} view{} of {} pixels{patches}, {} epoch{} in batches of {}",
            settings.method.name().title(),
            if views == 1 { "" } else { "s" },
            settings.side(),
            settings.epochs,
            if settings.epochs == 1 { "" } else { "s" },
            settings.batch_size,
        )
    }

    /// Writes the settings of a run that starts, new or made longer.
    fn begin(&self) -> anyhow::Result<()> {
        Ok(self.folder.begin(&self.settings.to_json()?)?)
    }

    /// Writes a file of the run as a whole.
    fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.folder.file(name);
        write_atomically(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    fn extract(&self, encoder: &AnyBackbone) -> anyhow::Result<ImageFeatures> {
        let device = self.device.clone().inner();
        ImageFeatures::extract(&self.images, &self.settings.shown(), encoder, &device)
    }

    fn checkpoints(&self) -> Checkpoints {
        let checkpoints = self.folder.checkpoints();
        match self.work.save_every {
            Some(interval) => checkpoints.every(interval),
            None => checkpoints,
        }
    }

    /// Prepares the training, new or from its newest checkpoint, and returns with it whether that
    /// may be of a finished run, to be made longer.
    fn trainer(
        &self,
        method: &AnyMethod,
        loader: &Loader,
    ) -> anyhow::Result<(Trainer<AnyMethod>, bool)> {
        let Self { settings, folder, .. } = self;
        let measured_with = format!("{:016x}", self.images.stamp()?);
        let prepare = |checkpoints| {
            let steps = loader.batches_per_epoch() as u64;
            Trainer::new(method.clone(), loader.clone(), settings.training(steps), &self.device)?
                .with_fingerprint("the version of burn", env!("BURN_VERSION"))
                .with_fingerprint("the test images and the labels", measured_with.as_str())
                .with_checkpoints(checkpoints)
        };
        let mut may_extend = matches!(self.start, Start::Extended);
        let checkpoints = self.checkpoints();
        let first = if may_extend { checkpoints.extend_finished() } else { checkpoints };
        let trainer = match prepare(first) {
            // More epochs were asked for before, as the missing result tells, and the run ended
            // before its first checkpoint.
            Err(TrainError::OtherLength { then, now, is_finished: true, .. })
                if now > then && !folder.has_result() =>
            {
                may_extend = true;
                prepare(self.checkpoints().extend_finished())
            }
            prepared => prepared,
        };
        let trainer = trainer.map_err(|error| self.explain(error))?;
        Ok((trainer, may_extend))
    }

    /// Keeps the time limit, `spent` of which is for other things than training, and says how long
    /// the run will be if that is not what its settings say.
    fn say_length(
        &self,
        mut trainer: Trainer<AnyMethod>,
        may_extend: bool,
        spent: Duration,
    ) -> anyhow::Result<Trainer<AnyMethod>> {
        let terminal = self.work.terminal;
        let whole = trainer.clock();
        let epochs_left = |clock: Clock| clock.epochs - clock.epoch();
        let is_extended = may_extend
            && whole.step > 0
            && whole.step == whole.schedule_start
            && !whole.is_finished();
        if is_extended {
            terminal.fact(format_args!(
                "training the finished run for {} more epochs, with a new schedule from its \
                 weights",
                epochs_left(whole)
            ));
        }
        if let Some(limit) = self.work.time_limit {
            let left = limit.saturating_sub(spent);
            trainer = trainer.with_time_limit(left).map_err(|error| match error {
                TrainError::TimeLimit { epoch, .. } => anyhow!(
                    "an epoch takes about {epoch:.1?}, and reading and measuring about {spent:.1?}, so \
                     none fits into the time limit of {limit:.1?}; raise --max-hours, or use fewer \
                     images or a smaller network"
                ),
                error => warmup_hint(error),
            })?;
            let (fitting, all) = (epochs_left(trainer.clock()), epochs_left(whole));
            if fitting < all {
                let hours = four_digits(limit.as_secs_f64() / 3_600.0).to_string();
                let hours =
                    if hours == "1" { "an hour".to_owned() } else { format!("{hours} hours") };
                let fit = if fitting == 1 { "fits" } else { "fit" };
                terminal.fact(format_args!(
                    "at this speed {fitting} of {all} epochs {fit} into {hours}; the schedule \
                     ends there, and follows if the speed changes"
                ));
            }
        }
        match self.start {
            Start::New(_) => {}
            _ if is_extended => self.begin()?,
            _ => {
                let clock = trainer.clock();
                let (step, all) = (clock.step, clock.total_steps());
                terminal.fact(format_args!("resuming after step {step} of {all}"));
                // The images may have been moved.
                self.write(RunFolder::SETTINGS, &self.settings.to_json()?)?;
            }
        }
        if let Some(warning) = few_steps(trainer.clock(), self.settings.batch_size) {
            let is_cut = trainer.clock().epochs < whole.epochs;
            let how = if is_cut { "; more epochs need a larger --max-hours" } else { "" };
            terminal.fact(format_args!("{warning}{how}"));
        }
        Ok(trainer)
    }

    fn with_callbacks(&self, trainer: Trainer<AnyMethod>) -> anyhow::Result<Trainer<AnyMethod>> {
        let Self { settings, folder, work, signals, .. } = self;
        let mut trainer = trainer;
        if let Some(held_out) = self.images.held_out(&settings.recipe, settings.seed)? {
            trainer = trainer.with_callback(OnlineAccuracy::knn(held_out));
        }
        // Reading the loss from a GPU makes it wait; the CPU does not.
        let steps = if self.device_name == "flex" { 1 } else { 20 };
        trainer = trainer
            .with_sync_every(steps)
            .with_callback(Health)
            .with_callback(CsvLog::new(folder.file(RunFolder::EPOCHS)))
            .with_callback(JsonLinesLog::new(folder.file(RunFolder::STEPS)))
            .with_callback(TimingLog::new(folder.file(RunFolder::TIMING)))
            .with_callback(CollapseAlarm::default())
            .with_signal(signals.stop.clone())
            .with_save_signal(signals.save.clone());
        if !work.terminal.quiet {
            trainer = trainer.with_callback(Progress::new(settings.method.name().title()));
        }
        if work.tensorboard {
            trainer = trainer.with_callback(TensorBoard::new(folder.file(RunFolder::TENSORBOARD)));
        }
        Ok(trainer)
    }

    /// Names the options of this program in the error of a run that cannot be resumed.
    fn explain(&self, error: TrainError) -> anyhow::Error {
        match error {
            TrainError::OtherLength { then, now, is_finished: true, .. } if now > then => anyhow!(
                "{} holds a finished run of {then} epochs; to train it for {} more, with a new \
                 schedule from its weights, run\n  {} --epochs {now}",
                self.folder.path().display(),
                now - then,
                self.resume_command()
            ),
            error => error.into(),
        }
    }

    /// Returns the encoder as safetensors under PyTorch's names, with the settings to build it and
    /// those it was trained with.
    fn weights(&self, encoder: &AnyBackbone) -> anyhow::Result<Vec<u8>> {
        let mut run = self.settings.without_paths();
        run.data.paths.clear(); // the images may be moved, and the weights are the same
        let about = json!({
            "encoder": self.settings.backbone,
            "input": self.settings.shown(),
            "pixels": self.settings.data.pixels,
            "run": run,
            "versions": Versions::of_this_program(),
        });
        Ok(to_pytorch(encoder, &about.to_string())?)
    }

    /// Returns what the run has warned of.
    fn warnings(&self, outcome: &Outcome<AnyMethod>) -> Vec<String> {
        let few = few_steps(outcome.clock, self.settings.batch_size);
        // Without the path of the run, which would tell about the machine.
        let folder = self.folder.path().display().to_string();
        let said = outcome.warnings.iter().map(|warning| warning.replace(&folder, "."));
        said.chain(few).collect()
    }

    fn findings(
        &self,
        outcome: &Outcome<AnyMethod>,
        fitting: Duration,
        features: FeatureHealth,
    ) -> Findings {
        let Self { settings, images, .. } = self;
        // Pre-training counts all resumptions, and the rest is of this one.
        let rest = self.started.elapsed().saturating_sub(fitting).as_secs_f64();
        let seen = outcome.clock.step as f64 * settings.batch_size as f64;
        Findings {
            method: settings.method.name().key().to_owned(),
            data: settings.data.name(),
            seed: settings.seed,
            device: self.device_name.to_owned(),
            epochs: outcome.clock.epochs,
            seconds: Seconds { pretrain: outcome.seconds, total: outcome.seconds + rest },
            images_per_second: seen / outcome.seconds,
            knn: None,
            health: Spread {
                std: outcome.history.last("embedding_std").unwrap_or_default(),
                uniform_std: outcome.history.last("uniform_std").unwrap_or_default(),
            },
            features,
            accuracy: None,
            classes: Vec::new(),
            note: (images.test.is_none() || images.labeled.is_empty())
                .then(|| images.why_not_tested()),
            warnings: Vec::new(),
            images: Counts {
                train: images.train.len(),
                test: images.test.as_ref().map_or(0, |test| test.len()),
                skipped: images.skipped.len(),
                omitted: images.omitted.count(),
            },
            versions: Versions::of_this_program(),
        }
    }

    /// Says why a run ended before its last epoch.
    fn stopped(&self, reason: &StopReason) -> anyhow::Result<ExitCode> {
        match reason {
            StopReason::Callback(why) => bail!("{why}"),
            StopReason::TimeLimit => bail!(
                "the time limit was reached before the last epoch, and the run is saved; resume it \
                 with a larger --max-hours, or without:\n  {}",
                self.resume_command()
            ),
            _ => {
                complain(format_args!(
                    "stopped and saved; resume it with\n  {}",
                    self.resume_command()
                ));
                Ok(ExitCode::from(INTERRUPTED))
            }
        }
    }

    fn resume_command(&self) -> String {
        resume_command(self.folder.path())
    }
}

/// Returns the command that resumes the run in `folder`.
pub(crate) fn resume_command(folder: &Path) -> String {
    format!("selfsame resume {}", shell_word(folder))
}

/// Says what to do if the epochs that fit into the time are fewer than those of the warm-up.
fn warmup_hint(error: TrainError) -> anyhow::Error {
    let is_warmup = error.to_string().contains("warmup_steps");
    let hint = "the epochs that fit are fewer than those of the warm-up; lower it with --set \
                warmup_epochs=0, or give more time";
    if is_warmup { anyhow!(error).context(hint) } else { error.into() }
}

/// Returns what kind of network it is.
fn family(config: &BackboneConfig) -> &'static str {
    match config {
        BackboneConfig::ResNet(_) => "ResNet",
        BackboneConfig::Vit(_) => "vision transformer",
        BackboneConfig::ConvNext(_) => "ConvNeXt",
        BackboneConfig::Airbench(_) => "network of airbench's form",
    }
}

/// Measures features before and after training.
fn measure(
    judge: &Judge,
    random: &ImageFeatures,
    learned: &ImageFeatures,
) -> anyhow::Result<(BeforeAfter, [Probed; 2])> {
    let knn = BeforeAfter { before: judge.knn(random)?, after: judge.knn(learned)? };
    Ok((knn, [judge.probe(learned)?, judge.probe(random)?]))
}

fn accuracy([learned, random]: &[Probed; 2]) -> Accuracy {
    let row = |pretrained, random| Row { pretrained, random, scratch: None };
    let few = |learned: Option<Summary>, random: Option<Summary>| {
        learned.zip(random).map(|(learned, random)| row(learned, random))
    };
    Accuracy {
        labels_10: few(learned.few, random.few),
        labels_10_by_neighbors: few(learned.few_by_neighbors, random.few_by_neighbors),
        labels_all: row(learned.all, random.all),
    }
}

/// Rounds a figure to four significant digits.
fn four_digits(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}
