//! Images of textures, on which short examples learn within seconds.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "gray values are between 0 and 255"
)]

use std::f32::consts::TAU;
use std::sync::Arc;

use rand::RngExt;
use selfsame::augment::ViewKey;
use selfsame::datasets::{DataError, InMemory, Layout};

/// Draws images of five textures, of random angle and width, in noise. The texture is the class.
///
/// # Errors
/// If the images do not fit into memory.
///
/// # Example
/// ```
/// use selfsame::datasets::Dataset;
/// use selfsame_examples::textures;
///
/// let images = textures(10, 0)?;
/// assert_eq!((images.len(), images.label(7)), (10, Some(2)));
/// # Ok::<(), selfsame::datasets::DataError>(())
/// ```
pub fn textures(images: usize, seed: u64) -> Result<Arc<InMemory>, DataError> {
    let mut pixels = Vec::new();
    for sample in 0..images {
        let key = ViewKey { seed, epoch: 0, sample: sample as u64, view: 0 };
        let mut rng = key.rng();
        let (sin, cos) = rng.random_range(0.0..TAU).sin_cos();
        let (width, phase) = (rng.random_range(1.0..1.8_f32), rng.random_range(0.0..TAU));
        for place in 0..16 * 16 {
            let (x, y) = ((place % 16) as f32 - 7.5, (place / 16) as f32 - 7.5);
            let (u, v) = (width * (cos * x + sin * y), width * (cos * y - sin * x));
            let texture = match sample % 5 {
                0 => (u + phase).sin(),
                1 => (u + phase).sin() * (v + phase).sin(),
                2 => (u.hypot(v) + phase).sin(),
                3 => (0.15 * u + phase).sin(),
                _ => rng.random_range(-1.0..1.0),
            };
            pixels.push((128.0 + 60.0 * texture + rng.random_range(-40.0..40.0)) as u8);
        }
    }
    let classes = (0..images).map(|sample| Some(sample % 5)).collect();
    let names = ["stripes", "checks", "rings", "shade", "grain"].map(str::to_owned).to_vec();
    let images = InMemory::new(pixels, [16, 16, 1], Layout::Hwc)?.with_labels(classes, names)?;
    Ok(Arc::new(images))
}
