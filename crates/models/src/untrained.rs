//! Which parameters of a module a loss does not train, for tests.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Returns the paths of the parameters of `module` that have no gradient of `loss`, or one of zeros.
pub(crate) fn untrained<M: Module>(module: &M, loss: &Tensor<1>) -> Vec<String> {
    let gradients = GradientsParams::from_grads(loss.backward(), module);
    let mut untrained = Untrained { gradients, path: Vec::new(), found: Vec::new() };
    module.visit(&mut untrained);
    untrained.found
}

struct Untrained {
    gradients: GradientsParams,
    path: Vec<String>,
    found: Vec<String>,
}

impl ModuleVisitor for Untrained {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let largest = |gradient: Tensor<D>| gradient.abs().max().into_scalar::<f32>();
        if !self.gradients.get::<D>(param.id).is_some_and(|gradient| largest(gradient) > 0.0) {
            self.found.push(self.path.join("."));
        }
    }
}
