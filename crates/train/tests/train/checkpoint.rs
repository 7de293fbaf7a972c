//! What is kept, what is refused, and what a finished run allows.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use burn::tensor::Device;
use selfsame_callbacks::{
    Callback, CallbackError, Direction, RunView, SaveSignal, StopReason, StopSignal,
};
use selfsame_models::{Method, MethodName, ResNet, SimClr, SimClrConfig};
use selfsame_optim::{OptimizerConfig, ParameterGroup, Schedule};
use selfsame_samplers::{Loader, LoaderConfig};
use selfsame_train::{Checkpoints, TrainError, Trainer, TrainerConfig};

use crate::methods::encoder;
use crate::run::{Run, SIDE, assert_same, bytes, shapes};

fn steps(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("checkpoint")).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.retain(|name| name.starts_with("step-"));
    names.sort();
    names
}

#[test]
fn the_newest_two_and_the_best_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::default();
    run.config.epochs = 5;
    let _ = run.go(folder.path()).unwrap();
    let checkpoints = run.checkpoints(folder.path());
    assert_eq!(checkpoints.newest(), Some(folder.path().join("checkpoint/step-15")));
    let best = checkpoints.best().unwrap().expect("an accuracy was measured");
    let name = best.file_name().unwrap().to_str().unwrap().to_owned();
    let kept = steps(folder.path());
    for step in ["step-12", "step-15", &name] {
        assert!(kept.contains(&step.to_owned()), "{step} is not in {kept:?}");
    }
    assert!(kept.len() <= 3, "{kept:?}");

    // The kept one has the accuracy that the log calls best.
    let log = fs::read_to_string(folder.path().join("epochs.csv")).unwrap();
    let column = log.lines().next().unwrap().split(',').position(|name| name == "knn").unwrap();
    let knn = |line: &str| -> f64 { line.split(',').nth(column).unwrap().parse().unwrap() };
    let all: Vec<f64> = log.lines().skip(1).map(knn).collect();
    let epoch = name.strip_prefix("step-").unwrap().parse::<usize>().unwrap() / 3;
    assert!(all.iter().all(|accuracy| *accuracy <= all[epoch - 1]), "{all:?}, kept {epoch}");
}

#[test]
fn a_figure_that_is_not_measured_cannot_decide_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::flex().autodiff();
    let method = SimClrConfig::default().init(encoder(2, &device), 0, &device);
    let config = LoaderConfig { batch_size: 8, threads: 1, seed: 0 };
    let loader =
        Loader::new(shapes(16, 3), selfsame_augment::Recipe::shapes(SIDE), config).unwrap();
    let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 0.0), Schedule::constant(0.01));
    let checkpoints = Checkpoints::new(folder.path()).keep_best("recall", Direction::Higher);
    let error = Trainer::new(method, loader, TrainerConfig::new(1, sgd, schedule), &device)
        .unwrap()
        .with_checkpoints(checkpoints)
        .unwrap()
        .fit()
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("`recall`") && text.contains("embedding_std"), "{text}");
    assert!(folder.path().join("step-2").is_dir(), "the epoch is saved");
}

/// The error of resuming `folder`, and that nothing in it changed.
fn refusal(folder: &Path, run: &Run) -> String {
    let before = steps(folder);
    let error = run.go(folder).unwrap_err().to_string();
    assert_eq!(steps(folder), before, "{error}");
    error
}

/// Changes something of a run that decides its result.
type Change = &'static dyn Fn(&mut Run);

#[test]
fn whatever_decides_the_result_is_compared_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run { stop_after: 2, ..Run::default() };
    let _ = run.go(folder.path()).unwrap();
    let changes: [(&str, Change); 11] = [
        ("the samples (checksum of names and sizes)", &|run| run.data_seed = 4),
        ("brightness: 0.0001", &|run| {
            let mut recipe = serde_json::to_string(&run.recipe).unwrap();
            let found = recipe.find("\"brightness\":").expect("shapes are jittered") + 13;
            recipe.insert_str(found, "0.0001");
            let end = recipe[found + 6..].find([',', '}']).unwrap() + found + 6;
            recipe.replace_range(found + 6..end, "");
            run.recipe = serde_json::from_str(&recipe).unwrap();
        }),
        ("seed of the views", &|run| run.view_seed = 6),
        ("batch_size was 8 and is 6", &|run| run.batch_size = 6),
        ("run.optimizer.momentum was 0.9 and is 0.8", &|run| {
            run.config.optimizer = OptimizerConfig::sgd(0.8, 5e-4);
        }),
        ("run.schedule", &|run| run.config.schedule = Schedule::constant(0.1)),
        ("run.clip_norm", &|run| run.config.clip_norm = Some(1.0)),
        ("run.accumulate was 1 and is 2", &|run| run.config.accumulate = 2),
        ("run.groups", &|run| run.config.groups = vec![ParameterGroup::new("projector")]),
        ("method.name was \"simclr\" and is \"barlow_twins\"", &|run| {
            run.method = MethodName::BarlowTwins;
        }),
        ("of a run of 2 epochs, and 3 were asked for", &|run| run.config.epochs = 3),
    ];
    for (named, change) in changes {
        let mut other = Run::default();
        change(&mut other);
        let error = refusal(folder.path(), &other);
        assert!(error.contains("step-2") && error.contains(named), "{named}: {error}");
    }
    assert_eq!(Run::default().go(folder.path()).unwrap().step, 6, "the same run goes on");
}

#[test]
fn one_flipped_bit_in_any_file_is_found_and_the_checkpoint_before_is_offered() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::default();
    let whole = run.go(folder.path()).unwrap();
    let want = bytes(folder.path(), &whole);
    let newest = folder.path().join("checkpoint/step-6");
    let files: Vec<PathBuf> =
        fs::read_dir(&newest).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 4);
    for file in &files {
        let good = fs::read(file).unwrap();
        let places = [0, good.len() / 3, good.len() / 2, good.len() - 1];
        for (bit, place) in (0..).zip(places) {
            let mut bad = good.clone();
            bad[place] ^= 1 << (bit * 2 % 8);
            fs::write(file, &bad).unwrap();
            let error = refusal(folder.path(), &run);
            let name = file.file_name().unwrap().to_str().unwrap();
            assert!(error.contains("is damaged") && error.contains("step-3"), "{name}: {error}");
            let blames_it = error.contains(name) || name == "checksums.txt";
            assert!(blames_it, "{name} at {place}: {error}");
        }
        fs::write(file, &good[..good.len() / 2]).unwrap();
        assert!(refusal(folder.path(), &run).contains("is damaged"), "cut short");
        fs::remove_file(file).unwrap();
        assert!(refusal(folder.path(), &run).contains("cannot be read"), "removed");
        fs::write(file, &good).unwrap();
    }
    // What the message says works: without the damaged one, the run ends as before.
    fs::remove_dir_all(&newest).unwrap();
    let resumed = run.go(folder.path()).unwrap();
    assert_same(&bytes(folder.path(), &resumed), &want, "from the checkpoint before");
}

#[test]
fn without_an_intact_checkpoint_none_is_offered() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run { stop_after: 1, ..Run::default() };
    let _ = run.go(folder.path()).unwrap();
    fs::write(folder.path().join("checkpoint/step-1/state.json"), "{}").unwrap();
    let error = run.go(folder.path()).unwrap_err();
    assert!(matches!(error, TrainError::Damaged { previous: None, .. }), "{error}");
}

#[test]
fn a_finished_run_is_made_longer_only_deliberately_and_then_exactly() {
    let longer = |folder: &Path, stop_after| {
        let mut run = Run { stop_after, extends: true, ..Run::default() };
        run.config.epochs = 4;
        run.go(folder)
    };
    let [whole, stopped] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    for folder in [&whole, &stopped] {
        let finished = Run::default().go(folder.path()).unwrap();
        assert_eq!(finished.step, 6);
        let again = Run::default().go(folder.path()).unwrap();
        assert!(again.weights == finished.weights, "a finished run has nothing left to do");
        let mut accident = Run::default();
        accident.config.epochs = 4;
        let error = refusal(folder.path(), &accident);
        assert!(error.contains("extend_finished"), "{error}");
    }
    let left = longer(whole.path(), u64::MAX).unwrap();
    assert_eq!((left.step, left.epochs), (12, 4));
    let want = bytes(whole.path(), &left);

    let left = longer(stopped.path(), 8).unwrap();
    assert_eq!(left.step, 8);
    let left = longer(stopped.path(), u64::MAX).unwrap();
    assert_same(&bytes(stopped.path(), &left), &want, "made longer, stopped and resumed");

    // A new schedule: the rate of the first additional step is that of the first step.
    let log = String::from_utf8(want[2].clone()).unwrap();
    let rate = |line: usize| {
        let line: serde_json::Value = serde_json::from_str(log.lines().nth(line).unwrap()).unwrap();
        line["learning_rate"].as_f64().unwrap()
    };
    assert!((rate(0) - rate(6)).abs() < 1e-12 && rate(5) < rate(0) / 10.0);

    // An unfinished run is not made longer, and no run shorter.
    let unfinished = tempfile::tempdir().unwrap();
    let _ = Run { stop_after: 2, ..Run::default() }.go(unfinished.path()).unwrap();
    assert!(longer(unfinished.path(), u64::MAX).is_err());
    let mut shorter = Run { extends: true, ..Run::default() };
    shorter.config.epochs = 1;
    let error = refusal(whole.path(), &shorter);
    assert!(error.contains("of 4 epochs, and 1 were asked for"), "{error}");
}

#[test]
fn two_runs_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::flex().autodiff();
    let trainer = || {
        let method = SimClrConfig::default().init(encoder(2, &device), 0, &device);
        let config = LoaderConfig { batch_size: 8, threads: 1, seed: 0 };
        let recipe = selfsame_augment::Recipe::shapes(SIDE);
        let loader = Loader::new(shapes(16, 3), recipe, config).unwrap();
        let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 0.0), Schedule::constant(0.01));
        let trainer = Trainer::new(method, loader, TrainerConfig::new(1, sgd, schedule), &device);
        trainer.unwrap().with_checkpoints(Checkpoints::new(folder.path()))
    };
    let first = trainer().unwrap();
    let error = trainer().unwrap_err();
    assert!(matches!(error, TrainError::InUse { .. }), "{error}");
    let _ = first.fit().unwrap();
    assert_eq!(trainer().unwrap().clock().step, 2, "the first has ended");
}

fn two_steps_an_epoch(epochs: u64, device: &Device) -> Trainer<SimClr<ResNet>> {
    let method = SimClrConfig::default().init(encoder(2, device), 0, device);
    let config = LoaderConfig { batch_size: 8, threads: 1, seed: 0 };
    let recipe = selfsame_augment::Recipe::shapes(SIDE);
    let loader = Loader::new(shapes(16, 3), recipe, config).unwrap();
    let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 0.0), Schedule::cosine(0.01, 0.0));
    Trainer::new(method, loader, TrainerConfig::new(epochs, sgd, schedule), device).unwrap()
}

#[test]
fn epochs_that_do_not_fit_into_the_time_limit_are_cut_before_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::flex().autodiff();
    let trainer = |epochs| {
        two_steps_an_epoch(epochs, &device)
            .with_checkpoints(Checkpoints::new(folder.path()))
            .unwrap()
    };
    let error = trainer(1).with_time_limit(Duration::from_nanos(1)).unwrap_err();
    assert!(matches!(error, TrainError::TimeLimit { .. }), "{error}");

    let hour = Duration::from_hours(1);
    assert_eq!(trainer(2).with_time_limit(hour).unwrap().clock().epochs, 2, "they fit");

    let limit = Duration::from_millis(1500);
    let limited = trainer(1_000_000).with_time_limit(limit).unwrap();
    let planned = limited.clock().epochs;
    assert!((1..1_000_000).contains(&planned), "{planned}");
    let outcome = limited.fit().unwrap();
    assert!(outcome.seconds < 2.5, "{}", outcome.seconds);
    let epochs = outcome.clock.epochs; // their number has followed the speed
    match outcome.stopped {
        None => {
            let last = outcome.history.last("learning_rate").unwrap();
            assert!(last < 0.01 * 0.1_f64.max(3.0 / epochs as f64), "the schedule ended: {last}");
        }
        Some(reason) => assert_eq!(reason, StopReason::TimeLimit, "slower than it was timed"),
    }
    assert_eq!(trainer(1_000_000).clock().epochs, epochs, "a resumed run keeps the number");
}

#[test]
fn a_run_saved_by_time_is_resumed_within_an_epoch_to_the_same_bytes() {
    let [whole, folder] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let run = Run::default();
    let want = bytes(whole.path(), &run.go(whole.path()).unwrap());
    assert_eq!(steps(whole.path()).len(), 2, "only at the ends of the two epochs");

    // The time has always come: after every step, of which the last two stay, and the best.
    let timed = Run { every: Some(Duration::ZERO), ..run.clone() };
    let left = timed.go(folder.path()).unwrap();
    assert_same(&bytes(folder.path(), &left), &want, "saving changes nothing");
    assert!(steps(folder.path()).contains(&"step-5".to_owned()), "{:?}", steps(folder.path()));
    // As after a kill in the last step.
    fs::remove_dir_all(folder.path().join("checkpoint/step-6")).unwrap();
    let left = run.go(folder.path()).unwrap();
    assert_same(&bytes(folder.path(), &left), &want, "resumed after step 5");

    let later = tempfile::tempdir().unwrap();
    let hour = Run { every: Some(Duration::from_hours(1)), ..run };
    let _ = hour.go(later.path()).unwrap();
    assert_eq!(steps(later.path()), ["step-3", "step-6"], "the hour has not passed");
}

/// Makes epochs slower than the steps that are timed before the first.
struct Sleep(Duration);

impl<M: Method> Callback<M> for Sleep {
    fn on_epoch_end(&mut self, _: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        std::thread::sleep(self.0);
        Ok(())
    }
}

#[test]
fn a_run_that_becomes_slower_gets_fewer_epochs() {
    let trainer = two_steps_an_epoch(1_000_000, &Device::flex().autodiff());
    let trainer = trainer.with_callback(Sleep(Duration::from_millis(200)));
    let outcome = trainer.with_time_limit(Duration::from_millis(1500)).unwrap().fit().unwrap();
    assert!(outcome.clock.epochs <= 7, "{:?}", outcome.clock);
}

/// Raises a signal in one step.
struct RaiseIn(u64, SaveSignal);

impl<M: Method> Callback<M> for RaiseIn {
    fn on_step_end(&mut self, run: &mut RunView<'_, M>) -> Result<(), CallbackError> {
        if run.clock.step == self.0 {
            self.1.raise();
        }
        Ok(())
    }
}

#[test]
fn a_raised_save_signal_saves_the_step_and_the_run_goes_on() {
    let device = Device::flex().autodiff();
    let trainer = |folder: &Path| {
        let method = SimClrConfig::default().init(encoder(2, &device), 0, &device);
        let config = LoaderConfig { batch_size: 8, threads: 1, seed: 0 };
        let recipe = selfsame_augment::Recipe::shapes(SIDE);
        let loader = Loader::new(shapes(40, 3), recipe, config).unwrap();
        let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 0.0), Schedule::constant(0.01));
        let trainer = Trainer::new(method, loader, TrainerConfig::new(1, sgd, schedule), &device);
        trainer.unwrap().with_checkpoints(Checkpoints::new(folder.join("checkpoint"))).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let signal = SaveSignal::new();
    let outcome = trainer(folder.path())
        .with_callback(RaiseIn(2, signal.clone()))
        .with_save_signal(signal.clone())
        .fit()
        .unwrap();
    assert_eq!((outcome.clock.step, outcome.stopped), (5, None));
    assert_eq!(steps(folder.path()), ["step-3", "step-5"], "the step after the raise");
    assert!(!signal.take(), "it is lowered");

    // Before the first step and without checkpoints it does nothing.
    let folder = tempfile::tempdir().unwrap();
    signal.raise();
    let _ = trainer(folder.path()).with_save_signal(signal).fit().unwrap();
    assert_eq!(steps(folder.path()), ["step-1", "step-5"]);
}

#[test]
fn a_run_that_is_stopped_before_its_first_step_takes_none() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::flex().autodiff();
    let method = SimClrConfig::default().init(encoder(2, &device), 0, &device);
    let config = LoaderConfig { batch_size: 8, threads: 1, seed: 0 };
    let loader =
        Loader::new(shapes(16, 3), selfsame_augment::Recipe::shapes(SIDE), config).unwrap();
    let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 0.0), Schedule::constant(0.01));
    let signal = StopSignal::new();
    signal.raise();
    let outcome = Trainer::new(method, loader, TrainerConfig::new(1, sgd, schedule), &device)
        .unwrap()
        .with_signal(signal)
        .with_checkpoints(Checkpoints::new(folder.path()))
        .unwrap()
        .fit()
        .unwrap();
    assert_eq!((outcome.clock.step, outcome.stopped), (0, Some(StopReason::Signal)));
}

#[test]
fn logs_that_cannot_be_written_cost_neither_the_run_nor_its_checkpoints() {
    let [whole, folder] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let run = Run::default();
    let want = run.go(whole.path()).unwrap();
    assert_eq!(want.warnings, [""; 0]);
    // In the way of both logs.
    fs::create_dir(folder.path().join("epochs.csv")).unwrap();
    fs::create_dir(folder.path().join("steps.jsonl")).unwrap();
    let left = run.go(folder.path()).unwrap();
    assert!(left.weights == want.weights);
    assert_eq!(steps(folder.path()), ["step-3", "step-6"]);
    assert_eq!(left.warnings.len(), 2, "each is said once: {:?}", left.warnings);
    for log in ["epochs.csv", "steps.jsonl"] {
        assert!(left.warnings.iter().any(|warning| warning.contains(log)), "{:?}", left.warnings);
    }
}

#[test]
fn a_log_that_was_changed_is_continued_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::default();
    let _ = Run { stop_after: 4, ..run.clone() }.go(folder.path()).unwrap();
    let path = folder.path().join("steps.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"step\":2", "\"st", 1)).unwrap();
    let left = run.go(folder.path()).unwrap();
    let [warning] = &left.warnings[..] else { panic!("{:?}", left.warnings) };
    assert!(warning.contains("steps.jsonl has 3 of the 4 lines"), "{warning}");
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 5);
    assert_eq!(left.step, 6);
}

#[test]
fn a_run_made_longer_again_and_again_has_every_step_and_epoch_in_its_logs() {
    let folder = tempfile::tempdir().unwrap();
    for epochs in [1, 2, 4] {
        let mut run = Run { extends: true, ..Run::default() };
        run.config.epochs = epochs;
        let left = run.go(folder.path()).unwrap();
        assert_eq!((left.epochs as u64, left.warnings.len()), (epochs, 0), "{:?}", left.warnings);
    }
    let log = fs::read_to_string(folder.path().join("steps.jsonl")).unwrap();
    let step =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["step"].as_u64();
    let all: Vec<u64> = log.lines().map(|line| step(line).unwrap()).collect();
    assert_eq!(all, (1..=12).collect::<Vec<_>>());
    let log = fs::read_to_string(folder.path().join("epochs.csv")).unwrap();
    assert_eq!(log.lines().count(), 1 + 4);
}
