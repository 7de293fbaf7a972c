//! Images of every format are decoded to their content, and no bytes do harm.

#![allow(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "tests, with small numbers"
)]

use std::io::Cursor;

use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage, Rgba};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;
use selfsame_datasets::{DecodeError, EncodedImage, decode_image};

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn noise() -> DynamicImage {
    ImageBuffer::from_fn(40, 30, |x, y| Rgb([(x * 57 + y * 31) as u8, (x * y) as u8, 9])).into()
}

/// Dark, with a bright upper left quarter.
fn corner(width: u32, height: u32) -> RgbImage {
    let shade = |x, y| if x < width / 2 && y < height / 2 { 230 } else { 20 };
    ImageBuffer::from_fn(width, height, |x, y| Rgb([shade(x, y); 3]))
}

fn jpeg(pixels: &[u8], size: [u16; 2], color: ColorType, progressive: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 95);
    encoder.set_progressive(progressive);
    encoder.encode(pixels, size[0], size[1], color).unwrap();
    bytes
}

/// The JPEG with an EXIF segment that says how it is turned.
fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let tiff = [
        &b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..],
        &[orientation, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let length = (tiff.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, &tiff, &jpeg[2..]].concat()
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    let formats = [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::Pnm,
    ];
    for format in formats {
        let whole = encoded(&noise(), format);
        assert_eq!(decode_image(&whole).unwrap().width(), 40, "{format:?}");
        for length in [0, 1, 3, whole.len() / 4, whole.len() / 2, whole.len() - 40] {
            assert!(decode_image(&whole[..length]).is_err(), "{format:?} cut to {length}");
        }
    }
}

#[test]
fn gray_deep_and_transparent_images_are_read() {
    let gray = ImageBuffer::from_pixel(9, 9, Luma([40_000_u16])).into();
    let clear = ImageBuffer::from_pixel(9, 9, Rgba([1_u8, 2, 3, 4])).into();
    assert_eq!(
        decode_image(&encoded(&gray, ImageFormat::Png)).unwrap().to_luma16(),
        gray.to_luma16()
    );
    assert_eq!(decode_image(&encoded(&clear, ImageFormat::Png)).unwrap(), clear);
}

#[test]
fn lossless_formats_give_every_pixel_back() {
    let formats = [
        ImageFormat::Png,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::WebP,
        ImageFormat::Pnm,
    ];
    for format in formats {
        assert_eq!(
            decode_image(&encoded(&noise(), format)).unwrap().to_rgb8(),
            noise().to_rgb8(),
            "{format:?}"
        );
    }
}

#[test]
fn colors_of_a_palette_are_looked_up() {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(vec![255, 0, 0, 7, 8, 9]);
    encoder.write_header().unwrap().write_image_data(&[1, 0]).unwrap();
    assert_eq!(decode_image(&bytes).unwrap().to_rgb8().into_raw(), [7, 8, 9, 255, 0, 0]);
}

#[test]
fn of_an_animation_the_first_frame_is_shown() {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    for shade in [200, 10] {
        let frame = ImageBuffer::from_pixel(6, 5, Rgba([shade, shade, shade, 255]));
        encoder.encode_frame(image::Frame::new(frame)).unwrap();
    }
    drop(encoder);
    let first = decode_image(&bytes).unwrap().to_rgb8();
    assert_eq!(first.dimensions(), (6, 5));
    assert_eq!(first.get_pixel(3, 3).0, [200; 3]);
}

#[test]
fn cmyk_and_progressive_jpegs_show_what_rgb_ones_show() {
    let image = corner(32, 16);
    let plain = jpeg(image.as_raw(), [32, 16], ColorType::Rgb, false);
    let progressive = jpeg(image.as_raw(), [32, 16], ColorType::Rgb, true);
    // The shades are gray: all of them in black ink.
    let ink: Vec<u8> = image.pixels().flat_map(|pixel| [0, 0, 0, 255 - pixel.0[0]]).collect();
    let cmyk = jpeg(&ink, [32, 16], ColorType::Cmyk, false);
    let ycck = jpeg(&ink, [32, 16], ColorType::CmykAsYcck, false);
    for (name, bytes) in
        [("plain", plain), ("progressive", progressive), ("CMYK", cmyk), ("YCCK", ycck)]
    {
        for reduction in [1, 2] {
            let decoded = EncodedImage::open(&bytes).unwrap().decode(reduction).unwrap().to_rgb8();
            let at = |x: u32, y| i16::from(decoded.get_pixel(x * decoded.width() / 32, y).0[1]);
            // Quality 95 is off by a few of 255.
            assert!((at(4, 2) - 230).abs() < 8, "{name}: {} for 230", at(4, 2));
            assert!((at(28, 2) - 20).abs() < 8, "{name}: {} for 20", at(28, 2));
        }
    }
}

#[test]
fn jpegs_that_our_decoder_does_not_read_are_decoded_by_the_library() {
    let rgb = noise().to_rgb8();
    let progressive = jpeg(rgb.as_raw(), [40, 30], ColorType::Rgb, true);
    let mut rare = Vec::new();
    let mut encoder = Encoder::new(&mut rare, 90);
    encoder.set_sampling_factor(SamplingFactor::F_4_1);
    encoder.encode(rgb.as_raw(), 40, 30, ColorType::Rgb).unwrap();
    let of_four = jpeg(&[7; 4 * 400], [20, 20], ColorType::Cmyk, false);
    for (bytes, size) in [(progressive, (40, 30)), (rare, (40, 30)), (of_four, (20, 20))] {
        assert_eq!(selfsame_jpeg::decode(&bytes, 1), None);
        let image = EncodedImage::open(&bytes).unwrap().decode(2).unwrap();
        assert_eq!((image.width(), image.height()), size, "decoded whole");
    }
}

#[test]
fn an_image_stands_as_its_exif_data_says() {
    // Where the bright corner is after each of the eight orientations.
    let want = ["ul", "ur", "lr", "ll", "ul", "ur", "lr", "ll"];
    let plain = jpeg(corner(1_800, 1_200).as_raw(), [1_800, 1_200], ColorType::Rgb, false);
    for (orientation, want) in (1..).zip(want) {
        let bytes = turned(&plain, orientation);
        let image = EncodedImage::open(&bytes).unwrap();
        let size = if orientation > 4 { [1_200, 1_800] } else { [1_800, 1_200] };
        assert_eq!(image.size(), size);
        for reduction in [1, 2, 4] {
            let image = image.decode(reduction).unwrap().to_luma8();
            let (width, height) = image.dimensions();
            assert_eq!([width, height], size.map(|side| side / reduction));
            let bright = |x, y| image.get_pixel(x, y).0[0] > 128;
            let found = [
                ("ul", 0, 0),
                ("ur", width - 1, 0),
                ("ll", 0, height - 1),
                ("lr", width - 1, height - 1),
            ]
            .map(|(name, x, y)| (name, bright(x, y)));
            assert!(
                found.iter().all(|(name, bright)| *bright == (*name == want)),
                "{orientation}: {found:?}"
            );
        }
    }
}

#[test]
fn a_reduced_jpeg_is_close_to_the_mean_of_its_pixels() {
    let smooth = RgbImage::from_fn(1_803, 1_301, |x, y| {
        Rgb([(x / 8) as u8, (y / 6) as u8, ((x + y) / 13) as u8])
    });
    let bytes = jpeg(smooth.as_raw(), [1_803, 1_301], ColorType::Rgb, false);
    let whole = decode_image(&bytes).unwrap().to_rgb8();
    for reduction in [2_u32, 4, 8] {
        let reduced = EncodedImage::open(&bytes).unwrap().decode(reduction).unwrap().to_rgb8();
        assert_eq!(
            reduced.dimensions(),
            (1_803_u32.div_ceil(reduction), 1_301_u32.div_ceil(reduction))
        );
        for (x, y, pixel) in reduced.enumerate_pixels() {
            let block = || {
                (0..reduction * reduction)
                    .map(|n| (x * reduction + n % reduction, y * reduction + n / reduction))
            };
            if block().any(|(x, y)| x >= 1_803 || y >= 1_301) {
                continue; // partly beyond the border
            }
            for channel in 0..3 {
                let sum: u32 =
                    block().map(|(x, y)| u32::from(whole.get_pixel(x, y).0[channel])).sum();
                let mean = f64::from(sum) / f64::from(reduction * reduction);
                let got = f64::from(pixel.0[channel]);
                // Chroma is subsampled, and the two decoders round each on its own.
                assert!((got - mean).abs() < 6.0, "1/{reduction} at {x}, {y}: {got} for {mean}");
            }
        }
    }
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    // A PNG head that claims 30,000 × 30,000 pixels of six bytes.
    let mut bytes = encoded(&noise(), ImageFormat::Png);
    bytes[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    // The decoder does not look at the checksum where it is told not to.
    let error = decode_image(&bytes).unwrap_err();
    assert!(matches!(error, DecodeError::TooLarge { .. } | DecodeError::Damaged(_)), "{error}");
    // A PGM has none.
    let error = decode_image(b"P5 40000 100 255\n").unwrap_err();
    assert_eq!(error, DecodeError::TooLarge { width: 40_000, height: 100 });
    let error = decode_image(b"P6 20000 20000 255\n").unwrap_err();
    assert_eq!(error, DecodeError::TooLarge { width: 20_000, height: 20_000 });
}

#[test]
fn an_image_without_pixels_is_refused() {
    // The width of a GIF stands in its screen and in its first frame.
    let gif = encoded(&noise(), ImageFormat::Gif);
    let mut narrow = gif.clone();
    narrow[6..8].fill(0);
    let mut nothing = b"P5 0 30 255\n".to_vec();
    nothing.push(0);
    for bytes in [narrow, nothing] {
        let error = EncodedImage::open(&bytes).map(|image| image.size()).unwrap_err();
        assert!(matches!(error, DecodeError::Damaged(_)), "{error}");
    }
}

/// Small files of every format and kind.
fn seeds() -> Vec<Vec<u8>> {
    let image = noise();
    let formats = [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::Pnm,
    ];
    let mut seeds: Vec<Vec<u8>> = formats.iter().map(|format| encoded(&image, *format)).collect();
    let rgb = image.to_rgb8();
    let ink: Vec<u8> = rgb.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], 0, 9]).collect();
    seeds.push(jpeg(rgb.as_raw(), [40, 30], ColorType::Rgb, true));
    seeds.push(jpeg(&ink, [40, 30], ColorType::CmykAsYcck, false));
    seeds.push(turned(&seeds[0], 6));
    seeds.push(encoded(&DynamicImage::ImageLuma16(image.to_luma16()), ImageFormat::Png));
    seeds
}

fn survives(bytes: &[u8]) {
    // Either an image within the limits, or one of our errors: to return is to survive.
    for reduction in [1, 8] {
        let decoded = EncodedImage::open(bytes).and_then(|image| image.decode(reduction));
        if let Ok(image) = decoded {
            assert!(image.width().max(image.height()) <= 1 << 15);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn bytes_flipped_cut_or_spliced_do_no_harm(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut: prop::sample::Index,
        from: prop::sample::Index,
        way in 0..4,
        other: prop::sample::Index,
    ) {
        let seeds = seeds();
        for seed in &seeds {
            let mut bytes = seed.clone();
            match way {
                // In the head, where it hurts; anywhere; away with the end; the end of another
                // file.
                0 => flips.iter().for_each(|(place, byte)| bytes[place.index(64)] = *byte),
                1 => flips.iter().for_each(|(place, byte)| { let at = place.index(seed.len()); bytes[at] ^= *byte; }),
                2 => bytes.truncate(cut.index(seed.len())),
                _ => {
                    let other = &seeds[other.index(seeds.len())];
                    bytes.truncate(cut.index(seed.len()));
                    bytes.extend_from_slice(&other[from.index(other.len())..]);
                }
            }
            survives(&bytes);
        }
    }

    #[test]
    fn junk_does_no_harm(junk: Vec<u8>) {
        survives(&junk);
    }
}
