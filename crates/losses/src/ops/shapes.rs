//! Checks of the shapes of views, and their sums.

use burn::tensor::Tensor;

/// Returns the common `[batch, dim]` of two views.
#[track_caller]
pub(crate) fn paired_dims(name: &str, a: &Tensor<2>, b: &Tensor<2>) -> [usize; 2] {
    let (first, second) = (a.dims(), b.dims());
    assert_eq!(first, second, "{name} needs two views of one shape [batch, dim]");
    assert!(first[0] > 0 && first[1] > 0, "{name} needs rows and columns, got {first:?}");
    first
}

/// Returns the common `[batch, dim]` of all views; there must be `least` views or more.
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

/// Sums tensors; `None` if there is none.
pub(crate) fn sum<const D: usize>(terms: impl IntoIterator<Item = Tensor<D>>) -> Option<Tensor<D>> {
    terms.into_iter().reduce(|sum, term| sum + term)
}

/// Averages the views.
#[track_caller]
pub(crate) fn mean_view(views: &[Tensor<2>]) -> Tensor<2> {
    let mut mean = views[0].clone();
    for view in &views[1..] {
        mean = mean + view.clone();
    }
    mean / views.len() as f64
}
