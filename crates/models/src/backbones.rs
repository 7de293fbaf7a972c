//! Encoders, one file per architecture.

mod resnet;

pub use resnet::{Pooling, ResNet, ResNetBlock, ResNetConfig, ResNetStem};
