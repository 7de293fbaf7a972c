//! Supervised training of whole networks.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use selfsame_augment::Recipe;
use selfsame_callbacks::StopSignal;
use selfsame_datasets::{Dataset, Split, Subset, Synthetic, SyntheticConfig, few_labels, labels};
use selfsame_metrics::{LabeledFeatures, LinearProbe};
use selfsame_models::{Backbone, Classifier, Method, MethodName, ResNet, ResNetConfig, backbone};
use selfsame_optim::{OptimizerConfig, Schedule};
use selfsame_samplers::{Loader, LoaderConfig};
use selfsame_train::{
    FineTune, Supervised, TrainError, Trainer, TrainerConfig, Tuned, extract_features,
};

use crate::methods::{Widths, method};

const SIDE: u32 = 12;

pub(crate) fn shapes(images: usize, split: Split) -> Arc<dyn Dataset> {
    Arc::new(Synthetic::new(SyntheticConfig { images, size: 2 * SIDE, seed: 1, split }))
}

/// Drawn shapes on the CPU.
pub(crate) fn supervised(train: usize, test: usize) -> Supervised {
    let (train, test) = (shapes(train, Split::Train), shapes(test, Split::Test));
    Supervised::new(train, test, Recipe::supervised_shapes(SIDE), &Device::flex())
}

pub(crate) fn known(dataset: &dyn Dataset) -> Vec<usize> {
    labels(dataset).into_iter().flatten().collect()
}

pub(crate) fn encoder(seed: u64) -> ResNet {
    ResNetConfig::resnet10(2).init(seed, &Device::flex())
}

/// SGD without momentum and weight decay, for one step.
fn one_step() -> FineTune {
    let optimizer = OptimizerConfig::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    let (rate, head_factor, layer_decay) = (0.1, 1.0, 1.0);
    FineTune {
        optimizer,
        rate,
        head_factor,
        layer_decay,
        steps: 1,
        warmup: 0.0,
        ..Default::default()
    }
}

/// The elements of all parameters, by path.
#[derive(Default)]
struct Weights(Vec<String>, BTreeMap<String, Vec<f32>>);

impl Weights {
    fn of(module: &impl Module) -> BTreeMap<String, Vec<f32>> {
        let mut weights = Self::default();
        module.visit(&mut weights);
        weights.1
    }
}

impl ModuleVisitor for Weights {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.0.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.0.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.1.insert(self.0.join("."), param.val().into_data().iter().collect());
    }
}

/// How far each parameter moved from where training starts.
fn moves<B: Backbone<Input = Tensor<4>>>(
    settings: &FineTune,
    encoder: &B,
) -> BTreeMap<String, Vec<f32>> {
    let images = supervised(40, 10);
    let tuned = settings.fit(encoder, &images, &(0..40).collect::<Vec<_>>()).unwrap();
    let start = Weights::of(&Classifier::new(encoder.clone(), 10, images.seed, &Device::flex()));
    let moved = |(path, weights): (String, Vec<f32>)| {
        let moved = weights.iter().zip(&start[&path]).map(|(end, start)| end - start).collect();
        (path, moved)
    };
    Weights::of(&tuned.classifier).into_iter().map(moved).collect()
}

/// Requires that every parameter moved `factor(path)` times as far as in `alike`.
fn assert_moves<B: Backbone<Input = Tensor<4>>>(
    settings: &FineTune,
    encoder: &B,
    factor: impl Fn(&str) -> f32,
) {
    let alike = moves(&one_step(), encoder);
    for (path, moved) in moves(settings, encoder) {
        let want: Vec<f32> = alike[&path].iter().map(|all| factor(&path) * all).collect();
        if path.contains("running_") {
            continue; // statistics of batch norm, which no rate moves
        }
        let largest = want.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        for (found, want) in moved.iter().zip(&want) {
            let close = (found - want).abs() <= 1e-3 * largest + 5e-7;
            assert!(close, "{path} moved by {found}, not by {want}");
        }
    }
    let moved = alike.values().filter(|moved| moved.iter().any(|value| value.abs() > 1e-4)).count();
    assert!(2 * moved > alike.len(), "only {moved} of {} parameters moved", alike.len());
}

#[test]
fn every_layer_moves_by_the_rate_of_its_stage() {
    let settings = FineTune { layer_decay: 0.5, ..one_step() };
    // One block in each of four layers.
    assert_moves(&settings, &encoder(0), |path| match path.split('.').collect::<Vec<_>>()[..] {
        ["encoder", "blocks", block, ..] => 0.5_f32.powi(3 - block.parse::<i32>().unwrap()),
        ["encoder", "stem", ..] => 0.5_f32.powi(4),
        _ => 1.0,
    });
}

#[test]
fn a_transformer_has_a_rate_for_each_block() {
    let small = backbone("vit_tiny").unwrap().for_images(SIDE as usize).with_width(8);
    let encoder = small.init(0, &Device::flex());
    let stages = i32::try_from(encoder.stages().len()).unwrap();
    let settings = FineTune { layer_decay: 0.9, ..one_step() };
    assert_moves(&settings, &encoder, |path| match path.split('.').collect::<Vec<_>>()[..] {
        ["encoder", "blocks", block, ..] => {
            0.9_f32.powi(stages - 1 - block.parse::<i32>().unwrap())
        }
        ["encoder", "norm", ..] | ["head", ..] => 1.0,
        // What embeds the patches is as deep as the first block.
        _ => 0.9_f32.powi(stages - 1),
    });
}

#[test]
fn the_head_moves_by_its_factor_and_alone_at_first() {
    let settings = FineTune { head_factor: 4.0, ..one_step() };
    let factor = |path: &str| if path.starts_with("head") { 4.0 } else { 1.0 };
    assert_moves(&settings, &encoder(0), factor);
    // With a rate of 0 afterwards, what is left is what the first steps did.
    let settings = FineTune { head_steps: 1, rate: 1e-30, head_factor: 1e29, ..one_step() };
    let frozen = moves(&settings, &encoder(0));
    let moved = |path: &str| frozen[path].iter().any(|value| value.abs() > 1e-5);
    assert!(moved("head.weight") && !moved("encoder.stem.conv.weight"));
}

#[test]
fn the_encoder_that_is_handed_in_stays_as_it_is_and_a_frozen_one_is_trained() {
    let (images, labeled) = (supervised(40, 10), (0..40).collect::<Vec<_>>());
    let settings = FineTune { steps: 2, ..one_step() };
    let shown = Tensor::ones([2, 3, 12, 12], &Device::flex());
    let online = ResNetConfig::resnet10(2).init(0, &Device::flex().autodiff());
    let frozen = online.clone().no_grad(); // as a teacher is
    let before = online.valid().forward(shown.clone()).into_data();
    let trained = |encoder: &ResNet| {
        let tuned = settings.fit(encoder, &images, &labeled).unwrap();
        tuned.scores.as_slice().to_vec()
    };
    let want = trained(&online);
    online.valid().forward(shown).into_data().assert_eq(&before, true);
    assert_eq!(trained(&frozen), want);
    assert_eq!(trained(&online.valid()), want, "on a device without autodiff");
}

#[test]
fn the_same_run_gives_the_same_bytes_with_any_number_of_threads() {
    let labeled: Vec<usize> = (0..30).collect();
    let run = |threads, seed| {
        let images = Supervised { threads, seed, ..supervised(40, 20) };
        let settings = FineTune { steps: 5, batch_size: 8, ..FineTune::default() };
        settings.fit(&encoder(0), &images, &labeled).unwrap().scores
    };
    let want = run(1, 3);
    assert_eq!(run(3, 3), want);
    assert_ne!(run(1, 4), want);
}

#[test]
fn a_signal_stops_it_without_a_result() {
    let (signal, labeled) = (StopSignal::new(), (0..20).collect::<Vec<_>>());
    signal.raise();
    let images = Supervised { signal, ..supervised(20, 10) };
    let error = FineTune::default().fit(&encoder(0), &images, &labeled).unwrap_err();
    assert!(matches!(error, TrainError::Stopped), "{error}");
}

#[test]
fn bad_settings_and_labels_are_named() {
    let images = supervised(20, 10);
    let good = || FineTune { steps: 1, ..FineTune::default() };
    let few = [0, 1, 2];
    let all: Vec<usize> = (0..20).collect();
    let text = |settings: &FineTune, labeled: &[usize]| {
        settings.fit(&encoder(0), &images, labeled).unwrap_err().to_string()
    };
    for (settings, name) in [
        (FineTune { steps: 0, ..good() }, "steps"),
        (FineTune { batch_size: 0, ..good() }, "batch_size"),
        (FineTune { layer_decay: 0.0, ..good() }, "layer_decay"),
        (FineTune { layer_decay: f64::NAN, ..good() }, "layer_decay"),
        (FineTune { warmup: 1.5, ..good() }, "warmup"),
        (FineTune { head_factor: f64::INFINITY, ..good() }, "head_factor"),
        (FineTune { rate: f64::NAN, ..good() }, "peak"),
        (FineTune { clip_norm: Some(0.0), ..good() }, "clip_norm"),
    ] {
        let error = text(&settings, &all);
        assert!(error.contains(name), "{name}: {error}");
    }
    assert!(text(&good(), &few).contains("fewer than the 10 classes"));
    let one_class = Arc::new(Subset::new(images.train.clone(), vec![0, 10]));
    let images = Supervised { train: one_class, ..images.clone() };
    let error = good().fit(&encoder(0), &images, &[0, 1]).unwrap_err();
    assert!(error.to_string().contains("`labeled`"), "{error}");
}

/// Pre-trains a small encoder on images without their labels.
fn pretrained(side: u32) -> ResNet {
    let device = Device::flex().autodiff();
    let widths = Widths { hidden: 64, output: 32, queue: 256 };
    let config = LoaderConfig { batch_size: 64, threads: 1, seed: 0 };
    let loader = Loader::new(shapes(1_000, Split::Train), Recipe::shapes(side), config).unwrap();
    let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(0.1));
    let config = TrainerConfig::new(40, sgd, schedule);
    let method = method(MethodName::SimClr, 8, widths, &device);
    let outcome = Trainer::new(method, loader, config, &device).unwrap().fit().unwrap();
    match outcome.method.encoder().valid() {
        selfsame_models::AnyBackbone::ResNet(encoder) => encoder,
        other => panic!("another encoder: {other}"),
    }
}

#[test]
fn fine_tuning_beats_its_probe_and_the_same_network_from_scratch_on_few_labels() {
    let (side, device) = (16, Device::flex());
    let (train, test) = (shapes(1_000, Split::Train), shapes(500, Split::Test));
    let images =
        Supervised::new(train.clone(), test.clone(), Recipe::supervised_shapes(side), &device);
    let encoder = pretrained(side);
    let (train_labels, test_labels) = (known(train.as_ref()), known(test.as_ref()));
    let labeled = few_labels(&train_labels, 2, 0).unwrap();

    let rows = |dataset: &Arc<dyn Dataset>| {
        extract_features(dataset.clone(), &images.shown, 100, &device, |x| encoder.forward(x))
    };
    let (rows, test_rows) = (rows(&train).unwrap().select(&labeled), rows(&test).unwrap());
    let few: Vec<usize> = labeled.iter().map(|&index| train_labels[index]).collect();
    let fitted =
        LinearProbe::default().fit(LabeledFeatures::new(&rows, &few).unwrap(), 10).unwrap();
    let probe = fitted.accuracy(LabeledFeatures::new(&test_rows, &test_labels).unwrap()).unwrap();

    let accuracy = |tuned: Tuned<ResNet>| tuned.accuracy(&test_labels);
    let settings = FineTune { rate: 1e-2, steps: 200, ..FineTune::default() };
    let tuned = accuracy(settings.fit(&encoder, &images, &labeled).unwrap());
    let fresh = ResNetConfig::resnet10(8).init(1, &device);
    let scratch = FineTune::from_scratch(OptimizerConfig::sgd(0.9, 5e-4), 0.1);
    let settings = FineTune { steps: 500, ..scratch }; // fewer would flatter the other
    let scratch = accuracy(settings.fit(&fresh, &images, &labeled).unwrap());
    println!("{tuned:.3} fine-tuned, {probe:.3} probe, {scratch:.3} from scratch");
    assert!(tuned > scratch + 0.05, "{tuned} fine-tuned, {scratch} from scratch");
    assert!(tuned > probe, "{tuned} fine-tuned, {probe} probe");
}
