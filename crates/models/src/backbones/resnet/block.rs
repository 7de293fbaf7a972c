//! Blocks of residual networks: a few convolutions with a shortcut around them.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_kernels::Epilogue;
use serde::{Deserialize, Serialize};

use super::conv_norm::ConvNorm;
use crate::{Conv2dConfig, Seed};

/// The form of the blocks of a [`ResNet`](crate::ResNet).
///
/// # Example
/// ```
/// use selfsame_models::{ResNetBlock, ResNetConfig};
///
/// let wide = ResNetConfig::wide_resnet50_2(64).block;
/// assert_eq!(wide, ResNetBlock::Bottleneck { widen: 2 });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ResNetBlock {
    /// Two 3×3 convolutions.
    #[default]
    Basic,
    /// A 1×1 convolution to fewer channels, a 3×3 among these, and a 1×1 to four times the width of
    /// the stage.
    Bottleneck {
        /// Channels of the 3×3 convolution, in widths of the stage. 1 in ResNet-50 and ResNet-101,
        /// 2 in Wide ResNet-50-2.
        widen: usize,
    },
}

impl ResNetBlock {
    /// Returns the channels of a block's output, in a stage of width `width`.
    pub(super) fn d_output(self, width: usize) -> usize {
        match self {
            Self::Basic => width,
            Self::Bottleneck { .. } => 4 * width,
        }
    }
}

/// What a [`Block`] is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockConfig {
    pub(super) form: ResNetBlock,
    pub(super) d_input: usize,
    /// The width of its stage.
    pub(super) width: usize,
    /// By what its first 3×3 convolution divides the side.
    pub(super) stride: usize,
    /// The scale of its last norm at the start.
    pub(super) last_scale: f64,
}

impl BlockConfig {
    pub(super) fn init(&self, seed: Seed, device: &Device) -> Block {
        let Self { form, d_input, width, stride, last_scale } = *self;
        let d_output = form.d_output(width);
        let layer = |name: &str, channels: [usize; 2], kernel, stride, scale| {
            ConvNorm::new(Conv2dConfig { channels, kernel, stride }, scale, seed.at(name), device)
        };
        let (first, second, third) = match form {
            ResNetBlock::Basic => (
                layer("first", [d_input, d_output], 3, stride, 1.0),
                layer("second", [d_output; 2], 3, 1, last_scale),
                None,
            ),
            ResNetBlock::Bottleneck { widen } => {
                let inner = widen * width;
                (
                    layer("first", [d_input, inner], 1, 1, 1.0),
                    layer("second", [inner; 2], 3, stride, 1.0),
                    Some(layer("third", [inner, d_output], 1, 1, last_scale)),
                )
            }
        };
        let shortcut = (stride != 1 || d_input != d_output)
            .then(|| layer("shortcut", [d_input, d_output], 1, stride, 1.0));
        Block { first, second, third, shortcut }
    }
}

/// Two or three convolutions with a residual connection around them.
#[derive(Module, Debug)]
pub(super) struct Block {
    first: ConvNorm,
    second: ConvNorm,
    /// The last convolution of a bottleneck.
    third: Option<ConvNorm>,
    /// A 1×1 convolution of the input, where the shape changes.
    shortcut: Option<ConvNorm>,
}

impl Block {
    pub(super) fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let inner = self.first.forward_with(input.clone(), Epilogue::Relu);
        let residual = match &self.shortcut {
            Some(shortcut) => shortcut.forward_with(input, Epilogue::None),
            None => input,
        };
        match &self.third {
            Some(third) => {
                let inner = self.second.forward_with(inner, Epilogue::Relu);
                third.forward_with(inner, Epilogue::AddRelu(residual))
            }
            None => self.second.forward_with(inner, Epilogue::AddRelu(residual)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::list_param_ids;
    use burn::optim::GradientsParams;

    const BOTTLENECK: ResNetBlock = ResNetBlock::Bottleneck { widen: 2 };

    fn block(form: ResNetBlock, d_input: usize, stride: usize, last_scale: f64) -> BlockConfig {
        BlockConfig { form, d_input, width: 2, stride, last_scale }
    }

    /// Values without any pattern, at least 0 as after a ReLU.
    fn maps(dims: [usize; 4], device: &Device) -> Tensor<4> {
        Seed::new(5).normal(dims, 1.0, device).val().abs()
    }

    #[test]
    fn the_stride_is_on_the_first_3_by_3_convolution() {
        let device = Device::flex();
        let dims = |layer: &ConvNorm, input| layer.forward_with(input, Epilogue::None).dims();
        let input = Tensor::ones([1, 6, 9, 8], &device);
        let basic = block(ResNetBlock::Basic, 6, 2, 1.0).init(Seed::new(0), &device);
        assert_eq!(dims(&basic.first, input.clone()), [1, 2, 5, 4]);
        assert_eq!(basic.forward(input.clone()).dims(), [1, 2, 5, 4]);
        let bottleneck = block(BOTTLENECK, 6, 2, 1.0).init(Seed::new(0), &device);
        let inner = bottleneck.first.forward_with(input.clone(), Epilogue::Relu);
        assert_eq!(inner.dims(), [1, 4, 9, 8]);
        assert_eq!(dims(&bottleneck.second, inner), [1, 4, 5, 4]);
        assert_eq!(bottleneck.forward(input).dims(), [1, 8, 5, 4]);
    }

    #[test]
    fn a_shortcut_has_weights_only_where_the_shape_changes() {
        let device = Device::flex();
        let has = |form, d_input, stride| {
            block(form, d_input, stride, 1.0).init(Seed::new(0), &device).shortcut.is_some()
        };
        assert!(!has(ResNetBlock::Basic, 2, 1) && !has(BOTTLENECK, 8, 1));
        assert!(has(ResNetBlock::Basic, 2, 2) && has(BOTTLENECK, 8, 2));
        assert!(has(ResNetBlock::Basic, 4, 1) && has(BOTTLENECK, 2, 1));
    }

    #[test]
    fn with_a_last_scale_of_zero_a_block_starts_as_the_identity_and_learns() {
        let device = Device::flex().autodiff();
        for (form, d_input) in [(ResNetBlock::Basic, 2), (BOTTLENECK, 8)] {
            let input = maps([3, d_input, 5, 4], &device);
            let block = block(form, d_input, 1, 0.0).init(Seed::new(0), &device);
            let output = block.forward(input.clone());
            output.clone().into_data().assert_eq(&input.clone().into_data(), true);
            let weights = maps([3, d_input, 5, 4], &device).powi_scalar(2);
            let gradients = (output * weights).sum().backward();
            let mut gradients = GradientsParams::from_grads(gradients, &block);
            // The scale of the last norm moves first, and with it later everything before it.
            let last = block.third.as_ref().unwrap_or(&block.second);
            let scale = list_param_ids(&last.norm)[0];
            let of_scale = gradients.remove::<1>(scale).unwrap();
            assert!(of_scale.abs().min().into_scalar::<f32>() > 0.0);
        }
    }
}
