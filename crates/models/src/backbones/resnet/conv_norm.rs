//! A convolution and its batch norm.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_kernels::Epilogue;

use crate::{BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Seed};

/// A convolution and its batch norm.
#[derive(Module, Debug)]
pub(super) struct ConvNorm {
    conv: Conv2d,
    pub(super) norm: BatchNorm,
}

impl ConvNorm {
    /// Creates both layers; `scale` is that of the norm at the start.
    pub(super) fn new(conv: Conv2dConfig, scale: f64, seed: Seed, device: &Device) -> Self {
        let norm = BatchNormConfig::new(conv.channels[1]).with_scale(scale);
        Self { conv: conv.init(seed.at("conv"), device), norm: norm.init(device) }
    }

    pub(super) fn forward_with(&self, input: Tensor<4>, epilogue: Epilogue<4>) -> Tensor<4> {
        self.norm.forward_with(self.conv.forward(input), epilogue)
    }
}
