//! Layers that encoders and heads are built from.

mod batch_norm;
mod conv2d;
mod linear;
mod mlp;

pub use batch_norm::{BatchNorm, BatchNormConfig};
pub use conv2d::{Conv2d, Conv2dConfig};
pub use linear::linear;
pub use mlp::{Mlp, MlpConfig};
