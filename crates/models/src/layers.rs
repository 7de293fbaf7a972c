//! Layers that encoders and heads are built from.

mod batch_norm;
mod conv2d;
mod dino_head;
mod iter_norm;
mod linear;
mod mlp;
mod projector;
mod transformer;

pub use batch_norm::{BatchNorm, BatchNormConfig};
pub use conv2d::{Conv2d, Conv2dConfig};
pub use dino_head::{DinoHead, DinoHeadConfig};
pub use iter_norm::IterNorm;
pub use linear::linear;
pub(crate) use linear::linear_normal;
pub use mlp::{Mlp, MlpConfig, MlpOutput};
pub use projector::Projector;
pub(crate) use transformer::{
    TransformerBlock, TransformerBlockConfig, norm, observed, observed_norm,
};
