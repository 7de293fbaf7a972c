//! Training steps: views in, weights updated.

use std::hint::black_box;

use burn::optim::GradientsParams;
use burn::tensor::Device;
use selfsame::models::{
    Batch, ByolConfig, Context, DinoConfig, Method, MocoV2Config, ResNetConfig, SimClrConfig,
};
use selfsame::optim::{GroupedOptimizer, OptimizerConfig, Schedule};

use crate::values::values;

/// The methods that can be timed: SimCLR, and those with a momentum network.
pub const METHODS: [&str; 4] = ["simclr", "byol", "moco_v2", "dino"];

/// Returns a function that makes one step of a method with `ResNet`-18 of this width, on two views
/// of 32 pixels of each image.
///
/// # Panics
/// If there is no such method.
#[must_use]
pub fn stepper(method: &str, width: usize, images: usize, device: &Device) -> Box<dyn FnMut()> {
    let device = device.clone().autodiff();
    let encoder = ResNetConfig::resnet18(width).init(0, &device);
    match method {
        "simclr" => steps(SimClrConfig::default().init(encoder, 0, &device), images, device),
        "byol" => steps(ByolConfig::default().init(encoder, 0, &device), images, device),
        "moco_v2" => steps(MocoV2Config::default().init(encoder, 0, &device), images, device),
        "dino" => steps(DinoConfig::default().init(encoder, 0, &device), images, device),
        other => panic!("`{other}` is none of {METHODS:?}"),
    }
}

fn steps<M>(mut method: M, images: usize, device: Device) -> Box<dyn FnMut()>
where
    M: Method<Batch = Batch> + 'static,
{
    let sgd = OptimizerConfig::sgd(0.9, 5e-4);
    let optimizer = GroupedOptimizer::new(sgd, Schedule::constant(1e-3), Vec::new(), None);
    let mut optimizer = optimizer.expect("the settings are valid");
    let view = |seed| values(seed, [images, 3, 32, 32], &device);
    let batch = Batch::new(vec![view(0), view(1)]);
    let context = Context::default();
    Box::new(move || {
        let step = method.step(black_box(&batch), &context);
        let gradients = GradientsParams::from_grads(step.loss.backward(), &method);
        let gradients = method.filter(gradients, &context);
        method = optimizer.step(0, 1, method.clone(), gradients);
        method.after_update(vec![step.carry], &context);
    })
}
