#![doc = include_str!("../README.md")]
#![allow(
    clippy::inline_always,
    clippy::many_single_char_names,
    reason = "loops are vectorized only where they are inlined; eight rows are named a to h"
)]

mod color;
mod decode;
mod header;
mod huffman;
mod info;
mod marker;
mod plane;
mod region;
mod scan;
mod simd;
mod transform;

pub use decode::{DecodedImage, decode, decode_region};
pub use info::{Info, read_info};
pub use marker::has_end_marker;
pub use region::Region;
