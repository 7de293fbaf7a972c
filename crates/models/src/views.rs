//! One batch as a method sees it.

use burn::tensor::Tensor;

/// The views of one batch of images, on the training device.
///
/// Row `i` of every view shows the same image.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::Views;
///
/// let view = Tensor::<4>::ones([2, 3, 8, 8], &Device::flex());
/// let views = Views::new(vec![view.clone(), view], vec![Some(0), Some(4)]);
/// let [a, b] = views.pair();
/// assert_eq!((views.batch(), a.dims(), b.dims()), (2, [2, 3, 8, 8], [2, 3, 8, 8]));
/// assert_eq!(views.labels(), [0, 4]);
/// ```
#[derive(Clone, Debug)]
pub struct Views {
    views: Vec<Tensor<4>>,
    labels: Vec<Option<usize>>,
}

impl Views {
    /// Joins the views of one batch.
    ///
    /// # Shapes
    /// - each of `views`: `[batch, channel, height, width]`; sizes may differ between views
    /// - `labels`: one per image, or empty if no image is labeled
    ///
    /// # Panics
    /// If there is no view, or the numbers of images differ.
    #[must_use]
    #[track_caller]
    pub fn new(views: Vec<Tensor<4>>, labels: Vec<Option<usize>>) -> Self {
        let batch = views.first().map(|view| view.dims()[0]);
        let batch = batch.unwrap_or_else(|| panic!("a batch needs at least one view"));
        for (index, view) in views.iter().enumerate() {
            let rows = view.dims()[0];
            assert_eq!(rows, batch, "view {index} shows {rows} images, view 0 shows {batch}");
        }
        assert!(
            labels.is_empty() || labels.len() == batch,
            "{} labels for {batch} images",
            labels.len()
        );
        Self { views, labels }
    }

    /// Returns the number of images.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.views[0].dims()[0]
    }

    /// Returns all views, in the recipe's order.
    #[must_use]
    pub fn all(&self) -> &[Tensor<4>] {
        &self.views
    }

    /// Returns the two views of every image, as a two-view method needs them.
    ///
    /// # Panics
    /// If the recipe does not make exactly two views.
    #[must_use]
    #[track_caller]
    pub fn pair(&self) -> [Tensor<4>; 2] {
        let [a, b] = self.views.as_slice() else {
            panic!("this method needs 2 views of each image, the recipe makes {}", self.views.len())
        };
        [a.clone(), b.clone()]
    }

    /// Returns the class of every image.
    ///
    /// # Panics
    /// If any image has no label.
    #[must_use]
    #[track_caller]
    pub fn labels(&self) -> Vec<usize> {
        let known: Vec<usize> = self.labels.iter().copied().flatten().collect();
        assert_eq!(known.len(), self.batch(), "a supervised method needs a label for every image");
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn view(batch: usize) -> Tensor<4> {
        Tensor::zeros([batch, 3, 4, 4], &Device::flex())
    }

    #[test]
    fn a_pair_is_exactly_two_views() {
        let views = Views::new(vec![view(2), view(2)], vec![Some(1), Some(0)]);
        assert_eq!(views.pair()[1].dims(), [2, 3, 4, 4]);
        assert_eq!(views.labels(), [1, 0]);
    }

    #[test]
    #[should_panic(expected = "view 1 shows 3 images, view 0 shows 2")]
    fn views_of_different_batches_do_not_mix() {
        let _ = Views::new(vec![view(2), view(3)], vec![]);
    }

    #[test]
    #[should_panic(expected = "the recipe makes 1")]
    fn one_view_is_no_pair() {
        let _ = Views::new(vec![view(2)], vec![]).pair();
    }
}
