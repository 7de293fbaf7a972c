//! Embeddings with what is known of them, to be searched.

use std::collections::HashMap;

use selfsame_metrics::{Distance, Features};

use crate::{Calibration, IndexError, Item};

/// Rows of features, one [`Item`] for each, and the distance by which they are compared.
///
/// Positions count from 0 in the order in which the items were added; removing an item moves those
/// behind it one place forward. Adding and removing keep the [calibration](Self::calibration):
/// calibrate again if the index has changed much.
///
/// Search is exact. It returns [`Hit`](crate::Hit)s, nearest first, and among equal distances the
/// one at the lower position first.
///
/// # Example
/// ```
/// use selfsame_index::{Index, Item};
/// use selfsame_metrics::{Distance, Features};
///
/// let mut index = Index::new(2, Distance::L2)?;
/// index.add(&[0.0, 0.0], Item::named("origin").with_label(0))?;
/// index.add(&[3.0, 4.0], Item::named("far").with_label(1))?;
/// let hits = index.search(&[3.0, 3.0], 2)?;
/// assert_eq!(index.items()[hits[0].position].name.as_deref(), Some("far"));
/// assert_eq!(hits[0].distance, 1.0);
/// index.remove_named("far")?;
/// assert_eq!(index.search(&[3.0, 3.0], 2)?.len(), 1);
/// # Ok::<(), selfsame_index::IndexError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    distance: Distance,
    features: Features,
    items: Vec<Item>,
    by_name: HashMap<String, usize>,
    classes: Vec<String>,
    pub(crate) calibration: Option<Calibration>,
}

impl Index {
    /// Creates an index without items for rows of `dim` values.
    ///
    /// # Errors
    /// If `dim` is 0.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::Index;
    /// use selfsame_metrics::Distance;
    ///
    /// assert!(Index::new(128, Distance::Cosine)?.is_empty());
    /// assert!(Index::new(0, Distance::Cosine).is_err());
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn new(dim: usize, distance: Distance) -> Result<Self, IndexError> {
        Self::from_features(Features::new(dim, Vec::new())?, Vec::new(), distance)
    }

    /// Creates an index in which `items[i]` describes row `i` of `features`.
    ///
    /// # Errors
    /// If there is not one item per row, or two items have the same name.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item};
    /// use selfsame_metrics::{Distance, Features};
    ///
    /// let features = Features::new(2, vec![1.0, 0.0, 0.0, 1.0])?;
    /// let items = vec![Item::labeled(0), Item::labeled(1)];
    /// let index = Index::from_features(features, items, Distance::Cosine)?;
    /// assert_eq!((index.len(), index.dim()), (2, 2));
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn from_features(
        features: Features,
        items: Vec<Item>,
        distance: Distance,
    ) -> Result<Self, IndexError> {
        if items.len() != features.rows() {
            return Err(IndexError::ItemCount { items: items.len(), rows: features.rows() });
        }
        let by_name = names(&items, 0)?;
        let classes = Vec::new();
        Ok(Self { distance, features, items, by_name, classes, calibration: None })
    }

    /// Names the classes: a label `c` means `classes[c]`. No names allow any label.
    ///
    /// # Errors
    /// If an item has a label that is not below the number of classes.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item};
    /// use selfsame_metrics::Distance;
    ///
    /// let mut index = Index::new(1, Distance::L2)?.with_classes(vec!["cat".into(), "dog".into()])?;
    /// index.add(&[0.5], Item::labeled(1))?;
    /// assert_eq!(index.classes()[1], "dog");
    /// let error = index.add(&[0.5], Item::labeled(2)).unwrap_err();
    /// assert_eq!(error.to_string(), "label 2 of item 1 is not one of 2 classes, which count from 0");
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn with_classes(self, classes: Vec<String>) -> Result<Self, IndexError> {
        check_labels(&self.items, 0, classes.len())?;
        Ok(Self { classes, ..self })
    }

    /// Adds one row, and returns its position.
    ///
    /// # Errors
    /// If the row has another width or a value that is not finite, or the item's name is taken or
    /// its label is not a class. The index is unchanged then.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item};
    /// use selfsame_metrics::Distance;
    ///
    /// let mut index = Index::new(2, Distance::Cosine)?;
    /// assert_eq!(index.add(&[1.0, 2.0], Item::named("a"))?, 0);
    /// assert_eq!(index.add(&[1.0, 2.0], Item::named("b"))?, 1);
    /// assert!(index.add(&[1.0], Item::default()).is_err());
    /// assert!(index.add(&[1.0, f32::NAN], Item::default()).is_err());
    /// assert!(index.add(&[1.0, 2.0], Item::named("a")).is_err());
    /// assert_eq!(index.len(), 2);
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn add(&mut self, row: &[f32], item: Item) -> Result<usize, IndexError> {
        let position = self.len();
        self.add_all(&row_features(row)?, vec![item])?;
        Ok(position)
    }

    /// Adds rows, of which `items[i]` describes row `i`, after those of the index.
    ///
    /// # Errors
    /// If the width differs, there is not one item per row, or a name is taken or a label is not a
    /// class. The index is unchanged then.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item};
    /// use selfsame_metrics::{Distance, Features};
    ///
    /// let mut index = Index::new(1, Distance::L1)?;
    /// index.add_all(&Features::new(1, vec![5.0, 6.0])?, vec![Item::default(); 2])?;
    /// assert_eq!(index.features().as_slice(), [5.0, 6.0]);
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn add_all(&mut self, rows: &Features, items: Vec<Item>) -> Result<(), IndexError> {
        if items.len() != rows.rows() {
            return Err(IndexError::ItemCount { items: items.len(), rows: rows.rows() });
        }
        let added = names(&items, self.len())?;
        let taken = items.iter().filter_map(|item| item.name.as_ref());
        for name in taken {
            if let Some(&first) = self.by_name.get(name) {
                return Err(IndexError::DuplicateName { name: name.clone(), first });
            }
        }
        check_labels(&items, self.len(), self.classes.len())?;
        self.features.append(rows)?;
        self.items.extend(items);
        self.by_name.extend(added);
        Ok(())
    }

    /// Removes the item at `position`, and returns it.
    ///
    /// # Errors
    /// If there is no such item.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item};
    /// use selfsame_metrics::{Distance, Features};
    ///
    /// let rows = Features::new(1, vec![5.0, 6.0, 7.0])?;
    /// let items = ["a", "b", "c"].map(Item::named).to_vec();
    /// let mut index = Index::from_features(rows, items, Distance::L2)?;
    /// assert_eq!(index.remove(1)?, Item::named("b"));
    /// assert_eq!(index.position("c"), Some(1));
    /// assert!(index.remove(2).is_err());
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn remove(&mut self, position: usize) -> Result<Item, IndexError> {
        let item = self.items.get(position).cloned();
        let missing = IndexError::Position { position, items: self.len() };
        let item = item.ok_or(missing)?;
        self.retain(|other, _| other != position);
        Ok(item)
    }

    /// Removes the item named `name`, and returns it.
    ///
    /// # Errors
    /// If there is no such item.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item};
    /// use selfsame_metrics::Distance;
    ///
    /// let mut index = Index::new(1, Distance::L2)?;
    /// index.add(&[5.0], Item::named("a").with_label(2))?;
    /// assert_eq!(index.remove_named("a")?.label, Some(2));
    /// assert_eq!(index.remove_named("a").unwrap_err().to_string(), "no item is named `a`");
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn remove_named(&mut self, name: &str) -> Result<Item, IndexError> {
        let unknown = || IndexError::UnknownName { name: name.to_owned() };
        self.remove(self.position(name).ok_or_else(unknown)?)
    }

    /// Keeps the items for which `keep(position, item)` is true, in order, in one pass.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item};
    /// use selfsame_metrics::{Distance, Features};
    ///
    /// let rows = Features::new(1, vec![5.0, 6.0, 7.0])?;
    /// let items = [0, 1, 0].map(Item::labeled).to_vec();
    /// let mut index = Index::from_features(rows, items, Distance::L2)?;
    /// index.retain(|_, item| item.label == Some(0));
    /// assert_eq!(index.features().as_slice(), [5.0, 7.0]);
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(usize, &Item) -> bool) {
        let kept: Vec<bool> =
            self.items.iter().enumerate().map(|(position, item)| keep(position, item)).collect();
        self.features.retain(|row| kept[row]);
        let mut kept = kept.into_iter();
        self.items.retain(|_| kept.next().unwrap_or(true));
        self.by_name.clear();
        for (position, item) in self.items.iter().enumerate() {
            if let Some(name) = &item.name {
                self.by_name.insert(name.clone(), position);
            }
        }
    }

    /// Returns the position of the item named `name`.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item};
    /// use selfsame_metrics::Distance;
    ///
    /// let mut index = Index::new(1, Distance::L2)?;
    /// index.add(&[5.0], Item::named("a"))?;
    /// assert_eq!((index.position("a"), index.position("b")), (Some(0), None));
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Returns the number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns whether there are no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the number of values per row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.features.dim()
    }

    /// Returns the distance by which rows are compared.
    #[must_use]
    pub fn distance(&self) -> Distance {
        self.distance
    }

    /// Returns the rows, in order of their positions.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// Returns what is known of each row.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Returns the names of the classes; none if they were not named.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Returns the result of the last calibration, if there was one.
    #[must_use]
    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }

    pub(crate) fn with_calibration(self, calibration: Option<Calibration>) -> Self {
        Self { calibration, ..self }
    }

    /// Returns the label of every item.
    pub(crate) fn labels(&self) -> Result<Vec<usize>, IndexError> {
        let label =
            |(position, item): (usize, &Item)| item.label.ok_or(IndexError::Unlabeled { position });
        self.items.iter().enumerate().map(label).collect()
    }
}

/// Returns a single row as features.
pub(crate) fn row_features(row: &[f32]) -> Result<Features, IndexError> {
    Ok(Features::new(row.len(), row.to_vec())?)
}

/// Returns the position of every name, of which the first item has position `first`.
fn names(items: &[Item], first: usize) -> Result<HashMap<String, usize>, IndexError> {
    let mut by_name = HashMap::new();
    for (position, item) in (first..).zip(items) {
        let Some(name) = &item.name else { continue };
        if let Some(first) = by_name.insert(name.clone(), position) {
            return Err(IndexError::DuplicateName { name: name.clone(), first });
        }
    }
    Ok(by_name)
}

/// Checks that labels are below the number of classes, unless that is 0.
pub(crate) fn check_labels(items: &[Item], first: usize, classes: usize) -> Result<(), IndexError> {
    for (position, item) in (first..).zip(items) {
        if let Some(label) = item.label.filter(|&label| classes > 0 && label >= classes) {
            return Err(IndexError::Label { position, label, classes });
        }
    }
    Ok(())
}
