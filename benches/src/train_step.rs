//! Training step of SimCLR: views in, weights updated.

use std::hint::black_box;

use burn::optim::GradientsParams;
use burn::tensor::Device;
use selfsame::models::{Method, ResNetConfig, SimClrConfig, Views, seed_weights};
use selfsame::optim::OptimizerConfig;

use crate::values::values;

/// Returns a function that makes one step of `ResNet`-18 of this width, on two views of 32 pixels
/// of each image.
pub fn stepper(width: usize, images: usize, device: &Device) -> impl FnMut() + use<> {
    let device = device.clone().autodiff();
    let encoder = ResNetConfig::resnet18(width).init(&device);
    let mut method = seed_weights(SimClrConfig::default().init(encoder, &device), 0);
    let mut optimizer = OptimizerConfig::sgd(0.9, 5e-4).init();
    let view = |seed| values(seed, [images, 3, 32, 32], &device);
    let views = Views::new(vec![view(0), view(1)], vec![None; images]);
    move || {
        let step = method.step(black_box(&views));
        let gradients = GradientsParams::from_grads(step.loss.backward(), &method);
        method = optimizer.step(1e-3, method.clone(), gradients);
    }
}
