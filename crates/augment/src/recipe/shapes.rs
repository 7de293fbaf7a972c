//! Recipes for the drawn shapes of `selfsame-datasets`.

use super::Recipe;
use super::blocks::{FLIP, HALF, OURS, crop, jitter};
use crate::operator::{Grayscale, Rotation};

impl Recipe {
    /// Returns the views that fit the drawn shapes of `selfsame-datasets`, of `size` pixels.
    ///
    /// Shapes are the same at any angle and in any color, so views are rotated by any angle,
    /// jittered strongly, and gray with probability 0.5.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::{Recipe, ViewMaker};
    ///
    /// let recipe = Recipe::shapes(32);
    /// assert_eq!((recipe.view_count(), recipe.view_dims(0)), (2, [3, 32, 32]));
    /// ```
    #[must_use]
    pub fn shapes(size: u32) -> Self {
        let turn = Rotation { degrees: 180.0, probability: 1.0 }.into();
        let gray = Grayscale { probability: 0.5 }.into();
        let view = vec![crop(size, [0.6, 1.0]), FLIP, turn, jitter(0.6, 0.6, 0.5), gray];
        Self::cifar("shapes", OURS, vec![view; 2]).with_normalize(HALF)
    }

    /// Returns one view of [`shapes`](Self::shapes), for training on labels of the drawn shapes of
    /// `selfsame-datasets`.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::{Recipe, ViewMaker};
    ///
    /// assert_eq!(Recipe::supervised_shapes(32).view_count(), 1);
    /// ```
    #[must_use]
    pub fn supervised_shapes(size: u32) -> Self {
        let shapes = Self::shapes(size);
        let views = shapes.views[..1].to_vec();
        Self { name: "supervised_shapes".to_owned(), views, ..shapes }
    }
}
