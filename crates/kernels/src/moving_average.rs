//! The moving average of weights.

use burn::tensor::Tensor;

/// Moves a tensor towards another: `momentum · average + (1 − momentum) · newest`.
///
/// On the Flex backend in single precision this is one pass over memory; elsewhere it is burn's
/// operators. Both give the same values up to rounding.
///
/// # Shapes
/// - `average`, `newest` and output: all the same; the inputs without a graph
///
/// # Panics
/// If the shapes differ.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::moving_average;
///
/// let device = Device::flex();
/// let (average, newest) = (Tensor::<1>::zeros([1], &device), Tensor::ones([1], &device));
/// assert_eq!(moving_average(average, newest, 0.75).into_scalar::<f32>(), 0.25);
/// ```
#[must_use]
#[track_caller]
pub fn moving_average<const D: usize>(
    average: Tensor<D>,
    newest: Tensor<D>,
    momentum: f64,
) -> Tensor<D> {
    assert_eq!(average.dims(), newest.dims(), "an average and its newest value differ in shape");
    #[cfg(feature = "flex")]
    if [&average, &newest].into_iter().all(host::applies) {
        return host::in_one_pass(average, &newest, momentum);
    }
    average * momentum + newest * (1.0 - momentum)
}

#[cfg(feature = "flex")]
#[allow(clippy::cast_possible_truncation, reason = "settings become f32 as burn makes scalars")]
mod host {
    use burn::backend::Flex;
    use burn::tensor::Tensor;
    use rayon::prelude::*;

    use crate::flex::{CHUNK, as_f32_slice, contiguous_f32, in_own_storage, is_f32_on_flex};

    pub(super) fn applies<const D: usize>(tensor: &Tensor<D>) -> bool {
        is_f32_on_flex(tensor) && !tensor.device().is_autodiff()
    }

    /// Computes the average in one pass, of tensors for which [`applies`] holds.
    pub(super) fn in_one_pass<const D: usize>(
        average: Tensor<D>,
        newest: &Tensor<D>,
        momentum: f64,
    ) -> Tensor<D> {
        let (kept, taken) = (momentum as f32, (1.0 - momentum) as f32);
        let mut average = in_own_storage(average);
        let Some(newest) = contiguous_f32(newest) else {
            unreachable!("the caller checked that it is on Flex")
        };
        let chunks = average.storage_mut::<f32>().par_chunks_mut(CHUNK);
        let chunks = chunks.zip(as_f32_slice(&newest).par_chunks(CHUNK));
        chunks.for_each(|(averages, newest)| {
            for (average, newest) in averages.iter_mut().zip(newest) {
                *average = *average * kept + newest * taken;
            }
        });
        Tensor::from_primitive::<Flex>(average)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;

    #[test]
    fn one_pass_equals_burns_operators_and_leaves_what_others_hold() {
        let device = Device::flex();
        device.seed(3);
        let random = || Tensor::<2>::random([301, 211], Distribution::Normal(0.0, 1.0), &device);
        let (average, newest) = (random(), random());
        let before = average.clone().into_data();
        let want = average.clone() * 0.99 + newest.clone() * (1.0 - 0.99);
        let found = moving_average(average.clone(), newest.clone(), 0.99);
        assert!((found - want).abs().max().into_scalar::<f32>() < 1e-6);
        assert_eq!(average.clone().into_data(), before);
        assert_eq!(moving_average(average.clone(), newest.clone(), 1.0).into_data(), before);
        assert_eq!(moving_average(average, newest.clone(), 0.0).into_data(), newest.into_data());
    }

    #[test]
    fn a_part_of_a_tensor_is_averaged_by_itself() {
        let whole = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0]], &Device::flex());
        let (first, second) = (whole.clone().narrow(1, 0, 1), whole.clone().narrow(1, 1, 1));
        let found: Vec<f32> = moving_average(first, second, 0.5).into_data().iter().collect();
        assert_eq!(found, [1.5, 3.5]);
        let kept: Vec<f32> = whole.into_data().iter().collect();
        assert_eq!(kept, [1.0, 2.0, 3.0, 4.0]);
    }
}
