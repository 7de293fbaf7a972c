#![doc = include_str!("../README.md")]

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
mod methods;
mod momentum;
mod seed;
mod settings;
mod step;
mod token_backbone;
mod weights;

pub use backbone::Backbone;
pub use backbones::{ResNet, ResNetConfig};
pub use batch::Batch;
pub use branch::Branch;
pub use clock::Clock;
pub use context::Context;
pub use finite::{NonFiniteLayer, first_non_finite_layer};
pub use half_precision::cast_convolutions;
pub use layers::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, DinoHead, DinoHeadConfig, IterNorm, Mlp,
    MlpConfig, MlpOutput, Projector, linear,
};
pub use method::Method;
pub use methods::{
    AlignUniform, AlignUniformConfig, BarlowTwins, BarlowTwinsConfig, Byol, ByolConfig, Classifier,
    Dino, DinoConfig, DirectClr, DirectClrConfig, EmpSsl, EmpSslConfig, FastSiam, FastSiamConfig,
    Frossl, FrosslConfig, LeJepa, LeJepaConfig, Mmcr, MmcrConfig, MocoV2, MocoV2Config, MocoV3,
    MocoV3Config, Nnclr, NnclrConfig, Ressl, ResslConfig, SimClr, SimClrConfig, SimClrLoss,
    SimSiam, SimSiamConfig, SupCon, SupConConfig, Swav, SwavConfig, Tico, TicoConfig, Vibcreg,
    VibcregConfig, Vicreg, VicregConfig, VisReg, VisRegConfig, WMse, WMseConfig,
};
pub use momentum::Momentum;
pub use seed::Seed;
pub use settings::settings;
pub use step::Step;
pub use token_backbone::TokenBackbone;
pub use weights::{WeightsError, from_safetensors, to_safetensors};
