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

mod crop_box;
mod custom;
mod key;
mod normalize;
pub mod operator;
mod ops;
mod plan;
mod plan_step;
mod planar_image;
mod planes;
mod recipe;
mod resampling;
mod run;
mod view_grid;
mod view_maker;

pub use crop_box::CropBox;
pub use custom::CustomRecipe;
pub use key::ViewKey;
pub use normalize::Normalize;
#[doc(inline)]
pub use operator::{JitterConvention, Operator, draw_crop, draw_cutout, draw_erasure};
pub use ops::{
    Border, add_brightness, brightness, channel_contrast, contrast, drop_channel, equalize, erase,
    gaussian_blur, grayscale, horizontal_flip, hsv_saturation, hue, pad_crop, posterize,
    resized_crop, rotate, saturation, solarize, vertical_flip,
};
pub use plan::Plan;
pub use plan_step::{PixelOp, PlanStep, SpatialOp};
pub use planar_image::PlanarImage;
pub use recipe::{Recipe, RecipeError};
pub use resampling::{Interpolation, Resampling};
pub use run::Scratch;
pub use view_grid::view_grid;
pub use view_maker::ViewMaker;
