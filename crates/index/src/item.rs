//! What is known of a row besides its values.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Label, name and metadata of one row of an index; each may be missing.
///
/// # Example
/// ```
/// use selfsame_index::Item;
///
/// let item = Item::named("cats/1.jpg").with_label(3).with("camera", "left");
/// assert_eq!(item.label, Some(3));
/// assert_eq!(item.metadata["camera"], "left");
/// assert_eq!(Item::labeled(3), Item { label: Some(3), ..Item::default() });
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Name by which the item is looked up, such as the path of its file; unique in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Class of the item, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<usize>,
    /// Anything else, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

impl Item {
    /// Creates an item with a name.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::Item;
    ///
    /// assert_eq!(Item::named("a.jpg").name.as_deref(), Some("a.jpg"));
    /// ```
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// Creates an item with a label.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::Item;
    ///
    /// assert_eq!(Item::labeled(7).label, Some(7));
    /// ```
    #[must_use]
    pub fn labeled(label: usize) -> Self {
        Self { label: Some(label), ..Self::default() }
    }

    /// Replaces the label.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::Item;
    ///
    /// assert_eq!(Item::labeled(7).with_label(8).label, Some(8));
    /// ```
    #[must_use]
    pub fn with_label(self, label: usize) -> Self {
        Self { label: Some(label), ..self }
    }

    /// Adds an entry to the metadata, in place of one of the same name.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::Item;
    ///
    /// assert_eq!(Item::default().with("width", 640).metadata["width"], 640);
    /// ```
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }
}
