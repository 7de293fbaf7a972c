//! Presets for CIFAR-10.

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

/// Returns what most presets share, those of solo-learn: ResNet-18, and 1,000 epochs in batches of
/// 256.
fn resnet18(
    source: &str,
    recipe: Recipe,
    method: MethodConfig,
    optimizer: OptimizerConfig,
    rate: f64,
) -> Preset {
    Preset {
        source: source.to_owned(),
        backbone: "resnet18".to_owned(),
        recipe,
        method,
        optimizer,
        rate,
        batch_size: 256,
        warmup_epochs: 10,
        last_rate: 0.0,
        epochs: 1000,
        clip_norm: None,
    }
}

/// Returns solo-learn's LARS.
fn lars(weight_decay: f64) -> OptimizerConfig {
    clipped_lars(0.02, weight_decay)
}

fn simclr() -> Preset {
    let method =
        SimClrConfig { d_hidden: 2048, d_output: 256, temperature: 0.2, ..SimClrConfig::default() };
    let source = "solo-learn, scripts/pretrain/cifar/simclr.yaml; its projector has no batch norm";
    let recipe = Recipe::symmetric_cifar();
    resnet18(source, recipe, MethodConfig::SimClr(method), lars(1e-4), 0.4)
}

fn simsiam() -> Preset {
    let method = SimSiamConfig { d_output: 2048, d_predictor: 512, layers: 3 };
    let source = "solo-learn, scripts/pretrain/cifar/simsiam.yaml";
    let recipe = Recipe::symmetric_weak_cifar();
    resnet18(source, recipe, MethodConfig::SimSiam(method), sgd(1e-5), 0.5)
}

fn barlow_twins() -> Preset {
    let method = BarlowTwinsConfig { d_output: 2048, off_diagonal: 0.0051, scale: 0.1 };
    let source = "solo-learn, scripts/pretrain/cifar/barlow.yaml";
    let recipe = Recipe::asymmetric_cifar();
    resnet18(source, recipe, MethodConfig::BarlowTwins(method), lars(1e-4), 0.3)
}

fn vicreg() -> Preset {
    // A weight of 50 for the mean of the two variance terms is one of 25 for their sum.
    let method = VicregConfig {
        d_output: 2048,
        invariance: 25.0,
        variance: 50.0,
        covariance: 1.0,
        ..VicregConfig::default()
    };
    let source = "solo-learn, scripts/pretrain/cifar/vicreg.yaml; its variance term of weight 25 \
                  is the sum over both views, which is ours of weight 50";
    resnet18(source, Recipe::vicreg_cifar(), MethodConfig::Vicreg(method), lars(1e-4), 0.3)
}

fn byol() -> Preset {
    let method =
        ByolConfig { d_hidden: 4096, d_output: 256, momentum: Schedule::cosine(0.99, 1.0) };
    let source = "solo-learn, scripts/pretrain/cifar/byol.yaml";
    let recipe = Recipe::asymmetric_cifar();
    resnet18(source, recipe, MethodConfig::Byol(method), lars(1e-5), 1.0)
}

fn moco_v2() -> Preset {
    let method = MocoV2Config {
        d_hidden: 2048,
        d_output: 256,
        temperature: 0.2,
        momentum: 0.99,
        queue: 32_768,
    };
    let source = "solo-learn, scripts/pretrain/cifar/mocov2plus.yaml; its momentum rises to 0.999, \
                  and both views are queries, with a queue for each";
    let recipe = Recipe::symmetric_weak_cifar();
    resnet18(source, recipe, MethodConfig::MocoV2(method), sgd(1e-4), 0.3)
}

fn dino() -> Preset {
    let method = DinoConfig {
        d_hidden: 2048,
        d_bottleneck: 256,
        d_output: 4096,
        normalize_hidden: false,
        teacher_temperature: 0.07,
        warmup_teacher_epochs: 0.0,
        momentum: Schedule::cosine(0.9995, 1.0),
        ..DinoConfig::default()
    };
    let source = "solo-learn, scripts/pretrain/cifar/dino.yaml";
    let recipe = Recipe::asymmetric_cifar();
    resnet18(source, recipe, MethodConfig::Dino(method), lars(1e-6), 0.3)
}
