//! The parameters of a module by their paths, read and replaced.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

/// A parameter or running statistic of a module.
pub(super) struct Parameter {
    /// Path of the layer that has it; empty if the module itself does.
    pub(super) layer: String,
    /// The type of that layer, such as `Linear`.
    pub(super) layer_type: String,
    /// Its name in the layer, such as `weight`.
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    flat: Tensor<1>,
}

impl Parameter {
    /// Returns the path in the module.
    pub(super) fn path(&self) -> String {
        join(&self.layer, &self.name)
    }

    /// Returns the elements in row-major order.
    pub(super) fn values(&self) -> Vec<f32> {
        self.flat.to_data().iter().collect()
    }
}

/// Returns `layer.name`, or `name` where there is no layer.
pub(super) fn join(layer: &str, name: &str) -> String {
    if layer.is_empty() { name.to_owned() } else { format!("{layer}.{name}") }
}

/// Returns all parameters and running statistics of `module`.
pub(super) fn parameters<M: Module>(module: &M) -> Vec<Parameter> {
    let mut collect = Collect::default();
    module.visit(&mut collect);
    collect.parameters
}

/// Returns `module` with the values at these paths.
pub(super) fn fill<M: Module>(module: M, values: HashMap<String, Vec<f32>>) -> M {
    module.map(&mut Fill { place: Place::default(), values })
}

/// Where a visitor is: the names of modules from the outermost inward, each with the type that has it.
#[derive(Default)]
struct Place(Vec<(String, String)>);

impl Place {
    fn enter(&mut self, name: &str, container: &str) {
        self.0.push((name.to_owned(), container.to_owned()));
    }

    fn exit(&mut self) {
        self.0.pop();
    }

    /// Returns the names. The variant of an enum is not among them, so that a network has the same
    /// names inside of one.
    fn names(&self) -> Vec<&str> {
        let is_named = |(_, container): &&(String, String)| !container.starts_with("Enum:");
        self.0.iter().filter(is_named).map(|(name, _)| name.as_str()).collect()
    }
}

#[derive(Default)]
struct Collect {
    place: Place,
    parameters: Vec<Parameter>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.place.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.place.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let mut names = self.place.names();
        let name = names.pop().unwrap_or_default().to_owned();
        let container = self.place.0.last().map_or("", |(_, container)| container);
        let tensor = param.val().inner();
        let shape = tensor.dims().to_vec();
        self.parameters.push(Parameter {
            layer: names.join("."),
            layer_type: container.trim_start_matches("Struct:").to_owned(),
            name,
            flat: tensor.reshape([shape.iter().product::<usize>()]),
            shape,
        });
    }
}

struct Fill {
    place: Place,
    values: HashMap<String, Vec<f32>>,
}

impl ModuleMapper for Fill {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.place.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.place.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(values) = self.values.remove(&self.place.names().join(".")) else { return param };
        let (shape, device) = (param.val().shape(), param.val().device());
        param.map(|old| {
            let new = Tensor::from_data(TensorData::new(values, shape), &device);
            new.set_require_grad(old.is_require_grad())
        })
    }
}
