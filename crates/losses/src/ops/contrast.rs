//! Two views of a batch set against each other: what NT-Xent and its kin share.

use burn::tensor::Tensor;

use crate::log_sum_exp::LogSumExp;
use crate::normalize::{normalize, paired_dims};
use crate::skip::Skip;

/// The embeddings of all workers, where each of them computes the loss of its own rows.
///
/// The rows of this worker are among them, from row `first` on. They may be constants (the usual
/// gather, or embeddings kept from an earlier pass) or carry a graph; the gradient flows where there
/// is one.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// View a of all workers, `[all, dim]`, any length.
    pub view_a: Tensor<2>,
    /// View b of all workers, in the same order.
    pub view_b: Tensor<2>,
    /// Where this worker's rows begin.
    pub first: usize,
}

/// Whether an anchor's positive is among the candidates of its denominator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Positive {
    Counted,
    LeftOut,
}

/// Both views of every image as anchors.
pub(crate) struct Contrast {
    /// The cosine of each image's two views, `[batch]`.
    pub(crate) positives: Tensor<1>,
    /// Over all views but the anchor itself, anchors of view a first, `[2 · batch]`.
    pub(crate) denominators: LogSumExp,
}

/// The temperature must be above 0 and not NaN.
#[track_caller]
pub(crate) fn check_temperature(name: &str, temperature: f64) {
    assert!(temperature > 0.0, "{name} needs a temperature above 0, got {temperature}");
}

/// The cosine of each row with the row across, `[batch]`, of rows of unit length.
pub(crate) fn cosines(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    let [batch, _] = a.dims();
    (a * b).sum_dim(1).reshape([batch])
}

impl Contrast {
    /// Of two views, `[batch, dim]`, any length. `temperature` sees the mean of the positives'
    /// cosines.
    #[track_caller]
    pub(crate) fn new(
        name: &str,
        [view_a, view_b]: [Tensor<2>; 2],
        gathered: Option<&Gathered>,
        positive: Positive,
        temperature: impl FnOnce(&Tensor<1>) -> f64,
    ) -> Self {
        let [batch, dim] = paired_dims(name, &view_a, &view_b);
        let (a, b) = (normalize(view_a), normalize(view_b));
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
                let views = vec![normalize(view_a.clone()), normalize(view_b.clone())];
                (Some(Tensor::cat(views, 0)), *first, all)
            }
        };
        let places = |anchor: usize| {
            let (view, row) = (anchor / batch, first + anchor % batch);
            [view * all + row, (1 - view) * all + row]
        };
        let anchor_places = (0..2 * batch).map(places);
        let skip = match positive {
            Positive::Counted => Skip::One(anchor_places.map(|[itself, _]| itself).collect()),
            Positive::LeftOut => Skip::Two(anchor_places.collect()),
        };
        let denominators = LogSumExp::new(anchors, candidates, skip, temperature);
        Self { positives, denominators }
    }
}
