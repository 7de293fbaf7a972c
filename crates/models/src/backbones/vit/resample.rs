//! Position embeddings of a grid of another size.

use burn::tensor::{Tensor, TensorData};

/// Interpolates position embeddings between two grids of `[rows, columns]`, so that the corners of
/// the outermost patches stay where they are.
///
/// The filter is bicubic, and wider where the grid shrinks, so that no position is skipped. This is
/// what timm's `resample_abs_pos_embed` computes. burn's interpolation has another cubic and a filter
/// of fixed width.
///
/// # Shapes
/// - `positions`: `[rows · columns, dim]` of the grid `from`
/// - output: `[rows · columns, dim]` of the grid `to`
pub(super) fn resample(positions: Tensor<2>, from: [usize; 2], to: [usize; 2]) -> Tensor<2> {
    let [_, dim] = positions.dims();
    let weights = |side: usize| {
        let weights = filter_weights(from[side], to[side]);
        let weights = TensorData::new(weights, [to[side], from[side]]);
        Tensor::<2>::from_data(weights, &positions.device())
    };
    let (rows, columns) = (weights(0), weights(1));
    let tall = rows.matmul(positions.reshape([from[0], from[1] * dim]));
    let tall = tall.reshape([to[0], from[1], dim]).swap_dims(0, 1);
    let whole = columns.matmul(tall.reshape([from[1], to[0] * dim]));
    whole.reshape([to[1], to[0], dim]).swap_dims(0, 1).reshape([to[0] * to[1], dim])
}

/// Returns the weight of each of `from` places in each of `to` places, row by row; every row sums
/// to 1.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places of a grid, clamped to it"
)]
fn filter_weights(from: usize, to: usize) -> Vec<f64> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let row = |index: usize| {
        let center = scale * (index as f64 + 0.5);
        let first = (center - 2.0 * stretch + 0.5).max(0.0) as usize;
        let end = ((center + 2.0 * stretch + 0.5) as usize).min(from);
        let weight = |place: usize| {
            let inside = (first..end).contains(&place);
            if inside { cubic((place as f64 - center + 0.5) / stretch) } else { 0.0 }
        };
        let weights: Vec<f64> = (0..from).map(weight).collect();
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(move |weight| weight / total)
    };
    (0..to).flat_map(row).collect()
}

/// The cubic convolution filter with a = −1/2, of Keys, 1981.
fn cubic(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tolerance};

    /// Values of PyTorch's `interpolate(mode="bicubic", antialias=True)`.
    #[test]
    fn grids_grow_and_shrink_as_in_pytorch() {
        let device = Device::flex();
        let positions = |values: Vec<f32>| {
            let count = values.len();
            Tensor::<2>::from_data(TensorData::new(values, [count, 1]), &device)
        };
        let assert_close = |found: Tensor<2>, want: Vec<f32>| {
            let want = positions(want).into_data();
            found.into_data().assert_approx_eq::<f32>(&want, Tolerance::rel_abs(1e-5, 1e-6));
        };
        let power = positions((0..9_u8).map(|x| f32::from(x).powf(1.5)).collect());
        let want = [
            1.316_962,
            1.893_386_6,
            3.027_275_8,
            4.568_585_4,
            5.462_462,
            11.313_848,
            12.650_411,
            15.119_912,
            17.769_62,
            19.246_6,
        ];
        assert_close(resample(power, [3, 3], [2, 5]), want.to_vec());
        let squares = positions((0..6_u8).map(|x| f32::from(x * x)).collect());
        let want = [0.410_041_87, 6.530_534_3, 19.970_71];
        assert_close(resample(squares, [1, 6], [1, 3]), want.to_vec());
    }
}
