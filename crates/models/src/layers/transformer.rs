//! The block of a transformer: attention and a perceptron, each with a residual connection.

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use selfsame_kernels::gelu;

use super::linear_normal;
use crate::Seed;
use crate::finite::observe;

/// Sizes of a [`TransformerBlock`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct TransformerBlockConfig {
    /// Width of a token; a multiple of `heads`.
    pub(crate) dim: usize,
    /// Heads of the attention.
    pub(crate) heads: usize,
    /// Width of the perceptron's hidden layer.
    pub(crate) d_hidden: usize,
    /// First scale of each residual branch; `None` for branches without a scale.
    pub(crate) layer_scale: Option<f64>,
}

impl TransformerBlockConfig {
    /// Creates a block. Linear weights are normal with standard deviation 0.02, as in timm.
    pub(crate) fn init(&self, seed: Seed, device: &Device) -> TransformerBlock {
        let Self { dim, heads, d_hidden, layer_scale } = *self;
        let attn = seed.at("attn");
        let mlp = seed.at("mlp");
        let scale = || layer_scale.map(|value| LayerScale::new(dim, value, device));
        TransformerBlock {
            norm1: norm(dim, device),
            attn: Attention {
                qkv: linear_normal(dim, 3 * dim, attn.at("qkv"), device),
                proj: linear_normal(dim, dim, attn.at("proj"), device),
                heads,
            },
            ls1: scale(),
            norm2: norm(dim, device),
            mlp: FeedForward {
                fc1: linear_normal(dim, d_hidden, mlp.at("fc1"), device),
                fc2: linear_normal(d_hidden, dim, mlp.at("fc2"), device),
            },
            ls2: scale(),
        }
    }
}

/// A transformer block that normalizes before each branch.
///
/// ```text
/// y = x + s₁ · attention(norm(x))        output = y + s₂ · fc2(gelu(fc1(norm(y))))
/// ```
/// `s₁` and `s₂` are learned for every feature, or 1. Names of parameters are those of timm.
#[derive(Module, Debug)]
pub(crate) struct TransformerBlock {
    norm1: LayerNorm,
    attn: Attention,
    ls1: Option<LayerScale>,
    norm2: LayerNorm,
    mlp: FeedForward,
    ls2: Option<LayerScale>,
}

impl TransformerBlock {
    /// Maps tokens to tokens.
    ///
    /// # Shapes
    /// - `tokens` and output: `[batch, tokens, dim]`
    pub(crate) fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        self.forward_with(tokens, None)
    }

    /// Maps tokens to tokens, with each of the two branches multiplied by its factor for each sample.
    ///
    /// # Shapes
    /// - `tokens` and output: `[batch, tokens, dim]`
    /// - `factors`: `[batch, 1, 1]` for each branch
    pub(crate) fn forward_with(
        &self,
        tokens: Tensor<3>,
        factors: Option<[Tensor<3>; 2]>,
    ) -> Tensor<3> {
        let [attention, perceptron] = factors.map_or([None, None], |factors| factors.map(Some));
        let branch = self.attn.forward(observed_norm(&self.norm1, tokens.clone()));
        let tokens = tokens + scaled(branch, self.ls1.as_ref(), attention);
        let branch = self.mlp.forward(observed_norm(&self.norm2, tokens.clone()));
        tokens + scaled(branch, self.ls2.as_ref(), perceptron)
    }
}

fn scaled(branch: Tensor<3>, scale: Option<&LayerScale>, factor: Option<Tensor<3>>) -> Tensor<3> {
    let branch = match scale {
        Some(scale) => branch * scale.gamma.val().reshape([1, 1, -1]),
        None => branch,
    };
    match factor {
        Some(factor) => branch * factor,
        None => branch,
    }
}

/// Multi-head self-attention.
///
/// ```text
/// head = softmax(q kᵀ / √d) v        output = proj(all heads)        q, k, v = qkv(x), d = dim / heads
/// ```
///
/// # Source
/// Vaswani et al., 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762), section 3.2.
/// Deviation: none.
#[derive(Module, Debug)]
struct Attention {
    qkv: Linear,
    proj: Linear,
    heads: usize,
}

impl Attention {
    fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        let [batch, count, dim] = tokens.dims();
        let d_head = dim / self.heads;
        let qkv = observed(&self.qkv, tokens);
        let qkv = qkv.reshape([batch, count, 3 * self.heads, d_head]).swap_dims(1, 2);
        let [q, k, v] = [0, 1, 2].map(|part| qkv.clone().narrow(1, part * self.heads, self.heads));
        let scores = (q * (d_head as f64).sqrt().recip()).matmul(k.transpose());
        let heads = softmax(scores, 3).matmul(v);
        observed(&self.proj, heads.swap_dims(1, 2).reshape([batch, count, dim]))
    }
}

/// Two linear layers with GELU between them.
#[derive(Module, Debug)]
struct FeedForward {
    fc1: Linear,
    fc2: Linear,
}

impl FeedForward {
    fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        observed(&self.fc2, gelu(observed(&self.fc1, tokens)))
    }
}

/// A learned factor for every feature of a residual branch.
///
/// # Source
/// Touvron et al., 2021, [arXiv:2103.17239](https://arxiv.org/abs/2103.17239), section 2.
/// Deviation: none.
#[derive(Module, Debug)]
struct LayerScale {
    gamma: Param<Tensor<1>>,
}

impl LayerScale {
    fn new(dim: usize, value: f64, device: &Device) -> Self {
        Self { gamma: Param::from_tensor(Tensor::full([dim], value, device)) }
    }
}

/// Creates a layer norm with the epsilon of transformers, 1e-6.
pub(crate) fn norm(dim: usize, device: &Device) -> LayerNorm {
    LayerNormConfig::new(dim).with_epsilon(1e-6).init(device)
}

/// Applies a linear layer.
pub(crate) fn observed(layer: &Linear, tokens: Tensor<3>) -> Tensor<3> {
    observe(layer.weight.id, layer.forward(tokens))
}

/// Applies a layer norm.
pub(crate) fn observed_norm(layer: &LayerNorm, tokens: Tensor<3>) -> Tensor<3> {
    observe(layer.gamma.id, layer.forward(tokens))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Tolerance;

    fn block(layer_scale: Option<f64>) -> TransformerBlock {
        TransformerBlockConfig { dim: 4, heads: 2, d_hidden: 8, layer_scale }
            .init(Seed::new(3), &Device::flex())
    }

    fn tokens() -> Tensor<3> {
        Seed::new(5).normal([2, 3, 4], 1.0, &Device::flex()).val()
    }

    #[test]
    fn attention_is_the_formula_head_by_head() {
        let layer = |d_output| crate::linear(4, d_output, true, 1, &Device::flex());
        let attention = Attention { qkv: layer(12), proj: layer(4), heads: 2 };
        let found = attention.forward(tokens()).into_data();
        let qkv = attention.qkv.forward(tokens());
        let part = |part: usize, head: usize| qkv.clone().narrow(2, 4 * part + 2 * head, 2);
        let head = |head: usize| {
            let scores = part(0, head).matmul(part(1, head).transpose()) / 2.0_f64.sqrt();
            softmax(scores, 2).matmul(part(2, head))
        };
        let want = attention.proj.forward(Tensor::cat(vec![head(0), head(1)], 2)).into_data();
        found.assert_approx_eq::<f32>(&want, Tolerance::rel_abs(1e-5, 1e-7));
    }

    #[test]
    fn a_branch_of_factor_0_is_dropped() {
        let block = block(Some(0.5));
        let factors = |values: [f32; 2]| {
            let factor = Tensor::<1>::from_floats(values, &Device::flex()).reshape([2, 1, 1]);
            block.forward_with(tokens(), Some([factor.clone(), factor]))
        };
        let first = |tokens: Tensor<3>| tokens.narrow(0, 0, 1).into_data();
        let (whole, dropped) = (block.forward(tokens()), factors([0.0, 1.0]));
        assert_eq!(first(dropped.clone()), first(tokens()));
        assert_ne!(first(whole.clone()), first(tokens()));
        assert_eq!(whole.narrow(0, 1, 1).into_data(), dropped.narrow(0, 1, 1).into_data());
    }

    #[test]
    fn layer_scale_multiplies_each_branch() {
        let apart = |scale| (block(scale).forward(tokens()) - tokens()).abs().max();
        let [whole, tiny] = [None, Some(1e-6)].map(|scale| apart(scale).into_scalar::<f32>());
        assert!(tiny > 0.0 && tiny < 1e-3 * whole, "{tiny} of {whole}");
    }
}
