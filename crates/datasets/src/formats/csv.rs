//! Lists of images, one line `path[,label]` for each.

use std::path::Path;

use super::folder::{FoundImage, Location, is_image, labeled_splits};
use crate::{DataError, Splits};

/// Returns the images of a CSV file, in its order.
///
/// Paths are relative to the list. A first line whose path is not that of an image is a header.
pub(crate) fn open_list(list: &Path) -> Result<Splits, DataError> {
    let damaged = |reason: String| DataError::Format { path: list.to_owned(), reason };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(list)
        .map_err(|error| damaged(error.to_string()))?;
    let folder = list.parent().unwrap_or(Path::new(""));
    let mut images = Vec::new();
    for (number, row) in reader.records().enumerate() {
        let row = row.map_err(|error| damaged(error.to_string()))?;
        let line = row.position().map_or(0, csv::Position::line);
        let path = row.get(0).unwrap_or_default();
        if number == 0 && !is_image(path) {
            continue;
        }
        if row.len() > 2 || path.is_empty() {
            return Err(damaged(format!("line {line} is not `path` or `path,label`")));
        }
        let label = row.get(1).filter(|label| !label.is_empty()).map(str::to_owned);
        let location = Location::File(folder.join(path));
        images.push(FoundImage { path: path.to_owned(), label, location });
    }
    labeled_splits(list, images, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<Splits, DataError> {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("list.csv");
        std::fs::write(&path, text).unwrap();
        open_list(&path)
    }

    #[test]
    fn labels_and_the_header_are_optional() {
        for text in
            ["a.png,cat\nb.jpg,dog\nc.jpg,\n", "path,label\na.png, cat\n\"b.jpg\",dog\nc.jpg"]
        {
            let train = list(text).unwrap().train;
            assert_eq!(train.class_names(), ["cat", "dog"]);
            assert_eq!([0, 1, 2].map(|i| train.label(i)), [Some(0), Some(1), None]);
            assert!(train.name(1).ends_with("b.jpg"));
        }
        assert!(list("a.png\nb.png\n").unwrap().train.class_names().is_empty());
    }

    #[test]
    fn a_line_that_names_no_image_is_an_error_with_its_number() {
        let error = list("a.png,1\nb.png,2,3\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("list.csv"), "{error}");
        assert!(list("path\n").is_err());
    }
}
