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
mod outline;
mod plane;
mod region;
mod scan;
mod simd;
mod transform;

pub use decode::{DecodedImage, decode, decode_region};
pub use info::{Info, Metadata, read_info, read_metadata};
pub use outline::{Outline, Process, outline};
pub use region::Region;
