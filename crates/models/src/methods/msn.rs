//! MSN: anchors with masked patches are assigned to the same prototypes as the whole image.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{MsnLossConfig, MsnPrior, Prototypes, msn};
use selfsame_optim::Schedule;
use serde::{Deserialize, Serialize};

use crate::settings::seeded_settings;
use crate::token_split::{TokenSplit, kept_count};
use crate::{
    Batch, Branch, Context, Draws, Method, Mlp, MlpConfig, Momentum, Seed, Step, TokenBackbone,
    TokenMask,
};

/// Settings of [`Msn`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MsnConfig {
    /// Width of the projector's two hidden layers. Default 2048, as in the official code.
    pub d_hidden: usize,
    /// Width of the embedding. Default 256, as in the paper.
    pub d_output: usize,
    /// Number of prototypes. Default 1024, as in the paper.
    pub prototypes: usize,
    /// Share of the patches of an anchor that are masked, in `[0, 1)`. Default 0.15, the paper's for
    /// ViT-small; larger networks have up to 0.7.
    pub mask_ratio: f64,
    /// τ, greater than 0, of anchors and targets. Default 0.1, as in the paper.
    pub temperature: f64,
    /// T, greater than 0: targets are sharpened to the power `1/T`. Default 0.25, as in the paper.
    pub sharpening: f64,
    /// Rounds of Sinkhorn's algorithm on the targets. Default 3, as in the official code; the paper
    /// goes without by default.
    pub iterations: usize,
    /// λ, at least 0, the weight of the entropy of the prototypes' mean use. Default 1, as in the
    /// official code.
    pub regularization: f64,
    /// How much of the target an update keeps, 0 to 1, over the run. Default linear from 0.996 to 1, as
    /// in the paper.
    pub momentum: Schedule,
}

impl Default for MsnConfig {
    /// Returns the settings of the official code for ViT-small.
    fn default() -> Self {
        Self {
            d_hidden: 2048,
            d_output: 256,
            prototypes: 1024,
            mask_ratio: 0.15,
            temperature: 0.1,
            sharpening: 0.25,
            iterations: 3,
            regularization: 1.0,
            momentum: Schedule::linear(0.996, 1.0),
        }
    }
}

impl MsnConfig {
    /// Creates MSN around `encoder`; the target starts as a copy. `seed` decides projector and
    /// prototypes and, with the epoch and the index of a sample, what is masked.
    ///
    /// # Panics
    /// If `mask_ratio` is not in `[0, 1)`, or `d_output` or `prototypes` is 0.
    #[must_use]
    #[track_caller]
    pub fn init<B: TokenBackbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> Msn<B> {
        let Self { d_hidden, d_output, prototypes, mask_ratio, .. } = *self;
        assert!((0.0..1.0).contains(&mask_ratio), "mask_ratio must be in [0, 1), got {mask_ratio}");
        let seed = seed.into();
        let projector = MlpConfig::new([encoder.d_output(), d_hidden, d_hidden, d_output]);
        let projector = projector.with_gelu().init(seed.at("projector"), device);
        let online = Branch::new(encoder, projector);
        let prototype_seed = seed.at("prototypes").number();
        Msn {
            target: Momentum::of(&online),
            online,
            prototypes: Prototypes::new(prototypes, d_output, prototype_seed, device),
            draw_seed: seed.at("draws").number(),
            config: self.clone(),
        }
    }
}

/// MSN, which assigns anchors that lack some patches to the prototypes of the whole image.
///
/// ```text
/// p = softmax(cos(z, prototypes)/τ)      q = softmax(cos(z', prototypes)/(τT)), then Sinkhorn
/// loss = mean over anchors of −Σₖ qₖ log pₖ  −  λ H(mean of p)  +  λ log K
/// ```
/// z = g(f(some patches of an anchor)), z' = g'(f'(target view)); f encoder, g projector. f' and g' are
/// their moving averages, with a momentum that rises to 1, and get no gradient. H is the entropy, K the
/// number of prototypes, which learn from the anchors alone.
///
/// The first view is the target view, all others are anchors. Anchors as large as the target view
/// lose patches, a new random set in every epoch; smaller ones (focal views) are seen whole. The
/// target's encoder is what is kept. The embedding whose spread is measured is z of the first anchor.
///
/// # Source
/// Assran et al., 2022, [arXiv:2204.07141](https://arxiv.org/abs/2204.07141), and the official code.
/// Deviation: patches are drawn for every sample, not once for the batch; views are projected one by
/// one, so batch norm sees one view at a time; the target's momentum ends at 1, where the official code
/// ends at 0.9992; linear layers of the projector are drawn as in PyTorch, prototypes as directions.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, MsnConfig, VitConfig};
///
/// let device = Device::flex().autodiff();
/// let vit = VitConfig { dim: 16, depth: 2, heads: 2, ..VitConfig::tiny(16, 4) };
/// let config = MsnConfig { d_hidden: 32, d_output: 8, prototypes: 6, ..MsnConfig::default() };
/// let mut method = config.init(vit.init(0, &device), 0, &device);
/// let view = |side| Tensor::random([4, 3, side, side], burn::tensor::Distribution::Default, &device);
/// let batch = Batch::new(vec![view(16), view(16), view(8)]);
/// let step = method.step(&batch, &Context::default());
/// method.after_update(vec![step.carry], &Context::default());
/// assert!(step.loss.into_scalar::<f32>() > 0.0);
/// ```
#[derive(Module, Debug)]
pub struct Msn<B: TokenBackbone> {
    online: Branch<B, Mlp>,
    target: Momentum<Branch<B, Mlp>>,
    prototypes: Prototypes,
    draw_seed: u64,
    #[module(skip)]
    config: MsnConfig,
}

impl<B: TokenBackbone> Msn<B> {
    /// Returns the embedding of an anchor, which loses patches unless it is smaller than the target
    /// view, whose grid of patches is `whole`.
    fn anchor(&self, view: &B::Input, whole: [usize; 2], draws: &Draws) -> Tensor<2> {
        let encoder = self.online.encoder().with_draws(draws);
        let grid = encoder.grid(view);
        let mask = if grid == whole {
            let patches = encoder.cut(view.clone());
            let [rows, count, _] = patches.dims();
            let kept = kept_count(count, self.config.mask_ratio);
            TokenMask::Keep(TokenSplit::random(draws, rows, count, kept).kept(&patches.device()))
        } else {
            TokenMask::None
        };
        let tokens = encoder.encode(view.clone(), mask);
        self.online.projector().forward(encoder.pool(tokens))
    }
}

impl<B: TokenBackbone> Method for Msn<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, context: &Context) -> Step {
        let [whole, views @ ..] = batch.views.as_slice() else {
            panic!("this method needs a target view and anchors, the recipe makes no view")
        };
        assert!(!views.is_empty(), "this method needs anchors, the recipe makes 1 view");
        let target = self.target.network().forward(whole.clone()).inner();
        let grid = self.online.encoder().grid(whole);
        let draws = Draws::of(self.draw_seed, batch, context);
        let anchors: Vec<Tensor<2>> = (1..)
            .zip(views)
            .map(|(number, view)| self.anchor(view, grid, &draws.at_view(number)))
            .collect();
        let config = MsnLossConfig {
            temperature: self.config.temperature,
            sharpening: self.config.sharpening,
            iterations: self.config.iterations,
            regularization: self.config.regularization,
            prior: MsnPrior::Uniform,
        };
        let loss = msn(&anchors, target, self.prototypes.rows(), &config);
        Step::new(loss).with_embedding(anchors[0].clone())
    }

    fn after_update(&mut self, _: Vec<()>, context: &Context) {
        let (step, total) = context.clock.progress();
        self.target.follow(&self.online, self.config.momentum.at(step, total));
    }

    fn encoder(&self) -> &B {
        self.target.network().encoder()
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate, or raise `regularization`"
    }

    fn settings(&self) -> serde_json::Value {
        seeded_settings(&self.config, self.draw_seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::untrained::untrained;
    use crate::{Backbone, Clock, Vit, VitConfig, to_safetensors};
    use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};

    fn method(mask_ratio: f64, device: &Device) -> Msn<Vit> {
        let vit = VitConfig { dim: 16, depth: 2, heads: 2, ..VitConfig::tiny(16, 4) };
        let config = MsnConfig {
            d_hidden: 12,
            d_output: 6,
            prototypes: 5,
            mask_ratio,
            momentum: Schedule::constant(0.75),
            ..MsnConfig::default()
        };
        config.init(vit.init(0, device), 7, device)
    }

    fn view(seed: u64, side: usize, device: &Device) -> Tensor<4> {
        let values = Seed::new(seed).normal([3, 3, side, side], 1.0, &Device::flex()).val();
        Tensor::from_data(values.into_data(), device)
    }

    fn batch(device: &Device) -> Batch {
        let views = vec![view(1, 16, device), view(2, 16, device), view(3, 8, device)];
        Batch::new(views).with_indices(vec![4, 9, 6])
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().iter().collect()
    }

    #[test]
    fn gradients_reach_the_online_network_and_the_prototypes_alone() {
        let device = Device::flex().autodiff();
        let method = method(0.5, &device);
        let loss = method.step(&batch(&device), &Context::default()).loss;
        let untrained = untrained(&method, &loss);
        let (target, rest): (Vec<_>, Vec<_>) =
            untrained.into_iter().partition(|path| path.starts_with("target."));
        assert!(rest.iter().all(|path| path.contains("running")), "{rest:?}");
        let mut parameters = 0;
        method.target.visit(&mut Count(&mut parameters));
        assert_eq!(target.len(), parameters);
    }

    struct Count<'a>(&'a mut usize);

    impl burn::module::ModuleVisitor for Count<'_> {
        fn visit_float<const D: usize>(&mut self, _: &burn::module::Param<Tensor<D>>) {
            *self.0 += 1;
        }
    }

    #[test]
    fn anchors_lose_patches_and_focal_views_are_seen_whole() {
        let device = Device::flex().autodiff();
        let (method, batch) = (method(0.75, &device), batch(&device));
        let draws = Draws::of(method.draw_seed, &batch, &Context::default());
        let anchor = |view: &Tensor<4>, number| method.anchor(view, [4, 4], &draws.at_view(number));
        let whole = |view: &Tensor<4>| values(method.online.forward(view.clone()));
        assert_eq!(values(anchor(&batch.views[2], 2)), whole(&batch.views[2]));
        let masked = values(anchor(&batch.views[1], 1));
        assert_ne!(masked, whole(&batch.views[1]));
        assert_ne!(masked, values(anchor(&batch.views[1], 2)), "views have masks of their own");
        // The kept patches are those of the sample's keys.
        let kept = TokenSplit::random(&draws.at_view(1), 3, 16, 4).kept(&device);
        let encoder = method.online.encoder();
        let tokens = encoder.encode(batch.views[1].clone(), TokenMask::Keep(kept));
        assert_eq!(masked, values(method.online.projector().forward(encoder.pool(tokens))));
    }

    #[test]
    fn the_target_sees_the_first_view_whole() {
        let device = Device::flex().autodiff();
        let (method, batch) = (method(0.75, &device), batch(&device));
        let step = method.step(&batch, &Context::default());
        let draws = Draws::of(method.draw_seed, &batch, &Context::default());
        let anchors: Vec<_> = [(&batch.views[1], 1), (&batch.views[2], 2)]
            .map(|(view, number)| method.anchor(view, [4, 4], &draws.at_view(number)))
            .into();
        let target = method.target.network().forward(batch.views[0].clone());
        let config = MsnLossConfig { prior: MsnPrior::Uniform, ..MsnLossConfig::default() };
        let want = msn(&anchors, target, method.prototypes.rows(), &config);
        assert_eq!(values(step.loss), values(want));
        assert_eq!(values(step.embedding.unwrap()), values(anchors[0].clone()));
    }

    #[test]
    fn the_target_follows_after_the_update_and_is_kept() {
        let device = Device::flex().autodiff();
        let (mut method, batch) = (method(0.5, &device), batch(&device));
        let context =
            Context::new(Clock { step: 1, steps_per_epoch: 4, epochs: 2, schedule_start: 0 });
        let class = |encoder: &Vit| {
            let bytes = to_safetensors(encoder, "").unwrap();
            let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            let (values, _) =
                file.tensor("blocks.1.mlp.fc2.weight").unwrap().data().as_chunks::<4>();
            values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<f32>>()
        };
        let old = class(method.encoder());
        assert_eq!(class(method.online.encoder()), old, "the target starts as a copy");
        let step = method.step(&batch, &context);
        let gradients = GradientsParams::from_grads(step.loss.backward(), &method);
        let mut optimizer: ModuleOptimizer = SgdConfig::new().init();
        method = optimizer.step(0.5, method, gradients);
        assert_eq!(class(method.encoder()), old, "the optimizer leaves the target");
        let online = class(method.online.encoder());
        assert_ne!(online, old);
        method.after_update(vec![step.carry], &context);
        let zipped = class(method.encoder()).into_iter().zip(old.iter().zip(online));
        for (target, (old, online)) in zipped {
            assert!((target - (0.75 * old + 0.25 * online)).abs() < 1e-7);
        }
        let features = method.encoder().forward(view(1, 16, &device));
        assert!(!features.is_tracked());
    }

    #[test]
    #[should_panic(expected = "this method needs anchors, the recipe makes 1 view")]
    fn a_target_view_alone_is_refused() {
        let device = Device::flex().autodiff();
        let batch = Batch::new(vec![view(1, 16, &device)]);
        let _ = method(0.5, &device).step(&batch, &Context::default());
    }
}
