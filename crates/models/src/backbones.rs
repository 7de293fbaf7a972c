//! Encoders, one file per architecture.

mod resnet;
mod vit;

pub use resnet::{ResNet, ResNetConfig};
pub use vit::{Vit, VitConfig, VitPooling};
