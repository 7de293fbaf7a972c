#![doc = include_str!("../README.md")]
#![allow(clippy::inline_always, reason = "loops are compiled for the processor that calls them")]
#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::float_cmp,
        reason = "tests make small images and state exact results"
    )
)]

mod blur;
mod color;
mod crop;
#[cfg(feature = "device")]
mod device;
mod equalize;
mod erase;
mod extended;
mod flip;
mod grid;
mod key;
mod lines;
mod normalize;
mod operator;
mod paint;
mod plan;
mod planar_image;
mod recipe;
mod recipes;
mod resampling;
mod resize;
mod rotate;
mod transpose;
mod view;
mod view_maker;
mod window;

pub use blur::gaussian_blur;
pub use color::{
    brightness, channel_contrast, contrast, drop_channel, grayscale, hsv_saturation, hue, lighten,
    posterize, saturation, solarize,
};
pub use crop::{CropBox, draw_crop};
pub use equalize::equalize;
pub use erase::{draw_cutout, draw_erasure, erase};
pub use extended::CustomRecipe;
pub use flip::{horizontal_flip, vertical_flip};
pub use grid::view_grid;
pub use key::ViewKey;
pub use normalize::Normalize;
pub use operator::{Formulas, JitterOrder, Light, Operator};
pub use plan::{Jitter, Plan, ViewPlan};
pub use planar_image::PlanarImage;
pub use recipe::{Recipe, RecipeError};
pub use resampling::{Interpolation, Resampling};
pub use resize::resized_crop;
pub use rotate::rotate;
pub use view::Scratch;
pub use view_maker::ViewMaker;
pub use window::{Border, window};
