//! W-MSE: whitened views agree.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{WMseLossConfig, w_mse};
use serde::{Deserialize, Serialize};

use crate::{Backbone, Batch, Context, Method, Mlp, MlpConfig, Seed, Step, settings};

/// Settings of [`WMse`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WMseConfig {
    /// Width of the projector's hidden layer. Default 1024, as in the paper.
    pub d_hidden: usize,
    /// Width of the embedding. Default 64, as in the paper on CIFAR-10.
    pub d_output: usize,
    /// Rows that are whitened together, at least twice `d_output`; a smaller batch is whitened as
    /// one. Default 128, as in the paper on CIFAR-10.
    pub rows: usize,
    /// Share of the mean variance in the covariance, 0 to 1, which keeps it invertible. Default 1e-6
    /// (ours); the official code has 0.
    pub epsilon: f64,
}

impl Default for WMseConfig {
    /// Returns the paper's CIFAR-10 settings, with an epsilon of 1e-6 (ours).
    fn default() -> Self {
        Self { d_hidden: 1024, d_output: 64, rows: 128, epsilon: 1e-6 }
    }
}

impl WMseConfig {
    /// Creates W-MSE around `encoder`.
    #[must_use]
    pub fn init<B: Backbone>(&self, encoder: B, seed: impl Into<Seed>, device: &Device) -> WMse<B> {
        let projector = MlpConfig::new([encoder.d_output(), self.d_hidden, self.d_output]);
        let projector = projector.init(seed.into().at("projector"), device);
        WMse { encoder, projector, config: self.clone() }
    }
}

/// W-MSE, which whitens the embeddings of each view and brings those of every image together.
///
/// ```text
/// loss = mean over pairs of views (u, v) and images of 2 − 2 cos(W_u z_u, W_v z_v)        z = g(f(view))
/// ```
/// f encoder, g projector; `W` whitens the centered rows of a view, some of a batch at a time
/// (Cholesky), so that they cannot collapse. The loss is 0 to 4. There are 2 views or more; the paper
/// has 2 or 4.
///
/// Needs a batch of several times `d_output` rows: fewer than `d_output` have no covariance that can
/// be inverted, and `epsilon` then decides the directions.
///
/// # Source
/// Ermolov et al., 2020, [arXiv:2007.06346](https://arxiv.org/abs/2007.06346), and the official code.
/// Deviation: `epsilon`; the rows of a batch are not shuffled again before they are split; views are
/// projected one by one, so batch norm sees one view at a time there too.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, ResNetConfig, WMseConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let method = WMseConfig { d_output: 2, ..WMseConfig::default() }.init(encoder, 0, &device);
/// let view = Tensor::random([8, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// // Equal views agree, whitened or not.
/// assert!(step.loss.into_scalar::<f32>() < 1e-4);
/// ```
#[derive(Module, Debug)]
pub struct WMse<B: Module> {
    encoder: B,
    projector: Mlp,
    #[module(skip)]
    config: WMseConfig,
}

impl<B: Backbone> WMse<B> {
    fn embed(&self, view: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for WMse<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let views = batch.at_least(2).iter();
        let z: Vec<_> = views.map(|view| self.embed(view.clone())).collect();
        let config = WMseLossConfig { rows: self.config.rows, epsilon: self.config.epsilon };
        let pairs = (0..z.len()).flat_map(|v| (0..v).map(move |u| (u, v)));
        let losses = pairs.map(|(u, v)| w_mse(z[u].clone(), z[v].clone(), &config)).collect();
        Step::new(Tensor::cat(losses, 0).mean()).with_embedding(z[0].clone())
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate or `d_output`, or use larger batches and raise `rows`"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::checks::assert_views_are_alike;
    use crate::methods::small::{device, encoder, values, views};

    const CONFIG: WMseConfig = WMseConfig { d_hidden: 6, d_output: 2, rows: 5, epsilon: 1e-3 };

    fn loss(config: &WMseConfig, batch: &Batch) -> f32 {
        let method = config.init(encoder(1), 0, &device());
        values(method.step(batch, &Context::default()).loss)[0]
    }

    #[test]
    fn all_views_get_gradients_of_one_size() {
        assert_views_are_alike(&CONFIG.init(encoder(1), 0, &device()), &views(3));
    }

    #[test]
    fn the_loss_is_the_mean_over_all_pairs_of_views() {
        let all = views(3);
        let pair = |a: usize, b: usize| {
            loss(&CONFIG, &Batch::new(vec![all.views[a].clone(), all.views[b].clone()]))
        };
        let (mean, loss) = ((pair(0, 1) + pair(0, 2) + pair(1, 2)) / 3.0, loss(&CONFIG, &all));
        assert!(mean > 0.01 && (loss - mean).abs() < 1e-5, "{loss} for {mean}");
    }

    #[test]
    fn rows_are_whitened_in_groups_of_the_setting() {
        let loss = |rows| loss(&WMseConfig { rows, ..CONFIG }, &views(2));
        assert!((loss(2) - loss(5)).abs() > 1e-3);
        assert!((loss(5) - loss(100)).abs() < 1e-6, "a batch of 5 rows is one group");
    }

    #[test]
    #[should_panic(expected = "needs 2 views or more")]
    fn one_view_is_refused() {
        let _ = loss(&CONFIG, &views(1));
    }
}
