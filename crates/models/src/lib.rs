#![doc = include_str!("../README.md")]

mod backbone;
mod barlow_twins;
mod batch_norm;
mod classifier;
mod clock;
mod conv;
mod init;
mod linear;
mod method;
mod mlp;
mod precision;
mod resnet;
mod sim_clr;
mod sim_siam;
mod views;
mod weights;

pub use backbone::Backbone;
pub use barlow_twins::{BarlowTwins, BarlowTwinsConfig};
pub use batch_norm::{BatchNorm, BatchNormConfig};
pub use classifier::Classifier;
pub use clock::Clock;
pub use conv::{Conv2d, Conv2dConfig};
pub use init::seed_weights;
pub use linear::linear;
pub use method::{Method, Step};
pub use mlp::{Mlp, MlpConfig};
pub use precision::cast_convolutions;
pub use resnet::{ResNet, ResNetConfig};
pub use sim_clr::{SimClr, SimClrConfig};
pub use sim_siam::{SimSiam, SimSiamConfig};
pub use views::Views;
pub use weights::{WeightsError, from_safetensors, to_safetensors};
