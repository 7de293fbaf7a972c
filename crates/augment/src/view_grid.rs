//! Contact sheets of images and their views.

use image::imageops::{FilterType, replace, resize};
use image::{DynamicImage, RgbImage};

use crate::{Recipe, Scratch, ViewKey, ViewMaker};

/// Side of an image in the grid, in pixels.
const CELL: u32 = 96;
/// White pixels between images.
const GAP: u32 = 4;

/// Draws one row per image: the image, then its views before normalization.
///
/// # Panics
/// If the recipe does not [`validate`](ViewMaker::validate).
///
/// # Example
/// ```
/// use image::DynamicImage;
/// use selfsame_augment::{Recipe, view_grid};
///
/// let grid = view_grid(&[DynamicImage::new_rgb8(40, 40)], &Recipe::simclr_cifar(), 0);
/// // Three cells of 96 pixels, and four gaps.
/// assert_eq!(grid.dimensions(), (304, 104));
/// ```
#[must_use]
pub fn view_grid(images: &[DynamicImage], recipe: &Recipe, seed: u64) -> RgbImage {
    #[allow(clippy::cast_possible_truncation, reason = "a grid one can look at")]
    let (rows, columns) = (images.len() as u32, recipe.view_count() as u32 + 1);
    let side = |cells: u32| cells * (CELL + GAP) + GAP;
    let mut grid = RgbImage::from_pixel(side(columns), side(rows), image::Rgb([255; 3]));
    let mut scratch = Scratch::default();
    for (row, image) in (0..rows).zip(images) {
        let mut place = |column: u32, image: &RgbImage| {
            // Small images are enlarged pixel by pixel.
            let filter =
                if image.width() < CELL { FilterType::Nearest } else { FilterType::Triangle };
            let cell = resize(image, CELL, CELL, filter);
            let at = |cell: u32| i64::from(cell * (CELL + GAP) + GAP);
            replace(&mut grid, &cell, at(column), at(row));
        };
        place(0, &image.to_rgb8());
        for view in 0..columns - 1 {
            let [channels, height, width] = recipe.view_dims(view as usize);
            let mut out = vec![0.0; channels * height * width];
            let key = ViewKey { seed, epoch: 0, sample: u64::from(row), view };
            recipe.write_view(image, key, &mut scratch, &mut out);
            place(view + 1, &recipe.normalize.undo(&out, height, width).to_image());
        }
    }
    grid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_a_row_per_image_and_a_column_per_view() {
        let images = vec![DynamicImage::new_rgb8(40, 40); 3];
        let grid = view_grid(&images, &Recipe::simclr_cifar(), 0);
        assert_eq!(grid.dimensions(), (3 * 100 + 4, 3 * 100 + 4));
        assert_eq!((grid.get_pixel(1, 1).0, grid.get_pixel(50, 50).0), ([255; 3], [0; 3]));
    }
}
