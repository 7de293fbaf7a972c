//! Residual networks for small images.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_kernels::Epilogue;
use serde::{Deserialize, Serialize};

use crate::{Backbone, BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Seed};

/// Sizes of a [`ResNet`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNetConfig {
    /// Basic blocks in each stage. The first block of every stage after the first halves the side.
    pub blocks: Vec<usize>,
    /// Channels of the first stage; each later stage doubles them. The paper's networks have 64.
    pub width: usize,
    /// Channels of an image.
    pub channels: usize,
}

impl ResNetConfig {
    /// Returns the sizes of ResNet-18, `[2, 2, 2, 2]` blocks, with `8 · width` features.
    #[must_use]
    pub fn resnet18(width: usize) -> Self {
        Self { blocks: vec![2; 4], width, channels: 3 }
    }

    /// Returns the sizes of ResNet-10, one block per stage: half the work of ResNet-18.
    #[must_use]
    pub fn resnet10(width: usize) -> Self {
        Self { blocks: vec![1; 4], width, channels: 3 }
    }

    /// Returns the width of the features, which is that of the last stage.
    #[must_use]
    pub fn d_output(&self) -> usize {
        self.width << self.blocks.len().saturating_sub(1)
    }

    /// Creates the network.
    #[must_use]
    pub fn init(&self, seed: impl Into<Seed>, device: &Device) -> ResNet {
        let seed = seed.into();
        let mut d_input = self.width;
        let mut stages = Vec::new();
        for (stage, &blocks) in self.blocks.iter().enumerate() {
            for block in 0..blocks {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let d_output = self.width << stage;
                let seed = seed.at("blocks").at(stages.len());
                stages.push(Block::new(d_input, d_output, stride, seed, device));
                d_input = d_output;
            }
        }
        ResNet {
            stem: ConvNorm::new([self.channels, self.width], 3, 1, seed.at("stem"), device),
            blocks: stages,
            d_output: self.d_output(),
        }
    }
}

/// A residual network with a stem for images of about 32 pixels: one 3×3 convolution of stride 1
/// without max-pooling, then stages of basic blocks, then the mean over the last map.
///
/// # Source
/// He et al., 2015, [arXiv:1512.03385](https://arxiv.org/abs/1512.03385); the stem as in SimCLR's
/// CIFAR-10 appendix, Chen et al., 2020, [arXiv:2002.05709](https://arxiv.org/abs/2002.05709), B.9.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Backbone, ResNetConfig};
///
/// let resnet = ResNetConfig::resnet18(8).init(0, &Device::flex());
/// let features = resnet.forward(Tensor::ones([2, 3, 32, 32], &Device::flex()));
/// assert_eq!(features.dims(), [2, 64]);
/// ```
#[derive(Module, Debug)]
pub struct ResNet {
    stem: ConvNorm,
    blocks: Vec<Block>,
    d_output: usize,
}

impl Backbone for ResNet {
    type Input = Tensor<4>;

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let stem = self.stem.forward_with(images, Epilogue::Relu);
        let maps = self.blocks.iter().fold(stem, |maps, block| block.forward(maps));
        maps.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2)
    }

    fn d_output(&self) -> usize {
        self.d_output
    }
}

/// Two 3×3 convolutions with a residual connection around them.
#[derive(Module, Debug)]
struct Block {
    first: ConvNorm,
    second: ConvNorm,
    /// A 1×1 convolution of the input, where the shape changes.
    shortcut: Option<ConvNorm>,
}

impl Block {
    fn new(d_input: usize, d_output: usize, stride: usize, seed: Seed, device: &Device) -> Self {
        let changes = stride != 1 || d_input != d_output;
        let sizes = [d_input, d_output];
        let shortcut = || ConvNorm::new(sizes, 1, stride, seed.at("shortcut"), device);
        Self {
            first: ConvNorm::new(sizes, 3, stride, seed.at("first"), device),
            second: ConvNorm::new([d_output; 2], 3, 1, seed.at("second"), device),
            shortcut: changes.then(shortcut),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let inner = self.first.forward_with(input.clone(), Epilogue::Relu);
        let residual = match &self.shortcut {
            Some(shortcut) => shortcut.forward_with(input, Epilogue::None),
            None => input,
        };
        self.second.forward_with(inner, Epilogue::AddRelu(residual))
    }
}

/// A convolution and its batch norm.
#[derive(Module, Debug)]
struct ConvNorm {
    conv: Conv2d,
    norm: BatchNorm,
}

impl ConvNorm {
    fn new(
        channels: [usize; 2],
        kernel: usize,
        stride: usize,
        seed: Seed,
        device: &Device,
    ) -> Self {
        Self {
            conv: Conv2dConfig { channels, kernel, stride }.init(seed.at("conv"), device),
            norm: BatchNormConfig::new(channels[1]).init(device),
        }
    }

    fn forward_with(&self, input: Tensor<4>, epilogue: Epilogue<4>) -> Tensor<4> {
        self.norm.forward_with(self.conv.forward(input), epilogue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resnet18_has_the_published_number_of_weights() {
        let resnet = ResNetConfig::resnet18(64).init(0, &Device::flex());
        // 11,168,832 trainable (torchvision's CIFAR variant without its classifier) and a running
        // mean and variance for each of the 4,800 normalized channels.
        assert_eq!(resnet.num_params(), 11_168_832 + 2 * 4_800);
    }

    #[test]
    fn the_side_halves_at_every_stage_but_the_first() {
        let device = Device::flex();
        let block = Block::new(4, 8, 2, Seed::new(0), &device);
        assert_eq!(block.forward(Tensor::ones([1, 4, 9, 8], &device)).dims(), [1, 8, 5, 4]);
    }
}
