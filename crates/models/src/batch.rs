//! One batch as a method sees it.

use burn::tensor::Tensor;

/// The views of one batch of samples, on the training device.
///
/// Row `i` of every view, of `indices` and of `labels` is the same sample. `I` is the input of the
/// encoder: `Tensor<4>` for images, `Tensor<3>` for signals, `Tensor<2, Int>` for text.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::Batch;
///
/// let view = Tensor::<4>::ones([2, 3, 8, 8], &Device::flex());
/// let batch = Batch::new(vec![view.clone(), view]).with_labels(vec![Some(0), Some(4)]);
/// let [a, b] = batch.pair();
/// assert_eq!((a.dims(), b.dims()), ([2, 3, 8, 8], [2, 3, 8, 8]));
/// assert_eq!(batch.classes(), [0, 4]);
/// ```
#[derive(Clone, Debug)]
pub struct Batch<I = Tensor<4>> {
    /// The views, in the recipe's order; sizes may differ between views.
    pub views: Vec<I>,
    /// The index of each sample in its data set; empty if unknown.
    pub indices: Vec<usize>,
    /// The class of each sample, where known; empty if no sample is labeled.
    pub labels: Vec<Option<usize>>,
}

impl<I: Clone> Batch<I> {
    /// Creates a batch of views without indices and labels.
    #[must_use]
    pub fn new(views: Vec<I>) -> Self {
        Self { views, indices: Vec::new(), labels: Vec::new() }
    }

    /// Sets the index of each sample in its data set.
    #[must_use]
    pub fn with_indices(self, indices: Vec<usize>) -> Self {
        Self { indices, ..self }
    }

    /// Sets the class of each sample.
    #[must_use]
    pub fn with_labels(self, labels: Vec<Option<usize>>) -> Self {
        Self { labels, ..self }
    }

    /// Returns the first view of every sample, as a masked method needs it.
    ///
    /// # Panics
    /// If there is no view.
    #[must_use]
    #[track_caller]
    pub fn first(&self) -> I {
        let [first, ..] = self.views.as_slice() else {
            panic!("this method needs a view of each sample, the recipe makes none")
        };
        first.clone()
    }

    /// Returns the two views of every sample, as a two-view method needs them.
    ///
    /// # Panics
    /// If there are not exactly two views.
    #[must_use]
    #[track_caller]
    pub fn pair(&self) -> [I; 2] {
        let [a, b] = self.views.as_slice() else {
            panic!(
                "this method needs 2 views of each sample, the recipe makes {}",
                self.views.len()
            )
        };
        [a.clone(), b.clone()]
    }

    /// Returns all views of every sample, as a method of several views needs them.
    ///
    /// # Panics
    /// If there are fewer than `least` views.
    #[must_use]
    #[track_caller]
    pub fn at_least(&self, least: usize) -> &[I] {
        let count = self.views.len();
        assert!(
            count >= least,
            "this method needs {least} views or more of each sample, the recipe makes {count}"
        );
        &self.views
    }

    /// Returns the class of every sample.
    ///
    /// # Panics
    /// If any sample has no label.
    #[must_use]
    #[track_caller]
    pub fn classes(&self) -> Vec<usize> {
        let known: Vec<usize> = self.labels.iter().copied().flatten().collect();
        assert!(
            !known.is_empty() && known.len() == self.labels.len(),
            "a supervised method needs a label for every sample; {} of {} have one",
            known.len(),
            self.labels.len()
        );
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn view() -> Tensor<4> {
        Tensor::zeros([2, 3, 4, 4], &Device::flex())
    }

    #[test]
    fn a_pair_is_exactly_two_views() {
        let batch = Batch::new(vec![view(), view()]).with_labels(vec![Some(1), Some(0)]);
        assert_eq!(batch.pair()[1].dims(), [2, 3, 4, 4]);
        assert_eq!(batch.at_least(1).len(), 2);
        assert_eq!(batch.classes(), [1, 0]);
    }

    #[test]
    #[should_panic(expected = "the recipe makes 1")]
    fn one_view_is_no_pair() {
        let _ = Batch::new(vec![view()]).pair();
    }

    #[test]
    #[should_panic(expected = "needs 2 views or more of each sample, the recipe makes 1")]
    fn one_view_is_not_several() {
        let _ = Batch::new(vec![view()]).at_least(2);
    }

    #[test]
    #[should_panic(expected = "1 of 2 have one")]
    fn a_missing_label_is_counted() {
        let _ = Batch::new(vec![view()]).with_labels(vec![Some(1), None]).classes();
    }
}
