//! Views are made without allocating, once the buffers have grown.
//!
//! This is a program without the test harness, whose thread would allocate in between.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use image::{DynamicImage, Rgb, RgbImage};
use peak_alloc::PeakAlloc;
use selfsame_augment::{Recipe, Scratch, ViewKey, ViewMaker};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn main() {
    let pixel = |x: u32, y: u32| Rgb([x, 3 * y, x * y].map(|x| u8::try_from(x % 256).unwrap()));
    let image: DynamicImage = RgbImage::from_fn(150, 110, pixel).into();
    for recipe in Recipe::all() {
        let mut scratch = Scratch::default();
        let views = recipe.view_count();
        let mut out: Vec<Vec<f32>> =
            (0..views).map(|view| vec![0.0; recipe.view_dims(view).iter().product()]).collect();
        let mut make_all = || {
            for image_number in 0..12 {
                for (view, out) in (0..).zip(&mut out) {
                    let key = ViewKey { seed: 0, epoch: 0, sample: image_number, view };
                    recipe.write_view(&image, key, &mut scratch, out);
                }
            }
        };
        make_all();
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        make_all();
        let name = &recipe.name;
        assert_eq!(
            MEMORY.peak_usage(),
            before,
            "bytes, making views of a known size again: {name}"
        );
    }
}
