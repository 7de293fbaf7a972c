//! The seven methods by name, small.

use burn::tensor::{Device, Tensor};
use selfsame_models::{
    Backbone, BarlowTwinsConfig, Batch, ByolConfig, DinoConfig, Method, MocoV2Config, ResNet,
    ResNetConfig, SimClrConfig, SimSiamConfig, VicregConfig,
};
use selfsame_optim::Schedule;

pub(crate) const METHODS: [&str; 7] =
    ["simclr", "simsiam", "barlow_twins", "vicreg", "byol", "moco_v2", "dino"];

/// Something to do with a method of any type.
pub(crate) trait Visitor {
    type Output;
    fn visit<M>(self, method: M) -> Self::Output
    where
        M: Method<Batch = Batch> + 'static,
        M::Encoder: Backbone<Input = Tensor<4>>;
}

/// Widths of everything between the encoder and the loss.
pub(crate) struct Widths {
    pub(crate) hidden: usize,
    pub(crate) output: usize,
    pub(crate) queue: usize,
}

/// Calls the visitor with the method called `name` around `encoder`.
pub(crate) fn with_method<V: Visitor>(
    name: &str,
    encoder: ResNet,
    Widths { hidden, output, queue }: Widths,
    device: &Device,
    visitor: V,
) -> V::Output {
    let seed = 5;
    match name {
        "simclr" => {
            let config = SimClrConfig {
                d_hidden: hidden,
                d_output: output,
                temperature: 0.2,
                ..SimClrConfig::default()
            };
            visitor.visit(config.init(encoder, seed, device))
        }
        "simsiam" => {
            let config = SimSiamConfig { d_output: hidden, d_predictor: hidden / 4, layers: 2 };
            visitor.visit(config.init(encoder, seed, device))
        }
        "barlow_twins" => {
            let config = BarlowTwinsConfig { d_output: hidden, ..BarlowTwinsConfig::default() };
            visitor.visit(config.init(encoder, seed, device))
        }
        "vicreg" => {
            let config = VicregConfig { d_output: hidden, ..VicregConfig::default() };
            visitor.visit(config.init(encoder, seed, device))
        }
        "byol" => {
            let momentum = Schedule::cosine(0.9, 1.0); // for short runs
            let config = ByolConfig { d_hidden: hidden, d_output: output, momentum };
            visitor.visit(config.init(encoder, seed, device))
        }
        "moco_v2" => {
            let config = MocoV2Config {
                d_hidden: hidden,
                d_output: output,
                queue,
                ..MocoV2Config::default()
            };
            visitor.visit(config.init(encoder, seed, device))
        }
        "dino" => {
            let config = DinoConfig {
                d_hidden: hidden,
                d_bottleneck: output,
                d_output: 2 * hidden,
                teacher_temperature: 0.04,
                ..DinoConfig::default()
            };
            visitor.visit(config.init(encoder, seed, device))
        }
        other => panic!("`{other}` is none of {METHODS:?}"),
    }
}

/// A network of two blocks.
pub(crate) fn encoder(width: usize, device: &Device) -> ResNet {
    ResNetConfig { blocks: vec![1, 1], width, channels: 3 }.init(5, device)
}
