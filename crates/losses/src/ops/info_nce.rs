//! `InfoNCE`: find an anchor's positive among all candidates.

use burn::tensor::Tensor;
use selfsame_kernels::loss::Excluded;

use super::contrast::{check_temperature, cosines};
use super::l2_normalize::l2_normalize;
use super::log_sum_exp::LogSumExp;

/// Averages over the anchors `−s(i, first + i)/τ + log Σₖ exp(s(i, k)/τ)`, `s` the cosine of two
/// rows.
///
/// Anchors `[batch, dim]`, candidates `[all, dim]`; the gradient flows into both.
#[track_caller]
pub(crate) fn info_nce(
    name: &str,
    anchors: Tensor<2>,
    candidates: Tensor<2>,
    first: usize,
    temperature: f64,
) -> Tensor<1> {
    check_temperature(name, temperature);
    let (rows, all) = (anchors.dims(), candidates.dims());
    let fits = rows[1] == all[1] && rows[0] > 0 && rows[1] > 0 && first + rows[0] <= all[0];
    assert!(fits, "{name}: rows of {rows:?} from {first} on have no partners in {all:?}");
    let (anchors, candidates) = (l2_normalize(anchors), l2_normalize(candidates));
    let own = candidates.clone().narrow(0, first, rows[0]);
    let positives = cosines(anchors.clone(), own);
    let sums = LogSumExp::new(anchors, Some(candidates), Excluded::None, temperature);
    sums.mean() - positives.mean() * temperature.recip()
}
