//! Trains every method for the same time, and compares what their encoders have learned: nearest
//! neighbors before and after, a linear probe, the spread and the rank of the features, seconds and
//! memory. The table is printed, and saved as Markdown and CSV.
//!
//! Takes a minute and a half for each method on drawn images, and the measurements; `--minutes` and
//! `--data` change that.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use clap::Parser;
use peak_alloc::PeakAlloc;
use selfsame::augment::ViewMaker;
use selfsame::callbacks::{CollapseAlarm, Progress, StopReason};
use selfsame::datasets::{
    CacheOptions, Cached, Split, Splits, Subset, Synthetic, SyntheticConfig, open,
    stratified_subset,
};
use selfsame::metrics::{rankme, std_of_l2_normalized, uniform_std};
use selfsame::models::{
    Backbone, Batch, Context, Method, MethodName, Mlp, MlpConfig, ResNet, ResNetConfig, Step,
};
use selfsame::prelude::*;
use selfsame::train::{HeldOut, Outcome, Preset, extract_features};

/// Counts what is allocated, for the column of memory.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Compares all methods at equal time.
#[derive(Debug, Parser)]
#[command(name = "compare_methods")]
struct Options {
    /// Labeled images, such as an archive of CIFAR-10; they are shown at 32 pixels [default: drawn
    /// shapes at 16 pixels]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Minutes of training for each method
    #[arg(long, default_value_t = 1.5)]
    minutes: f64,
    /// Passes over the images, in place of a time
    #[arg(long, conflicts_with = "minutes")]
    epochs: Option<u64>,
    /// Methods to compare, by name [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    methods: Vec<MethodName>,
    /// Training images, at most
    #[arg(long, default_value_t = 50_000)]
    limit: usize,
    /// Seed of every random choice
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Folder for the table; created if it does not exist
    #[arg(long, value_name = "DIR", default_value = "runs/compare_methods")]
    out: PathBuf,
}

const BATCH: usize = 64;

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();
    let options = Options::parse();
    ensure!(options.minutes > 0.0, "--minutes must be above 0");
    let images = Images::load(&options)?;
    let mut table = Table::default();
    std::fs::create_dir_all(&options.out).context("cannot create the folder of --out")?;
    let methods = match options.methods.as_slice() {
        [] => MethodName::ALL,
        some => some,
    };
    for &name in methods {
        let row = run(name, &images, &options).with_context(|| name.title())?;
        table.add(row, &options)?;
    }
    if methods.contains(&MethodName::SimSiam) {
        table.add(without_stop_gradient(&images, &options)?, &options)?;
    }
    println!("{}\nsaved to {}", table.markdown(), options.out.display());
    Ok(())
}

/// Images for training, and those of the two sets that accuracy is measured with.
struct Images {
    train: Arc<dyn Dataset>,
    test: Arc<dyn Dataset>,
    is_drawn: bool,
}

impl Images {
    fn load(options: &Options) -> anyhow::Result<Self> {
        let seed = options.seed;
        let Some(path) = &options.data else {
            let draw = |images, split| -> Arc<dyn Dataset> {
                Arc::new(Synthetic::new(SyntheticConfig { images, size: 32, seed, split }))
            };
            let train = draw(options.limit.min(6_000), Split::Train);
            return Ok(Self { train, test: draw(1_500, Split::Test), is_drawn: true });
        };
        let Splits { train, test, found, omitted } = open(path)?;
        println!("{found}");
        omitted.to_string().lines().for_each(|line| println!("omitted {line}"));
        let test = test.context("the data needs a test split, to measure accuracy")?;
        let cached = |dataset: Arc<dyn Dataset>, limit: usize| -> anyhow::Result<_> {
            let chosen = stratified_subset(&labels(dataset.as_ref())?, limit, seed);
            let options = CacheOptions { max_side: Some(64), ..CacheOptions::default() };
            let (cached, skipped) =
                Cached::decode(Arc::new(Subset::new(dataset, chosen)), options)?;
            if !skipped.is_empty() {
                println!("{} images cannot be read and are skipped", skipped.len());
            }
            let cached: Arc<dyn Dataset> = Arc::new(cached);
            Ok(cached)
        };
        Ok(Self {
            train: cached(train, options.limit)?,
            test: cached(test, 10_000)?,
            is_drawn: false,
        })
    }

    /// Returns the settings of a method for a run of minutes on these images.
    fn preset(&self, name: MethodName) -> Preset {
        let preset = Preset::shapes(name);
        if self.is_drawn {
            return preset;
        }
        let recipe = Preset::cifar10(name).recipe;
        let side = recipe.view_dims(0)[1];
        Preset { backbone: preset.backbone.for_images(side), recipe, ..preset }
    }
}

fn labels(dataset: &dyn Dataset) -> anyhow::Result<Vec<usize>> {
    let label = |index| dataset.label(index).context("every image needs a label");
    (0..dataset.len()).map(label).collect()
}

/// One row of the table.
struct Row {
    title: String,
    knn: [f64; 2],
    probe: [f64; 2],
    /// Of the test images' features, and that of features in all directions alike.
    std: [f64; 2],
    rank: f64,
    images: u64,
    seconds: f64,
    megabytes: f32,
    note: String,
}

fn run(name: MethodName, images: &Images, options: &Options) -> anyhow::Result<Row> {
    let device = Device::flex().autodiff();
    let preset = images.preset(name);
    let encoder = preset.backbone.init(options.seed, &device);
    let method = preset.method.init(encoder, options.seed, &device)?;
    train(name.title(), method, alarm(name), &preset, images, options)
}

/// Returns what stops a run that has collapsed.
///
/// SimSiam's embeddings are normalized over the batch, which keeps those of a collapsed encoder apart,
/// too: one of 64 on one side and all others on the opposite one have a quarter of the even spread.
/// Healthy ones have nearly all of it, so half is a collapse.
fn alarm(name: MethodName) -> CollapseAlarm {
    match name {
        MethodName::SimSiam => CollapseAlarm { share: 0.5, ..CollapseAlarm::default() },
        _ => CollapseAlarm::default(),
    }
}

fn train<M>(
    title: &str,
    method: M,
    alarm: CollapseAlarm,
    preset: &Preset,
    images: &Images,
    options: &Options,
) -> anyhow::Result<Row>
where
    M: Method<Batch = Batch> + 'static,
    M::Encoder: Backbone<Input = Tensor<4>>,
{
    MEMORY.reset_peak_usage();
    let device = Device::flex().autodiff();
    let held_out = HeldOut {
        train: images.train.clone(),
        queries: images.test.clone(),
        recipe: preset.recipe.for_evaluation(),
        batch: 256,
    };
    let plain = device.clone().inner();
    let before = method.encoder().valid();
    let random = [held_out.knn(&before, &plain)?, held_out.linear_probe(&before, &plain)?];

    let config = LoaderConfig { batch_size: BATCH, threads: 2, seed: options.seed };
    let loader = Loader::new(images.train.clone(), preset.recipe.clone(), config)?;
    let steps = (images.train.len() / BATCH) as u64;
    // Without a number, more epochs than fit: the time limit makes them fewer, and the schedule ends
    // with them.
    let mut config = preset.training(options.epochs.unwrap_or(10_000), BATCH, steps);
    if !images.is_drawn && options.epochs.is_none() {
        // A warm-up in proportion to the epochs that fit, which may be fewer than the preset's.
        config.schedule = Schedule::one_cycle(config.schedule.peak());
    }
    let mut trainer = Trainer::new(method, loader, config, &device)?
        .with_callback(alarm)
        .with_callback(Progress::new(title));
    if options.epochs.is_none() {
        trainer = trainer.with_time_limit(Duration::from_secs_f64(60.0 * options.minutes))?;
    }
    let outcome = trainer.fit()?;
    let Outcome { method, clock, seconds, stopped, .. } = outcome;
    let encoder = method.encoder().valid();
    let learned = [held_out.knn(&encoder, &plain)?, held_out.linear_probe(&encoder, &plain)?];
    let features = extract_features(
        images.test.clone(),
        &preset.recipe.for_evaluation(),
        256,
        &plain,
        |view| encoder.forward(view),
    )?;
    let note = match stopped {
        None => String::new(),
        Some(StopReason::Callback(_)) => "collapsed, and was stopped".to_owned(),
        Some(reason) => format!("{reason:?}"),
    };
    Ok(Row {
        title: title.to_owned(),
        knn: [random[0], learned[0]],
        probe: [random[1], learned[1]],
        std: [std_of_l2_normalized(&features), uniform_std(features.dim())],
        rank: rankme(&features)?,
        images: clock.step * BATCH as u64,
        seconds,
        megabytes: MEMORY.peak_usage_as_mb(),
        note,
    })
}

/// Trains SimSiam without what keeps it from collapsing, to see that a collapse is caught.
fn without_stop_gradient(images: &Images, options: &Options) -> anyhow::Result<Row> {
    let device = Device::flex().autodiff();
    let encoder = ResNetConfig::resnet10(8).init(options.seed, &device);
    let projector = MlpConfig::new([encoder.d_output(), 64, 64]).with_output_norm();
    let method = Collapsing {
        projector: projector.init(options.seed, &device),
        predictor: MlpConfig::new([64, 16, 64]).init(options.seed + 1, &device),
        encoder,
    };
    let preset = images.preset(MethodName::SimSiam);
    let alarm = alarm(MethodName::SimSiam);
    train("SimSiam without stop-gradient", method, alarm, &preset, images, options)
}

/// SimSiam whose targets have a gradient.
#[derive(Module, Debug)]
struct Collapsing {
    encoder: ResNet,
    projector: Mlp,
    predictor: Mlp,
}

impl Method for Collapsing {
    type Batch = Batch;
    type Encoder = ResNet;
    type Carry = ();

    fn step(&self, batch: &Batch, _: &Context) -> Step {
        let embed = |view| self.projector.forward(self.encoder.forward(view));
        let [a, b] = batch.pair().map(embed);
        let [p, q] = [&a, &b].map(|embedding| self.predictor.forward(embedding.clone()));
        Step::new(cosine_distance(p, b) + cosine_distance(q, a.clone())).with_embedding(a)
    }

    fn encoder(&self) -> &ResNet {
        &self.encoder
    }
}

/// Returns the mean over the batch of 1 minus the cosine of two rows; both have a gradient.
fn cosine_distance(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    let unit = |rows: Tensor<2>| {
        let lengths = rows.clone().square().sum_dim(1).clamp_min(1e-24).sqrt();
        rows / lengths
    };
    1.0 - (unit(a) * unit(b)).sum_dim(1).mean()
}

#[derive(Default)]
struct Table(Vec<Row>);

impl Table {
    /// Adds a row, and saves what there is.
    fn add(&mut self, row: Row, options: &Options) -> anyhow::Result<()> {
        self.0.push(row);
        std::fs::write(options.out.join("table.md"), self.markdown())?;
        std::fs::write(options.out.join("table.csv"), self.csv())?;
        Ok(())
    }

    fn markdown(&self) -> String {
        let mut text =
            "| method | 20-NN before, after | linear probe before, after | std / uniform \
            | RankMe | images seen | seconds | memory | |\n|---|---|---|---|---|---|---|---|---|\n"
                .to_owned();
        for row in &self.0 {
            let percent = |[before, after]: [f64; 2]| {
                format!("{:.1}, **{:.1} %**", 100.0 * before, 100.0 * after)
            };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {:.2} | {:.1} | {} | {:.0} | {:.0} MB | {} |",
                row.title,
                percent(row.knn),
                percent(row.probe),
                row.std[0] / row.std[1],
                row.rank,
                row.images,
                row.seconds,
                row.megabytes,
                row.note
            );
        }
        text
    }

    fn csv(&self) -> String {
        let mut text =
            "method,knn_before,knn_after,probe_before,probe_after,std,uniform_std,rankme,\
            images,seconds,megabytes,note\n"
                .to_owned();
        for row in &self.0 {
            let _ = writeln!(
                text,
                "{},{:.4},{:.4},{:.4},{:.4},{:.5},{:.5},{:.2},{},{:.1},{:.0},{}",
                row.title,
                row.knn[0],
                row.knn[1],
                row.probe[0],
                row.probe[1],
                row.std[0],
                row.std[1],
                row.rank,
                row.images,
                row.seconds,
                row.megabytes,
                row.note.replace(',', ";")
            );
        }
        text
    }
}
