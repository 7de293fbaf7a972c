//! What several views of one batch have in common.

use burn::tensor::Tensor;

/// The common `[batch, dim]` of all views, of which there must be `least` or more.
#[track_caller]
pub(crate) fn common_dims(name: &str, least: usize, views: &[Tensor<2>]) -> [usize; 2] {
    assert!(views.len() >= least, "{name} needs {least} views or more, got {}", views.len());
    let first = views[0].dims();
    for view in views {
        let dims = view.dims();
        assert_eq!(first, dims, "{name} needs views of one shape [batch, dim]");
    }
    assert!(first[0] > 0 && first[1] > 0, "{name} needs rows and columns, got {first:?}");
    first
}

/// The sum of tensors, of which there is at least one.
pub(crate) fn sum<const D: usize>(terms: impl IntoIterator<Item = Tensor<D>>) -> Option<Tensor<D>> {
    terms.into_iter().reduce(|sum, term| sum + term)
}

/// The mean of the views.
#[track_caller]
pub(crate) fn mean_view(views: &[Tensor<2>]) -> Tensor<2> {
    let mut mean = views[0].clone();
    for view in &views[1..] {
        mean = mean + view.clone();
    }
    mean / views.len() as f64
}
