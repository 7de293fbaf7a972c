//! Encoders, one file per architecture.

mod airbench;
mod convnext;
mod resnet;

pub use airbench::{Airbench, AirbenchConfig};
pub use convnext::{ConvNext, ConvNextConfig};
pub use resnet::{Pooling, ResNet, ResNetBlock, ResNetConfig, ResNetStem};
