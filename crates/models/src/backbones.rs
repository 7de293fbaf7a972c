//! Encoders, one file per architecture.

mod resnet;
mod vit;

pub use resnet::{Pooling, ResNet, ResNetBlock, ResNetConfig, ResNetStem};
pub use vit::{Vit, VitConfig, VitPooling};
