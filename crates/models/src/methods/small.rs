//! A small encoder, views, and gradients by path, for the tests of methods.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use crate::{Batch, ResNet, ResNetConfig, to_safetensors};

pub(super) fn device() -> Device {
    Device::flex().autodiff()
}

/// A residual network with 4 features.
pub(super) fn encoder(seed: u64) -> ResNet {
    ResNetConfig { blocks: vec![1], width: 4, channels: 1 }.init(seed, &device())
}

/// `count` views of five samples, without any pattern.
pub(super) fn views(count: usize) -> Batch {
    let shape = [5, 1, 8, 8];
    let view = |view: usize| {
        let pixel = |place: usize| (((view + 1) * 7919 + place * 104_729) % 1009) as f32 / 504.5;
        let pixels: Vec<f32> = (0..shape.iter().product()).map(|at| pixel(at) - 1.0).collect();
        Tensor::from_data(TensorData::new(pixels, shape), &device())
    };
    Batch::new((0..count).map(view).collect())
}

pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

/// Asserts that two tensors are equal, up to rounding.
#[track_caller]
pub(super) fn assert_close<const D: usize>(found: Tensor<D>, want: Tensor<D>) {
    assert_eq!(found.dims(), want.dims());
    for (found, want) in values(found).into_iter().zip(values(want)) {
        assert!((found - want).abs() <= 1e-5 * (1.0 + want.abs()), "{found} for {want}");
    }
}

/// The gradient of `loss` with respect to every parameter that has one, by path.
pub(super) fn gradients<M: Module>(method: &M, loss: Tensor<1>) -> BTreeMap<String, Vec<f32>> {
    let (path, found) = (Vec::new(), BTreeMap::new());
    let mut visitor = Visitor { gradients: loss.backward(), path, found };
    method.visit(&mut visitor);
    visitor.found
}

/// Asserts that two sets of gradients are equal, up to rounding.
#[track_caller]
pub(super) fn assert_same_gradients(
    found: &BTreeMap<String, Vec<f32>>,
    want: &BTreeMap<String, Vec<f32>>,
) {
    assert!(found.keys().eq(want.keys()), "{:?} and {:?}", found.keys(), want.keys());
    for ((path, found), want) in found.iter().zip(want.values()) {
        for (found, want) in found.iter().zip(want) {
            assert!((found - want).abs() <= 1e-4 * (1.0 + want.abs()), "{path}: {found}, {want}");
        }
    }
}

/// Every weight, statistic and state of a module, as bytes.
pub(super) fn state<M: Module>(module: &M) -> Vec<u8> {
    to_safetensors(module, "").unwrap()
}

struct Visitor {
    gradients: Gradients,
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Visitor {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(&self.gradients) {
            self.found.insert(self.path.join("."), values(gradient));
        }
    }
}
