//! The first layer whose output is not finite.

use std::cell::RefCell;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Bool, Int, Tensor};

thread_local! {
    /// The outputs of layers while somebody looks for one that is not finite.
    static OBSERVED: RefCell<Option<Vec<Observed>>> = const { RefCell::new(None) };
}

/// A layer, by one of its parameters, and whether its output was finite.
struct Observed {
    id: ParamId,
    is_finite: bool,
}

/// Passes on the output of the layer that has the parameter `id`; notes whether it is finite if
/// somebody asked for it.
pub(crate) fn observe<const D: usize>(id: ParamId, output: Tensor<D>) -> Tensor<D> {
    OBSERVED.with_borrow_mut(|observed| {
        if let Some(observed) = observed {
            observed.push(Observed { id, is_finite: is_finite(&output) });
        }
    });
    output
}

fn is_finite<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.clone().inner().is_finite().all().into_scalar::<bool>()
}

/// A layer whose output is not finite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonFiniteLayer {
    /// Path of the layer in the method, such as `encoder.stem.conv`.
    pub path: String,
    /// Whether its weights are finite; if not, the update before made them so.
    pub has_finite_weights: bool,
}

/// Runs `forward` and returns the first layer of `module` whose output is not finite, in the order
/// of computation.
///
/// It sees the layers of this crate. Where none of them is at fault, a parameter of `module` that
/// is not finite is returned; `None` if there is no such parameter either. Each output is read from
/// its device, so this is slow; it serves to explain a loss that is not finite.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Backbone, ResNetConfig, first_non_finite_layer};
///
/// let device = Device::flex();
/// let resnet = ResNetConfig::resnet10(1).init(0, &device);
/// let run = |value: f32| {
///     let images = Tensor::full([1, 3, 8, 8], value, &device);
///     first_non_finite_layer(&resnet, || drop(resnet.forward(images)))
/// };
/// assert_eq!(run(1.0), None);
/// assert_eq!(run(f32::NAN).map(|layer| layer.path).as_deref(), Some("stem.conv"));
/// ```
pub fn first_non_finite_layer<M: Module>(
    module: &M,
    forward: impl FnOnce(),
) -> Option<NonFiniteLayer> {
    OBSERVED.set(Some(Vec::new()));
    // A panic in `forward` must not leave the observation on.
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(forward));
    let observed = OBSERVED.take().unwrap_or_default();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
    let mut layers = Layers::default();
    module.visit(&mut layers);
    let first = observed.into_iter().find(|layer| !layer.is_finite).and_then(|layer| {
        let (_, path) = layers.ids.iter().find(|(id, _)| *id == layer.id)?;
        Some(path.clone())
    });
    let path = first.or_else(|| layers.non_finite.first().cloned())?;
    let has_finite_weights = !layers.non_finite.contains(&path);
    Some(NonFiniteLayer { path, has_finite_weights })
}

/// The layers of a module: the path of each parameter without its own name.
#[derive(Default)]
struct Layers {
    path: Vec<String>,
    ids: Vec<(ParamId, String)>,
    /// Layers that have a parameter which is not finite.
    non_finite: Vec<String>,
}

impl Layers {
    fn layer(&self) -> String {
        self.path[..self.path.len().saturating_sub(1)].join(".")
    }
}

impl ModuleVisitor for Layers {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let layer = self.layer();
        // Running statistics take in whatever the layer sees, so they are no cause.
        let is_statistic = self.path.last().is_some_and(|name| name.starts_with("running"));
        if !is_statistic && !is_finite(&param.val()) {
            self.non_finite.push(layer.clone());
        }
        self.ids.push((param.id, layer));
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.ids.push((param.id, self.layer()));
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.ids.push((param.id, self.layer()));
    }

    fn visit_flag(&mut self, param: &Param<burn::module::Flag>) {
        self.ids.push((param.id, self.layer()));
    }
}
