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
use selfsame_datasets::{
    CacheOptions, Cached, DataError, Dataset, DecodeError, EncodedImage, PixelOptions, Rescaled,
    channel_statistics, decode_image, decode_image_with,
};

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
    // 252 parts of white to 3 and less of the color.
    let laid = decode_image(&encoded(&clear, ImageFormat::Png)).unwrap();
    assert_eq!(laid.as_rgb8().unwrap().get_pixel(4, 4).0, [251; 3]);
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
    let files: [&[u8]; 4] =
        [b"P5 0 30 255\n\0", b"P6 30 0 255\n\0", b"P4 0 0\n", b"P2\n0 0\n255\n"];
    for bytes in files {
        let error = EncodedImage::open(bytes).map(|image| image.size()).unwrap_err();
        assert!(matches!(error, DecodeError::Damaged(_)), "{error}");
    }
    // A GIF of nothing but a screen.
    let error = decode_image(b"GIF89a\0\0\0\0\0\0\0;").unwrap_err();
    assert!(!matches!(error, DecodeError::Panicked), "{error}");
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

#[test]
fn a_gif_is_as_large_as_its_first_frame_if_its_screen_is_smaller() {
    let image = decode_image(&fixture("screen-of-zero.gif")).unwrap();
    assert_eq!((image.width(), image.height()), (10, 10));
    let whole = encoded(&noise(), ImageFormat::Gif);
    for screen in [[0, 0, 0, 0], [9, 0, 0, 0], [0, 0, 200, 0]] {
        let mut bytes = whole.clone();
        bytes[6..10].copy_from_slice(&screen);
        let image = decode_image(&bytes).unwrap();
        assert_eq!((image.width(), image.height()), (40, 30.max(screen[2].into())));
        let shown = image.crop_imm(0, 0, 40, 30).to_rgb8();
        assert_eq!(shown, decode_image(&whole).unwrap().to_rgb8());
    }
}

#[test]
fn a_jpeg_of_several_scans_has_its_colors() {
    // Red grows to the right and blue downwards; green is 90.
    for reduction in [1, 2] {
        let bytes = fixture("three-scans-420.jpg");
        let image = EncodedImage::open(&bytes).unwrap().decode(reduction).unwrap().to_rgb8();
        let places = (8..60).step_by(8).flat_map(|x| (8..60).step_by(8).map(move |y| (x, y)));
        let off = |(x, y): (u32, u32)| {
            let want = [4 * x as u8, 90, 4 * y as u8];
            let pixel = image.get_pixel(x, y).0;
            pixel.iter().zip(want).map(|(got, want)| u32::from(got.abs_diff(want))).sum::<u32>()
        };
        let sum: u32 = places.map(off).sum();
        assert!(sum / (49 * 3) < 12, "{sum}"); // its quantization is coarse
    }
}

#[test]
fn a_lossless_jpeg_has_every_level() {
    let image = decode_image(&fixture("lossless.jpg")).unwrap().to_luma8();
    let mut levels = image.into_raw();
    levels.sort_unstable();
    levels.dedup();
    assert_eq!(levels, (0..64).map(|level| 4 * level).collect::<Vec<u8>>());
}

#[test]
fn kinds_of_jpeg_that_are_not_decoded_are_named() {
    let plain = jpeg(noise().to_rgb8().as_raw(), [40, 30], ColorType::Rgb, false);
    let frame = plain.windows(2).position(|bytes| bytes == [0xFF, 0xC0]).unwrap();
    let kinds =
        [(0xC9, "arithmetic"), (0xCA, "arithmetic"), (0xC5, "hierarchical"), (0xF7, "JPEG-LS")];
    let changed = |at: usize, byte: u8| {
        let mut bytes = plain.clone();
        bytes[frame + at] = byte;
        decode_image(&bytes).unwrap_err().to_string()
    };
    for (marker, name) in kinds {
        let said = changed(1, marker);
        assert!(said.contains(name) && said.contains("convert"), "{said}");
    }
    assert!(changed(4, 12).contains("12 bits"), "{}", changed(4, 12));
}

#[test]
fn a_jpeg_of_very_many_scans_is_refused_at_once() {
    let bytes = jpeg(noise().to_rgb8().as_raw(), [40, 30], ColorType::Rgb, true);
    let last = bytes.windows(2).rposition(|bytes| bytes == [0xFF, 0xDA]).unwrap();
    let (body, end) = bytes.split_at(bytes.len() - 2);
    let many = [body, &body[last..].repeat(1_000), end].concat();
    let error = decode_image(&many).unwrap_err();
    assert!(matches!(error, DecodeError::TooManyScans { scans } if scans > 1_000), "{error}");
    assert!(decode_image(&bytes).is_ok());
}

#[test]
fn what_decoding_takes_beside_the_image_counts() {
    // 13,000 × 13,000 pixels in 34 bytes: three bytes each, and four for the decoder's frame.
    let size = 12_999_u32 * ((1 << 14) + 1);
    let data = [&[0x2F][..], &size.to_le_bytes(), &[0x88, 0x88, 8, 0, 0, 0, 0]].concat();
    let head = |name: &[u8], length: usize| [name, &(length as u32).to_le_bytes()].concat();
    let webp = [head(b"RIFF", data.len() + 12), b"WEBP".to_vec(), head(b"VP8L", data.len()), data]
        .concat();
    let want = DecodeError::TooLarge { width: 13_000, height: 13_000 };
    assert_eq!(decode_image(&webp).unwrap_err(), want);
    let strip = |compression| Tiff { compression, ..Tiff::new([13_000, 13_000], &[8; 4], 2) };
    for compression in [1, 5, 8] {
        let bytes = strip(compression).bytes(&[0; 100]);
        assert_eq!(decode_image(&bytes).unwrap_err(), want, "{compression}");
    }
}

/// A PNG with another chunk after its head.
fn with_chunk(png: &[u8], name: &[u8], content: &[u8]) -> Vec<u8> {
    let named = [name, content].concat();
    let mut sum = flate2::Crc::new();
    sum.update(&named);
    let length = (content.len() as u32).to_be_bytes();
    let (head, rest) = png.split_at(33);
    [head, &length, &named, &sum.sum().to_be_bytes(), rest].concat()
}

/// A WebP with more chunks.
fn webp_with(webp: &[u8], name: &[u8], content: &[u8]) -> Vec<u8> {
    let mut head = [0; 10]; // flags, then width and height less one
    head[0] = if name == b"EXIF" { 8 } else { 4 };
    (head[4], head[7]) = (39, 29);
    let chunk = |name: &[u8], content: &[u8]| {
        let padding = &[0][..content.len() % 2];
        [name, &(content.len() as u32).to_le_bytes(), content, padding].concat()
    };
    let body = [b"WEBP", &chunk(b"VP8X", &head)[..], &webp[12..], &chunk(name, content)].concat();
    chunk(b"RIFF", &body)
}

#[test]
fn the_orientation_is_found_wherever_a_format_stores_it() {
    let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let exif = [b"Exif\0\0", &tiff[..]].concat();
    let attribute = br#"<rdf:Description tiff:Orientation="6" a="1"/>"#.to_vec();
    let element = b"<a><tiff:Orientation> 6 </tiff:Orientation></a>".to_vec();
    let digits = |bytes: &[u8]| {
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let lines: Vec<String> = digits.chunks(36).map(<[String]>::concat).collect();
        format!("\nexif\n{:8}\n{}\n", bytes.len(), lines.join("\n")).into_bytes()
    };
    let zipped = |bytes: &[u8]| {
        let mut zip = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut zip, bytes).unwrap();
        zip.finish().unwrap()
    };
    let png = encoded(&noise(), ImageFormat::Png);
    let webp = encoded(&noise(), ImageFormat::WebP);
    let jpeg = jpeg(noise().to_rgb8().as_raw(), [40, 30], ColorType::Rgb, false);
    let app1 = |content: &[u8]| {
        let length = (content.len() as u16 + 2).to_be_bytes();
        [&jpeg[..2], &[0xFF, 0xE1], &length, content, &jpeg[2..]].concat()
    };
    let text = |keyword: &str, rest: &[u8]| [keyword.as_bytes(), b"\0", rest].concat();
    let files = [
        ("JPEG, EXIF", app1(&exif)),
        ("JPEG, XMP", app1(&text("http://ns.adobe.com/xap/1.0/", &attribute))),
        ("WebP, EXIF", webp_with(&webp, b"EXIF", &tiff)),
        ("WebP, EXIF behind its prefix", webp_with(&webp, b"EXIF", &exif)),
        ("WebP, XMP", webp_with(&webp, b"XMP ", &element)),
        ("PNG, EXIF", with_chunk(&png, b"eXIf", &tiff)),
        ("PNG, text", with_chunk(&png, b"tEXt", &text("Raw profile type exif", &digits(&exif)))),
        (
            "PNG, compressed text",
            with_chunk(
                &png,
                b"zTXt",
                &text("Raw profile type APP1", &[&[0], &zipped(&digits(&exif))[..]].concat()),
            ),
        ),
        (
            "PNG, XMP",
            with_chunk(
                &png,
                b"iTXt",
                &text("XML:com.adobe.xmp", &[b"\0\0\0\0", &attribute[..]].concat()),
            ),
        ),
        (
            "TIFF",
            Tiff { more: vec![(274, 6)], ..Tiff::new([40, 30], &[8; 3], 2) }
                .bytes(noise().to_rgb8().as_raw()),
        ),
    ];
    for (name, bytes) in files {
        let image = EncodedImage::open(&bytes).unwrap();
        assert_eq!(image.size(), [30, 40], "{name}");
        let upright = noise().rotate90().to_rgb8();
        let off = |(got, want): (&u8, &u8)| f64::from(got.abs_diff(*want));
        let found = image.decode(1).unwrap().to_rgb8();
        let mean = found.iter().zip(upright.iter()).map(off).sum::<f64>() / 3_600.0;
        assert!(mean < 30.0, "{name}: {mean} off"); // JPEG blurs the colors of noise
        assert_eq!(decode_image(&bytes).unwrap().to_rgb8(), found);
    }
    let image = decode_image(&fixture("exif-with-prefix.webp")).unwrap().to_rgb8();
    assert!(image.get_pixel(32, 5).0[0] > 150 && image.get_pixel(32, 58).0[0] < 150);
}

/// A TIFF of one strip.
struct Tiff<'a> {
    size: [u32; 2],
    bits: &'a [u16],
    photometric: u32,
    compression: u32,
    big: bool,
    /// Other tags of one value.
    more: Vec<(u16, u32)>,
}

impl<'a> Tiff<'a> {
    fn new(size: [u32; 2], bits: &'a [u16], photometric: u32) -> Self {
        Self { size, bits, photometric, compression: 1, big: false, more: Vec::new() }
    }

    fn bytes(&self, data: &[u8]) -> Vec<u8> {
        let word = |value: u64| {
            let bytes = value.to_le_bytes();
            bytes[..if self.big { 8 } else { 4 }].to_vec()
        };
        let start = if self.big { 16 } else { 8 };
        let mut values: Vec<u8> = self.bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let bits_at = (start + data.len()) as u64;
        let inline = values.len() <= word(0).len();
        let bits = if inline {
            values.resize(word(0).len(), 0);
            std::mem::take(&mut values)
        } else {
            word(bits_at)
        };
        let mut tags = vec![
            (256, 4_u16, 1, word(self.size[0].into())),
            (257, 4, 1, word(self.size[1].into())),
            (258, 3, self.bits.len(), bits),
            (259, 3, 1, word(self.compression.into())),
            (262, 3, 1, word(self.photometric.into())),
            (273, 4, 1, word(start as u64)),
            (277, 3, 1, word(self.bits.len() as u64)),
            (278, 4, 1, word(self.size[1].into())),
            (279, 4, 1, word(data.len() as u64)),
        ];
        tags.extend(self.more.iter().map(|(tag, value)| (*tag, 3, 1, word((*value).into()))));
        tags.sort_by_key(|tag| tag.0);
        let directory = bits_at + values.len() as u64;
        let head = if self.big { &b"II+\0\x08\0\0\0"[..] } else { b"II*\0" };
        let mut bytes = [head, &word(directory), data, &values].concat();
        let count = tags.len() as u64;
        bytes.extend(&count.to_le_bytes()[..if self.big { 8 } else { 2 }]);
        for (tag, kind, count, value) in tags {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(word(count as u64));
            bytes.extend(value);
        }
        bytes.extend(word(0));
        bytes
    }
}

#[test]
fn tiffs_of_every_color_are_read() {
    let size = [2, 2];
    let rgb = [10, 20, 30, 250, 0, 1, 2, 3, 4, 90, 91, 92];
    let files = [
        ("RGB", Tiff::new(size, &[8; 3], 2).bytes(&rgb), rgb.to_vec()),
        ("BigTIFF", Tiff { big: true, ..Tiff::new(size, &[8; 3], 2) }.bytes(&rgb), rgb.to_vec()),
        ("white is 0", Tiff::new(size, &[8], 0).bytes(&[0, 5, 250, 255]), vec![255, 250, 5, 0]),
        ("1 bit", Tiff::new(size, &[1], 1).bytes(&[0x80, 0x40]), vec![255, 0, 0, 255]),
        ("4 bits", Tiff::new(size, &[4], 1).bytes(&[0x0F, 0x37]), vec![0, 255, 51, 119]),
        (
            "RGB of 4 bits",
            Tiff::new(size, &[4; 3], 2).bytes(&[0x12, 0x3F, 0x0F, 0, 0, 0x01]),
            vec![17, 34, 51, 255, 0, 255, 0, 0, 0, 0, 0, 17],
        ),
        (
            "bits from the lowest on",
            Tiff { more: vec![(266, 2)], ..Tiff::new(size, &[1], 1) }.bytes(&[1, 2]),
            vec![255, 0, 0, 255],
        ),
        (
            "CMYK",
            Tiff::new(size, &[8; 4], 5)
                .bytes(&[0, 0, 0, 55, 255, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0]),
            vec![200, 200, 200, 0, 255, 255, 255, 0, 255, 255, 255, 255],
        ),
        (
            "gray with transparency",
            Tiff { more: vec![(338, 2)], ..Tiff::new(size, &[8; 2], 1) }
                .bytes(&[7, 255, 7, 0, 100, 255, 0, 51]),
            vec![7, 255, 100, 204],
        ),
        (
            "gray already multiplied by its transparency",
            Tiff { more: vec![(338, 1)], ..Tiff::new(size, &[8; 2], 1) }
                .bytes(&[7, 255, 0, 0, 100, 255, 0, 51]),
            vec![7, 255, 100, 204],
        ),
    ];
    for (name, bytes, want) in files {
        assert_eq!(decode_image(&bytes).unwrap().as_bytes(), want, "{name}");
    }
    let deep = Tiff::new([2, 1], &[16], 1).bytes(&[1, 2, 3, 4]);
    assert_eq!(decode_image(&deep).unwrap().to_luma16().into_raw(), [0x0201, 0x0403]);
}

#[test]
fn a_tiff_of_jpegs_has_the_colors_of_the_jpegs() {
    let image = corner(32, 16);
    let strip = jpeg(image.as_raw(), [32, 16], ColorType::Rgb, false);
    let bytes = Tiff { compression: 7, ..Tiff::new([32, 16], &[8; 3], 6) }.bytes(&strip);
    let found = decode_image(&bytes).unwrap().to_rgb8();
    let off = found
        .iter()
        .zip(decode_image(&strip).unwrap().to_rgb8().iter())
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    assert!(off < Some(4), "{off:?}");
    // Its own head may claim more than the TIFF does.
    let mut bomb = strip;
    let frame = bomb.windows(2).position(|bytes| bytes == [0xFF, 0xC0]).unwrap();
    bomb[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xFF]);
    let bytes = Tiff { compression: 7, ..Tiff::new([32, 16], &[8; 3], 6) }.bytes(&bomb);
    assert!(decode_image(&bytes).unwrap_err().to_string().contains("limits"));
}

#[test]
fn tiffs_that_are_no_image_yet_say_what_to_choose() {
    let floats: Vec<u8> =
        [0.0_f32, 0.5, 1.0, f32::NAN].iter().flat_map(|x| x.to_le_bytes()).collect();
    let float = Tiff { more: vec![(339, 3)], ..Tiff::new([2, 2], &[32], 1) }.bytes(&floats);
    let said = decode_image(&float).unwrap_err().to_string();
    assert!(said.contains("32-bit floats") && said.contains("set a range of values"), "{said}");
    let options = PixelOptions { range: Some("0..1".parse().unwrap()), ..PixelOptions::default() };
    let image = decode_image_with(&float, &options).unwrap();
    assert_eq!(image.to_luma8().into_raw(), [0, 128, 255, 0]);

    let signed: Vec<u8> =
        [-1_000_i16, 0, 1_000, 3_000].iter().flat_map(|x| x.to_le_bytes()).collect();
    let signed = Tiff { more: vec![(339, 2)], ..Tiff::new([2, 2], &[16], 1) }.bytes(&signed);
    assert!(decode_image(&signed).unwrap_err().to_string().contains("signed 16-bit"));
    let range = Some("-1000..1000".parse().unwrap());
    let image = decode_image_with(&signed, &PixelOptions { range, ..PixelOptions::default() });
    assert_eq!(image.unwrap().to_luma8().into_raw(), [0, 128, 255, 255]);

    let five = Tiff::new([1, 2], &[8; 5], 2).bytes(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(decode_image(&five).unwrap_err(), DecodeError::Bands { bands: 5 });
    let choose = |channels: &str| {
        let channels = channels.parse().unwrap();
        decode_image_with(&five, &PixelOptions { channels, ..PixelOptions::default() })
    };
    assert_eq!(choose("4,3,0").unwrap().as_rgb8().unwrap().as_raw(), &[5, 4, 1, 10, 9, 6]);
    assert_eq!(choose("3").unwrap().as_luma8().unwrap().as_raw(), &[4, 9]);
    assert_eq!(choose("0,1,5").unwrap_err(), DecodeError::NoBand { bands: 5, band: 5 });
    let two = Tiff::new([1, 2], &[8; 2], 1).bytes(&[1, 2, 3, 4]);
    assert_eq!(decode_image(&two).unwrap_err(), DecodeError::Bands { bands: 2 });
}

/// Files of images in memory.
struct Files(Vec<Vec<u8>>);

impl Dataset for Files {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        decode_image(&self.0[index])
            .map_err(|error| DataError::Image { name: self.name(index), reason: error.to_string() })
    }

    fn encoded(&self, index: usize) -> Result<Option<std::borrow::Cow<'_, [u8]>>, DataError> {
        Ok(Some(self.0[index].as_slice().into()))
    }
}

/// A gray PNG of 16 bits.
fn deep(value: impl Fn(u32, u32) -> u32) -> Vec<u8> {
    let image = ImageBuffer::from_fn(32, 32, |x, y| Luma([value(x, y) as u16]));
    encoded(&image.into(), ImageFormat::Png)
}

#[test]
fn twelve_bits_in_sixteen_are_stretched_alike_in_all_images() {
    let files = Files((0..20).map(|n| deep(move |_, y| 132 * y * (n % 4) / 3)).collect());
    let choice = PixelOptions::default().inspect(&files, 100).unwrap();
    let said = choice.message.unwrap();
    assert!(said.contains("20 of 20") && said.contains("4095 white"), "{said}");
    let dataset = std::sync::Arc::new(Rescaled::new(std::sync::Arc::new(files), choice.options));
    let (cached, skipped) = Cached::decode(dataset, CacheOptions::default()).unwrap();
    assert!(skipped.is_empty());
    let brightest = |index| cached.image(index).unwrap().to_luma8().iter().max().copied().unwrap();
    assert_eq!([0, 1, 2, 3].map(brightest), [0, 85, 170, 255]);
}

#[test]
fn a_narrow_part_of_sixteen_bits_keeps_its_levels() {
    let files = Files(vec![fixture("ct-in-16-bits.png"); 4]);
    let choice = PixelOptions::default().inspect(&files, 2).unwrap();
    assert_eq!(choice.options.range.unwrap().to_string(), "1000..1126");
    let mut levels = decode_image_with(&files.0[0], &choice.options).unwrap().to_luma8().into_raw();
    levels.sort_unstable();
    levels.dedup();
    assert_eq!(levels.len(), 127);
}

#[test]
fn images_of_eight_bits_keep_theirs_beside_deeper_ones() {
    let plain = encoded(&noise(), ImageFormat::Png);
    let files = Files(vec![plain.clone(), deep(|x, _| 3 * x), b"broken".to_vec()]);
    let choice = PixelOptions::default().inspect(&files, 100).unwrap();
    let said = choice.message.unwrap();
    assert!(said.contains("1 of 2") && said.contains("8 bits are unchanged"), "{said}");
    assert_eq!(choice.options.range.unwrap().to_string(), "0..255");
    assert_eq!(decode_image_with(&plain, &choice.options).unwrap(), decode_image(&plain).unwrap());
    // And there is nothing to choose where all have 8 bits, or use 16.
    for files in [vec![plain], vec![deep(|x, y| 2_000 * x + y)]] {
        let choice = PixelOptions::default().inspect(&Files(files), 100).unwrap();
        assert_eq!((choice.options, choice.message), (PixelOptions::default(), None));
    }
}

#[test]
fn a_run_is_not_resumed_with_another_range() {
    let files: std::sync::Arc<dyn Dataset> = std::sync::Arc::new(Files(vec![deep(|x, _| x)]));
    let with = |range: &str| PixelOptions {
        range: Some(range.parse().unwrap()),
        ..PixelOptions::default()
    };
    let stamp = |options| Rescaled::new(files.clone(), options).stamp(0).unwrap();
    assert_ne!(stamp(with("0..31")), stamp(with("0..255")));
    let unchanged = Rescaled::where_needed(files.clone(), PixelOptions::default());
    assert!(unchanged.encoded(0).unwrap().is_some(), "regions are still decoded");
}

#[test]
fn statistics_are_those_of_the_pixels_and_pass_over_what_is_broken() {
    let pixels =
        RgbImage::from_fn(4, 4, |x, _| if x < 2 { Rgb([0, 51, 255]) } else { Rgb([255, 51, 0]) });
    let good = encoded(&pixels.into(), ImageFormat::Png);
    let statistics = channel_statistics(&Files(vec![good, b"broken".to_vec()]), 10).unwrap();
    assert_eq!(statistics.images, 1);
    for (found, want) in statistics.mean.iter().zip([0.5, 0.2, 0.5]) {
        assert!((found - want).abs() < 1e-9, "{statistics:?}");
    }
    for (found, want) in statistics.std.iter().zip([0.5, 0.0, 0.5]) {
        assert!((found - want).abs() < 1e-6, "{statistics:?}");
    }
    let error = channel_statistics(&Files(vec![b"broken".to_vec()]), 10).unwrap_err().to_string();
    assert!(error.contains("none of 1"), "{error}");
}

#[test]
fn an_ending_that_lies_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let lying = folder.path().join("photo.jpg");
    std::fs::write(&lying, encoded(&noise(), ImageFormat::Png)).unwrap();
    std::fs::write(folder.path().join("other.png"), encoded(&noise(), ImageFormat::Gif)).unwrap();
    let splits = selfsame_datasets::open(folder.path()).unwrap();
    for index in 0..2 {
        assert_eq!(splits.train.image(index).unwrap().width(), 40);
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
