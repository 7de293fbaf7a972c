//! Which columns of a Parquet file are images and labels, and what the labels are called.

use parquet::basic::Type;
use parquet::file::metadata::ParquetMetaData;
use serde_json::Value;

/// Names of the column of images, of which the first counts.
const IMAGES: [&str; 9] =
    ["image", "img", "images", "jpg", "png", "webp", "photo", "image_bytes", "bytes"];
/// Names of the column of labels.
const LABELS: [&str; 12] = [
    "label",
    "labels",
    "fine_label",
    "class",
    "cls",
    "category",
    "target",
    "y",
    "label_id",
    "class_id",
    "species",
    "breed",
];

/// The columns of one file, as numbers of its leaves.
#[derive(Debug, PartialEq)]
pub(super) struct Columns {
    pub(super) image: usize,
    pub(super) label: Option<usize>,
    /// The names of the classes that the labels number.
    pub(super) classes: Option<Vec<String>>,
    /// Whether the column of labels holds several for each image.
    pub(super) several: bool,
    /// Other columns.
    pub(super) unread: Vec<String>,
}

impl Columns {
    pub(super) fn of(metadata: &ParquetMetaData) -> Result<Self, String> {
        let leaves = metadata.file_metadata().schema_descr().columns();
        let parts = |leaf: usize| leaves[leaf].path().parts();
        let top = |leaf: usize| parts(leaf).first().map_or("", String::as_str);
        let rank = |name: &str, names: &[&str]| names.iter().position(|known| *known == name);
        let is_image = |leaf: &usize| {
            let bytes = leaves[*leaf].physical_type() == Type::BYTE_ARRAY
                && leaves[*leaf].max_rep_level() == 0;
            match parts(*leaf) {
                [_, inner] => bytes && inner == "bytes",
                [name] => bytes && rank(name, &IMAGES).is_some(),
                _ => false,
            }
        };
        let image = (0..leaves.len())
            .filter(is_image)
            .min_by_key(|&leaf| rank(top(leaf), &IMAGES).unwrap_or(IMAGES.len()));
        let mut tops: Vec<String> = Vec::new();
        for leaf in 0..leaves.len() {
            if !tops.iter().any(|known| known == top(leaf)) {
                tops.push(top(leaf).to_owned());
            }
        }
        let Some(image) = image else {
            return Err(format!(
                "it has no column of encoded images, such as `image` with `bytes`, but `{}`",
                tops.join("`, `")
            ));
        };
        let features = features(metadata);
        let names = |name: &str| class_names(&features, name);
        let label = (0..leaves.len())
            .filter(|&leaf| {
                let plain = matches!(
                    leaves[leaf].physical_type(),
                    Type::INT32 | Type::INT64 | Type::BOOLEAN | Type::BYTE_ARRAY
                );
                let known = rank(top(leaf), &LABELS).is_some() || names(top(leaf)).is_some();
                plain && known && top(leaf) != top(image)
            })
            .min_by_key(|&leaf| rank(top(leaf), &LABELS).unwrap_or(LABELS.len()));
        let several = label.is_some_and(|leaf| leaves[leaf].max_rep_level() > 0);
        let used = [Some(top(image)), label.map(top)];
        Ok(Self {
            image,
            classes: label.and_then(|leaf| names(top(leaf))),
            unread: tops.iter().filter(|it| !used.contains(&Some(it.as_str()))).cloned().collect(),
            label: label.filter(|_| !several),
            several,
        })
    }
}

/// Returns what Hugging Face datasets say about the columns.
fn features(metadata: &ParquetMetaData) -> Value {
    let entries = metadata.file_metadata().key_value_metadata();
    let entry = entries.and_then(|all| all.iter().find(|entry| entry.key == "huggingface"));
    let text = entry.and_then(|entry| entry.value.as_deref()).unwrap_or_default();
    let mut value: Value = serde_json::from_str(text).unwrap_or_default();
    value["info"]["features"].take()
}

/// Returns the names of the classes of a column. Of two classes of the same name, each is called by
/// its number as well.
fn class_names(features: &Value, column: &str) -> Option<Vec<String>> {
    let names = features.get(column)?.get("names")?.as_array()?;
    let names: Vec<&str> = names.iter().map(Value::as_str).collect::<Option<_>>()?;
    let mut counts = std::collections::HashMap::new();
    for name in &names {
        *counts.entry(*name).or_insert(0) += 1;
    }
    let called = |(class, name): (usize, &&str)| match counts[*name] {
        1 => (*name).to_owned(),
        _ => format!("{name} ({class})"),
    };
    Some(names.iter().enumerate().map(called).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_classes_of_one_name_stay_two() {
        let features = serde_json::json!({"label": {"names": ["crane", "cat", "crane"]}});
        let names = class_names(&features, "label").unwrap();
        assert_eq!(names, ["crane (0)", "cat", "crane (2)"]);
        assert_eq!(class_names(&features, "other"), None);
        assert_eq!(class_names(&Value::Null, "label"), None);
    }
}
