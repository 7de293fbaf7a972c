//! The main job: unlabeled images in, an encoder out, and measurements of how good it is.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

mod findings;
mod images;
mod page;
mod proof;
mod settings;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use burn::module::Module;
use burn::tensor::Device;
use clap::Parser;
use selfsame::augment::view_grid;
use selfsame::callbacks::{
    CollapseAlarm, CsvLog, Health, JsonLinesLog, Progress, StopReason, StopSignal, TensorBoard,
    TimingLog,
};
use selfsame::device::NamedDevice;
use selfsame::files::{shell_word, write_atomically};
use selfsame::models::{AnyBackbone, AnyMethod, Clock, Method, to_pytorch};
use selfsame::report::Png;
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{OnlineAccuracy, Outcome, RunFolder, TrainError, Trainer, few_steps};
use serde_json::json;

use findings::{Accuracy, BeforeAfter, Counts, Findings, Row, Seconds, Spread, VERSIONS};
use images::Images;
use proof::{ImageFeatures, Judge, ScratchTraining};
use settings::{Options, Plan, Settings, Start};

fn main() -> ExitCode {
    selfsame::compute_on_this_thread();
    match start(Options::parse()) {
        Ok(End::Finished) => ExitCode::SUCCESS,
        Ok(End::Interrupted) => ExitCode::from(130),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

enum End {
    Finished,
    /// Stopped by the user, who can resume the run later.
    Interrupted,
}

fn start(options: Options) -> anyhow::Result<End> {
    let plan = options.plan()?;
    let NamedDevice { name: device_name, device, .. } = selfsame::device(&plan.device)?;
    let device = device.autodiff();
    let signal = StopSignal::new();
    let raised = signal.clone();
    ctrlc::set_handler(move || {
        if raised.is_raised() {
            std::process::exit(130); // the second Ctrl-C
        }
        raised.raise();
        eprintln!("\nstopping after this step; press Ctrl-C again to stop at once");
    })?;
    let folder = plan.run_folder()?;
    let started = Instant::now();
    let images = Images::load(&plan.settings, folder.path())?;
    let run = Run { started, plan, folder, device_name, device, signal, images };
    let (settings, device) = (&run.plan.settings, &run.device);
    let encoder = settings.backbone.init(settings.seed, device);
    let method = settings.method(run.images.train.len()).init(encoder, settings.seed, device)?;
    run.go(method)
}

struct Run {
    started: Instant,
    plan: Plan,
    /// Locked from the start.
    folder: RunFolder,
    device_name: &'static str,
    /// The device, with autodiff.
    device: Device,
    signal: StopSignal,
    images: Images,
}

impl Run {
    fn go(&self, method: AnyMethod) -> anyhow::Result<End> {
        let Self { plan: Plan { out, settings, threads, .. }, images, .. } = self;
        let config = LoaderConfig {
            batch_size: settings.batch_size,
            threads: *threads,
            seed: settings.seed,
        };
        let loader = Loader::new(images.train.clone(), settings.recipe(), config)?;
        if self.plan.start == Start::New {
            self.begin()?; // before the checkpoints of a run that it replaces are seen
        }
        println!("{}", images.describe());
        let random = method.encoder().valid();
        let trainer = self.trainer(&method, &loader)?;
        drop(method); // the trainer has it
        let views = view_grid(&images.sample(8)?, &settings.recipe(), settings.seed);
        let views = Png::encode(&views)?;
        self.write(RunFolder::VIEWS, views.as_bytes())?;

        let random = self.extract(&random)?;
        let start = Instant::now();
        let outcome = trainer.fit()?;
        let fitting = start.elapsed();
        match &outcome.stopped {
            None => {}
            Some(StopReason::Callback(why)) => bail!("{why}"),
            Some(StopReason::TimeLimit) => bail!(
                "the time limit was reached before the last epoch, and the run is saved; resume it \
                 with a larger --max-hours, or without:\n  {}",
                self.resume_command()
            ),
            Some(_) => return Ok(self.interrupted()),
        }
        let encoder = outcome.method.encoder().valid();
        let learned = self.extract(&encoder)?;
        self.write(RunFolder::ENCODER, &self.weights(&encoder)?)?;

        let (mut knn, mut accuracy) = (None, None);
        if let Some(judge) = Judge::new(images, settings.seed) {
            knn = Some(BeforeAfter { before: judge.knn(&random)?, after: judge.knn(&learned)? });
            accuracy = self.accuracy(&judge, &random, &learned)?;
            if accuracy.is_none() {
                return Ok(self.interrupted());
            }
        }
        let findings = self.findings(&outcome, fitting, knn, accuracy);
        let neighbors = learned.neighbors(images)?;
        let page = page::page(settings, &findings, &outcome.history, &views, &neighbors)?;
        self.write(RunFolder::REPORT, page.to_string().as_bytes())?;
        let result = serde_json::to_string_pretty(&findings)? + "\n";
        self.write(RunFolder::RESULT, result.as_bytes())?;
        println!("{findings}");
        println!(
            "{} contains report.html, result.json, encoder.safetensors, views.png",
            out.display()
        );
        Ok(End::Finished)
    }

    /// Writes the settings of a run that starts, new or made longer.
    fn begin(&self) -> anyhow::Result<()> {
        Ok(self.folder.begin(&serde_json::to_vec_pretty(&self.plan.settings)?)?)
    }

    /// Writes a file of the run as a whole.
    fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.folder.file(name);
        write_atomically(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    fn extract(&self, encoder: &AnyBackbone) -> anyhow::Result<ImageFeatures> {
        let device = self.device.clone().inner();
        ImageFeatures::extract(&self.images, &self.plan.settings.shown(), encoder, &device)
    }

    /// Measures accuracy with few and all labels; `None` if it was stopped.
    fn accuracy(
        &self,
        judge: &Judge,
        random: &ImageFeatures,
        learned: &ImageFeatures,
    ) -> anyhow::Result<Option<Accuracy>> {
        let Self { plan: Plan { settings, threads, .. }, images, device, .. } = self;
        let (pretrained, random) = (judge.probe(learned)?, judge.probe(random)?);
        let mut scratch = [None; 2];
        if settings.scratch {
            let signal = self.signal.clone();
            let training = ScratchTraining { images, settings, device, threads: *threads, signal };
            let Some(accuracy) = judge.scratch(&training)? else { return Ok(None) };
            scratch = accuracy.map(Some);
        }
        let row =
            |n: usize| Row { pretrained: pretrained[n], random: random[n], scratch: scratch[n] };
        Ok(Some(Accuracy { labels_10: row(0), labels_all: row(1) }))
    }

    /// Prepares pre-training, new or from its newest checkpoint, and says how long it will be if
    /// that is not what the settings say.
    fn trainer(&self, method: &AnyMethod, loader: &Loader) -> anyhow::Result<Trainer<AnyMethod>> {
        let Self { plan, folder, .. } = self;
        let Plan { settings, time_limit, tensorboard, start, .. } = plan;
        let prepare = |checkpoints| {
            let steps = loader.batches_per_epoch() as u64;
            Trainer::new(method.clone(), loader.clone(), settings.training(steps), &self.device)?
                .with_fingerprint("the version of burn", VERSIONS.burn)
                .with_checkpoints(checkpoints)
        };
        let mut may_extend = *start == Start::Extended;
        let trainer = match prepare(plan.checkpoints(folder)) {
            // More epochs were asked for before, as the missing result tells, and the run ended
            // before its first checkpoint.
            Err(TrainError::OtherLength { then, now, is_finished: true, .. })
                if now > then && !folder.has_result() =>
            {
                may_extend = true;
                prepare(folder.checkpoints().extend_finished())
            }
            prepared => prepared,
        };
        let mut trainer = trainer.map_err(|error| self.explain(error))?;
        let whole = trainer.clock();
        let epochs_left = |clock: Clock| clock.epochs - clock.epoch();
        let is_extended = may_extend
            && whole.step > 0
            && whole.step == whole.schedule_start
            && !whole.is_finished();
        if is_extended {
            println!(
                "training the finished run for {} more epochs, with a new schedule from its \
                 weights",
                epochs_left(whole)
            );
        }
        if let Some(limit) = *time_limit {
            trainer = trainer.with_time_limit(limit)?;
            let (fitting, all) = (epochs_left(trainer.clock()), epochs_left(whole));
            if fitting < all {
                let hours = four_digits(limit.as_secs_f64() / 3_600.0);
                let fit = if fitting == 1 { "fits" } else { "fit" };
                println!(
                    "at this speed {fitting} of {all} epochs {fit} into {hours} hours; the \
                     schedule ends there"
                );
            }
        }
        if *start != Start::New && !is_extended {
            let clock = trainer.clock();
            println!("resuming after step {} of {}", clock.step, clock.total_steps());
        }
        if is_extended {
            self.begin()?;
        }
        if let Some(warning) = few_steps(trainer.clock(), settings.batch_size) {
            println!("{warning}");
        }

        if let Some(held_out) = self.images.held_out(settings)? {
            trainer = trainer.with_callback(OnlineAccuracy::knn(held_out));
        }
        // Reading the loss from a GPU makes it wait; the CPU does not.
        let steps = if self.device_name == "flex" { 1 } else { 20 };
        trainer = trainer
            .with_sync_every(steps)
            .with_callback(Health)
            .with_callback(Progress::new(settings.method.title()))
            .with_callback(CsvLog::new(folder.file(RunFolder::EPOCHS)))
            .with_callback(JsonLinesLog::new(folder.file(RunFolder::STEPS)))
            .with_callback(TimingLog::new(folder.file(RunFolder::TIMING)))
            .with_callback(CollapseAlarm::default())
            .with_signal(self.signal.clone());
        if *tensorboard {
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
                self.plan.out.display(),
                now - then,
                self.resume_command()
            ),
            error => error.into(),
        }
    }

    /// Returns the encoder as safetensors under PyTorch's names, with the settings to build it and
    /// those it was trained with.
    fn weights(&self, encoder: &AnyBackbone) -> anyhow::Result<Vec<u8>> {
        let settings = &self.plan.settings;
        // The name of the images only: a path would tell about the machine.
        let data = settings.data.is_some().then(|| settings.data_name().into());
        let about = json!({
            "encoder": settings.backbone,
            "input": settings.shown(),
            "recipe": settings.recipe(),
            "run": Settings { data, ..settings.clone() },
            "versions": VERSIONS,
        });
        Ok(to_pytorch(encoder, &about.to_string())?)
    }

    fn findings(
        &self,
        outcome: &Outcome<AnyMethod>,
        fitting: Duration,
        knn: Option<BeforeAfter>,
        accuracy: Option<Accuracy>,
    ) -> Findings {
        let Self { plan: Plan { settings, .. }, images, .. } = self;
        // Pre-training counts all resumptions, and the rest is of this one.
        let rest = self.started.elapsed().saturating_sub(fitting).as_secs_f64();
        let seen = outcome.clock.step as f64 * settings.batch_size as f64;
        let uniform_std = outcome.history.last("uniform_std").unwrap_or_default();
        let note = accuracy.is_none().then(|| {
            "These images have no labels, so accuracy cannot be measured; to measure it, put the \
             images of each class into a folder of its own. The nearest neighbors in report.html \
             show what was learned."
                .to_owned()
        });
        Findings {
            method: settings.method.key().to_owned(),
            data: settings.data_name(),
            seed: settings.seed,
            device: self.device_name,
            epochs: outcome.clock.epochs,
            seconds: Seconds { pretrain: outcome.seconds, total: outcome.seconds + rest },
            images_per_second: seen / outcome.seconds,
            knn,
            health: Spread {
                std: outcome.history.last("embedding_std").unwrap_or_default(),
                uniform_std,
            },
            accuracy,
            note,
            images: Counts {
                train: images.train.len(),
                test: images.test.as_ref().map_or(0, |test| test.len()),
                skipped: images.skipped.len(),
                omitted: images.omitted.count(),
            },
            versions: VERSIONS,
        }
    }

    fn interrupted(&self) -> End {
        eprintln!("stopped and saved; resume with\n  {}", self.resume_command());
        End::Interrupted
    }

    fn resume_command(&self) -> String {
        let out = shell_word(&self.plan.out);
        format!("cargo run --release --example pretrain -- --resume {out}")
    }
}

/// Rounds a figure to four significant digits.
fn four_digits(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}
