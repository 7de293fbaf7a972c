//! One step of SimCLR on the CPU: views in, weights changed.

use std::hint::black_box;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Tensor};
use selfsame::models::{Method, ResNetConfig, SimClrConfig, Views, seed_weights};
use selfsame::optim::OptimizerConfig;

/// Does a step of `ResNet`-18 of this width on two views of 32 pixels of each image.
pub fn stepper(width: usize, images: usize) -> impl FnMut() {
    let device = Device::flex().autodiff();
    let encoder = ResNetConfig::resnet18(width).init(&device);
    let mut method = seed_weights(SimClrConfig::default().init(encoder, &device), 0);
    let mut optimizer = OptimizerConfig::sgd(0.9, 5e-4).init();
    let normal = Distribution::Normal(0.0, 1.0);
    let view = || Tensor::random([images, 3, 32, 32], normal, &device);
    let views = Views::new(vec![view(), view()], vec![None; images]);
    move || {
        let step = method.step(black_box(&views));
        let gradients = GradientsParams::from_grads(step.loss.backward(), &method);
        method = optimizer.step(1e-3, method.clone(), gradients);
    }
}
