//! Two views of a batch contrasted with each other, as NT-Xent and related losses do.

use burn::tensor::Tensor;
use selfsame_kernels::loss::Excluded;

use super::l2_normalize::l2_normalize;
use super::log_sum_exp::LogSumExp;
use super::shapes::paired_dims;
use crate::Gathered;

/// Whether an anchor's positive is among the candidates of its denominator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Positive {
    Counted,
    Excluded,
}

/// The parts of a contrastive loss with both views of every image as anchors.
pub(crate) struct Contrast {
    /// The cosine of each image's two views, `[batch]`.
    pub(crate) positives: Tensor<1>,
    /// The log-sum-exp over all views but the anchor itself, anchors of view a first, `[2 ·
    /// batch]`.
    pub(crate) denominators: LogSumExp,
}

/// Panics unless the temperature is above 0.
#[track_caller]
pub(crate) fn check_temperature(name: &str, temperature: f64) {
    assert!(temperature > 0.0, "{name} needs a temperature above 0, got {temperature}");
}

/// Computes the cosine of each row of `a` with the same row of `b`, `[batch]`, of rows of unit
/// length.
pub(crate) fn cosines(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    let [batch, _] = a.dims();
    (a * b).sum_dim(1).reshape([batch])
}

impl Contrast {
    /// Contrasts two views, `[batch, dim]`, any length. `temperature` is computed from the
    /// positives' cosines.
    #[track_caller]
    pub(crate) fn new(
        name: &str,
        [view_a, view_b]: [Tensor<2>; 2],
        gathered: Option<&Gathered>,
        positive: Positive,
        temperature: impl FnOnce(&Tensor<1>) -> f64,
    ) -> Self {
        let [batch, dim] = paired_dims(name, &view_a, &view_b);
        let (a, b) = (l2_normalize(view_a), l2_normalize(view_b));
        let positives = cosines(a.clone(), b.clone());
        let temperature = temperature(&positives);
        check_temperature(name, temperature);
        let anchors = Tensor::cat(vec![a, b], 0);
        let (candidates, first, all) = match gathered {
            None => (None, 0, batch),
            Some(Gathered { view_a, view_b, first }) => {
                let [all, _] = paired_dims(name, view_a, view_b);
                let (local, found) = ([batch, dim], view_a.dims());
                assert!(
                    found[1] == dim && first + batch <= all,
                    "{name}: rows of {local:?} from {first} on are not among gathered {found:?}"
                );
                let views = vec![l2_normalize(view_a.clone()), l2_normalize(view_b.clone())];
                (Some(Tensor::cat(views, 0)), *first, all)
            }
        };
        let places = |anchor: usize| {
            let (view, row) = (anchor / batch, first + anchor % batch);
            [view * all + row, (1 - view) * all + row]
        };
        let anchor_places = (0..2 * batch).map(places);
        let excluded = match positive {
            Positive::Counted => Excluded::One(anchor_places.map(|[itself, _]| itself).collect()),
            Positive::Excluded => Excluded::Two(anchor_places.collect()),
        };
        let denominators = LogSumExp::new(anchors, candidates, excluded, temperature);
        Self { positives, denominators }
    }
}
