//! A custom callback, which reports a figure and stops the run, beside those of the crates:
//! accuracy while training, early stopping, a milestone, and checkpoints. A run that a callback has
//! stopped stops again at once when it is resumed, since its history has not changed; to go on, it
//! needs another `enough`. Takes a few seconds.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use burn::tensor::Device;
use selfsame::augment::Recipe;
use selfsame::callbacks::{
    Callback, CallbackError, Direction, EarlyStopping, History, Milestone, RunView, StopReason,
};
use selfsame::datasets::{Split, Synthetic, SyntheticConfig};
use selfsame::models::{Method, ResNet, ResNetConfig, SimClr, SimClrConfig};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{Checkpoints, HeldOut, OnlineAccuracy, Outcome, Trainer, TrainerConfig};

/// Reports `mean_cosine`, the mean cosine of the embeddings of two different images, and stops the
/// run once `knn` has reached `enough`.
struct Watch {
    enough: f64,
}

impl Watch {
    /// Returns why the run ends, if its history calls for it.
    fn verdict(&self, history: &History) -> Option<String> {
        let knn = history.last("knn").filter(|knn| *knn >= self.enough)?;
        Some(format!("knn is {knn:.3}, and {:.3} is enough", self.enough))
    }
}

// For every method, so it can be added to any trainer.
impl<M: Method> Callback<M> for Watch {
    // A callback keeps nothing: a run that is resumed decides by its history alone, even before its
    // first step.
    fn on_start(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        if let Some(why) = self.verdict(run.history()) {
            run.stop(why);
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        if let Some(embedding) = run.embedding {
            let (rows, unit) = (embedding.rows() as f64, embedding.normalized());
            let mut sum = vec![0.0_f64; unit.dim()];
            for row in (0..unit.rows()).map(|index| unit.row(index)) {
                sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
            }
            let pairs = sum.iter().map(|sum| sum * sum).sum::<f64>() - rows;
            run.report("mean_cosine", pairs / (rows * (rows - 1.0)));
        }
        self.on_start(run)
    }
}

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();
    let device = Device::flex();
    let drawn = SyntheticConfig { images: 1000, size: 16, seed: 0, split: Split::Train };
    let shown = Recipe::shapes(16).for_evaluation();
    let train = Arc::new(Synthetic::new(drawn));
    // A fifth of the training images decides when to stop; the test images have no part in it.
    let judge = HeldOut::split(train.clone(), shown.clone(), 1000, 0)?;
    let test = Arc::new(Synthetic::new(SyntheticConfig { split: Split::Test, ..drawn }));
    let held_out = HeldOut { train: train.clone(), queries: test, recipe: shown, batch: 100 };

    let folder = tempfile::tempdir()?;
    let before = held_out.knn(simclr(&device).encoder(), &device)?;
    let outcome = run(train.clone(), judge.clone(), folder.path())?;
    println!("epoch   loss    knn  mean cosine");
    for epoch in &outcome.history.0 {
        let [loss, knn, cosine] = ["loss", "knn", "mean_cosine"].map(|name| epoch.metrics[name]);
        println!("{:5}  {loss:5.3}  {knn:5.3}  {cosine:11.3}", epoch.epoch);
    }
    println!("stopped after step {}: {}", outcome.clock.step, why(&outcome));

    // The same run again finds its checkpoint, and ends where it ended before.
    let again = run(train, judge, folder.path())?;
    ensure!(again.clock == outcome.clock && again.history == outcome.history, "not the same run");
    println!("resumed, and stopped again: {}", why(&again));

    // The best checkpoint, by accuracy, is the encoder to keep.
    let checkpoints = checkpoints(folder.path());
    let best = checkpoints.best()?.context("no checkpoint is the best")?;
    let method = checkpoints.restore(&best, simclr(&device.clone().autodiff()))?;
    let after = held_out.knn(method.encoder(), &device)?;
    println!("SimCLR  kNN before {before:.3} after {after:.3}");
    Ok(())
}

/// Returns the explanation of the callback that stopped the run.
fn why(outcome: &Outcome<SimClr<ResNet>>) -> &str {
    match &outcome.stopped {
        Some(StopReason::Callback(why)) => why,
        _ => "the schedule has ended",
    }
}

fn simclr(device: &Device) -> SimClr<ResNet> {
    let config = SimClrConfig { temperature: 0.1, ..SimClrConfig::default() };
    config.init(ResNetConfig::resnet10(4).init(0, device), 0, device)
}

fn checkpoints(folder: &Path) -> Checkpoints {
    Checkpoints::new(folder).keep_last(2).keep_best("knn", Direction::Higher)
}

/// Trains until the schedule ends or a callback stops the run, from the newest checkpoint in
/// `folder` if there is one.
fn run(
    train: Arc<Synthetic>,
    judge: HeldOut,
    folder: &Path,
) -> anyhow::Result<Outcome<SimClr<ResNet>>> {
    let device = Device::flex().autodiff();
    let loading = LoaderConfig { batch_size: 50, threads: 2, seed: 0 };
    let loader = Loader::new(train, Recipe::shapes(16), loading)?;
    let (optimizer, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(0.2));
    let config = TrainerConfig::new(15, optimizer, schedule);
    // In this order: those that report a figure come before those that wait for it.
    Ok(Trainer::new(simclr(&device), loader, config, &device)?
        .with_callback(OnlineAccuracy::knn(judge))
        .with_callback(Watch { enough: 0.3 })
        .with_callback(EarlyStopping::highest("knn", 10))
        .with_callback(Milestone::at_least("knn", 0.15, 5))
        .with_checkpoints(checkpoints(folder))?
        .fit()?)
}
