//! `KoLeo` without the matrix of all cosines.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
mod host;

/// Computes the mean negative log distance of each row of unit length to its nearest other row.
///
/// `epsilon` is added to each difference and to each distance. The nearest row is a constant; both
/// rows get a gradient.
///
/// # Shapes
/// - `rows`: `[batch, dim]`, 2 rows or more of unit length
/// - output: `[1]`
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::loss::nearest_log_distance;
///
/// let rows = Tensor::<2>::from_floats([[1.0, 0.0], [-1.0, 0.0]], &Device::flex());
/// let loss = nearest_log_distance(&rows, 1e-8).expect("single precision on Flex");
/// assert!((loss.into_scalar::<f32>() + 2.0_f32.ln()).abs() < 1e-6);
/// ```
#[must_use]
pub fn nearest_log_distance(rows: &Tensor<2>, epsilon: f64) -> Option<Tensor<1>> {
    on_flex!(on_flex(rows, epsilon))
}

#[cfg(feature = "flex")]
fn on_flex(rows: &Tensor<2>, epsilon: f64) -> Option<Tensor<1>> {
    use super::custom_gradient;
    use crate::flex::{as_f32_slice, constant_f32, contiguous_f32, scalar_f32};

    let [batch, dim] = rows.dims();
    let contiguous = contiguous_f32(rows)?;
    let elements = as_f32_slice(&contiguous);
    let nearest = host::most_similar_rows(elements, dim);
    let row = |place: usize| &elements[place * dim..(place + 1) * dim];
    let single_epsilon = epsilon as f32;
    let distance = |(place, other): (usize, &usize)| {
        let (x, y) = (row(place), row(*other));
        let squares = x.iter().zip(y).map(|(x, y)| (x - y + single_epsilon).powi(2));
        squares.sum::<f32>().sqrt()
    };
    let distances: Vec<f32> = nearest.iter().enumerate().map(distance).collect();
    let logs = distances.iter().map(|distance| (f64::from(*distance) + epsilon).ln());
    let value = scalar_f32(-logs.sum::<f64>() / batch as f64, rows);
    Some(custom_gradient(rows.clone(), value, || {
        let mut gradient = vec![0.0; batch * dim];
        for ((place, other), distance) in nearest.iter().enumerate().zip(distances) {
            // Equal rows have no direction.
            let divisor = (distance + single_epsilon) * distance * batch as f32;
            let factor = if distance == 0.0 { 0.0 } else { -divisor.recip() };
            for column in 0..dim {
                let slope = factor * (row(place)[column] - row(*other)[column] + single_epsilon);
                gradient[place * dim + column] += slope;
                gradient[other * dim + column] -= slope;
            }
        }
        constant_f32(gradient, [batch, dim], rows)
    }))
}
