//! The linear map from the pixels of a patch to a token.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::Seed;
use crate::finite::observe;

/// Maps the pixels of patches to tokens. The weights have the shape of the convolution that timm has
/// here, whose stride is its side, so that they can be exchanged.
#[derive(Module, Debug)]
pub(super) struct PatchEmbed {
    proj: Projection,
}

#[derive(Module, Debug)]
struct Projection {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

impl PatchEmbed {
    /// Weights and biases are uniform in `±1/√(channels · patch²)`, as PyTorch's convolutions.
    pub(super) fn new(
        channels: usize,
        dim: usize,
        patch: usize,
        seed: Seed,
        device: &Device,
    ) -> Self {
        let bound = ((channels * patch * patch).max(1) as f64).sqrt().recip();
        let seed = seed.at("proj");
        Self {
            proj: Projection {
                weight: seed.at("weight").uniform([dim, channels, patch, patch], bound, device),
                bias: seed.at("bias").uniform([dim], bound, device),
            },
        }
    }

    /// Maps patches to tokens, in the precision of the weights, as a convolution does.
    ///
    /// # Shapes
    /// - `patches`: `[batch, tokens, channels · patch²]`
    /// - output: `[batch, tokens, dim]`
    pub(super) fn forward(&self, patches: Tensor<3>) -> Tensor<3> {
        let weight = self.proj.weight.val().flatten::<2>(1, 3).transpose();
        let precision = patches.dtype();
        let tokens = patches.cast(weight.dtype()).matmul(weight.unsqueeze()).cast(precision);
        observe(self.proj.weight.id, tokens + self.proj.bias.val().reshape([1, 1, -1]))
    }
    #[cfg(test)]
    pub(super) fn parameters(&self) -> (Tensor<4>, Tensor<1>) {
        (self.proj.weight.val(), self.proj.bias.val())
    }
}
