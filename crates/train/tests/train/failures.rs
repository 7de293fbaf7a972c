//! A run that fails ends with the cause, and the last good state is on the disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use image::DynamicImage;
use selfsame_augment::Recipe;
use selfsame_callbacks::{Callback, CallbackError, RunView};
use selfsame_datasets::{DataError, Dataset};
use selfsame_models::{Batch, Context, Method, ResNet, SimClr, SimClrConfig, Step, to_safetensors};
use selfsame_optim::{OptimizerConfig, Schedule};
use selfsame_samplers::{Loader, LoaderConfig};
use selfsame_train::{Checkpoints, TrainError, Trainer, TrainerConfig};

use crate::methods::encoder;
use crate::run::{SIDE, shapes};

fn loader(dataset: Arc<dyn Dataset>) -> Loader {
    let config = LoaderConfig { batch_size: 8, threads: 1, seed: 5 };
    Loader::new(dataset, Recipe::shapes(SIDE), config).unwrap()
}

fn sim_clr(device: &Device) -> SimClr<ResNet> {
    SimClrConfig::default().init(encoder(2, device), 5, device)
}

/// Three epochs of three steps.
fn trainer<M>(method: M, dataset: Arc<dyn Dataset>, folder: &Path) -> Trainer<M>
where
    M: Method<Batch = Batch>,
{
    let device = Device::flex().autodiff();
    let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::constant(0.01));
    let config = TrainerConfig::new(3, sgd, schedule);
    Trainer::new(method, loader(dataset), config, &device)
        .unwrap()
        .with_checkpoints(Checkpoints::new(folder.join("checkpoint")))
        .unwrap()
}

fn newest(folder: &Path) -> String {
    let newest = Checkpoints::new(folder.join("checkpoint")).newest().unwrap();
    newest.file_name().unwrap().to_str().unwrap().to_owned()
}

#[derive(Debug, thiserror::Error)]
#[error("the disk of this callback is full")]
struct OwnError;

/// Fails in a step or at the end of an epoch.
struct Failing {
    step: u64,
    at_epoch_end: bool,
}

impl<M: Method> Callback<M> for Failing {
    fn on_step_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        if run.clock.step == self.step && !self.at_epoch_end { Err(OwnError)? } else { Ok(()) }
    }

    fn on_epoch_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        if run.clock.step == self.step && self.at_epoch_end { Err(OwnError)? } else { Ok(()) }
    }
}

/// Counts the hooks it hears of.
struct Counter(Arc<AtomicUsize>);

impl<M: Method> Callback<M> for Counter {
    fn on_step_end(&mut self, _: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn on_epoch_end(&mut self, _: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        self.0.fetch_add(100, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn a_callback_fails_with_an_error_of_its_own_and_the_step_is_saved() {
    let device = Device::flex().autodiff();
    let whole = tempfile::tempdir().unwrap();
    let want = trainer(sim_clr(&device), shapes(26, 3), whole.path()).fit().unwrap();
    for (step, at_epoch_end, hooks) in [(2, false, 2), (3, false, 103), (6, true, 206)] {
        let folder = tempfile::tempdir().unwrap();
        let count = Arc::new(AtomicUsize::default());
        let error = trainer(sim_clr(&device), shapes(26, 3), folder.path())
            .with_callback(Failing { step, at_epoch_end })
            .with_callback(Counter(count.clone()))
            .fit()
            .unwrap_err();
        assert_eq!(error.to_string(), "the disk of this callback is full");
        let TrainError::Callback(cause) = error else { panic!("{error} is of another kind") };
        assert!(cause.is::<OwnError>());
        assert_eq!(count.load(Ordering::Relaxed), hooks, "later callbacks hear of the step");
        assert_eq!(newest(folder.path()), format!("step-{step}"));
        // Without the failing callback the run goes on as if nothing had happened.
        let resumed = trainer(sim_clr(&device), shapes(26, 3), folder.path()).fit().unwrap();
        let weights = |method: &SimClr<ResNet>| to_safetensors(method, "").unwrap();
        assert!(weights(&resumed.method) == weights(&want.method), "failed at step {step}");
        assert_eq!(resumed.history, want.history);
    }
}

/// Images of which one vanishes after it was read a number of times.
struct Vanishing {
    images: Arc<dyn Dataset>,
    reads: AtomicUsize,
    good: usize,
}

impl Dataset for Vanishing {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        if self.reads.fetch_add(1, Ordering::Relaxed) >= self.good {
            let error = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(DataError::Read { path: "gone.png".into(), error });
        }
        self.images.image(index)
    }

    fn stamp(&self, index: usize) -> Result<u64, DataError> {
        self.images.stamp(index)
    }
}

#[test]
fn data_that_vanish_end_the_run_with_their_name_and_nothing_done_is_lost() {
    let device = Device::flex().autodiff();
    let [whole, folder] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let want = trainer(sim_clr(&device), shapes(26, 3), whole.path()).fit().unwrap();
    // Three steps of the first epoch and one of the second.
    let (reads, good) = (AtomicUsize::default(), 4 * 8);
    let vanishing = Arc::new(Vanishing { images: shapes(26, 3), reads, good });
    let error = trainer(sim_clr(&device), vanishing, folder.path()).fit().unwrap_err();
    assert!(error.to_string().contains("gone.png"), "{error}");
    assert_eq!(newest(folder.path()), "step-4");
    let resumed = trainer(sim_clr(&device), shapes(26, 3), folder.path()).fit().unwrap();
    let weights = |method: &SimClr<ResNet>| to_safetensors(method, "").unwrap();
    assert!(weights(&resumed.method) == weights(&want.method));
}

/// Puts a file where the next checkpoint is to be.
struct Obstruct(std::path::PathBuf);
impl<M: Method> Callback<M> for Obstruct {
    fn on_step_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        if run.clock.step == 4 {
            std::fs::write(self.0.join("step-6"), "in the way")?;
        }
        Ok(())
    }
}

#[test]
fn a_checkpoint_that_cannot_be_written_ends_the_run_and_the_one_before_stays() {
    let device = Device::flex().autodiff();
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("checkpoint");
    let error = trainer(sim_clr(&device), shapes(26, 3), folder.path())
        .with_callback(Obstruct(checkpoint.clone()))
        .fit()
        .unwrap_err();
    assert!(error.to_string().contains("step-6"), "{error}");
    std::fs::remove_file(checkpoint.join("step-6")).unwrap();
    assert_eq!(newest(folder.path()), "step-3");
    let resumed = trainer(sim_clr(&device), shapes(26, 3), folder.path()).fit().unwrap();
    assert_eq!(resumed.clock.step, 9);
}

/// SimCLR whose views or loss become NaN in the fifth step.
#[derive(Module, Debug)]
struct Poisoned {
    inner: SimClr<ResNet>,
    in_views: bool,
}

impl Method for Poisoned {
    type Batch = Batch;
    type Encoder = ResNet;
    type Carry = ();

    fn step(&self, batch: &Batch, context: &Context) -> Step {
        let is_poison = context.clock.step == 4;
        let factor = if is_poison { f32::NAN } else { 1.0 };
        if self.in_views {
            let views = batch.views.iter().map(|view| view.clone() * factor).collect();
            return self.inner.step(&Batch::new(views), context);
        }
        let step = self.inner.step(batch, context);
        Step { loss: step.loss * factor, ..step }
    }

    fn encoder(&self) -> &ResNet {
        self.inner.encoder()
    }
}

#[test]
fn a_loss_that_is_not_finite_names_the_first_layer_and_keeps_the_good_checkpoint() {
    let device = Device::flex().autodiff();
    for (in_views, named) in
        [(true, "`inner.encoder.stem.conv`, whose weights are finite"), (false, "check the loss")]
    {
        let folder = tempfile::tempdir().unwrap();
        let method = Poisoned { inner: sim_clr(&device), in_views };
        let error = trainer(method, shapes(26, 3), folder.path()).fit().unwrap_err();
        let text = error.to_string();
        assert!(text.contains("NaN at step 5") && text.contains(named), "{text}");
        assert_eq!(newest(folder.path()), "step-3");
        let method = Poisoned { inner: sim_clr(&device), in_views };
        let checkpoints = Checkpoints::new(folder.path().join("checkpoint"));
        let kept = checkpoints.restore(&checkpoints.newest().unwrap(), method).unwrap();
        let features = selfsame_models::Backbone::forward(
            kept.encoder(),
            Tensor::ones([2, 3, 12, 12], &device),
        );
        assert!(features.is_finite().all().into_scalar::<bool>(), "the kept weights are good");
    }
}

#[test]
fn weights_that_an_update_has_broken_are_named() {
    let device = Device::flex().autodiff();
    let method = sim_clr(&device);
    let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 0.0), Schedule::constant(1e38));
    let config = TrainerConfig::new(3, sgd, schedule);
    let run = |sync_every| {
        Trainer::new(method.clone(), loader(shapes(26, 3)), config.clone(), &device)
            .unwrap()
            .with_sync_every(sync_every)
            .fit()
            .unwrap_err()
    };
    for sync_every in [1, 3] {
        let text = run(sync_every).to_string();
        assert!(text.contains("lower the learning rate"), "{text}");
        assert!(text.contains('`'), "a layer is named: {text}");
    }
}
