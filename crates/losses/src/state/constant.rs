//! Parameters that are recorded and moved with their module, but never trained.

use burn::module::{Param, ParamId, ParameterValue};
use burn::tensor::kind::Autodiff;
use burn::tensor::{DType, Tensor};

/// Returns a value as such a parameter; `Param::from_tensor` would ask for its gradient.
pub(super) fn constant<const D: usize, K: Autodiff>(value: Tensor<D, K>) -> Param<Tensor<D, K>>
where
    Tensor<D, K>: ParameterValue,
{
    Param::initialized(ParamId::new(), value.inner())
}

/// Replaces the value of a parameter, which keeps its id.
pub(super) fn replace<T: ParameterValue>(param: &mut Param<T>, value: T) {
    *param = param.clone().map(|_| value);
}

/// Puts `new` in front of `old` and drops from the end what is beyond the length of `old`.
pub(super) fn push_front<const D: usize, K: Autodiff>(
    new: Tensor<D, K>,
    old: Tensor<D, K>,
) -> Tensor<D, K> {
    let (count, capacity) = (new.dims()[0], old.dims()[0]);
    if count >= capacity {
        return new.narrow(0, 0, capacity);
    }
    Tensor::cat(vec![new, old.narrow(0, 0, capacity - count)], 0)
}

/// Returns the type with more bits, the first of equal ones: rows in half precision do not make a
/// state coarser.
pub(super) fn wider(first: DType, second: DType) -> DType {
    if second.size() > first.size() { second } else { first }
}

#[cfg(test)]
pub(super) mod checks {
    use burn::module::{Module, ModuleVisitor};
    use burn::optim::{GradientsParams, SgdConfig};
    use burn::store::ModuleRecord;
    use burn::tensor::Device;

    use super::*;
    use crate::ops::custom_gradient::to_f64_vec;

    /// Loads the record of `module`, through bytes, into `fresh`.
    pub(in super::super) fn restored<M: Module>(module: &M, fresh: M) -> M {
        let bytes = module.clone().into_record().into_bytes().unwrap();
        fresh.load_record(ModuleRecord::from_bytes(bytes).unwrap())
    }

    /// Neither the loading of a record nor a move makes `state` trainable, and a step of a network
    /// that holds it leaves it as it was.
    #[track_caller]
    pub(in super::super) fn never_trained<M: Module>(state: &M, read: fn(&M) -> Tensor<2>) {
        let device = Device::flex().autodiff();
        let states = [
            state.clone(),
            state.valid().train(),
            state.clone().to_device(&device),
            state.clone().fork(&device),
            restored(state, state.clone()),
            restored(state, state.valid().train()).valid().train(),
        ];
        for state in states {
            let kept = to_f64_vec(read(&state));
            assert!(!read(&state).is_autodiff());
            assert_eq!(to_f64_vec(read(&state.valid())), kept);

            let weight = Param::from_tensor(Tensor::<2>::ones([1, 1], &device));
            let networks = (weight, state);
            let loss = (networks.0.val() * read(&networks.1).sum().reshape([1, 1])).sum();
            assert_eq!(trainable(&networks), 1);
            let gradients = GradientsParams::from_grads(loss.backward(), &networks);
            assert_eq!(gradients.len(), 1);
            let (weight, state) = SgdConfig::new().init().step(1.0, networks, gradients);
            assert_ne!(to_f64_vec(weight.val()), [1.0]);
            assert_eq!(to_f64_vec(read(&state)), kept);
        }
    }

    /// Counts the parameters that ask for a gradient.
    pub(in super::super) fn trainable<M: Module>(module: &M) -> usize {
        struct Trainable(usize);
        impl ModuleVisitor for Trainable {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.0 += usize::from(param.is_require_grad());
            }
        }
        let mut found = Trainable(0);
        module.visit(&mut found);
        found.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wider_type_wins() {
        assert_eq!(wider(DType::F32, DType::F16), DType::F32);
        assert_eq!(wider(DType::F32, DType::F64), DType::F64);
        assert_eq!(wider(DType::F16, DType::BF16), DType::F16);
    }
}
