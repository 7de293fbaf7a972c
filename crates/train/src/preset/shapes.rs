//! Presets for the drawn shapes of `selfsame-datasets`, and for other runs of minutes on a CPU.

use selfsame_augment::operator::{HorizontalFlip, RandomResizedCrop};
use selfsame_augment::{Operator, Recipe, Resampling};
use selfsame_models::{
    BackboneConfig, ByolConfig, DinoConfig, FrosslConfig, MaeConfig, MethodConfig, MethodName,
    MocoV2Config, MocoV3Config, MsnConfig, NnclrConfig, ResNetConfig, ResslConfig, SimClrConfig,
    SimSiamConfig, SupConConfig, SwavConfig, TicoConfig, VitConfig, VitPooling, WMseConfig,
};
use selfsame_optim::{OptimizerConfig, Schedule};

use super::{Preset, mae_adam_w};

/// Sides of whole and of partial views, in pixels.
const SIDE: u32 = 16;
const LOCAL: u32 = 12;

pub(super) fn preset(method: MethodName) -> Preset {
    let has_tokens = matches!(method, MethodName::Mae | MethodName::SimMim | MethodName::Msn);
    Preset {
        source: "ours, for runs of minutes".to_owned(),
        backbone: if has_tokens { transformer() } else { residual() },
        recipe: recipe(method),
        method: config(method),
        optimizer: match method {
            _ if has_tokens => mae_adam_w(),
            MethodName::WMse => OptimizerConfig::adam(1e-6),
            _ => OptimizerConfig::sgd(0.9, 5e-4),
        },
        rate: rate(method),
        batch_size: 64,
        warmup_epochs: 2,
        last_rate: 0.0,
        epochs: 20,
        clip_norm: None,
    }
}

/// A residual network that takes milliseconds for an image.
fn residual() -> BackboneConfig {
    BackboneConfig::ResNet(ResNetConfig::resnet10(8))
}

/// A transformer that takes about as long.
fn transformer() -> BackboneConfig {
    let tiny = VitConfig::tiny(SIDE as usize, 4);
    let pooling = VitPooling::Mean;
    BackboneConfig::Vit(VitConfig { dim: 64, depth: 2, heads: 2, pooling, ..tiny })
}

/// Returns the method's default settings, changed where a run of minutes needs it: targets that
/// follow faster, queues shorter than an epoch, narrow heads where wide ones were slow to learn.
fn config(method: MethodName) -> MethodConfig {
    let fast = Schedule::cosine(0.9, 1.0);
    let queue = 1024;
    match method.config() {
        MethodConfig::SimClr(config) => {
            MethodConfig::SimClr(SimClrConfig { temperature: 0.1, ..config })
        }
        MethodConfig::SimSiam(config) => {
            MethodConfig::SimSiam(SimSiamConfig { d_output: 64, d_predictor: 16, ..config })
        }
        MethodConfig::Byol(_) => {
            MethodConfig::Byol(ByolConfig { d_hidden: 64, d_output: 32, momentum: fast })
        }
        MethodConfig::Dino(config) => {
            let (d_hidden, d_bottleneck, d_output) = (256, 64, 256);
            let (teacher_temperature, momentum) = (0.04, Schedule::cosine(0.99, 1.0));
            MethodConfig::Dino(DinoConfig {
                d_hidden,
                d_bottleneck,
                d_output,
                teacher_temperature,
                momentum,
                ..config
            })
        }
        MethodConfig::Frossl(config) => {
            // The invariance grows with the width over the batch.
            MethodConfig::Frossl(FrosslConfig { d_output: 128, ..config })
        }
        MethodConfig::MocoV2(config) => MethodConfig::MocoV2(MocoV2Config { queue, ..config }),
        MethodConfig::Nnclr(config) => MethodConfig::Nnclr(NnclrConfig { queue, ..config }),
        MethodConfig::Ressl(config) => {
            let (momentum, teacher_temperature) = (0.9, 0.02);
            MethodConfig::Ressl(ResslConfig { momentum, teacher_temperature, queue, ..config })
        }
        MethodConfig::Swav(config) => {
            MethodConfig::Swav(SwavConfig { epsilon: 0.02, prototypes: 32, ..config })
        }
        MethodConfig::MocoV3(config) => {
            MethodConfig::MocoV3(MocoV3Config { momentum: fast, ..config })
        }
        MethodConfig::Tico(config) => MethodConfig::Tico(TicoConfig { momentum: fast, ..config }),
        MethodConfig::WMse(config) => {
            // Half as many columns as rows, as in the paper.
            MethodConfig::WMse(WMseConfig { d_output: 32, rows: 64, ..config })
        }
        MethodConfig::SupCon(config) => {
            MethodConfig::SupCon(SupConConfig { temperature: 0.5, ..config })
        }
        MethodConfig::Mae(config) => {
            let (d_decoder, decoder_depth, decoder_heads) = (64, 1, 4);
            let mask_ratio = 0.5;
            MethodConfig::Mae(MaeConfig {
                mask_ratio,
                d_decoder,
                decoder_depth,
                decoder_heads,
                ..config
            })
        }
        MethodConfig::Msn(config) => {
            let (d_hidden, d_output, prototypes) = (256, 64, 64);
            // Few steps need a stronger pull to all clusters.
            let (regularization, momentum) = (3.0, Schedule::cosine(0.97, 1.0));
            MethodConfig::Msn(MsnConfig {
                d_hidden,
                d_output,
                prototypes,
                regularization,
                momentum,
                ..config
            })
        }
        other => other,
    }
}

/// Returns the highest learning rate for 64 images.
fn rate(method: MethodName) -> f64 {
    match method {
        MethodName::SimClr
        | MethodName::FastSiam
        | MethodName::Dino
        | MethodName::Ressl
        | MethodName::Swav
        | MethodName::VisReg => 0.24,
        MethodName::SimSiam
        | MethodName::MocoV2
        | MethodName::MocoV3
        | MethodName::Nnclr
        | MethodName::LeJepa
        | MethodName::Tico => 0.12,
        MethodName::WMse => 3e-3,
        MethodName::BarlowTwins | MethodName::Vicreg | MethodName::Vibcreg => 0.03,
        MethodName::Frossl => 0.02,
        MethodName::EmpSsl => 0.01,
        MethodName::Mae | MethodName::SimMim => 2e-3,
        MethodName::Msn => 4e-3,
        _ => 0.06,
    }
}

/// Returns views of the drawn shapes: two whole ones, or as many as the method learns from.
fn recipe(method: MethodName) -> Recipe {
    let whole = Recipe::shapes(SIDE);
    let view = whole.views[0].clone();
    let local = part(view.clone());
    let weak = vec![crop(SIDE, [0.6, 1.0]), HorizontalFlip { probability: 0.5 }.into()];
    let views = match method {
        MethodName::FastSiam | MethodName::Mmcr => vec![view; 4],
        MethodName::EmpSsl => vec![view; 8],
        MethodName::Swav | MethodName::LeJepa | MethodName::VisReg => {
            vec![view.clone(), view, local.clone(), local]
        }
        // From targets of other colors the transformer learned a third as much.
        MethodName::Msn => vec![weak, view],
        MethodName::Ressl => vec![view, weak],
        MethodName::Mae | MethodName::SimMim => vec![weak],
        _ => return whole,
    };
    Recipe { name: format!("shapes_{method}"), views, ..whole }
}

/// Returns the view with a crop of a smaller part, of fewer pixels.
fn part(mut view: Vec<Operator>) -> Vec<Operator> {
    view[0] = crop(LOCAL, [0.3, 0.6]);
    view
}

fn crop(size: u32, area: [f64; 2]) -> Operator {
    let (aspect, resampling) = ([0.75, 4.0 / 3.0], Resampling::default());
    RandomResizedCrop { size, area, aspect, resampling }.into()
}
