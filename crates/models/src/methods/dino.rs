//! DINO: a student sees parts of an image and predicts what its teacher makes of the whole.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{DinoCenter, DinoLossConfig, TeacherTemperature, dino};
use selfsame_optim::Schedule;
use serde::{Deserialize, Serialize};

use crate::{
    Backbone, Batch, Branch, Context, DinoHead, DinoHeadConfig, Method, Momentum, Seed, Step,
    settings,
};

/// Settings of [`Dino`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DinoConfig {
    /// Width of the projector's hidden layers. Default 512 (ours); the paper has 2048.
    pub d_hidden: usize,
    /// Width of the projector's bottleneck. Default 128 (ours); the paper has 256.
    pub d_bottleneck: usize,
    /// Width of the output. Default 1024 (ours); the paper has 65,536.
    pub d_output: usize,
    /// Whether the projector's hidden layers are normalized over the batch. Default true, as lightly
    /// and solo-learn have it for residual networks on CIFAR-10; the paper's transformers go without.
    pub normalize_hidden: bool,
    /// Views that the teacher sees, the first of each sample; the student sees all. Default 2, as in
    /// the paper.
    pub global_views: usize,
    /// `τ_s`, greater than 0, of the student. Default 0.1, as in the paper.
    pub student_temperature: f64,
    /// `τ_t`, greater than 0, of the teacher after the warm-up. Default 0.07, as in the paper.
    pub teacher_temperature: f64,
    /// `τ_t`, greater than 0, at the start. Default 0.04, as in the paper.
    pub warmup_teacher_temperature: f64,
    /// Epochs over which `τ_t` rises linearly. Default 30, as in the paper.
    pub warmup_teacher_epochs: f64,
    /// How much of the center an update keeps, in `[0, 1)`. Default 0.9, as in the paper.
    pub center_momentum: f64,
    /// How much of the teacher an update keeps, 0 to 1, over the run. Default half a cosine from
    /// 0.996 to 1, as in the paper.
    pub momentum: Schedule,
    /// Epochs in which the last layer of the projector stays as it is. Default 1, as in the
    /// official code.
    pub frozen_epochs: u64,
}

impl Default for DinoConfig {
    /// Returns the paper's temperatures, center and momentum, with a narrower projector (ours).
    fn default() -> Self {
        Self {
            d_hidden: 512,
            d_bottleneck: 128,
            d_output: 1024,
            normalize_hidden: true,
            global_views: 2,
            student_temperature: 0.1,
            teacher_temperature: 0.07,
            warmup_teacher_temperature: 0.04,
            warmup_teacher_epochs: 30.0,
            center_momentum: 0.9,
            momentum: Schedule::cosine(0.996, 1.0),
            frozen_epochs: 1,
        }
    }
}

impl DinoConfig {
    /// Creates DINO around `encoder`; the teacher starts as a copy.
    ///
    /// # Panics
    /// If `center_momentum` is not in `[0, 1)`.
    #[must_use]
    #[track_caller]
    pub fn init<B: Backbone>(&self, encoder: B, seed: impl Into<Seed>, device: &Device) -> Dino<B> {
        let Self { d_hidden, d_bottleneck, d_output, normalize_hidden, .. } = *self;
        let d_input = encoder.d_output();
        let head = DinoHeadConfig { d_input, d_hidden, d_bottleneck, d_output, normalize_hidden };
        let student = Branch::new(encoder, head.init(seed.into().at("projector"), device));
        Dino {
            teacher: Momentum::of(&student),
            center: DinoCenter::new(d_output, self.center_momentum, device),
            student,
            config: self.clone(),
        }
    }
}

/// DINO, whose student predicts the teacher's output for every other view.
///
/// ```text
/// loss = mean over (i, v), i ≠ v, of −Σₖ pᵢₖ log softmax(sᵥ/τ_s)ₖ        p = softmax((t − c)/τ_t)
/// ```
/// i runs over the global views, v over all. The teacher t is the moving average of the student s,
/// with a momentum that rises to 1; c is the center of its outputs. The last layer of the student
/// is frozen in the first epoch. The teacher is what is kept. The embedding whose spread is measured
/// is p, which is the same for all images in either kind of collapse.
///
/// # Source
/// Caron et al., 2021, [arXiv:2104.14294](https://arxiv.org/abs/2104.14294), and the official code.
/// Deviation: views are encoded one by one, so batch norm sees one view at a time; the weight decay
/// is that of the optimizer, without a schedule.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, DinoConfig, Method, ResNetConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let mut method = DinoConfig::default().init(encoder, 0, &device);
/// let global = Tensor::random([4, 3, 16, 16], burn::tensor::Distribution::Default, &device);
/// let local = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let views = vec![global.clone(), global, local.clone(), local];
/// let step = method.step(&Batch::new(views), &Context::default());
/// method.after_update(vec![step.carry], &Context::default());
/// assert!(step.loss.into_scalar::<f32>() > 0.0);
/// ```
#[derive(Module, Debug)]
pub struct Dino<B: Backbone> {
    student: Branch<B, DinoHead>,
    teacher: Momentum<Branch<B, DinoHead>>,
    center: DinoCenter,
    #[module(skip)]
    config: DinoConfig,
}

impl<B: Backbone> Method for Dino<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    /// The teacher's outputs for each global view, `[batch, d_output]`.
    type Carry = Vec<Tensor<2>>;

    fn step(&self, batch: &Batch<B::Input>, context: &Context) -> Step<Vec<Tensor<2>>> {
        let global = batch.views.iter().take(self.config.global_views);
        let teacher: Vec<_> =
            global.map(|view| self.teacher.network().forward(view.clone()).inner()).collect();
        let student: Vec<_> =
            batch.views.iter().map(|view| self.student.forward(view.clone())).collect();
        let temperature = TeacherTemperature {
            first: self.config.warmup_teacher_temperature,
            last: self.config.teacher_temperature,
            warmup_epochs: self.config.warmup_teacher_epochs,
        };
        let clock = context.clock;
        let epoch = clock.step as f64 / clock.steps_per_epoch.max(1) as f64;
        let config = DinoLossConfig {
            student_temperature: self.config.student_temperature,
            teacher_temperature: temperature.at(epoch),
        };
        let loss = dino(&teacher, &student, &self.center, &config);
        let scores = (teacher[0].clone() - self.center.values()) / config.teacher_temperature;
        Step::new(loss).with_embedding(softmax(scores, 1)).with_carry(teacher)
    }

    fn filter(&self, mut gradients: GradientsParams, context: &Context) -> GradientsParams {
        if context.clock.epoch() < self.config.frozen_epochs {
            let _ = gradients.remove::<2>(self.student.projector().last_layer().id);
        }
        gradients
    }

    fn after_update(&mut self, teacher: Vec<Vec<Tensor<2>>>, context: &Context) {
        let (step, total) = context.clock.progress();
        self.teacher.follow(&self.student, self.config.momentum.at(step, total));
        self.center.update(&teacher.concat());
    }

    fn encoder(&self) -> &B {
        self.teacher.network().encoder()
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate, `teacher_temperature` or `center_momentum`"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}
