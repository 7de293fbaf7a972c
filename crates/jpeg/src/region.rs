//! The part of an image to decode.

use std::ops::Range;

/// A rectangle of pixels of the whole image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows, at least 1.
    pub height: usize,
    /// Columns, at least 1.
    pub width: usize,
}

impl Region {
    /// Returns the region of all pixels of an image of `[height, width]`.
    #[must_use]
    pub fn whole([height, width]: [usize; 2]) -> Self {
        Self { top: 0, left: 0, height, width }
    }

    /// Returns whether the region has pixels and all of them lie in an image of `[height, width]`.
    ///
    /// # Example
    /// ```
    /// use selfsame_jpeg::Region;
    ///
    /// let region = Region { top: 2, left: 0, height: 3, width: 8 };
    /// assert!(region.lies_in([5, 8]));
    /// assert!(!region.lies_in([4, 8]));
    /// assert!(!Region { height: 0, ..region }.lies_in([5, 8]));
    /// ```
    #[must_use]
    pub fn lies_in(self, [height, width]: [usize; 2]) -> bool {
        let inside = |start: usize, length: usize, side: usize| {
            length > 0 && start.checked_add(length).is_some_and(|end| end <= side)
        };
        inside(self.top, self.height, height) && inside(self.left, self.width, width)
    }

    /// Returns the pixels of the reduced image that show some of the region.
    pub(crate) fn reduced(self, reduction: usize) -> Wanted {
        let range =
            |start: usize, length: usize| start / reduction..(start + length).div_ceil(reduction);
        Wanted { rows: range(self.top, self.height), columns: range(self.left, self.width) }
    }
}

/// Rows and columns of the reduced image to compute.
pub(crate) struct Wanted {
    pub(crate) rows: Range<usize>,
    pub(crate) columns: Range<usize>,
}
