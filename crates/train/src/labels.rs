//! The labels of images, checked.

use selfsame_datasets::Dataset;

use crate::TrainError;

/// Returns the class of every image; `field` is the setting that an error names.
pub(crate) fn all_labels(
    dataset: &dyn Dataset,
    field: &'static str,
) -> Result<Vec<usize>, TrainError> {
    (0..dataset.len()).map(|index| label(dataset, index, field)).collect()
}

fn label(dataset: &dyn Dataset, index: usize, field: &'static str) -> Result<usize, TrainError> {
    dataset.label(index).ok_or_else(|| TrainError::Setting {
        field,
        problem: format!("needs labels, and {} has none", dataset.name(index)),
    })
}

/// Returns the classes of the images at `labeled`, which a classifier of all classes of `dataset`
/// can learn from.
///
/// # Errors
/// If an index is given twice or is not in the data set, an image has no label or one that is no
/// class, all are of one class, or there are fewer images than classes.
pub(crate) fn labels_to_learn(
    dataset: &dyn Dataset,
    labeled: &[usize],
) -> Result<Vec<usize>, TrainError> {
    let (field, classes) = ("labeled", dataset.class_names().len());
    let refuse = |problem| Err(TrainError::Setting { field, problem });
    let mut sorted = labeled.to_vec();
    sorted.sort_unstable();
    let same = |pair: &[usize]| (pair[0] == pair[1]).then_some(pair[0]);
    if let Some(twice) = sorted.windows(2).find_map(same) {
        return refuse(format!("has image {twice} twice; give each image once"));
    }
    if let Some(&last) = sorted.last()
        && last >= dataset.len()
    {
        return refuse(format!("has image {last}, and there are {}", dataset.len()));
    }
    let labels: Result<Vec<usize>, _> =
        labeled.iter().map(|&index| label(dataset, index, field)).collect();
    let labels = labels?;
    if let Some(label) = labels.iter().find(|&&label| label >= classes) {
        return refuse(format!("has the label {label}, and the data set names {classes} classes"));
    }
    if labels.len() < classes {
        let images = labels.len();
        return refuse(format!("has {images} images, fewer than the {classes} classes; add more"));
    }
    if labels.iter().all(|label| *label == labels[0]) {
        return refuse("has images of one class only, and a classifier needs two".to_owned());
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use selfsame_datasets::{InMemory, Layout};

    /// Images of these classes, of two.
    fn images(labels: Vec<Option<usize>>) -> InMemory {
        let images = InMemory::new(vec![0; labels.len()], [1, 1, 1], Layout::Hwc).unwrap();
        images.with_labels(labels, vec!["cat".to_owned(), "dog".to_owned()]).unwrap()
    }

    #[test]
    fn labels_are_those_of_the_chosen_images_in_their_order() {
        let images = images(vec![Some(0), None, Some(1), Some(0)]);
        assert_eq!(labels_to_learn(&images, &[3, 2]).unwrap(), [0, 1]);
        assert_eq!(all_labels(&images, "test").unwrap_err().to_string().matches('`').count(), 2);
    }

    #[test]
    fn what_cannot_be_learned_from_is_refused_with_the_reason() {
        let images = images(vec![Some(0), None, Some(1), Some(0)]);
        for (labeled, reason) in [
            (&[][..], "fewer than the 2 classes"),
            (&[0], "fewer than the 2 classes"),
            (&[0, 3], "one class only"),
            (&[0, 1, 2], "needs labels"),
            (&[0, 2, 0], "image 0 twice"),
            (&[0, 2, 4], "image 4, and there are 4"),
        ] {
            let error = labels_to_learn(&images, labeled).unwrap_err().to_string();
            assert!(error.starts_with("`labeled` ") && error.contains(reason), "{error}");
        }
    }
}
