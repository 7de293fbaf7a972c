//! The decoder: from the bytes of a file to pixels.

use crate::Region;
use crate::color::Pixels;
use crate::header::Header;
use crate::plane::Plane;
use crate::scan::{Scan, unstuff};

/// The pixels of a decoded image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedImage {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 1 for gray, 3 for red, green and blue.
    pub channels: usize,
    /// Values from 0 to 255, `[height, width, channels]`.
    pub pixels: Vec<u8>,
}

/// Decodes a JPEG, one pixel for each `reduction` × `reduction` of the file.
///
/// Sides are rounded up. Returns `None` for a kind of JPEG that this crate does not read, and for
/// damaged or truncated data.
///
/// # Panics
/// If `reduction` is not 1, 2, 4 or 8.
///
/// # Example
/// ```
/// use jpeg_encoder::{ColorType, Encoder};
///
/// let mut file = Vec::new();
/// Encoder::new(&mut file, 90).encode(&[200; 30 * 20], 30, 20, ColorType::Luma)?;
/// let image = selfsame_jpeg::decode(&file, 4).expect("a gray JPEG");
/// assert_eq!((image.width, image.height, image.channels), (8, 5, 1));
/// assert!(image.pixels.iter().all(|value| value.abs_diff(200) < 3));
/// # Ok::<(), jpeg_encoder::EncodingError>(())
/// ```
#[must_use]
#[track_caller]
pub fn decode(bytes: &[u8], reduction: usize) -> Option<DecodedImage> {
    check(reduction);
    let header = Header::read(bytes)?;
    let region = Region::whole(header.size);
    decode_header(&header, reduction, region)
}

/// Decodes a region of a JPEG; returns an image of the size of the whole.
///
/// As [`decode`], but pixels outside of `region`, which is in pixels of the file, may be black.
/// Data after the region may be damaged.
///
/// # Panics
/// If `reduction` is not 1, 2, 4 or 8, or the region is empty or does not lie in the image.
#[must_use]
#[track_caller]
pub fn decode_region(bytes: &[u8], reduction: usize, region: Region) -> Option<DecodedImage> {
    check(reduction);
    let header = Header::read(bytes)?;
    let [height, width] = header.size;
    assert!(
        region.lies_in(header.size),
        "a region of an image of {width} × {height} must lie in it and not be empty, got {region:?}"
    );
    decode_header(&header, reduction, region)
}

#[track_caller]
fn check(reduction: usize) {
    assert!(
        matches!(reduction, 1 | 2 | 4 | 8),
        "`reduction` must be 1, 2, 4 or 8, got {reduction}"
    );
}

fn decode_header(header: &Header<'_>, reduction: usize, region: Region) -> Option<DecodedImage> {
    let wanted = region.reduced(reduction);
    let [height, width] = header.size.map(|side| side.div_ceil(reduction));
    let components = &header.components;
    let [_, across] = header.units();
    let mut planes: Vec<_> =
        components.iter().map(|it| Plane::new(it, header, reduction, &wanted)).collect();
    let mut blocks: Vec<_> =
        components.iter().map(|it| vec![[0; 64]; it.blocks[0] * it.blocks[1] * across]).collect();
    let ends =
        planes.iter().zip(components).map(|(plane, it)| plane.rows.end.div_ceil(it.blocks[0]));
    let units = ends.max()?;
    let unit = 8 / reduction * components[0].blocks[0];
    // The last row of a unit waits for the next unit where upsampling mixes the two.
    let waiting = usize::from(planes.iter().any(|plane| plane.subsampling[0] > 1));
    let (bytes, starts) = unstuff(header.data)?;
    let mut scan = Scan::new(&bytes, &starts, header.restart_interval);
    let channels = planes.len();
    let mut pixels = Pixels::new(wanted, [height, width], channels);
    for done in 1..=units {
        scan.read_row(components, across, &mut blocks)?;
        for ((plane, component), blocks) in planes.iter_mut().zip(components).zip(&blocks) {
            for blocks in blocks.chunks_exact(component.blocks[1] * across) {
                plane.add(blocks);
            }
        }
        pixels.add(&mut planes, if done == units { height } else { done * unit - waiting });
    }
    Some(DecodedImage { width, height, channels, pixels: pixels.finish() })
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;
    use image::{DynamicImage, GrayImage, RgbImage};
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
    use proptest::prelude::*;

    /// Shapes, colors and noise.
    fn pixels(width: u16, height: u16) -> Vec<u8> {
        let pixel = |x: u16, y: u16| {
            let noise = x.wrapping_mul(31).wrapping_add(y.wrapping_mul(57)) % 23;
            let square = if (x / 7 + y / 5).is_multiple_of(2) { 140 } else { 20 };
            [(4 * x) as u8, (square + noise) as u8, (3 * y + noise) as u8]
        };
        (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect()
    }

    fn encoded(
        size: [u16; 2],
        sampling: SamplingFactor,
        set: impl Fn(&mut Encoder<&mut Vec<u8>>),
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 90);
        encoder.set_sampling_factor(sampling);
        set(&mut encoder);
        encoder.encode(&pixels(size[0], size[1]), size[0], size[1], ColorType::Rgb).unwrap();
        bytes
    }

    fn image(decoded: DecodedImage) -> DynamicImage {
        let DecodedImage { width, height, channels, pixels } = decoded;
        match channels {
            1 => GrayImage::from_raw(width as u32, height as u32, pixels).unwrap().into(),
            _ => RgbImage::from_raw(width as u32, height as u32, pixels).unwrap().into(),
        }
    }

    fn ours(bytes: &[u8]) -> DynamicImage {
        image(decode(bytes, 1).expect("a JPEG that can be read here"))
    }

    fn assert_close(ours: &DynamicImage, other: &DynamicImage, tolerance: u8, what: &str) {
        assert_eq!((ours.width(), ours.height()), (other.width(), other.height()), "{what}");
        assert_eq!(ours.color(), other.color(), "{what}");
        let pairs = ours.as_bytes().iter().zip(other.as_bytes());
        let most = pairs.map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(tolerance), "{what}: {most:?} apart");
    }

    /// Made by libjpeg-turbo 3, through Pillow, also at reduced scale.
    #[test]
    fn pixels_are_those_of_libjpeg() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        for kind in ["444", "422", "420", "gray"] {
            let bytes = std::fs::read(folder.join(format!("{kind}.jpg"))).unwrap();
            // Where colors are coarser in one direction only, libjpeg makes them coarser in both.
            let reductions = if kind == "422" { 1..=1 } else { 1..=8 };
            for reduction in reductions.filter(|reduction: &usize| reduction.is_power_of_two()) {
                let what = format!("{kind}-{reduction}");
                let theirs = ::image::open(folder.join(format!("{what}.png"))).unwrap();
                assert_close(&image(decode(&bytes, reduction).unwrap()), &theirs, 2, &what);
            }
        }
    }

    #[test]
    fn every_sampling_and_size_is_read_as_libraries_read_it() {
        let samplings = [
            SamplingFactor::F_1_1,
            SamplingFactor::F_2_1,
            SamplingFactor::F_1_2,
            SamplingFactor::F_2_2,
        ];
        for sampling in samplings {
            for size in [[1, 1], [3, 2], [8, 8], [16, 17], [33, 40], [61, 9]] {
                for interval in [0, 1, 3] {
                    let bytes = encoded(size, sampling, |encoder| {
                        if interval > 0 {
                            encoder.set_restart_interval(interval);
                        }
                    });
                    let theirs = jpeg_decoder::Decoder::new(&bytes[..]).decode().unwrap();
                    let [width, height] = size.map(u32::from);
                    let theirs = RgbImage::from_raw(width, height, theirs).unwrap().into();
                    let what = format!("{sampling:?}, {size:?}, restarts every {interval}");
                    assert_close(&ours(&bytes), &theirs, 3, &what);
                }
            }
        }
    }

    #[test]
    fn a_smaller_image_has_the_means_of_the_whole() {
        // In the whole image the colors of two pixels are smoothed, which shows where squares meet.
        let samplings = [
            (SamplingFactor::F_1_1, 1.5),
            (SamplingFactor::F_2_1, 6.0),
            (SamplingFactor::F_1_2, 6.0),
        ];
        for (sampling, tolerance) in samplings {
            let bytes = encoded([64, 48], sampling, |_| {});
            let whole = ours(&bytes).into_rgb8();
            for reduction in [2, 4, 8] {
                let small = image(decode(&bytes, reduction).unwrap()).into_rgb8();
                let side = reduction as u32;
                let apart = small.enumerate_pixels().map(|(x, y, pixel)| {
                    let part =
                        (0..side * side).map(|i| whole[(x * side + i % side, y * side + i / side)]);
                    let sum = part
                        .map(|pixel| pixel.0.map(f32::from))
                        .fold([0.0; 3], |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]]);
                    let apart = |i: usize| f32::from(pixel[i]) - sum[i] / (side * side) as f32;
                    (0..3).map(|channel| apart(channel).abs()).sum::<f32>() / 3.0
                });
                let mean = apart.sum::<f32>() / (small.width() * small.height()) as f32;
                assert!(mean < tolerance, "{sampling:?} / {reduction}: {mean}");
            }
        }
    }

    #[test]
    fn other_kinds_are_left_to_general_decoders() {
        let progressive =
            encoded([20, 20], SamplingFactor::F_1_1, |encoder| encoder.set_progressive(true));
        let rare = encoded([40, 20], SamplingFactor::F_4_1, |_| {});
        let mut of_four = Vec::new();
        let image = vec![7; 4 * 400];
        Encoder::new(&mut of_four, 90).encode(&image, 20, 20, ColorType::Cmyk).unwrap();
        for bytes in [progressive, rare, of_four] {
            assert_eq!(decode(&bytes, 1), None);
        }
    }

    proptest! {
        #[test]
        fn a_region_is_the_same_as_in_the_whole(
            sampling in prop::sample::select(vec![
                SamplingFactor::F_1_1, SamplingFactor::F_2_1, SamplingFactor::F_1_2, SamplingFactor::F_2_2,
            ]),
            reduction in prop::sample::select(vec![1, 2, 4, 8]),
            corners in [(0_usize..70, 0_usize..50), (0..70, 0..50)],
        ) {
            let bytes = encoded([70, 50], sampling, |_| {});
            let [(a, b), (c, d)] = corners;
            let region = Region {
                top: b.min(d), left: a.min(c), height: b.abs_diff(d) + 1, width: a.abs_diff(c) + 1,
            };
            let whole = image(decode(&bytes, reduction).unwrap()).into_rgb8();
            let some = image(decode_region(&bytes, reduction, region).unwrap()).into_rgb8();
            for y in region.top / reduction..(region.top + region.height).div_ceil(reduction) {
                for x in region.left / reduction..(region.left + region.width).div_ceil(reduction) {
                    let at = (x as u32, y as u32);
                    prop_assert_eq!(whole[at], some[at], "at {:?}", at);
                }
            }
        }

        #[test]
        fn damage_does_no_harm(
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in any::<Option<prop::sample::Index>>(),
            reduction in prop::sample::select(vec![1, 2, 4, 8]),
            interval in prop::sample::select(vec![1, 1000]),
        ) {
            let set = |encoder: &mut Encoder<&mut Vec<u8>>| {
                encoder.set_restart_interval(interval);
            };
            let mut bytes = encoded([40, 30], SamplingFactor::F_2_2, set);
            for (place, byte) in flips {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            let size = Header::read(&bytes).map(|header| header.size);
            // Larger images are refused earlier.
            if let Some(size) = size && size.iter().all(|side| *side <= 4_000)
                && let Some(image) = decode(&bytes, reduction)
            {
                prop_assert_eq!(image.pixels.len(), image.height * image.width * image.channels);
                let decoded = [image.height, image.width];
                prop_assert_eq!(decoded, size.map(|side| side.div_ceil(reduction)));
            }
        }

        #[test]
        fn what_is_cut_off_is_not_read(cut in any::<prop::sample::Index>()) {
            let mut bytes = encoded([40, 30], SamplingFactor::F_1_1, |_| {});
            bytes.truncate(cut.index(bytes.len() - 1));
            prop_assert_eq!(decode(&bytes, 1), None);
        }
    }
}
