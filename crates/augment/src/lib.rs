#![doc = include_str!("../README.md")]

mod blur;
mod color;
mod crop;
mod flip;
mod grid;
mod key;
mod normalize;
mod operator;
mod picture;
mod recipe;
mod resize;
mod rotate;

pub use blur::gaussian_blur;
pub use color::{brightness, contrast, grayscale, hue, saturation, solarize};
pub use crop::{CropBox, draw_crop};
pub use flip::{horizontal_flip, vertical_flip};
pub use grid::view_grid;
pub use key::ViewKey;
pub use normalize::Normalize;
pub use operator::{Jitter, Operator, Plan};
pub use picture::Picture;
pub use recipe::{Recipe, RecipeError, Scratch};
pub use resize::{Interpolation, Resampling, resized_crop};
pub use rotate::rotate;
