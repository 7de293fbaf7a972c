//! Every method by name, small.

use burn::tensor::Device;
use selfsame_models::{
    AnyBackbone, AnyMethod, BackboneConfig, MethodConfig, MethodName, Needs, ResNet, ResNetConfig,
    VitConfig,
};
use selfsame_optim::Schedule;
use serde_json::json;

/// Widths of everything between the encoder and the loss.
#[derive(Clone, Copy)]
pub(crate) struct Widths {
    pub(crate) hidden: usize,
    pub(crate) output: usize,
    pub(crate) queue: usize,
}

/// Returns a method with these widths around a small encoder.
pub(crate) fn method(name: MethodName, width: usize, widths: Widths, device: &Device) -> AnyMethod {
    let seed = 5;
    config(name, widths).init(any_encoder(name, width, device), seed, device).unwrap()
}

fn config(name: MethodName, Widths { hidden, output, queue }: Widths) -> MethodConfig {
    let mut settings = serde_json::to_value(name.config()).unwrap();
    let has_hidden = settings.get("d_hidden").is_some();
    for (key, value) in [
        ("d_hidden", json!(hidden)),
        ("d_output", json!(if has_hidden { output } else { hidden })),
        ("d_predictor", json!(hidden / 4)),
        ("d_decoder", json!(hidden)),
        ("decoder_depth", json!(1)),
        ("decoder_heads", json!(2)),
        ("prototypes", json!(hidden)),
        ("queue", json!(queue)),
        ("groups", json!(1)),
        ("slices", json!(16)),
        ("rows", json!(8)),
    ] {
        if let Some(setting) = settings.get_mut(key) {
            *setting = value;
        }
    }
    let mut config = serde_json::from_value(settings).unwrap();
    // For short runs.
    match &mut config {
        MethodConfig::SimClr(config) => config.temperature = 0.2,
        MethodConfig::Byol(config) => config.momentum = Schedule::cosine(0.9, 1.0),
        MethodConfig::Dino(config) => {
            (config.d_bottleneck, config.d_output) = (output, 2 * hidden);
            config.teacher_temperature = 0.04;
        }
        // Its queues are in use from the second epoch on.
        MethodConfig::Swav(config) => config.queue_epoch = 1,
        _ => {}
    }
    config
}

/// A network of two blocks.
pub(crate) fn encoder(width: usize, device: &Device) -> ResNet {
    resnet(width).init(5, device)
}

fn resnet(width: usize) -> ResNetConfig {
    ResNetConfig { blocks: vec![1, 1], width, ..ResNetConfig::default() }
}

fn any_encoder(name: MethodName, width: usize, device: &Device) -> AnyBackbone {
    let config = if name.needs() == Needs::Tokens {
        let tiny = VitConfig::tiny(12, 2);
        BackboneConfig::Vit(VitConfig { dim: 2 * width, depth: 2, heads: 2, ..tiny })
    } else {
        BackboneConfig::ResNet(resnet(width))
    };
    config.init(5, device)
}
