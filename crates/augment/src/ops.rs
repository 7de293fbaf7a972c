//! Operations on one image: pure functions.

mod blur;
mod color;
mod equalize;
mod erase;
mod flip;
mod pad_crop;
mod resize;
mod rotate;

pub use blur::gaussian_blur;
pub use color::{
    add_brightness, brightness, channel_contrast, contrast, drop_channel, grayscale,
    hsv_saturation, hue, posterize, saturation, solarize,
};
pub use equalize::equalize;
pub(crate) use equalize::equalize_plane;
pub use erase::erase;
pub(crate) use erase::erase_planes;
pub(crate) use flip::{flip_planes_horizontally, flip_planes_vertically};
pub use flip::{horizontal_flip, vertical_flip};
pub use pad_crop::{Border, pad_crop};
pub use resize::resized_crop;
pub use rotate::rotate;
pub(crate) use rotate::rotate_planes;
