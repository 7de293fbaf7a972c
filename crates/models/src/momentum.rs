//! A network that follows another as its moving average.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use selfsame_kernels::moving_average;

/// A network that follows another as the exponential moving average of its weights: the target of
/// BYOL, the key encoder of `MoCo`, the teacher of DINO.
///
/// It has no gradients, its own parameter ids and its own batch norm buffers. In
/// [`Method::step`](crate::Method::step) it normalizes by the statistics of the batch, as the network
/// it follows does: it is not frozen in the sense of [`BatchNorm`](crate::BatchNorm). Weights follow;
/// running statistics do not, since they are those of its own forward passes.
///
/// # Source
/// He et al., 2019, [arXiv:1911.05722](https://arxiv.org/abs/1911.05722), eq. 2.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Backbone, Momentum, ResNetConfig};
///
/// let device = Device::flex().autodiff();
/// let online = ResNetConfig::resnet10(1).init(0, &device);
/// let mut target = Momentum::of(&online);
/// let images = Tensor::ones([2, 3, 8, 8], &device);
/// let features = target.network().forward(images);
/// assert!(!features.is_tracked(), "no gradient reaches the target");
/// target.follow(&online, 0.99);
/// ```
#[derive(Module, Debug)]
pub struct Momentum<N: Module> {
    network: N,
}

impl<N: Module> Momentum<N> {
    /// Copies `online` as it is now.
    #[must_use]
    pub fn of(online: &N) -> Self {
        // Clones of a module share the buffers of batch norm; `valid` copies them.
        let copy = online.valid();
        let is_training = online.devices().iter().any(burn::tensor::Device::is_autodiff);
        let copy = if is_training { copy.train() } else { copy };
        Self { network: copy.no_grad().map(&mut FreshIds) }
    }

    /// Returns the network; its outputs have no graph.
    #[must_use]
    pub fn network(&self) -> &N {
        &self.network
    }

    /// Moves every weight towards that of `online`: `w ← momentum · w + (1 − momentum) · online`.
    ///
    /// Weights are matched by path. Those that `online` does not train stay as they are.
    pub fn follow(&mut self, online: &N, momentum: f64) {
        let mut source = Source::default();
        online.visit(&mut source);
        let mut follow = Follow { source, path: Path::default(), momentum };
        self.network = self.network.clone().map(&mut follow);
    }
}

/// The path of the module that a visitor is in.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn name(&self) -> String {
        self.0.join(".")
    }
}

/// Gives every parameter an id of its own.
struct FreshIds;

impl ModuleMapper for FreshIds {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (_, tensor, mapper) = param.consume();
        Param::from_mapped_value(ParamId::new(), tensor, mapper)
    }
}

/// The weights that a network trains, by path.
#[derive(Default)]
struct Source {
    path: Path,
    ids: HashMap<String, ParamId>,
    weights: GradientsParams, // it stores tensors of any rank by id
}

impl ModuleVisitor for Source {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.0.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.0.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.is_require_grad() {
            self.ids.insert(self.path.name(), param.id);
            self.weights.register(param.id, param.val().inner());
        }
    }
}

struct Follow {
    source: Source,
    path: Path,
    momentum: f64,
}

impl ModuleMapper for Follow {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.0.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.0.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let id = self.source.ids.get(&self.path.name());
        let Some(online) = id.and_then(|id| self.source.weights.remove::<D>(*id)) else {
            return param;
        };
        param.map(|target| {
            let moved = moving_average(target.inner(), online, self.momentum);
            moved.autodiff()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backbone, Branch, MlpConfig, ResNet, ResNetConfig};
    use burn::tensor::Device;

    fn branch(seed: u64, device: &Device) -> Branch<ResNet> {
        let sizes = ResNetConfig { blocks: vec![1], channels: 1, ..ResNetConfig::resnet10(2) };
        let encoder = sizes.init(seed, device);
        let projector = MlpConfig::new([2, 3, 2]).init(seed, device);
        Branch::new(encoder, projector)
    }

    /// Every float of a module, by path.
    #[derive(Default)]
    struct Floats {
        path: Path,
        ids: Vec<ParamId>,
        values: Vec<(String, Vec<f32>)>,
    }

    impl ModuleVisitor for Floats {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.0.push(name.to_owned());
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.0.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.ids.push(param.id);
            self.values.push((self.path.name(), param.val().into_data().iter().collect()));
        }
    }

    fn floats<M: Module>(module: &M) -> Floats {
        let mut floats = Floats::default();
        module.visit(&mut floats);
        floats
    }

    #[test]
    fn a_copy_is_equal_and_shares_neither_buffers_nor_ids_of_weights() {
        let device = Device::flex().autodiff();
        let online = branch(1, &device);
        let target = Momentum::of(&online);
        assert_eq!(floats(&online).values, floats(target.network()).values);
        let before = floats(&online).values;
        let images = Tensor::random([4, 1, 6, 6], burn::tensor::Distribution::Default, &device);
        let embedding = target.network().forward(images);
        assert!(!embedding.is_tracked());
        assert_eq!(floats(&online).values, before, "the copy's forward pass changed the original");
        assert_ne!(floats(target.network()).values, before, "batch statistics are taken in");
        for (id, (name, _)) in floats(&online).ids.iter().zip(before) {
            let shared = floats(target.network()).ids.contains(id);
            assert_eq!(shared, name.contains("running"), "{name}");
        }
    }

    #[test]
    fn follows_by_the_formula_and_leaves_running_statistics() {
        let device = Device::flex().autodiff();
        let (online, other) = (branch(1, &device), branch(2, &device));
        let mut target = Momentum::of(&other);
        let images = Tensor::random([4, 1, 6, 6], burn::tensor::Distribution::Default, &device);
        let _ = target.network().forward(images);
        let before = floats(target.network()).values;
        target.follow(&online, 0.75);
        let after = floats(target.network());
        let zipped = before.iter().zip(&after.values).zip(floats(&online).values);
        for (((name, old), (_, new)), (_, online)) in zipped {
            for ((old, new), online) in old.iter().zip(new).zip(online) {
                let is_statistic = name.contains("running");
                let want = if is_statistic { *old } else { 0.75 * old + 0.25 * online };
                assert!((new - want).abs() < 1e-6, "{name}: {new} for {want}");
            }
        }
        let embedding = target.network().forward(Tensor::ones([2, 1, 6, 6], &device));
        assert!(!embedding.is_tracked(), "still without gradients");
    }

    #[test]
    fn momentum_1_keeps_the_copy_and_0_replaces_it() {
        let device = Device::flex().autodiff();
        let (online, other) = (branch(1, &device), branch(2, &device));
        let mut target = Momentum::of(&other);
        target.follow(&online, 1.0);
        assert_eq!(floats(target.network()).values, floats(&other).values);
        target.follow(&online, 0.0);
        assert_eq!(floats(target.network()).values, floats(&online).values);
    }

    #[test]
    fn a_copy_of_a_network_for_evaluation_stays_one() {
        let encoder = ResNetConfig::resnet10(1).init(0, &Device::flex());
        let copy = Momentum::of(&encoder);
        let images = Tensor::ones([1, 3, 8, 8], &Device::flex());
        assert_eq!(
            copy.network().forward(images.clone()).into_data(),
            encoder.forward(images).into_data()
        );
    }
}
