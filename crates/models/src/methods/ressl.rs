//! ReSSL: a student sees an image as similar to other images as its teacher does.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{Queue, ResslLossConfig, ressl};
use serde::{Deserialize, Serialize};

use super::unit_rows::unit_rows;
use crate::{
    Backbone, Batch, Branch, Context, Method, Mlp, MlpConfig, Momentum, Seed, Step, settings,
};

/// Settings of [`Ressl`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResslConfig {
    /// Width of the projector's hidden layer. Default 512 (ours); the paper has 4096.
    pub d_hidden: usize,
    /// Width of the embedding. Default 256, as solo-learn has on CIFAR-10; the paper has 512 on
    /// ImageNet.
    pub d_output: usize,
    /// `τ_s`, greater than 0, of the student. Default 0.1, as in the paper.
    pub student_temperature: f64,
    /// `τ_t`, greater than 0 and less than `τ_s`, of the teacher. Default 0.04, as in the paper.
    pub teacher_temperature: f64,
    /// How much of the teacher an update keeps, 0 to 1. Default 0.99, as in the paper for small data
    /// sets; 0.999 on ImageNet.
    pub momentum: f64,
    /// Teacher's embeddings in the queue. Default 4096, as in the paper for small data sets; 131,072
    /// on ImageNet.
    pub queue: usize,
}

impl Default for ResslConfig {
    /// Returns the paper's settings for small data sets, with a narrower projector (ours).
    fn default() -> Self {
        Self {
            d_hidden: 512,
            d_output: 256,
            student_temperature: 0.1,
            teacher_temperature: 0.04,
            momentum: 0.99,
            queue: 4096,
        }
    }
}

impl ResslConfig {
    /// Creates ReSSL around `encoder`; the teacher starts as a copy, the queue with random rows.
    #[must_use]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> Ressl<B> {
        let seed = seed.into();
        let projector = MlpConfig::new([encoder.d_output(), self.d_hidden, self.d_output]);
        let projector = projector.without_hidden_norm().init(seed.at("projector"), device);
        let student = Branch::new(encoder, projector);
        Ressl {
            teacher: Momentum::of(&student),
            queue: Queue::new(self.queue, self.d_output, seed.at("queue").number(), device),
            student,
            config: self.clone(),
        }
    }
}

/// ReSSL, whose student has the similarities to earlier images that its teacher has.
///
/// ```text
/// loss = mean of −Σⱼ pⱼ log softmax(s(q, j)/τ_s)ⱼ        p = softmax(s(k, j)/τ_t)
/// ```
/// q is the student's embedding of view a, strongly augmented; k is the teacher's of view b, weakly
/// augmented. s cosine; j runs over a queue of the teacher's embeddings of earlier images, which
/// takes in k after the update. The teacher is the moving average of the student.
///
/// # Source
/// Zheng et al., 2021, [arXiv:2107.09282](https://arxiv.org/abs/2107.09282), and the official code.
/// Deviation: images are not shuffled between devices, since there is one device.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, ResNetConfig, ResslConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let config = ResslConfig { queue: 16, ..ResslConfig::default() };
/// let mut method = config.init(encoder, 0, &device);
/// let strong = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let weak = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let step = method.step(&Batch::new(vec![strong, weak]), &Context::default());
/// method.after_update(vec![step.carry], &Context::default());
/// assert_eq!(method.queue().rows().dims(), [16, 256]);
/// ```
#[derive(Module, Debug)]
pub struct Ressl<B: Backbone> {
    student: Branch<B, Mlp>,
    teacher: Momentum<Branch<B, Mlp>>,
    queue: Queue,
    #[module(skip)]
    config: ResslConfig,
}

impl<B: Backbone> Ressl<B> {
    /// Returns the teacher's embeddings of earlier batches, newest first.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }
}

impl<B: Backbone> Method for Ressl<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    /// The teacher's embeddings, `[batch, d_output]`, of unit length.
    type Carry = Tensor<2>;

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step<Tensor<2>> {
        let [strong, weak] = batch.pair();
        let query = self.student.forward(strong);
        let key = unit_rows(self.teacher.network().forward(weak).inner());
        let ResslConfig { student_temperature, teacher_temperature, .. } = self.config;
        let config = ResslLossConfig { student_temperature, teacher_temperature };
        let loss = ressl(query.clone(), key.clone(), self.queue.rows(), &config);
        Step::new(loss).with_embedding(query).with_carry(key)
    }

    fn after_update(&mut self, keys: Vec<Tensor<2>>, _: &Context) {
        self.teacher.follow(&self.student, self.config.momentum);
        for key in keys {
            self.queue.push(key);
        }
    }

    fn encoder(&self) -> &B {
        self.student.encoder()
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate or `teacher_temperature`, or raise `momentum`"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ResNet;
    use crate::methods::small::{assert_close, device, encoder, gradients, state, views};

    /// A method whose teacher is not a copy of its student.
    fn method() -> Ressl<ResNet> {
        let config = ResslConfig { d_hidden: 6, d_output: 3, queue: 12, ..ResslConfig::default() };
        let other = config.init(encoder(2), 2, &device());
        let method = config.init(encoder(1), 1, &device());
        Ressl { teacher: Momentum::of(&other.student), ..method }
    }

    #[test]
    fn the_student_sees_the_first_view_and_the_teacher_the_second() {
        let (method, batch) = (method(), views(2));
        let query = method.student.forward(batch.views[0].clone());
        let key = method.teacher.network().forward(batch.views[1].clone());
        let want = ressl(query, key, method.queue.rows(), &ResslLossConfig::default());
        assert_close(method.step(&batch, &Context::default()).loss, want);
    }

    #[test]
    fn no_gradient_reaches_the_teacher_or_the_queue() {
        let method = method();
        let found = gradients(&method, method.step(&views(2), &Context::default()).loss);
        assert!(found.keys().all(|path| path.starts_with("student.")), "{:?}", found.keys());
        assert!(!found.is_empty());
    }

    #[test]
    fn teacher_and_queue_follow_after_the_update() {
        let (mut method, batch) = (method(), views(2));
        let before = method.queue.rows();
        let step = method.step(&batch, &Context::default());
        assert_close(method.queue.rows(), before.clone());
        let key = unit_rows(method.teacher.network().forward(batch.views[1].clone()));
        let mut want = method.teacher.clone();
        want.follow(&method.student, 0.99);
        method.after_update(vec![step.carry], &Context::default());
        let rows = Tensor::cat(vec![key, before.narrow(0, 0, 7)], 0);
        assert_close(method.queue.rows(), rows);
        assert_eq!(state(&method.teacher), state(&want));
    }
}
