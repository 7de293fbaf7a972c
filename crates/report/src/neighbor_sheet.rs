//! Sheets of nearest neighbors.

use image::DynamicImage;

use crate::{Png, ReportError};

/// Side of a thumbnail, in pixels.
const SIDE: u32 = 64;

/// Query images, each beside its nearest neighbors, as thumbnails of 64 × 64 pixels.
///
/// # Example
/// ```
/// use image::DynamicImage;
/// use selfsame_report::{NeighborSheet, Page};
///
/// let image = DynamicImage::new_rgb8(32, 32);
/// let mut sheet = NeighborSheet::new();
/// sheet.push(&image, &[image.clone(), image.clone()])?;
/// let mut page = Page::new("Neighbors");
/// page.neighbors(&sheet);
/// assert_eq!(page.to_string().matches("<img").count(), 3);
/// # Ok::<(), selfsame_report::ReportError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeighborSheet {
    /// The query first.
    rows: Vec<Vec<Png>>,
}

impl NeighborSheet {
    /// Returns a sheet without rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row: a query and its neighbors, nearest first.
    ///
    /// # Errors
    /// If an image cannot be encoded.
    pub fn push(
        &mut self,
        query: &DynamicImage,
        neighbors: &[DynamicImage],
    ) -> Result<(), ReportError> {
        let images = std::iter::once(query).chain(neighbors);
        self.rows.push(images.map(thumbnail).collect::<Result<_, _>>()?);
        Ok(())
    }

    pub(crate) fn to_html(&self) -> String {
        let cell = |png: &Png| format!("<td>{}</td>", png.element(""));
        let row = |row: &Vec<Png>| format!("<tr>{}</tr>", row.iter().map(cell).collect::<String>());
        let rows: String = self.rows.iter().map(row).collect();
        format!("<table class=near>{rows}</table>")
    }
}

fn thumbnail(image: &DynamicImage) -> Result<Png, ReportError> {
    Png::encode(&image.thumbnail_exact(SIDE, SIDE).to_rgb8())
}
