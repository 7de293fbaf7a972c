//! Encoders, one file per architecture.

mod resnet;

pub use resnet::{ResNet, ResNetConfig};
