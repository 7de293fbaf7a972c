//! Squared distance of sorted rows from a table.

use rayon::prelude::*;

/// Sums `Σᵢ (xᵢ − table[rank of xᵢ in its row])²` over the rows; also returns its gradient times
/// `scale`, with constant ranks. Rows are as wide as the table. Of equal elements the first has the
/// lower rank.
pub(crate) fn ranked_square_sum(x: &[f32], table: &[f32], scale: f32) -> (f64, Vec<f32>) {
    let columns = table.len();
    let mut gradient = vec![0.0; x.len()];
    let mut sums = vec![0.0; x.len() / columns];
    let rows = gradient.par_chunks_mut(columns).zip(x.par_chunks(columns)).zip(&mut sums);
    rows.for_each_init(Vec::new, |keys, ((gradient, x), sum)| {
        keys.clear();
        keys.extend((0..).zip(x).map(|(place, x)| key(place, *x)));
        keys.sort_unstable();
        for (key, want) in keys.iter().zip(table) {
            let place = (key & u64::from(u32::MAX)) as usize;
            let apart = x[place] - want;
            *sum += f64::from(apart) * f64::from(apart);
            gradient[place] = 2.0 * scale * apart;
        }
    });
    (sums.into_iter().sum(), gradient)
}

/// Returns an integer that is ordered like x, with the index of x in its lower half.
fn key(place: u64, x: f32) -> u64 {
    let bits = x.to_bits();
    // The bits of negative floats are ordered in reverse.
    let ordered = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    u64::from(ordered) << 32 | place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_meet_their_quantiles_and_equal_ones_keep_their_order() {
        let (sum, gradient) =
            ranked_square_sum(&[2.0, -1.0, 2.0, -3.5], &[-3.0, -1.0, 1.0, 4.0], 0.5);
        assert_eq!(gradient, [1.0, 0.0, -2.0, -0.5]);
        assert!((sum - 5.25).abs() < 1e-12);
    }
}
