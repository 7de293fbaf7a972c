//! Encoders, one file per architecture.

mod airbench;
mod convnext;
mod resnet;
mod vit;

pub use airbench::{Airbench, AirbenchConfig, AirbenchPooling};
pub use convnext::{ConvNext, ConvNextConfig};
pub use resnet::{Pooling, ResNet, ResNetBlock, ResNetConfig, ResNetStem};
pub use vit::{Vit, VitConfig, VitPooling};
