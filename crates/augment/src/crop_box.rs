//! Rectangular parts of images.

/// A part of an image, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CropBox {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows, at least 1.
    pub height: usize,
    /// Columns, at least 1.
    pub width: usize,
}

impl CropBox {
    /// Returns the box that covers an image of `[height, width]`.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::CropBox;
    ///
    /// let whole = CropBox { top: 0, left: 0, height: 4, width: 6 };
    /// assert_eq!(CropBox::whole([4, 6]), whole);
    /// ```
    #[must_use]
    pub fn whole([height, width]: [usize; 2]) -> Self {
        Self { top: 0, left: 0, height, width }
    }

    /// Returns the smallest box that contains both.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::CropBox;
    ///
    /// let first = CropBox { top: 2, left: 3, height: 4, width: 5 };
    /// let second = CropBox { top: 5, left: 0, height: 4, width: 5 };
    /// assert_eq!(first.with(second), CropBox { top: 2, left: 0, height: 7, width: 8 });
    /// ```
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let (top, left) = (self.top.min(other.top), self.left.min(other.left));
        let bottom = (self.top + self.height).max(other.top + other.height);
        let right = (self.left + self.width).max(other.left + other.width);
        Self { top, left, height: bottom - top, width: right - left }
    }

    /// Returns the box of size `part` in the center of `image`, clipped to it; both
    /// `[height, width]`.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::CropBox;
    ///
    /// let center = CropBox { top: 1, left: 0, height: 2, width: 6 };
    /// assert_eq!(CropBox::center([4, 6], [2, 8]), center);
    /// ```
    #[must_use]
    pub fn center(image: [usize; 2], part: [usize; 2]) -> Self {
        let [height, width] = [part[0].min(image[0]), part[1].min(image[1])];
        Self { top: (image[0] - height) / 2, left: (image[1] - width) / 2, height, width }
    }
}
