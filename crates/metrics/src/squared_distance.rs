//! Squared Euclidean distance of two rows.

/// Partial sums, so that the compiler can use vectors; fixed, so that the result is.
const LANES: usize = 8;

/// Returns `Σ (a − b)²` in double precision.
pub(crate) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0_f64; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            let difference = f64::from(a[lane]) - f64::from(b[lane]);
            sums[lane] += difference * difference;
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_counts_once_whatever_the_length() {
        for length in 0..40_u16 {
            let a: Vec<f32> = (0..length).map(f32::from).collect();
            let want: u32 = (0..u32::from(length)).map(|x| x * x).sum();
            let found = squared_distance(&a, &vec![0.0; a.len()]);
            assert!((found - f64::from(want)).abs() < 1e-9, "{length}");
        }
    }
}
