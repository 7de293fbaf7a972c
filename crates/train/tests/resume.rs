//! A run that is stopped anywhere and resumed ends with the same bytes as one that was not.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may panic and print, and reads small numbers"
)]

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use selfsame_augment::Recipe;
use selfsame_callbacks::{Callback, CallbackError, CsvLog, JsonLinesLog, RunView, StopReason};
use selfsame_datasets::{Dataset, Split, Synthetic, SyntheticConfig};
use selfsame_models::{
    Method, ResNet, ResNetConfig, SimClr, SimClrConfig, seed_weights, to_safetensors,
};
use selfsame_optim::{OptimizerConfig, Schedule};
use selfsame_samplers::{Loader, LoaderConfig};
use selfsame_train::{Checkpoints, KnnProbe, OnlineKnn, Outcome, TrainError, Trainer};

struct StopAfter(u64);

impl<M: Method> Callback<M> for StopAfter {
    fn on_step_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        if run.clock.step == self.0 {
            run.stop("the test wants it");
        }
        Ok(())
    }
}

const SIDE: u32 = 12;
const EPOCHS: u64 = 2;

fn shapes(images: usize, split: Split) -> Arc<dyn Dataset> {
    Arc::new(Synthetic::new(SyntheticConfig { images, size: SIDE, seed: 3, split }))
}

/// Two epochs of three steps, logged and saved in `folder`.
fn train(folder: &Path, threads: usize, stop_after: u64) -> Outcome<SimClr<ResNet>> {
    run(folder, threads, stop_after, 1)
}

fn run(folder: &Path, threads: usize, stop_after: u64, every: usize) -> Outcome<SimClr<ResNet>> {
    let device = Device::flex().autodiff();
    let encoder = ResNetConfig { blocks: vec![1, 1], width: 4, channels: 3 }.init(&device);
    let method = seed_weights(SimClrConfig::default().init(encoder, &device), 5);
    let config = LoaderConfig { batch_size: 8, threads, seed: 5 };
    let loader = Loader::new(shapes(26, Split::Train), Recipe::shapes(SIDE), config).unwrap();
    let steps = loader.batches_per_epoch() as u64 * EPOCHS;
    let (optimizer, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(0.1, steps));
    let probe = KnnProbe {
        train: shapes(20, Split::Train),
        queries: shapes(10, Split::Test),
        recipe: Recipe::evaluation(SIDE),
        batch: 16,
    };
    Trainer::new(method, optimizer.init(), schedule, loader, EPOCHS, &device)
        .with_sync_every(every)
        .with_callback(OnlineKnn(probe))
        .with_callback(CsvLog::new(folder.join("epochs.csv")))
        .with_callback(JsonLinesLog::new(folder.join("steps.jsonl")))
        .with_callback(StopAfter(stop_after))
        .with_checkpoints(Checkpoints::new(folder.join("checkpoint")))
        .unwrap()
        .fit()
        .unwrap()
}

fn bytes(folder: &Path, outcome: &Outcome<SimClr<ResNet>>) -> [Vec<u8>; 3] {
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    [to_safetensors(&outcome.method, "").unwrap(), read("epochs.csv"), read("steps.jsonl")]
}

#[test]
fn a_run_stopped_after_any_step_and_resumed_has_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let whole = train(folder.path(), 1, u64::MAX);
    assert_eq!((whole.clock.step, whole.history.0.len(), whole.stopped.clone()), (6, 2, None));
    let want = bytes(folder.path(), &whole);

    for stop_after in 1..6 {
        let folder = tempfile::tempdir().unwrap();
        let stopped = train(folder.path(), 2, stop_after);
        assert_eq!(stopped.stopped, Some(StopReason::Callback("the test wants it".to_owned())));
        assert_eq!(stopped.clock.step, stop_after);
        let resumed = train(folder.path(), 3, u64::MAX);
        assert_eq!(resumed.clock.step, 6);
        let found = bytes(folder.path(), &resumed);
        for (name, (found, want)) in
            ["weights", "epochs", "steps"].iter().zip(found.iter().zip(&want))
        {
            assert!(
                found == want,
                "stopped after step {stop_after}, the resumed run has other {name}"
            );
        }
    }
}

#[test]
fn reading_seldom_changes_no_byte_and_stops_later() {
    let [whole, seldom, stopped] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let want = bytes(whole.path(), &train(whole.path(), 1, u64::MAX));
    assert!(bytes(seldom.path(), &run(seldom.path(), 1, u64::MAX, 2)) == want);

    // Asked to stop in step 1, which is read with step 2.
    assert_eq!(run(stopped.path(), 1, 1, 2).clock.step, 2);
    assert!(bytes(stopped.path(), &run(stopped.path(), 1, u64::MAX, 5)) == want);
}

#[test]
fn a_checkpoint_of_another_run_is_refused_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let _ = train(folder.path(), 1, 2);
    let checkpoint = Checkpoints::new(folder.path().join("checkpoint"));
    let before = checkpoint.newest().unwrap();

    let device = Device::flex().autodiff();
    let encoder = ResNetConfig { blocks: vec![1, 1], width: 6, channels: 3 }.init(&device);
    let method = seed_weights(SimClrConfig::default().init(encoder, &device), 5);
    let config = LoaderConfig { batch_size: 8, threads: 1, seed: 5 };
    let loader = Loader::new(shapes(26, Split::Train), Recipe::shapes(SIDE), config).unwrap();
    let trainer = Trainer::new(
        method,
        OptimizerConfig::sgd(0.9, 5e-4).init(),
        Schedule::Constant { rate: 0.1 },
        loader,
        EPOCHS,
        &device,
    );
    let error = trainer.with_checkpoints(checkpoint.clone()).unwrap_err().to_string();
    assert!(error.contains("step-2"), "{error}");
    assert_eq!(checkpoint.newest().unwrap(), before);
}

struct Failing;

#[derive(Debug)]
struct OwnError;

impl std::fmt::Display for OwnError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the disk of this callback is full")
    }
}

impl std::error::Error for OwnError {}

impl<M: Method> Callback<M> for Failing {
    fn on_epoch_end(&mut self, _run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        Err(OwnError)?
    }
}

#[test]
fn a_callback_fails_with_an_error_of_its_own_and_the_run_names_it() {
    let device = Device::flex().autodiff();
    let encoder = ResNetConfig { blocks: vec![1], width: 2, channels: 3 }.init(&device);
    let method = seed_weights(SimClrConfig::default().init(encoder, &device), 5);
    let config = LoaderConfig { batch_size: 8, threads: 1, seed: 5 };
    let loader = Loader::new(shapes(16, Split::Train), Recipe::shapes(SIDE), config).unwrap();
    let (optimizer, schedule) =
        (OptimizerConfig::sgd(0.9, 5e-4).init(), Schedule::Constant { rate: 0.1 });
    let error = Trainer::new(method, optimizer, schedule, loader, 1, &device)
        .with_callback(Failing)
        .fit()
        .unwrap_err();
    assert_eq!(error.to_string(), "the disk of this callback is full");
    let TrainError::Callback(cause) = error else { panic!("{error} is of another kind") };
    assert!(cause.is::<OwnError>());
}
