//! Rows of numbers, one per image.

use crate::MetricError;

/// What an encoder says of a set of images: `rows` rows of `dim` finite numbers.
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
    data: Vec<f32>,
}

impl Features {
    /// Rows of `dim` numbers, one after the other.
    ///
    /// # Errors
    /// If `dim` is 0, the numbers do not fill whole rows, or one is not finite.
    pub fn new(dim: usize, data: Vec<f32>) -> Result<Self, MetricError> {
        if dim == 0 || !data.len().is_multiple_of(dim) {
            return Err(MetricError::Shape { numbers: data.len(), dim });
        }
        match data.iter().position(|number| !number.is_finite()) {
            Some(place) => Err(MetricError::NotFinite { row: place / dim }),
            None => Ok(Self { dim, data }),
        }
    }

    /// Numbers per row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.data.len() / self.dim
    }

    /// One row.
    ///
    /// # Panics
    /// If there is no row `index`.
    #[must_use]
    #[track_caller]
    pub fn row(&self, index: usize) -> &[f32] {
        &self.data[index * self.dim..][..self.dim]
    }

    /// All numbers, row by row.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        &self.data
    }

    /// The rows at `indices`, in that order.
    ///
    /// # Panics
    /// If an index is not below [`rows`](Self::rows).
    #[must_use]
    #[track_caller]
    pub fn select(&self, indices: &[usize]) -> Self {
        let data = indices.iter().flat_map(|&index| self.row(index)).copied().collect();
        Self { dim: self.dim, data }
    }

    /// The same rows at length 1; rows of zeros stay.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut data = self.data.clone();
        for row in data.chunks_mut(self.dim) {
            let length = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            if length > 0.0 {
                #[allow(clippy::cast_possible_truncation, reason = "at most 1 in size")]
                for x in row.iter_mut() {
                    *x = (f64::from(*x) / length) as f32;
                }
            }
        }
        Self { dim: self.dim, data }
    }

    pub(crate) fn at_least(&self, least: usize) -> Result<(), MetricError> {
        if self.rows() < least {
            return Err(MetricError::Rows { rows: self.rows(), least });
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
