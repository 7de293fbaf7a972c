//! Gradients of a whole module: clipped to a norm, scaled, added.
//!
//! All of it happens on the device; no value is read back.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;

/// Scales all gradients by one factor, so that their norm is at most `max_norm`.
///
/// ```text
/// factor = min(1, max_norm / (‖g‖ + 10⁻⁶))        ‖g‖² = Σ over all gradients of Σ gᵢ²
/// ```
/// As in PyTorch, a norm that is NaN makes all gradients NaN; where the norm is infinite, finite
/// gradients become 0 and infinite ones NaN. Gradients of parameters that `module` does not have
/// are dropped.
///
/// # Panics
/// If `max_norm` is not a finite number greater than 0.
///
/// # Source
/// Pascanu et al., 2013, [arXiv:1211.5063](https://arxiv.org/abs/1211.5063), algorithm 1, in the
/// form of `torch.nn.utils.clip_grad_norm_`. Deviation: none.
///
/// # Example
/// ```
/// use burn::module::Param;
/// use burn::optim::GradientsParams;
/// use burn::tensor::{Device, Tensor};
/// use selfsame_optim::clip_gradients;
///
/// let weight = Param::from_tensor(Tensor::<1>::zeros([2], &Device::flex()));
/// let mut gradients = GradientsParams::new();
/// gradients.register(weight.id, Tensor::<1>::from_floats([3.0, 4.0], &Device::flex()));
/// let clipped = clip_gradients(gradients, &weight, 1.0).get::<1>(weight.id).unwrap();
/// let values: Vec<f32> = clipped.into_data().iter().collect();
/// assert!((values[0] - 0.6).abs() < 1e-5 && (values[1] - 0.8).abs() < 1e-5);
/// ```
#[must_use]
#[track_caller]
pub fn clip_gradients<M: Module>(
    gradients: GradientsParams,
    module: &M,
    max_norm: f64,
) -> GradientsParams {
    assert!(
        max_norm.is_finite() && max_norm > 0.0,
        "a norm can be clipped to a finite number greater than 0, not to {max_norm}"
    );
    let (gradients, squares) = walk(gradients, module, SumOfSquares(None));
    let Some(sum) = squares.0 else { return gradients };
    let factor = (sum.sqrt() + 1e-6).recip() * max_norm;
    // A comparison with NaN is false, so NaN stays; `clamp_max` would make it 1 on some devices.
    let above = factor.clone().greater_elem(1.0);
    walk(gradients, module, TimesTensor(factor.mask_fill(above, 1.0))).0
}

/// Multiplies all gradients by `factor`, as for the mean over micro-batches.
///
/// Gradients of parameters that `module` does not have are dropped.
///
/// # Example
/// ```
/// use burn::module::Param;
/// use burn::optim::GradientsParams;
/// use burn::tensor::{Device, Tensor};
/// use selfsame_optim::scale_gradients;
///
/// let weight = Param::from_tensor(Tensor::<1>::zeros([1], &Device::flex()));
/// let mut gradients = GradientsParams::new();
/// gradients.register(weight.id, Tensor::<1>::from_floats([3.0], &Device::flex()));
/// let half = scale_gradients(gradients, &weight, 0.5).get::<1>(weight.id).unwrap();
/// assert_eq!(half.into_scalar::<f32>(), 1.5);
/// ```
#[must_use]
pub fn scale_gradients<M: Module>(
    gradients: GradientsParams,
    module: &M,
    factor: f64,
) -> GradientsParams {
    walk(gradients, module, Times(factor)).0
}

/// Adds two sets of gradients; one that only one of them has is kept as it is.
///
/// The sum over micro-batches, divided by their number with [`scale_gradients`], is the gradient
/// of the mean of their losses. Gradients of parameters that `module` does not have are dropped.
///
/// # Example
/// ```
/// use burn::module::Param;
/// use burn::optim::GradientsParams;
/// use burn::tensor::{Device, Tensor};
/// use selfsame_optim::add_gradients;
///
/// let weight = Param::from_tensor(Tensor::<1>::zeros([1], &Device::flex()));
/// let gradients = |value: f32| {
///     let mut gradients = GradientsParams::new();
///     gradients.register(weight.id, Tensor::<1>::from_floats([value], &Device::flex()));
///     gradients
/// };
/// let sum = add_gradients(gradients(1.0), gradients(2.5), &weight);
/// assert_eq!(sum.get::<1>(weight.id).unwrap().into_scalar::<f32>(), 3.5);
/// ```
#[must_use]
pub fn add_gradients<M: Module>(
    sum: GradientsParams,
    more: GradientsParams,
    module: &M,
) -> GradientsParams {
    let mut accumulator = GradientsAccumulator::new();
    accumulator.accumulate(module, sum);
    accumulator.accumulate(module, more);
    accumulator.grads()
}

/// What is done with each gradient, whatever its rank.
trait PerGradient {
    fn apply<const D: usize>(&mut self, gradient: Tensor<D>) -> Tensor<D>;
}

struct SumOfSquares(Option<Tensor<1>>);

impl PerGradient for SumOfSquares {
    fn apply<const D: usize>(&mut self, gradient: Tensor<D>) -> Tensor<D> {
        let squares = gradient.clone().square().sum();
        self.0 = Some(match self.0.take() {
            Some(sum) => sum + squares,
            None => squares,
        });
        gradient
    }
}

struct Times(f64);

impl PerGradient for Times {
    fn apply<const D: usize>(&mut self, gradient: Tensor<D>) -> Tensor<D> {
        gradient * self.0
    }
}

struct TimesTensor(Tensor<1>);

impl PerGradient for TimesTensor {
    fn apply<const D: usize>(&mut self, gradient: Tensor<D>) -> Tensor<D> {
        gradient * self.0.clone().unsqueeze()
    }
}

/// A walk over the parameters of a module that takes each gradient from one set to another.
struct Walk<W> {
    from: GradientsParams,
    to: GradientsParams,
    work: W,
}

impl<W: PerGradient> ModuleVisitor for Walk<W> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // The gradient leaves `from`, so it counts once where two modules share the parameter.
        if let Some(gradient) = self.from.remove::<D>(param.id) {
            self.to.register(param.id, self.work.apply(gradient));
        }
    }
}

fn walk<M: Module, W: PerGradient>(
    from: GradientsParams,
    module: &M,
    work: W,
) -> (GradientsParams, W) {
    let mut walk = Walk { from, to: GradientsParams::new(), work };
    module.visit(&mut walk);
    (walk.to, walk.work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    fn layer() -> Linear {
        LinearConfig::new(2, 1).init(&Device::flex())
    }

    /// Gradients of the weights, and of the bias where there is one.
    fn gradients(layer: &Linear, weight: [f32; 2], bias: Option<f32>) -> GradientsParams {
        let device = Device::flex();
        let mut gradients = GradientsParams::new();
        let [first, second] = weight;
        let weight = Tensor::<2>::from_floats([[first], [second]], &device);
        gradients.register(layer.weight.id, weight);
        if let Some(bias) = bias {
            let id = layer.bias.as_ref().unwrap().id;
            gradients.register(id, Tensor::<1>::from_floats([bias], &device));
        }
        gradients
    }

    /// The gradients of the weights and then those of the bias.
    fn values(layer: &Linear, gradients: &GradientsParams) -> Vec<f32> {
        let weight = gradients.get::<2>(layer.weight.id).unwrap().into_data();
        let bias = gradients.get::<1>(layer.bias.as_ref().unwrap().id);
        let bias = bias.into_iter().flat_map(|bias| bias.into_data().iter().collect::<Vec<f32>>());
        weight.iter::<f32>().chain(bias).collect()
    }

    fn assert_close(found: &[f32], want: &[f32]) {
        let close = found.iter().zip(want).all(|(found, want)| (found - want).abs() < 1e-5);
        assert!(found.len() == want.len() && close, "{found:?}, not {want:?}");
    }

    #[test]
    fn one_norm_over_all_gradients_is_clipped() {
        let layer = layer();
        // √(2² + 3² + 6²) = 7
        let long = gradients(&layer, [2.0, 3.0], Some(-6.0));
        let clipped = values(&layer, &clip_gradients(long, &layer, 3.5));
        assert_close(&clipped, &[1.0, 1.5, -3.0]);
    }

    #[test]
    fn short_gradients_stay_the_same_to_the_last_bit() {
        let layer = layer();
        let short = gradients(&layer, [0.2, 0.3], Some(0.7));
        let kept = values(&layer, &clip_gradients(short, &layer, 1.0));
        assert_eq!(kept, [0.2_f32, 0.3, 0.7]);
        let zero = gradients(&layer, [0.0, 0.0], None);
        assert_eq!(values(&layer, &clip_gradients(zero, &layer, 1.0)), [0.0_f32, 0.0]);
        assert!(clip_gradients(GradientsParams::new(), &layer, 1.0).is_empty());
    }

    #[test]
    fn a_norm_that_is_not_finite_does_as_in_pytorch() {
        let layer = layer();
        let nan = gradients(&layer, [f32::NAN, 1.0], Some(2.0));
        let found = values(&layer, &clip_gradients(nan, &layer, 1.0));
        assert!(found.iter().all(|value| value.is_nan()), "{found:?}");
        let infinite = gradients(&layer, [f32::INFINITY, 1.0], Some(2.0));
        let found = values(&layer, &clip_gradients(infinite, &layer, 1.0));
        assert!(found[0].is_nan(), "{found:?}");
        assert_close(&found[1..], &[0.0, 0.0]);
    }

    #[test]
    fn the_mean_of_two_micro_batches_is_half_their_sum() {
        let layer = layer();
        let (one, two) =
            (gradients(&layer, [1.0, 2.0], None), gradients(&layer, [3.0, -4.0], Some(8.0)));
        let sum = add_gradients(one, two, &layer);
        assert_close(&values(&layer, &scale_gradients(sum, &layer, 0.5)), &[2.0, -1.0, 4.0]);
    }

    #[test]
    fn a_parameter_that_two_modules_share_counts_once() {
        let layer = layer();
        let twice = (layer.clone(), layer.clone());
        let clipped = clip_gradients(gradients(&layer, [3.0, 4.0], Some(0.0)), &twice, 1.0);
        assert_close(&values(&layer, &clipped), &[0.6, 0.8, 0.0]);
        let scaled = scale_gradients(clipped, &twice, 0.5);
        assert_close(&values(&layer, &scaled), &[0.3, 0.4, 0.0]);
        let sum = add_gradients(scaled, GradientsParams::new(), &twice);
        assert_close(&values(&layer, &sum), &[0.3, 0.4, 0.0]);
    }
}
