#![doc = include_str!("../README.md")]

mod backbone;
mod backbones;
mod clock;
mod half_precision;
mod layers;
mod method;
mod methods;
mod seed;
mod views;
mod weights;

pub use backbone::Backbone;
pub use backbones::{ResNet, ResNetConfig};
pub use clock::Clock;
pub use half_precision::cast_convolutions;
pub use layers::{BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Mlp, MlpConfig, linear};
pub use method::{Method, Step};
pub use methods::{
    BarlowTwins, BarlowTwinsConfig, Classifier, SimClr, SimClrConfig, SimSiam, SimSiamConfig,
};
pub use seed::seed_weights;
pub use views::Views;
pub use weights::{WeightsError, from_safetensors, to_safetensors};
