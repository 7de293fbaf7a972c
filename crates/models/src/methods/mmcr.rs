//! MMCR: views of an image point in one direction, images in as many as possible.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{MmcrLossConfig, mmcr};
use serde::{Deserialize, Serialize};

use super::unit_rows::unit_rows;
use crate::{
    Backbone, Batch, Branch, Context, Method, Mlp, MlpConfig, Momentum, Seed, Step, settings,
};

/// Settings of [`Mmcr`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MmcrConfig {
    /// Width of the projector's hidden layer. Default 512, as in the official code on CIFAR-10; 8192,
    /// twice, on ImageNet.
    pub d_hidden: usize,
    /// Width of the embedding. Default 128, as in the official code on CIFAR-10; 512 on ImageNet.
    pub d_output: usize,
    /// λ, 0 or more, the weight of the nuclear norm of each image's views. Default 0, as in the
    /// official code; then it is not computed.
    pub compactness: f64,
    /// How much of a momentum network an update keeps, 0 to 1. Default none: there is no such
    /// network, as in the official code on CIFAR-10; 0.99 on ImageNet.
    pub momentum: Option<f64>,
}

impl Default for MmcrConfig {
    /// Returns the official code's CIFAR-10 settings.
    fn default() -> Self {
        Self { d_hidden: 512, d_output: 128, compactness: 0.0, momentum: None }
    }
}

impl MmcrConfig {
    /// Creates MMCR around `encoder`; the momentum network, if any, starts as a copy.
    #[must_use]
    pub fn init<B: Backbone>(&self, encoder: B, seed: impl Into<Seed>, device: &Device) -> Mmcr<B> {
        let projector = MlpConfig::new([encoder.d_output(), self.d_hidden, self.d_output]);
        let projector = projector.init(seed.into().at("projector"), device);
        let online = Branch::new(encoder, projector);
        let target = self.momentum.map(|_| Momentum::of(&online));
        Mmcr { online, target, config: self.clone() }
    }
}

/// MMCR, which makes the mean views of different images span as much as they can.
///
/// ```text
/// loss = −‖C‖_* + λ mean over images of ‖Z_b‖_*        z = g(f(view)) of unit length
/// ```
/// f encoder, g projector; row b of `C` is the mean of the views `Z_b` of image b, and `‖·‖_*` the sum
/// of the singular values. A mean view is long if the views agree, and rows of `C` have large singular
/// values if they are at right angles. There are 2 views or more. With a momentum network, whose
/// outputs get no gradient, its views count too.
///
/// # Source
/// Yerxa et al., 2023, [arXiv:2303.03307](https://arxiv.org/abs/2303.03307), and the official code.
/// Deviation: the projector's last layer has a bias; views are encoded one by one, so batch norm sees
/// one view at a time; `compactness` counts the views of both networks, as in lightly.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, MmcrConfig, ResNetConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let method = MmcrConfig::default().init(encoder, 0, &device);
/// let view = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// // Four rows of unit length: 4 if they are at right angles, √4 if they are the same.
/// let loss = step.loss.into_scalar::<f32>();
/// assert!((-4.001..=-1.999).contains(&loss), "{loss}");
/// ```
#[derive(Module, Debug)]
pub struct Mmcr<B: Backbone> {
    online: Branch<B, Mlp>,
    target: Option<Momentum<Branch<B, Mlp>>>,
    #[module(skip)]
    config: MmcrConfig,
}

impl<B: Backbone> Method for Mmcr<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let views = batch.at_least(2);
        let embed = |branch: &Branch<B, Mlp>| -> Vec<Tensor<2>> {
            views.iter().map(|view| unit_rows(branch.forward(view.clone()))).collect()
        };
        let online = embed(&self.online);
        let target = self.target.as_ref().map_or_else(Vec::new, |target| embed(target.network()));
        let config = MmcrLossConfig { compactness: self.config.compactness };
        Step::new(mmcr(&online, &target, &config)).with_embedding(online[0].clone())
    }

    fn after_update(&mut self, _: Vec<()>, _: &Context) {
        if let (Some(target), Some(momentum)) = (&mut self.target, self.config.momentum) {
            target.follow(&self.online, momentum);
        }
    }

    fn encoder(&self) -> &B {
        self.online.encoder()
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate or `compactness`, or use larger batches"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ResNet;
    use crate::methods::checks::assert_views_are_alike;
    use crate::methods::small::{assert_close, device, encoder, gradients, state, values, views};

    const CONFIG: MmcrConfig =
        MmcrConfig { d_hidden: 6, d_output: 4, compactness: 0.0, momentum: None };

    fn method(config: &MmcrConfig) -> Mmcr<ResNet> {
        config.init(encoder(1), 0, &device())
    }

    fn loss(method: &Mmcr<ResNet>) -> Tensor<1> {
        method.step(&views(3), &Context::default()).loss
    }

    #[test]
    fn all_views_get_gradients_of_one_size() {
        let config = MmcrConfig { compactness: 0.1, ..CONFIG };
        assert_views_are_alike(&method(&config), &views(3));
    }

    #[test]
    fn rows_have_unit_length_so_that_the_loss_is_bounded() {
        let (method, batch) = (method(&CONFIG), views(2));
        let rows = batch.pair().map(|view| unit_rows(method.online.forward(view)));
        let config = MmcrLossConfig { compactness: 0.0 };
        assert_close(method.step(&batch, &Context::default()).loss, mmcr(&rows, &[], &config));
    }

    /// A copy of the network has the same embeddings: the mean views stay as they are, but only half
    /// of what they are made of is trained.
    #[test]
    fn views_of_the_momentum_network_count_as_constants() {
        let alone = method(&CONFIG);
        let both = method(&MmcrConfig { momentum: Some(0.9), ..CONFIG });
        assert_close(loss(&both), loss(&alone));
        let (whole, half) = (gradients(&alone, loss(&alone)), gradients(&both, loss(&both)));
        assert!(whole.keys().eq(half.keys()), "the target is not trained: {:?}", half.keys());
        for ((path, whole), half) in whole.iter().zip(half.values()) {
            for (whole, half) in whole.iter().zip(half) {
                assert!((half * 2.0 - whole).abs() < 1e-3, "{path}: {half}, {whole}");
            }
        }
    }

    #[test]
    fn the_momentum_network_follows_after_the_update() {
        let mut both = method(&MmcrConfig { momentum: Some(0.25), ..CONFIG });
        let other = CONFIG.init(encoder(7), 7, &device()).online;
        both.target = Some(Momentum::of(&other));
        let mut want = Momentum::of(&other);
        want.follow(&both.online, 0.25);
        both.after_update(vec![()], &Context::default());
        assert!(state(both.target.as_ref().unwrap()) == state(&want));
    }

    #[test]
    fn compactness_adds_the_norm_of_each_images_views() {
        let [plain, one, two] = [0.0, 1.0, 2.0]
            .map(|compactness| values(loss(&method(&MmcrConfig { compactness, ..CONFIG })))[0]);
        // Three rows of unit length have a nuclear norm from √3 to 3.
        assert!((1.732..=3.001).contains(&(one - plain)), "{plain}, {one}");
        assert!((two - plain - 2.0 * (one - plain)).abs() < 1e-4);
    }

    #[test]
    #[should_panic(expected = "needs 2 views or more")]
    fn one_view_is_refused() {
        let _ = method(&CONFIG).step(&views(1), &Context::default());
    }
}
