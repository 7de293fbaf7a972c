//! The trait of self-supervised methods.

use burn::module::Module;
use burn::optim::GradientsParams;

use crate::{Context, Step};

/// A method of learning from views: networks, their state, and the loss that trains them.
///
/// An update of the weights is five lines:
/// ```text
/// step = method.step(&batch, &context)                      forward, changes nothing
/// gradients = step.loss.backward()
/// gradients = method.filter(gradients, &context)            drop or change gradients
/// method = optimizer.step(step, total_steps, method, gradients)
/// method.after_update([step.carry], &context)               the only place where state changes
/// ```
/// Everything a method has to remember (a momentum network, a queue, a center) is a module and a
/// field of it, so checkpoints hold it and a device move moves it. [`SimClr`](crate::SimClr) shows
/// how short a method is, [`Byol`](crate::Byol) one with a momentum network,
/// [`MocoV2`](crate::MocoV2) one with a queue.
///
/// # Example
/// A custom method is a module with a `step`:
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Backbone, Batch, Context, Method, ResNet, ResNetConfig, Step};
///
/// /// Pulls the features of an image's two views together (and so collapses).
/// #[derive(Module, Debug)]
/// struct Attract {
///     encoder: ResNet,
/// }
///
/// impl Method for Attract {
///     type Batch = Batch;
///     type Encoder = ResNet;
///     type Carry = ();
///
///     fn step(&self, batch: &Batch, _: &Context) -> Step {
///         let [a, b] = batch.pair().map(|view| self.encoder.forward(view));
///         Step::new((a.clone() - b).square().mean()).with_embedding(a)
///     }
///
///     fn encoder(&self) -> &ResNet {
///         &self.encoder
///     }
/// }
///
/// let device = Device::flex().autodiff();
/// let method = Attract { encoder: ResNetConfig::resnet10(1).init(0, &device) };
/// let view = Tensor::ones([2, 3, 8, 8], &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// assert_eq!(step.loss.into_scalar::<f32>(), 0.0);
/// ```
pub trait Method: Module + std::fmt::Debug {
    /// What [`step`](Self::step) learns from, such as [`Batch`](crate::Batch).
    type Batch;

    /// The network that is evaluated and kept after training.
    type Encoder: Module;

    /// What [`step`](Self::step) hands to [`after_update`](Self::after_update): `()`, keys to
    /// push, outputs of a teacher.
    type Carry;

    /// Runs one forward pass over a batch. State stays as it is, except for the running statistics
    /// of batch norm.
    fn step(&self, batch: &Self::Batch, context: &Context) -> Step<Self::Carry>;

    /// Changes the gradients before the optimizer sees them. A parameter whose gradient is removed
    /// is not updated. Default: unchanged.
    fn filter(&self, gradients: GradientsParams, _context: &Context) -> GradientsParams {
        gradients
    }

    /// Takes in what must be remembered, after the optimizer has updated the weights. Default:
    /// nothing.
    ///
    /// `carries` has one element for each batch that the update was computed from: one, or several
    /// where gradients are accumulated.
    fn after_update(&mut self, _carries: Vec<Self::Carry>, _context: &Context) {}

    /// Returns the network that is evaluated and kept, as it is now.
    fn encoder(&self) -> &Self::Encoder;

    /// Returns the paths of modules whose learning rate stays at the peak of the schedule, such as
    /// `predictor`. Default: none.
    fn constant_rate(&self) -> &'static [&'static str] {
        &[]
    }

    /// Returns what to change if the embeddings collapse, as the end of a sentence that names
    /// settings of this method.
    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate, and check the terms of the loss that keep embeddings apart"
    }

    /// Returns the settings of the method, usually by [`settings`](crate::settings()), which must be
    /// the same when a run is resumed. Default: none.
    fn settings(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}
