#![doc = include_str!("../README.md")]

mod any_backbone;
mod any_method;
mod backbone;
mod backbone_config;
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
mod token_split;
#[cfg(test)]
mod untrained;
mod weights;

pub use any_backbone::AnyBackbone;
pub use any_method::{AnyCarry, AnyMethod};
pub use backbone::Backbone;
pub use backbone_config::{BACKBONES, BackboneConfig, UnknownBackbone, backbone};
pub use backbones::{
    Airbench, AirbenchConfig, AirbenchPooling, ConvNext, ConvNextConfig, Pooling, ResNet,
    ResNetBlock, ResNetConfig, ResNetStem, Vit, VitConfig, VitPooling,
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
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, DepthwiseConv, DepthwiseConvConfig, DinoHead,
    DinoHeadConfig, Gem, GemConfig, IterNorm, Mlp, MlpConfig, MlpOutput, PatchConv,
    PatchConvConfig, Projector, linear,
};
pub use method::Method;
pub use method_config::{MethodConfig, NoTokens};
pub use method_name::{MethodName, Needs, UnknownMethod};
pub use methods::{
    AlignUniform, AlignUniformConfig, BarlowTwins, BarlowTwinsConfig, Byol, ByolConfig, Classifier,
    Dino, DinoConfig, DirectClr, DirectClrConfig, EmpSsl, EmpSslConfig, FastSiam, FastSiamConfig,
    Frossl, FrosslConfig, LeJepa, LeJepaConfig, Mae, MaeConfig, Mmcr, MmcrConfig, MocoV2,
    MocoV2Config, MocoV3, MocoV3Config, Msn, MsnConfig, Nnclr, NnclrConfig, Ressl, ResslConfig,
    SimClr, SimClrConfig, SimClrLoss, SimMim, SimMimConfig, SimSiam, SimSiamConfig, SupCon,
    SupConConfig, Swav, SwavConfig, Tico, TicoConfig, Vibcreg, VibcregConfig, Vicreg, VicregConfig,
    VisReg, VisRegConfig, WMse, WMseConfig,
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
