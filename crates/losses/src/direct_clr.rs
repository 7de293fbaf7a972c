//! DirectCLR: NT-Xent of the first features of the encoder, without a projector.

use burn::tensor::Tensor;

use crate::nt_xent::{NtXentLossConfig, nt_xent};
use crate::ops::shapes::paired_dims;

/// Settings of [`direct_clr`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DirectClrLossConfig {
    /// The number of first columns that are contrasted; narrower features are contrasted whole.
    pub columns: usize,
    /// τ, above 0.
    pub temperature: f64,
}

impl Default for DirectClrLossConfig {
    /// Returns 64 columns and temperature 0.5 (as in lightly; the paper searches both).
    fn default() -> Self {
        Self { columns: 64, temperature: 0.5 }
    }
}

/// Returns [`nt_xent`](crate::nt_xent()) of the first `columns` features; the others get no
/// gradient.
///
/// ```text
/// loss = NT-Xent(a[:, ..columns], b[:, ..columns])
/// ```
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, the encoder's features, row `i` of both from the same
///   image
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// If the shapes differ or are empty, `columns` is 0, or the temperature is not above 0.
///
/// # Source
/// Jing et al., 2021, [arXiv:2110.09348](https://arxiv.org/abs/2110.09348), section 5.
/// Deviation: the candidates are all other views, as in SimCLR and lightly; in the official code,
/// those of the other view.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{DirectClrLossConfig, NtXentLossConfig, direct_clr, nt_xent};
///
/// let view = Tensor::<2>::from_floats([[1., 0., 9.], [0., 1., 9.]], &Device::flex());
/// let first = view.clone().slice([0..2, 0..2]);
/// let config = DirectClrLossConfig { columns: 2, ..DirectClrLossConfig::default() };
/// let found = direct_clr(view.clone(), view, &config);
/// let want = nt_xent(first.clone(), first, &NtXentLossConfig::default());
/// assert!((found - want).into_scalar::<f32>().abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn direct_clr(view_a: Tensor<2>, view_b: Tensor<2>, config: &DirectClrLossConfig) -> Tensor<1> {
    let [batch, dim] = paired_dims("direct_clr", &view_a, &view_b);
    assert!(config.columns > 0, "direct_clr needs 1 column or more, got 0");
    let first = [0..batch, 0..dim.min(config.columns)];
    let config = NtXentLossConfig { temperature: config.temperature };
    nt_xent(view_a.slice(first.clone()), view_b.slice(first), &config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        direct_clr(a, b, &DirectClrLossConfig { columns: 3, temperature: 0.3 })
    }

    fn of_all(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        nt_xent(a, b, &NtXentLossConfig { temperature: 0.3 })
    }

    proptest::proptest! {
        #[test]
        fn is_nt_xent_of_the_first_columns(pair in Pair::any()) {
            let first = |view: &[Vec<f64>]| {
                view.iter().map(|row| row[..row.len().min(3)].to_vec()).collect()
            };
            let cut = Pair { a: first(&pair.a), b: first(&pair.b) };
            assert_close(value(loss, &pair), value(of_all, &cut), 1e-12);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).permutation().symmetry().scale().precision().shapes().extremes(1).collapse();
    }
}
