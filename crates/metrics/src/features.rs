//! Features on the host: one row of values per sample.

mod values;

use std::sync::Arc;

use self::values::Values;
use crate::MetricError;

/// Features of a set of samples: `rows` rows of `dim` finite values.
///
/// # Example
/// ```
/// use selfsame_metrics::Features;
///
/// let features = Features::new(2, vec![1.0, 2.0, 3.0, 4.0])?;
/// assert_eq!((features.rows(), features.row(1)), (2, &[3.0, 4.0][..]));
/// assert!(Features::new(2, vec![1.0, f32::NAN]).is_err());
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    dim: usize,
    data: Values,
}

impl Features {
    /// Creates features from rows of `dim` values each, one row after the other.
    ///
    /// # Errors
    /// If `dim` is 0, the values do not fill whole rows, or one is not finite.
    pub fn new(dim: usize, data: Vec<f32>) -> Result<Self, MetricError> {
        check(dim, &data)?;
        Ok(Self { dim, data: Values::Owned(data) })
    }

    /// Creates features from values that live elsewhere, such as in a memory-mapped file.
    ///
    /// Clones share the values; only [`append`](Self::append) and [`retain`](Self::retain) copy
    /// them.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    ///
    /// # Example
    /// ```
    /// use std::sync::Arc;
    ///
    /// use selfsame_metrics::Features;
    ///
    /// let features = Features::shared(2, Arc::new(vec![1.0, 2.0, 3.0, 4.0]))?;
    /// assert_eq!(features, Features::new(2, vec![1.0, 2.0, 3.0, 4.0])?);
    /// assert!(Features::shared(3, Arc::new([1.0, 2.0])).is_err());
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn shared(
        dim: usize,
        data: Arc<dyn AsRef<[f32]> + Send + Sync>,
    ) -> Result<Self, MetricError> {
        check(dim, (*data).as_ref())?;
        Ok(Self { dim, data: Values::Shared(data) })
    }

    /// Returns the number of values per row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.as_slice().len() / self.dim
    }

    /// Returns row `index`.
    ///
    /// # Panics
    /// If `index` is not below [`rows`](Self::rows).
    #[must_use]
    #[track_caller]
    pub fn row(&self, index: usize) -> &[f32] {
        &self.as_slice()[index * self.dim..][..self.dim]
    }

    /// Returns all values, row by row.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        self.data.as_slice()
    }

    /// Adds the rows of `other` after those of `self`.
    ///
    /// # Errors
    /// If the widths differ; nothing is added then.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Features;
    ///
    /// let mut features = Features::new(1, vec![5.0])?;
    /// features.append(&Features::new(1, vec![6.0, 7.0])?)?;
    /// assert_eq!(features.as_slice(), [5.0, 6.0, 7.0]);
    /// assert!(features.append(&Features::new(2, vec![6.0, 7.0])?).is_err());
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn append(&mut self, other: &Self) -> Result<(), MetricError> {
        self.same_width(other)?;
        self.data.to_mut().extend_from_slice(other.as_slice());
        Ok(())
    }

    /// Keeps the rows for whose index `keep` returns true, in order.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Features;
    ///
    /// let mut features = Features::new(1, vec![5.0, 6.0, 7.0])?;
    /// features.retain(|row| row != 1);
    /// assert_eq!(features.as_slice(), [5.0, 7.0]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let (rows, dim) = (self.rows(), self.dim);
        let data = self.data.to_mut();
        let mut kept = 0;
        for row in 0..rows {
            if keep(row) {
                data.copy_within(row * dim..(row + 1) * dim, kept * dim);
                kept += 1;
            }
        }
        data.truncate(kept * dim);
    }

    /// Copies the rows at `indices`, in that order.
    ///
    /// # Panics
    /// If an index is not below [`rows`](Self::rows).
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Features;
    ///
    /// let features = Features::new(1, vec![5.0, 6.0, 7.0])?;
    /// assert_eq!(features.select(&[2, 0]).as_slice(), [7.0, 5.0]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn select(&self, indices: &[usize]) -> Self {
        let data = indices.iter().flat_map(|&index| self.row(index)).copied().collect();
        Self { dim: self.dim, data: Values::Owned(data) }
    }

    /// Joins features of the same samples side by side, such as those of several stages.
    ///
    /// # Errors
    /// If there are no parts, or their numbers of rows differ.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Features;
    ///
    /// let (early, late) = (Features::new(1, vec![1.0, 2.0])?, Features::new(2, vec![3.0; 4])?);
    /// let joined = Features::concat(&[&early, &late])?;
    /// assert_eq!((joined.dim(), joined.row(1)), (3, &[2.0, 3.0, 3.0][..]));
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn concat(parts: &[&Self]) -> Result<Self, MetricError> {
        let Some(first) = parts.first() else {
            return Err(MetricError::Setting { key: "parts", range: "one or more features" });
        };
        if let Some(other) = parts.iter().find(|part| part.rows() != first.rows()) {
            return Err(MetricError::Pairs { first: first.rows(), second: other.rows() });
        }
        let dim = parts.iter().map(|part| part.dim).sum();
        let rows = 0..first.rows();
        let data = rows.flat_map(|row| parts.iter().flat_map(move |part| part.row(row))).copied();
        Ok(Self { dim, data: Values::Owned(data.collect()) })
    }

    /// Scales every row to L2 norm 1; rows of zeros are unchanged.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Features;
    ///
    /// let features = Features::new(2, vec![3.0, 4.0, 0.0, 0.0])?;
    /// assert_eq!(features.normalized().as_slice(), [0.6, 0.8, 0.0, 0.0]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut data = self.as_slice().to_vec();
        for row in data.chunks_mut(self.dim) {
            let norm = l2_norm(row);
            if norm > 0.0 {
                #[allow(clippy::cast_possible_truncation, reason = "its magnitude is at most 1")]
                for x in row.iter_mut() {
                    *x = (f64::from(*x) / norm) as f32;
                }
            }
        }
        Self { dim: self.dim, data: Values::Owned(data) }
    }

    pub(crate) fn at_least(&self, least: usize) -> Result<(), MetricError> {
        if self.rows() < least {
            return Err(MetricError::Rows { rows: self.rows(), least });
        }
        Ok(())
    }

    pub(crate) fn paired_with(&self, other: &Self) -> Result<(), MetricError> {
        if self.rows() != other.rows() {
            return Err(MetricError::Pairs { first: self.rows(), second: other.rows() });
        }
        Ok(())
    }

    pub(crate) fn same_width(&self, other: &Self) -> Result<(), MetricError> {
        if self.dim != other.dim {
            return Err(MetricError::Width { first: self.dim, second: other.dim });
        }
        Ok(())
    }
}

fn check(dim: usize, data: &[f32]) -> Result<(), MetricError> {
    if dim == 0 || !data.len().is_multiple_of(dim) {
        return Err(MetricError::Shape { values: data.len(), dim });
    }
    match data.iter().position(|value| !value.is_finite()) {
        Some(position) => Err(MetricError::NotFinite { row: position / dim }),
        None => Ok(()),
    }
}

/// Returns the L2 norm of a row, computed in double precision.
pub(crate) fn l2_norm(row: &[f32]) -> f64 {
    row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()
}

/// Returns the row at L2 norm 1 in double precision; a row of zeros is unchanged.
pub(crate) fn unit(row: &[f32]) -> Vec<f64> {
    let norm = l2_norm(row);
    let divisor = if norm > 0.0 { norm } else { 1.0 };
    row.iter().map(|x| f64::from(*x) / divisor).collect()
}
