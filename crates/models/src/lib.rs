#![doc = include_str!("../README.md")]

mod backbone;
mod backbones;
mod batch;
mod branch;
mod clock;
mod context;
mod draws;
mod finite;
mod gather_tokens;
mod half_precision;
mod layers;
mod method;
mod methods;
mod momentum;
mod seed;
mod settings;
mod step;
mod token_backbone;
mod token_split;
#[cfg(test)]
mod untrained;
mod weights;

pub use backbone::Backbone;
pub use backbones::{
    Pooling, ResNet, ResNetBlock, ResNetConfig, ResNetStem, Vit, VitConfig, VitPooling,
};
pub use batch::Batch;
pub use branch::Branch;
pub use clock::Clock;
pub use context::Context;
pub use draws::Draws;
pub use finite::{NonFiniteLayer, first_non_finite_layer};
pub use gather_tokens::gather_tokens;
pub use half_precision::cast_convolutions;
pub use layers::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, DinoHead, DinoHeadConfig, Gem, GemConfig,
    Mlp, MlpConfig, Projector, linear,
};
pub use method::Method;
pub use methods::{
    BarlowTwins, BarlowTwinsConfig, Byol, ByolConfig, Classifier, Dino, DinoConfig, Mae, MaeConfig,
    MocoV2, MocoV2Config, Msn, MsnConfig, SimClr, SimClrConfig, SimMim, SimMimConfig, SimSiam,
    SimSiamConfig, Vicreg, VicregConfig,
};
pub use momentum::Momentum;
pub use seed::Seed;
pub use settings::settings;
pub use step::Step;
pub use token_backbone::{TokenBackbone, TokenMask};
pub use weights::{
    Difference, Loaded, Mismatch, WeightsError, WeightsFile, from_safetensors, to_pytorch,
    to_safetensors,
};
#[cfg(feature = "onnx")]
pub use weights::{OnnxError, OnnxInput, to_onnx};
