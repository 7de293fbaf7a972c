//! Classes, numbered by the names of labels.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::names::composed;
use crate::DataError;

/// The classes of a data set, and the class of every training and test image.
#[derive(Debug, PartialEq)]
pub(crate) struct Classes {
    pub(crate) names: Arc<[String]>,
    pub(crate) train: Vec<Option<usize>>,
    pub(crate) test: Vec<Option<usize>>,
}

impl Classes {
    /// Numbers the labels of the training images: by value if all are whole numbers, else by text.
    ///
    /// Names that differ in the composition of their characters alone are one class. A single class
    /// distinguishes nothing, so its images count as unlabeled.
    pub(crate) fn number(
        path: &Path,
        train: &[Option<String>],
        test: &[Option<String>],
    ) -> Result<Self, DataError> {
        let composed = |labels: &[Option<String>]| -> Vec<Option<String>> {
            labels.iter().map(|label| label.as_deref().map(composed)).collect()
        };
        let (train, test) = (composed(train), composed(test));
        let names: BTreeSet<&String> = train.iter().flatten().collect();
        let mut names: Vec<&String> = names.into_iter().collect();
        if names.iter().all(|name| name.parse::<i64>().is_ok()) {
            names.sort_by_key(|name| name.parse::<i64>().unwrap_or_default());
        }
        let places: BTreeMap<&String, usize> = names.iter().copied().zip(0..).collect();
        if let Some(class) = test.iter().flatten().find(|class| !places.contains_key(class)) {
            return Err(DataError::ClassOnlyInTest { path: path.to_owned(), class: class.clone() });
        }
        if places.len() < 2 {
            let (train, test) = (vec![None; train.len()], vec![None; test.len()]);
            return Ok(Self { names: Arc::new([]), train, test });
        }
        let place = |label: &Option<String>| places.get(label.as_ref()?).copied();
        let (train, test) = (train.iter().map(place).collect(), test.iter().map(place).collect());
        Ok(Self { names: names.into_iter().cloned().collect(), train, test })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| (!text.is_empty()).then(|| (*text).to_owned())).collect()
    }

    #[test]
    fn numbers_are_sorted_by_value_and_words_by_text() {
        let numbered =
            |train: &[&str]| Classes::number(Path::new("x"), &texts(train), &[]).unwrap();
        assert_eq!(numbered(&["10", "9", "", "9"]).names[..], ["9", "10"]);
        assert_eq!(numbered(&["10", "9", "", "9"]).train, [Some(1), Some(0), None, Some(0)]);
        assert_eq!(numbered(&["10", "9", "cat"]).names[..], ["10", "9", "cat"]);
        assert_eq!(numbered(&["cat", "cat"]).train, [None, None]);
        assert!(Classes::number(Path::new("x"), &texts(&["a", "b"]), &texts(&["c"])).is_err());
    }
}
