#![doc = include_str!("../README.md")]

mod any_backbone;
mod any_method;
mod backbone;
mod backbones;
mod batch;
mod branch;
mod clock;
mod context;
mod finite;
mod half_precision;
mod layers;
mod method;
mod method_config;
mod method_name;
mod method_table;
mod methods;
mod momentum;
mod one_of;
mod seed;
mod settings;
mod step;
mod token_backbone;
mod weights;

pub use any_backbone::{AnyBackbone, BackboneConfig, UnknownBackbone, backbone};
pub use any_method::{AnyCarry, AnyMethod};
pub use backbone::Backbone;
pub use backbones::{
    Airbench, AirbenchConfig, ConvNext, ConvNextConfig, Pooling, ResNet, ResNetBlock, ResNetConfig,
    ResNetStem,
};
pub use batch::Batch;
pub use branch::Branch;
pub use clock::Clock;
pub use context::Context;
pub use finite::{NonFiniteLayer, first_non_finite_layer};
pub use half_precision::cast_convolutions;
pub use layers::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, DepthwiseConv, DepthwiseConvConfig, DinoHead,
    DinoHeadConfig, Gem, GemConfig, IterNorm, Mlp, MlpConfig, PatchConv, PatchConvConfig,
    Projector, linear,
};
pub use method::Method;
pub use method_config::{MethodConfig, NoTokens};
pub use method_name::{MethodName, Needs, UnknownMethod};
pub use methods::{
    BarlowTwins, BarlowTwinsConfig, Byol, ByolConfig, Classifier, Dino, DinoConfig, EmpSsl,
    EmpSslConfig, Frossl, FrosslConfig, LeJepa, LeJepaConfig, Mmcr, MmcrConfig, MocoV2,
    MocoV2Config, SimClr, SimClrConfig, SimSiam, SimSiamConfig, Tico, TicoConfig, Vibcreg,
    VibcregConfig, Vicreg, VicregConfig, VisReg, VisRegConfig, WMse, WMseConfig,
};
pub use momentum::Momentum;
pub use seed::Seed;
pub use settings::settings;
pub use step::Step;
pub use token_backbone::TokenBackbone;
pub use weights::{WeightsError, from_safetensors, to_safetensors};
