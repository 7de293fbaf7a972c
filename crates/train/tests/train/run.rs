//! A small run of any method, logged and saved in a folder.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use burn::tensor::Device;
use selfsame_augment::Recipe;
use selfsame_callbacks::{
    Callback, CallbackError, CsvLog, Direction, JsonLinesLog, RunView, StopReason,
};
use selfsame_datasets::{Dataset, Split, Synthetic, SyntheticConfig};
use selfsame_models::{Method, MethodName, to_safetensors};
use selfsame_optim::{OptimizerConfig, Schedule};
use selfsame_samplers::{Loader, LoaderConfig};
use selfsame_train::{
    Checkpoints, HeldOut, OnlineAccuracy, Outcome, TrainError, Trainer, TrainerConfig,
};

use crate::methods::{Widths, method};

pub(crate) const SIDE: u32 = 12;

pub(crate) fn shapes(images: usize, seed: u64) -> Arc<dyn Dataset> {
    Arc::new(Synthetic::new(SyntheticConfig { images, size: SIDE, seed, split: Split::Train }))
}

pub(crate) struct StopAfter(pub(crate) u64);

impl<M: Method> Callback<M> for StopAfter {
    fn on_step_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        if run.clock.step == self.0 {
            run.stop("the test wants it");
        }
        Ok(())
    }
}

/// A run in which a test changes what it is about.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) method: MethodName,
    pub(crate) threads: usize,
    pub(crate) stop_after: u64,
    pub(crate) sync_every: usize,
    pub(crate) every_steps: Option<u64>,
    pub(crate) every: Option<Duration>,
    pub(crate) batch_size: usize,
    pub(crate) data_seed: u64,
    pub(crate) view_seed: u64,
    pub(crate) recipe: Recipe,
    pub(crate) config: TrainerConfig,
    pub(crate) extends: bool,
}

impl Default for Run {
    /// Two epochs of three steps of SimCLR.
    fn default() -> Self {
        let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(0.1));
        Self {
            method: MethodName::SimClr,
            threads: 1,
            stop_after: u64::MAX,
            sync_every: 1,
            every_steps: None,
            every: None,
            batch_size: 8,
            data_seed: 3,
            view_seed: 5,
            recipe: Recipe::shapes(SIDE),
            config: TrainerConfig::new(2, sgd, schedule),
            extends: false,
        }
    }
}

/// What a run leaves.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) step: u64,
    pub(crate) epochs: usize,
    pub(crate) stopped: Option<StopReason>,
    pub(crate) warnings: Vec<String>,
    /// Every weight and all state of the method.
    pub(crate) weights: Vec<u8>,
}

impl Run {
    /// Runs in `folder`, or resumes what is there.
    pub(crate) fn go(&self, folder: &Path) -> Result<Left, TrainError> {
        let device = Device::flex().autodiff();
        let widths = Widths { hidden: 16, output: 8, queue: 24 };
        let method = method(self.method, 4, widths, &device);
        let Self { batch_size, threads, view_seed, .. } = *self;
        let mut recipe = self.recipe.clone();
        recipe.views.truncate(*self.method.views().end());
        let config = LoaderConfig { batch_size, threads, seed: view_seed };
        let loader = Loader::new(shapes(26, self.data_seed), recipe, config)?;
        let held_out = HeldOut {
            train: shapes(20, 3),
            queries: shapes(10, 4),
            recipe: Recipe::evaluation(SIDE),
            batch: 16,
        };
        let Outcome { method, history, clock, stopped, warnings, .. } =
            Trainer::new(method, loader, self.config.clone(), &device)?
                .with_sync_every(self.sync_every)
                .with_callback(OnlineAccuracy::knn(held_out))
                .with_callback(CsvLog::new(folder.join("epochs.csv")))
                .with_callback(JsonLinesLog::new(folder.join("steps.jsonl")))
                .with_callback(StopAfter(self.stop_after))
                .with_checkpoints(self.checkpoints(folder))?
                .fit()?;
        let weights = to_safetensors(&method, "").unwrap();
        Ok(Left { step: clock.step, epochs: history.0.len(), stopped, warnings, weights })
    }

    pub(crate) fn checkpoints(&self, folder: &Path) -> Checkpoints {
        let mut checkpoints =
            Checkpoints::new(folder.join("checkpoint")).keep_best("knn", Direction::Higher);
        if let Some(steps) = self.every_steps {
            checkpoints = checkpoints.every_steps(steps);
        }
        if let Some(interval) = self.every {
            checkpoints = checkpoints.every(interval);
        }
        if self.extends { checkpoints.extend_finished() } else { checkpoints }
    }
}

/// The bytes of weights and logs.
pub(crate) fn bytes(folder: &Path, left: &Left) -> [Vec<u8>; 3] {
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    [left.weights.clone(), read("epochs.csv"), read("steps.jsonl")]
}

/// Requires that two runs left the same bytes.
pub(crate) fn assert_same(found: &[Vec<u8>; 3], want: &[Vec<u8>; 3], what: &str) {
    for (name, (found, want)) in ["weights", "epochs", "steps"].iter().zip(found.iter().zip(want)) {
        assert!(found == want, "{what}: other {name}");
    }
}
