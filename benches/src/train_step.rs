//! Training steps: views in, weights updated; and forward passes alone.

use std::hint::black_box;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Device;
use selfsame::models::{AnyBackbone, Backbone, Batch, Context, Method, MethodName, backbone};
use selfsame::optim::{GroupedOptimizer, OptimizerConfig, Schedule};
use selfsame::train::Preset;

use crate::values::values;

/// The methods that the bench times: SimCLR, and those with a momentum network.
pub const METHODS: [&str; 4] = ["simclr", "byol", "moco_v2", "dino"];

/// Returns the network `resnet18/64` (with its width), `resnet50`, `vit_tiny/4` (with its patch),
/// or `laptop` (that of the preset), for images of `side` pixels.
///
/// # Panics
/// If there is no such network.
#[must_use]
pub fn network(name: &str, side: usize, device: &Device) -> AnyBackbone {
    if name == "laptop" {
        return Preset::laptop().backbone.init(0, device);
    }
    let (family, number) = name.split_once('/').unwrap_or((name, ""));
    let config = backbone(family).expect("a known name").for_images(side);
    let config = match (number.parse(), family.starts_with("vit")) {
        (Ok(patch), true) => config.with_patch(patch),
        (Ok(width), false) => config.with_width(width),
        (Err(_), _) => config,
    };
    config.init(0, device)
}

/// Returns a function that makes one step of a method with two views of each image, or eight
/// patches for EMP-SSL.
///
/// # Panics
/// If there is no such method or network.
#[must_use]
pub fn stepper(
    method: &str,
    name: &str,
    images: usize,
    side: usize,
    device: &Device,
) -> Box<dyn FnMut()> {
    let device = device.clone().autodiff();
    let encoder = network(name, side, &device);
    let method: MethodName = method.parse().expect("a known method");
    let views = if method == MethodName::EmpSsl { 8 } else { 2 };
    let mut method = method.config().init(encoder, 0, &device).expect("an encoder that fits");
    let sgd = OptimizerConfig::sgd(0.9, 5e-4);
    let optimizer = GroupedOptimizer::new(sgd, Schedule::constant(1e-3), Vec::new(), None);
    let mut optimizer = optimizer.expect("the settings are valid");
    let view = |seed| values(seed, [images, 3, side, side], &device);
    let batch = Batch::new((0..views).map(view).collect());
    let context = Context::default();
    Box::new(move || {
        let step = method.step(black_box(&batch), &context);
        let gradients = GradientsParams::from_grads(step.loss.backward(), &method);
        let gradients = method.filter(gradients, &context);
        method = optimizer.step(0, 1, method.clone(), gradients);
        method.after_update(vec![step.carry], &context);
    })
}

/// Returns a function that computes the features of one batch, as an evaluation does.
///
/// # Panics
/// If there is no such network.
#[must_use]
pub fn embedder(name: &str, images: usize, side: usize, device: &Device) -> Box<dyn FnMut()> {
    let network = network(name, side, device).valid();
    let view = values(0, [images, 3, side, side], device);
    Box::new(move || {
        let features = network.forward(black_box(view.clone()));
        black_box(features.into_data());
    })
}
