//! The update of SGD with momentum.

use burn::tensor::Tensor;

/// Settings of [`momentum_step`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MomentumStep {
    /// Learning rate.
    pub rate: f64,
    /// Share of the old velocity that is kept, in `[0, 1)`.
    pub momentum: f64,
    /// Share of the weight that is added to its gradient, 0 or more.
    pub weight_decay: f64,
    /// Whether the step looks ahead along the velocity.
    pub nesterov: bool,
}

/// Returns the next weight and velocity of a parameter.
///
/// ```text
/// g ← scale · (gradient + decay · w)
/// v ← momentum · v + g                 (v = g without a velocity)
/// w ← w − rate · (g + momentum · v)    Nesterov
/// w ← w − rate · v                     otherwise
/// ```
/// On the Flex backend in single precision this is one pass over memory, and the results reuse the
/// memory of gradient and velocity; elsewhere it is burn's operators. Both give the same values up
/// to rounding.
///
/// # Shapes
/// - `weight`, `gradient`, `velocity`: all the same
/// - `scale`: `[1]`; without it 1
///
/// # Panics
/// If the shapes differ.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::{MomentumStep, momentum_step};
///
/// let one = Tensor::<1>::ones([1], &Device::flex());
/// let step = MomentumStep { rate: 0.5, momentum: 0.5, weight_decay: 0.0, nesterov: false };
/// let (weight, velocity) = momentum_step(one.clone(), one.clone(), Some(one), None, step);
/// assert_eq!((weight.into_scalar::<f32>(), velocity.into_scalar::<f32>()), (0.25, 1.5));
/// ```
#[must_use]
#[track_caller]
pub fn momentum_step<const D: usize>(
    weight: Tensor<D>,
    gradient: Tensor<D>,
    velocity: Option<Tensor<D>>,
    scale: Option<Tensor<1>>,
    step: MomentumStep,
) -> (Tensor<D>, Tensor<D>) {
    assert_eq!(weight.dims(), gradient.dims(), "a weight and its gradient differ in shape");
    if let Some(velocity) = &velocity {
        assert_eq!(weight.dims(), velocity.dims(), "a weight and its velocity differ in shape");
    }
    #[cfg(feature = "flex")]
    if [&weight, &gradient].into_iter().chain(&velocity).all(host::applies) {
        return host::in_one_pass(weight, gradient, velocity, scale, step);
    }
    let mut gradient = gradient;
    if step.weight_decay > 0.0 {
        gradient = gradient + weight.clone() * step.weight_decay;
    }
    if let Some(scale) = scale {
        gradient = gradient * scale.unsqueeze();
    }
    let velocity = match velocity {
        Some(velocity) => velocity * step.momentum + gradient.clone(),
        None => gradient.clone(),
    };
    let direction =
        if step.nesterov { gradient + velocity.clone() * step.momentum } else { velocity.clone() };
    (weight - direction * step.rate, velocity)
}

#[cfg(feature = "flex")]
#[allow(clippy::cast_possible_truncation, reason = "settings become f32 as burn makes scalars")]
mod host {
    use burn::backend::Flex;
    use burn::tensor::Tensor;
    use rayon::prelude::*;

    use super::MomentumStep;
    use crate::flex::{CHUNK, as_f32_slice, in_own_storage, is_f32_on_flex};

    pub(super) fn applies<const D: usize>(tensor: &Tensor<D>) -> bool {
        is_f32_on_flex(tensor) && !tensor.device().is_autodiff()
    }

    /// Computes the step in one pass, of tensors for which [`applies`] holds.
    pub(super) fn in_one_pass<const D: usize>(
        weight: Tensor<D>,
        gradient: Tensor<D>,
        velocity: Option<Tensor<D>>,
        scale: Option<Tensor<1>>,
        step: MomentumStep,
    ) -> (Tensor<D>, Tensor<D>) {
        // Without branches, so that the loop is vectorized.
        let [rate, decay] = [step.rate, step.weight_decay].map(|setting| setting as f32);
        let scale = scale.map_or(1.0, Tensor::into_scalar::<f32>);
        let momentum = step.momentum as f32;
        let kept = if velocity.is_some() { momentum } else { 0.0 };
        let (of_gradient, of_velocity) = if step.nesterov { (1.0, momentum) } else { (0.0, 1.0) };
        let gradient = in_own_storage(gradient);
        // Without a velocity any values serve, as their factor is 0.
        let mut velocity = velocity.map_or_else(|| gradient.clone(), in_own_storage);
        let mut next = gradient;
        let weight = in_own_storage(weight);
        let one = |weight: f32, gradient: f32, velocity: f32| {
            let gradient = (gradient + weight * decay) * scale;
            let velocity = velocity * kept + gradient;
            (weight - (gradient * of_gradient + velocity * of_velocity) * rate, velocity)
        };
        let chunks = as_f32_slice(&weight).par_chunks(CHUNK);
        let chunks = chunks.zip(next.storage_mut().par_chunks_mut(CHUNK));
        let chunks = chunks.zip(velocity.storage_mut().par_chunks_mut(CHUNK));
        chunks.for_each(|((weights, gradients), velocities)| {
            let elements = weights.iter().zip(gradients).zip(velocities);
            elements.for_each(|((weight, gradient), velocity)| {
                (*gradient, *velocity) = one(*weight, *gradient, *velocity);
            });
        });
        (Tensor::from_primitive::<Flex>(next), Tensor::from_primitive::<Flex>(velocity))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, Distribution};

    use super::*;

    fn bits<const D: usize>(tensor: Tensor<D>) -> Vec<u32> {
        tensor.into_data().iter::<f32>().map(f32::to_bits).collect()
    }

    /// The formula in double precision, which burn's operators compute.
    fn in_double(
        [weight, gradient, velocity]: [&Tensor<2>; 3],
        known: bool,
        scale: Option<&Tensor<1>>,
        step: MomentumStep,
    ) -> [Tensor<2>; 2] {
        let double = |tensor: &Tensor<2>| tensor.clone().cast(DType::F64);
        let (weight, velocity) = momentum_step(
            double(weight),
            double(gradient),
            known.then(|| double(velocity)),
            scale.map(|scale| scale.clone().cast(DType::F64)),
            step,
        );
        [weight.cast(DType::F32), velocity.cast(DType::F32)]
    }

    #[test]
    fn one_pass_equals_burns_operators() {
        let device = Device::flex();
        device.seed(3);
        let random = || Tensor::random([137, 211], Distribution::Normal(0.0, 1.0), &device);
        let tensors: [Tensor<2>; 3] = [random(), random(), random()];
        let scale = Tensor::<1>::from_floats([0.3], &device);
        for (nesterov, decay, known, scaled) in [
            (false, 0.0, true, false),
            (true, 1e-2, true, true),
            (false, 1e-2, false, true),
            (true, 0.0, false, false),
        ] {
            let step = MomentumStep { rate: 0.1, momentum: 0.9, weight_decay: decay, nesterov };
            let scale = scaled.then(|| scale.clone());
            let [weight, gradient, velocity] = tensors.each_ref();
            let expected = in_double([weight, gradient, velocity], known, scale.as_ref(), step);
            let velocity = known.then(|| velocity.clone());
            let found = momentum_step(weight.clone(), gradient.clone(), velocity, scale, step);
            for (found, expected) in [found.0, found.1].into_iter().zip(expected) {
                let off: f32 = (found - expected).abs().max().into_scalar();
                assert!(off < 2e-6, "{step:?} is off by {off}");
            }
        }
    }

    #[test]
    fn what_others_hold_stays_as_it_was() {
        let tensor = Tensor::<1>::from_floats([1.0, 2.0, 3.0], &Device::flex());
        let before = bits(tensor.clone());
        let part = tensor.clone().narrow(0, 1, 2);
        let step = MomentumStep { rate: 0.5, momentum: 0.5, weight_decay: 0.1, nesterov: true };
        let (weight, velocity) =
            momentum_step(part.clone(), part.clone(), Some(part.clone()), None, step);
        assert_eq!((weight.dims(), velocity.dims()), ([2], [2]));
        assert_eq!(bits(tensor), before);
        // g = 2 · 1.1, v = 0.5 · 2 + 2.2 = 3.2, w = 2 − 0.5 · (2.2 + 1.6)
        let first: f32 = weight.narrow(0, 0, 1).into_scalar();
        assert!((first - 0.1).abs() < 1e-6, "{first}");
    }
}
