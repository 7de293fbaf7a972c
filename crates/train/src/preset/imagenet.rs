//! Presets for ImageNet.

use selfsame_augment::Recipe;
use selfsame_models::{
    BarlowTwinsConfig, ByolConfig, DinoConfig, MethodConfig, MethodName, MocoV2Config,
    SimClrConfig, SimSiamConfig, VicregConfig,
};
use selfsame_optim::{OptimizerConfig, Schedule};

use super::{Preset, clipped_lars, mae_adam_w, sgd};

pub(super) fn preset(method: MethodName) -> Preset {
    match method {
        MethodName::SimClr => simclr(),
        MethodName::SimSiam => simsiam(),
        MethodName::BarlowTwins => barlow_twins(),
        MethodName::Vicreg => vicreg(),
        MethodName::Byol => byol(),
        MethodName::MocoV2 => moco_v2(),
        MethodName::Dino => dino(),
    }
}

/// Returns what most presets share: ResNet-50, and LARS with a warm-up of 10 epochs in batches of
/// 4,096.
fn resnet50(source: &str, recipe: Recipe, method: MethodConfig) -> Preset {
    Preset {
        source: source.to_owned(),
        backbone: "resnet50".to_owned(),
        recipe,
        method,
        optimizer: OptimizerConfig::lars(1e-6),
        rate: 4.8,
        batch_size: 4096,
        warmup_epochs: 10,
        last_rate: 0.0,
        epochs: 100,
        clip_norm: None,
    }
}

/// Returns what the presets with SGD share: ResNet-50 without a warm-up in batches of 256.
fn resnet50_by_sgd(source: &str, recipe: Recipe, method: MethodConfig, rate: f64) -> Preset {
    let (optimizer, batch_size, warmup_epochs, epochs) = (sgd(1e-4), 256, 0, 200);
    let common = resnet50(source, recipe, method);
    Preset { optimizer, rate, batch_size, warmup_epochs, epochs, ..common }
}

/// Returns what the presets of the subset of 100 classes share: ResNet-18, and clipped LARS in
/// batches of 128.
fn resnet18(source: &str, recipe: Recipe, method: MethodConfig) -> Preset {
    let (backbone, optimizer) = ("resnet18".to_owned(), clipped_lars(0.02, 1e-4));
    let (rate, batch_size, epochs) = (0.15, 128, 400);
    let common = resnet50(source, recipe, method);
    Preset { backbone, optimizer, rate, batch_size, epochs, ..common }
}

/// Returns what the presets of transformers share: `AdamW` for 100 epochs.
fn vit(source: &str, backbone: &str, recipe: Recipe, method: MethodConfig, decay: f64) -> Preset {
    let (backbone, optimizer) = (backbone.to_owned(), OptimizerConfig::adam_w(decay));
    Preset { backbone, optimizer, ..resnet50(source, recipe, method) }
}

fn simclr() -> Preset {
    let method =
        SimClrConfig { d_hidden: 2048, d_output: 128, temperature: 0.1, ..SimClrConfig::default() };
    let source = "google-research/simclr, README, with the two layers of the paper's projector";
    resnet50(source, Recipe::simclr_imagenet(), MethodConfig::SimClr(method))
}

fn simsiam() -> Preset {
    let method = SimSiamConfig { d_output: 2048, d_predictor: 512, layers: 3 };
    let source = "facebookresearch/simsiam, main_simsiam.py with --fix-pred-lr; rate of the paper, \
                  0.05 for 256 samples";
    let (recipe, method) = (Recipe::simsiam_imagenet(), MethodConfig::SimSiam(method));
    Preset { batch_size: 512, epochs: 100, ..resnet50_by_sgd(source, recipe, method, 0.1) }
}

fn barlow_twins() -> Preset {
    let method = BarlowTwinsConfig { d_output: 8192, off_diagonal: 0.0051, scale: 1.0 };
    let source = "facebookresearch/barlowtwins, main.py; its rate of biases, scales and shifts is \
                  0.0384";
    let (recipe, method) = (Recipe::barlow_twins_imagenet(), MethodConfig::BarlowTwins(method));
    let (rate, batch_size, last_rate, epochs) = (1.6, 2048, 1.6e-3, 1000);
    Preset { rate, batch_size, last_rate, epochs, ..resnet50(source, recipe, method) }
}

fn vicreg() -> Preset {
    let method = VicregConfig {
        d_output: 8192,
        invariance: 25.0,
        variance: 25.0,
        covariance: 1.0,
        ..VicregConfig::default()
    };
    let source = "facebookresearch/vicreg, README (1,000 epochs) and main_vicreg.py";
    let (recipe, method) = (Recipe::vicreg_imagenet(), MethodConfig::Vicreg(method));
    let (rate, batch_size, last_rate, epochs) = (1.6, 2048, 1.6e-3, 1000);
    Preset { rate, batch_size, last_rate, epochs, ..resnet50(source, recipe, method) }
}

fn byol() -> Preset {
    let method =
        ByolConfig { d_hidden: 4096, d_output: 256, momentum: Schedule::cosine(0.996, 1.0) };
    let source = "google-deepmind/deepmind-research, byol/configs/byol.py, 1,000 epochs";
    let common = resnet50(source, Recipe::byol_imagenet(), MethodConfig::Byol(method));
    Preset { optimizer: OptimizerConfig::lars(1.5e-6), rate: 3.2, epochs: 1000, ..common }
}

fn moco_v2() -> Preset {
    let method = MocoV2Config {
        d_hidden: 2048,
        d_output: 128,
        temperature: 0.2,
        momentum: 0.999,
        queue: 65_536,
    };
    let source = "facebookresearch/moco, README (version 2) and main_moco.py";
    resnet50_by_sgd(source, Recipe::moco_v2_imagenet(), MethodConfig::MocoV2(method), 0.03)
}

fn dino() -> Preset {
    let method = DinoConfig {
        d_hidden: 2048,
        d_bottleneck: 256,
        d_output: 65_536,
        normalize_hidden: false,
        global_views: 2,
        student_temperature: 0.1,
        teacher_temperature: 0.07,
        warmup_teacher_temperature: 0.04,
        warmup_teacher_epochs: 30.0,
        center_momentum: 0.9,
        momentum: Schedule::cosine(0.996, 1.0),
        frozen_epochs: 1,
    };
    let source = "facebookresearch/dino, README (300 epochs) and main_dino.py; without its \
                  schedule of weight decay (to 0.4), its clipping of each parameter's gradient to \
                  a norm of 3, and the free length of its last layer";
    let (recipe, method) = (Recipe::dino_imagenet(), MethodConfig::Dino(method));
    let (rate, batch_size, last_rate, epochs) = (2e-3, 1024, 1e-6, 300);
    let common = vit(source, "vit_small", recipe, method, 0.04);
    Preset { rate, batch_size, last_rate, epochs, ..common }
}
