//! The preset of an hour on a CPU.

use selfsame_augment::Recipe;
use selfsame_models::{
    AirbenchConfig, AirbenchPooling, BackboneConfig, EmpSslConfig, MethodConfig,
};
use selfsame_optim::OptimizerConfig;

use super::Preset;

/// Patches of each image.
const PATCHES: usize = 8;

pub(super) fn preset() -> Preset {
    let encoder = AirbenchConfig {
        widths: [64, 256, 512],
        pooling: AirbenchPooling::Mean,
        joined: true,
        ..AirbenchConfig::default()
    };
    Preset {
        source:
            "ours: EMP-SSL (arXiv:2304.03977) on patches in the size they have in the image, with \
                 the network of airbench (arXiv:2404.00498)"
                .to_owned(),
        backbone: BackboneConfig::Airbench(encoder),
        recipe: Recipe::patches_cifar(PATCHES),
        method: MethodConfig::EmpSsl(EmpSslConfig { invariance: 400.0, ..Default::default() }),
        optimizer: OptimizerConfig::sgd(0.9, 5e-4),
        rate: 0.04,
        batch_size: 128,
        warmup_epochs: 1,
        last_rate: 0.0,
        epochs: 30,
        clip_norm: None,
    }
}
