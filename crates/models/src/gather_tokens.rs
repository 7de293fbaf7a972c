//! Some of the tokens of each sample.

use burn::tensor::{Int, Tensor, TensorData};

/// Returns the tokens of each sample at its own places, in their order.
///
/// # Shapes
/// - `tokens`: `[batch, count, dim]`
/// - `places`: `[batch, kept]`, below `count`
/// - output: `[batch, kept, dim]`
///
/// # Panics
/// If the batch sizes differ.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::gather_tokens;
///
/// let device = Device::flex();
/// let tokens = Tensor::<3>::from_floats([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]], &device);
/// let kept = gather_tokens(tokens, Tensor::from_ints([[2, 0], [1, 1]], &device));
/// assert_eq!(kept.into_data().iter::<f32>().collect::<Vec<_>>(), [3.0, 1.0, 5.0, 5.0]);
/// ```
#[must_use]
#[track_caller]
pub fn gather_tokens(tokens: Tensor<3>, places: Tensor<2, Int>) -> Tensor<3> {
    let [batch, count, dim] = tokens.dims();
    assert_eq!(batch, places.dims()[0], "places need a row for each of {batch} samples");
    let first: Vec<u64> = (0..batch).map(|row| (row * count) as u64).collect();
    let first = Tensor::from_data(TensorData::new(first, [batch, 1]), &places.device());
    gather_rows(tokens.reshape([batch * count, dim]), places + first)
}

/// Returns the rows at `places`.
///
/// # Shapes
/// - `rows`: `[count, dim]`
/// - `places`: `[batch, kept]`
/// - output: `[batch, kept, dim]`
pub(crate) fn gather_rows(rows: Tensor<2>, places: Tensor<2, Int>) -> Tensor<3> {
    let [batch, kept] = places.dims();
    let dim = rows.dims()[1];
    rows.select(0, places.reshape([batch * kept])).reshape([batch, kept, dim])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn gradients_reach_the_gathered_tokens_alone() {
        let device = Device::flex().autodiff();
        let tokens = Tensor::<3>::ones([2, 2, 1], &device).require_grad();
        let places = Tensor::from_ints([[1, 1, 1], [0, 1, 1]], &device);
        let gradients = gather_tokens(tokens.clone(), places).sum().backward();
        let gradient: Vec<f32> = tokens.grad(&gradients).unwrap().into_data().iter().collect();
        assert_eq!(gradient, [0.0, 3.0, 1.0, 2.0]);
    }

    #[test]
    #[should_panic(expected = "places need a row for each of 2 samples")]
    fn another_batch_size_is_named() {
        let device = Device::flex();
        let _ = gather_tokens(Tensor::ones([2, 2, 1], &device), Tensor::from_ints([[0]], &device));
    }
}
