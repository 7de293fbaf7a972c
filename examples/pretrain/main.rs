//! The main job: unlabeled images in, an encoder out, and measurements of how good it is.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

mod files;
mod findings;
mod images;
mod page;
mod proof;
mod settings;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use burn::module::Module;
use burn::tensor::Device;
use clap::Parser;
use selfsame::augment::view_grid;
use selfsame::callbacks::{CollapseAlarm, CsvLog, JsonLinesLog, Progress, StopReason, StopSignal};
use selfsame::device::NamedDevice;
use selfsame::models::{
    BarlowTwinsConfig, Method, ResNet, SimClrConfig, SimSiamConfig, seed_weights, to_safetensors,
};
use selfsame::report::Png;
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{Checkpoints, OnlineKnn, Outcome, Trainer};
use serde_json::json;

use files::write_atomically;
use findings::{Accuracy, BeforeAfter, Counts, Findings, Health, Row, Seconds, VERSIONS};
use images::Images;
use proof::{ImageFeatures, Judge, ScratchTraining};
use settings::{MethodName, Options, Plan, Settings};

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
    let resumed = options.resumes();
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
    let run = Run { started: Instant::now(), plan, device_name, device, signal, resumed };
    let settings = &run.plan.settings;
    let encoder = settings.encoder().init(&run.device);
    match settings.method {
        MethodName::Simclr => {
            let temperature = settings.temperature;
            let head = SimClrConfig { temperature, ..SimClrConfig::default() };
            run.go(head.init(encoder, &run.device))
        }
        MethodName::Simsiam => run.go(SimSiamConfig::default().init(encoder, &run.device)),
        MethodName::BarlowTwins => run.go(BarlowTwinsConfig::default().init(encoder, &run.device)),
    }
}

struct Run {
    started: Instant,
    plan: Plan,
    device_name: &'static str,
    /// The device, with autodiff.
    device: Device,
    signal: StopSignal,
    resumed: bool,
}

impl Run {
    fn go<M: Method<Encoder = ResNet>>(&self, method: M) -> anyhow::Result<End> {
        let Plan { out, settings, threads, .. } = &self.plan;
        let images = Images::load(settings)?;
        let config = LoaderConfig {
            batch_size: settings.batch_size,
            threads: *threads,
            seed: settings.seed,
        };
        let loader = Loader::new(images.train.clone(), settings.recipe(), config)?;
        self.plan.claim_folder(self.resumed)?;
        println!("{}", images.describe());
        let views = view_grid(&images.sample(8)?, &settings.recipe(), settings.seed);
        let views = Png::encode(&views)?;
        write_atomically(&out.join("views.png"), views.as_bytes())?;

        let method = seed_weights(method, settings.seed);
        let random = self.extract(&images, &method.encoder().valid())?;
        let outcome = self.pretrain(method, loader, &images)?;
        match outcome.stopped {
            None => {}
            Some(StopReason::Callback(why)) => bail!("{why}"),
            Some(_) => return Ok(self.interrupted()),
        }
        let encoder = outcome.method.encoder().valid();
        let learned = self.extract(&images, &encoder)?;
        write_atomically(&out.join("encoder.safetensors"), &self.weights(&encoder)?)?;

        let (mut knn, mut accuracy) = (None, None);
        if let Some(judge) = Judge::new(&images, settings.seed) {
            knn = Some(BeforeAfter { before: judge.knn(&random)?, after: judge.knn(&learned)? });
            accuracy = self.accuracy(&judge, &images, &random, &learned)?;
            if accuracy.is_none() {
                return Ok(self.interrupted());
            }
        }
        let findings = self.findings(&images, &outcome, knn, accuracy);
        let neighbors = learned.neighbors(&images)?;
        let page = page::page(settings, &findings, &outcome.history, &views, &neighbors)?;
        write_atomically(&out.join("report.html"), page.to_string().as_bytes())?;
        let result = serde_json::to_string_pretty(&findings)? + "\n";
        write_atomically(&out.join("result.json"), result.as_bytes())?;
        println!("{findings}");
        println!(
            "{} contains report.html, result.json, encoder.safetensors, views.png",
            out.display()
        );
        Ok(End::Finished)
    }

    fn extract(&self, images: &Images, encoder: &ResNet) -> anyhow::Result<ImageFeatures> {
        let device = self.device.clone().inner();
        ImageFeatures::extract(images, &self.plan.settings.shown(), encoder, &device)
    }

    /// Measures accuracy with few and all labels; `None` if it was stopped.
    fn accuracy(
        &self,
        judge: &Judge,
        images: &Images,
        random: &ImageFeatures,
        learned: &ImageFeatures,
    ) -> anyhow::Result<Option<Accuracy>> {
        let Plan { settings, threads, .. } = &self.plan;
        let (pretrained, random) = (judge.probe(learned)?, judge.probe(random)?);
        let mut scratch = [None; 2];
        if settings.scratch {
            let (device, signal) = (&self.device, self.signal.clone());
            let training = ScratchTraining { images, settings, device, threads: *threads, signal };
            let Some(accuracy) = judge.scratch(&training)? else { return Ok(None) };
            scratch = accuracy.map(Some);
        }
        let row =
            |n: usize| Row { pretrained: pretrained[n], random: random[n], scratch: scratch[n] };
        Ok(Some(Accuracy { labels_10: row(0), labels_all: row(1) }))
    }

    fn pretrain<M: Method>(
        &self,
        method: M,
        loader: Loader,
        images: &Images,
    ) -> anyhow::Result<Outcome<M>> {
        let Plan { out, settings, .. } = &self.plan;
        let epochs = settings.epochs;
        let steps = epochs * loader.batches_per_epoch() as u64;
        let (optimizer, schedule) = settings.training(steps);
        let mut trainer =
            Trainer::new(method, optimizer.init(), schedule, loader, epochs, &self.device);
        if let Some(bank) = images.knn_bank(settings) {
            trainer = trainer.with_callback(OnlineKnn(bank));
        }
        // Reading the loss from a GPU makes it wait; the CPU does not.
        let steps = if self.device_name == "flex" { 1 } else { 20 };
        let outcome = trainer
            .with_sync_every(steps)
            .with_callback(Progress::new(settings.method.title()))
            .with_callback(CsvLog::new(out.join("epochs.csv")))
            .with_callback(JsonLinesLog::new(out.join("steps.jsonl")))
            .with_callback(CollapseAlarm::default())
            .with_signal(self.signal.clone())
            .with_checkpoints(Checkpoints::new(out.join("checkpoint")))?
            .fit()?;
        Ok(outcome)
    }

    /// Returns the encoder as safetensors, with the settings to build it and those it was trained
    /// with.
    fn weights(&self, encoder: &ResNet) -> anyhow::Result<Vec<u8>> {
        let settings = &self.plan.settings;
        // The name of the images only: a path would tell about the machine.
        let data = settings.data.is_some().then(|| settings.data_name().into());
        let about = json!({
            "encoder": settings.encoder(),
            "input": settings.shown(),
            "recipe": settings.recipe(),
            "run": Settings { data, ..settings.clone() },
            "versions": VERSIONS,
        });
        Ok(to_safetensors(encoder, &about.to_string())?)
    }

    fn findings<M: Method>(
        &self,
        images: &Images,
        outcome: &Outcome<M>,
        knn: Option<BeforeAfter>,
        accuracy: Option<Accuracy>,
    ) -> Findings {
        let settings = &self.plan.settings;
        let seen = outcome.clock.step as f64 * settings.batch_size as f64;
        let uniform_std = outcome.history.last("uniform_std").unwrap_or_default();
        let note = accuracy.is_none().then(|| {
            "These images have no labels, so accuracy cannot be measured; to measure it, put the \
             images of each class into a folder of its own. The nearest neighbors in report.html \
             show what was learned."
                .to_owned()
        });
        Findings {
            method: settings.method.key(),
            data: settings.data_name(),
            seed: settings.seed,
            device: self.device_name,
            epochs: settings.epochs,
            seconds: Seconds {
                pretrain: outcome.seconds,
                total: self.started.elapsed().as_secs_f64(),
            },
            images_per_second: seen / outcome.seconds,
            knn,
            health: Health {
                std: outcome.history.last("embedding_std").unwrap_or_default(),
                uniform_std,
            },
            accuracy,
            note,
            images: Counts {
                train: images.train.len(),
                test: images.test.as_ref().map_or(0, |test| test.len()),
                skipped: images.skipped.len(),
            },
            versions: VERSIONS,
        }
    }

    fn interrupted(&self) -> End {
        eprintln!(
            "stopped and saved; resume with\n  cargo run --release --example hello_world -- \
             --resume {}",
            self.plan.out.display()
        );
        End::Interrupted
    }
}
