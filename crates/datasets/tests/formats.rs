//! Every form of data set: written here, read back whole, damaged without harm.

#![allow(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "tests, with small numbers"
)]

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use image::{DynamicImage, ImageFormat, RgbImage};
use proptest::prelude::*;
use proptest::sample::Index;
use selfsame_datasets::{Dataset, Splits, Subset, labels, open};

/// Image `n`: 4 × 3 pixels of its own shade.
fn shade(n: u8) -> RgbImage {
    RgbImage::from_pixel(4, 3, image::Rgb([n, n / 2, 255 - n]))
}

fn png(n: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    shade(n).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn tar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn idx(shape: &[u32], data: &[u8]) -> Vec<u8> {
    let sides = shape.iter().flat_map(|side| side.to_be_bytes());
    [0, 0, 8, shape.len() as u8].into_iter().chain(sides).chain(data.iter().copied()).collect()
}

fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The files, in a folder of their own.
fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    root
}

/// The shades of all images: their red, if they are gray or [`shade`]s.
fn shades(dataset: &dyn Dataset) -> Vec<u8> {
    let first = |image: DynamicImage| image.to_rgb8().get_pixel(1, 1).0[0];
    (0..dataset.len()).map(|index| first(dataset.image(index).unwrap())).collect()
}

fn read(path: &Path) -> Splits {
    open(path).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_list_reads_its_images_beside_it_and_names_the_one_that_is_gone() {
    let list = b"path,label\nimages/b.png,dog\na.png,cat\ngone.png,cat\n".to_vec();
    let root =
        folder(&[("sets/list.csv", list), ("sets/images/b.png", png(9)), ("sets/a.png", png(3))]);
    let train = read(&root.path().join("sets/list.csv")).train;
    assert_eq!(labels(&*train), [Some(1), Some(0), Some(0)]);
    assert_eq!(train.image(0).unwrap().to_rgb8(), shade(9));
    assert_eq!(train.image(1).unwrap().to_rgb8(), shade(3));
    assert!(train.image(2).unwrap_err().to_string().contains("gone.png"));
}

#[test]
fn shards_of_a_webdataset_are_read_with_labels_of_either_kind() {
    let first = tar(&[
        ("0.png", png(1)),
        ("0.cls", b"10".to_vec()),
        ("1.png", png(2)),
        ("1.cls", b"9\n".to_vec()),
    ]);
    let second =
        tar(&[("2.png", png(3)), ("2.json", br#"{"label": 10}"#.to_vec()), ("3.png", png(4))]);
    let test = tar(&[("0.png", png(5)), ("0.cls", b"9".to_vec())]);
    for compressed in [false, true] {
        let pack = |bytes: &[u8]| if compressed { gz(bytes) } else { bytes.to_vec() };
        let name = |name: &str| if compressed { format!("{name}.gz") } else { name.to_owned() };
        let names = ["x-train-0000.tar", "x-train-0001.tar", "x-val-0000.tar"].map(name);
        let files = [pack(&first), pack(&second), pack(&test)];
        let files: Vec<_> = names.iter().map(String::as_str).zip(files).collect();
        let root = folder(&files);
        let splits = read(root.path());
        assert_eq!(splits.train.class_names(), ["9", "10"]);
        assert_eq!(labels(&*splits.train), [Some(1), Some(0), Some(1), None]);
        assert_eq!(shades(&*splits.train), [1, 2, 3, 4]);
        let test = splits.test.unwrap();
        assert_eq!((shades(&*test), labels(&*test)), (vec![5], vec![Some(0)]));
        assert!(
            splits.train.name(2).contains("2.png in ") && splits.train.name(2).contains("0001")
        );
    }
}

#[test]
fn a_shard_is_not_kept_in_memory() {
    let root = folder(&[("a.tar", tar(&[("0.png", png(1)), ("1.png", png(2))]))]);
    let path = root.path().join("a.tar");
    let train = read(&path).train;
    fs::remove_file(&path).unwrap();
    let error = train.image(1).unwrap_err().to_string();
    assert!(error.contains("a.tar"), "{error}");
    // A shard that is cut off later is an error as well.
    fs::write(&path, tar(&[("0.png", png(1))])).unwrap();
    assert!(train.image(1).is_err());
}

#[test]
fn the_mnist_family_is_read_compressed_or_not_and_in_its_usual_folders() {
    let pixels: Vec<u8> = (0..3 * 4 * 5).collect();
    let train = [idx(&[3, 4, 5], &pixels), idx(&[3], &[7, 0, 7])];
    let test = [idx(&[1, 4, 5], &pixels[..20]), idx(&[1], &[0])];
    for (within, ending) in [("", ""), ("MNIST/raw/", ".gz")] {
        let pack = |bytes: &[u8]| if ending.is_empty() { bytes.to_vec() } else { gz(bytes) };
        let names =
            ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]
                .map(|name| format!("{within}{name}-ubyte{ending}"));
        let files: Vec<_> = names
            .iter()
            .map(String::as_str)
            .zip(train.iter().chain(&test).map(|b| pack(b)))
            .collect();
        let root = folder(&files);
        let splits = read(root.path());
        assert_eq!(splits.train.class_names(), ["0", "7"]);
        assert_eq!(labels(&*splits.train), [Some(1), Some(0), Some(1)]);
        assert_eq!(splits.train.image(1).unwrap().to_luma8().into_raw(), pixels[20..40]);
        assert_eq!(labels(&*splits.test.unwrap()), [Some(0)]);
        let alone = read(&root.path().join(&names[0])).train;
        assert_eq!((alone.len(), alone.label(0)), (3, None));
        fs::write(root.path().join(&names[1]), pack(&idx(&[2], &[1, 2]))).unwrap();
        let error = open(root.path()).unwrap_err().to_string();
        assert!(error.contains("train-labels"), "{error}");
    }
}

#[test]
fn arrays_are_read_in_every_layout_and_from_every_place() {
    let hwc: Vec<u8> = (0..2 * 3 * 5 * 3).collect();
    let wanted: Vec<Vec<u8>> = hwc.chunks(45).map(<[u8]>::to_vec).collect();
    let planes = |image: &[u8]| -> Vec<u8> {
        (0..3).flat_map(|c| image.iter().skip(c).step_by(3).copied().collect::<Vec<_>>()).collect()
    };
    let chw: Vec<u8> = wanted.iter().flat_map(|image| planes(image)).collect();
    let both = [npy("|u1", "(2, 3, 5, 3)", &hwc), npy("|u1", "(2, 3, 3, 5)", &chw)];
    let label_data = [3_i64, 1].map(i64::to_le_bytes).concat();
    for pixels in both {
        let of = |train: &str, of_train: &str| {
            npz(&[(train, pixels.clone()), (of_train, npy("<i8", "(2, 1)", &label_data))])
        };
        let root = folder(&[
            ("a.npz", of("x_train", "y_train")),
            ("b.npz", of("train_images", "train_labels")),
            ("c.npz", of("images", "labels")),
            ("d.npy", pixels.clone()),
            ("e/images.npy", pixels.clone()),
            ("e/labels.npy", npy("<i8", "(2,)", &label_data)),
        ]);
        for name in ["a.npz", "b.npz", "c.npz", "d.npy", "e"] {
            let train = read(&root.path().join(name)).train;
            let images = [0, 1].map(|index| train.image(index).unwrap().to_rgb8().into_raw());
            assert_eq!(images.to_vec(), wanted, "{name}");
            let want = if name == "d.npy" { [None, None] } else { [Some(1), Some(0)] };
            assert_eq!(labels(&*train), want, "{name}");
        }
    }
    let root = folder(&[("x.npz", npz(&[("y", npy("|u1", "(1,)", &[0]))]))]);
    assert!(open(&root.path().join("x.npz")).unwrap_err().to_string().contains("x_train"));
}

#[test]
fn images_that_cannot_be_decoded_are_skipped_and_counted() {
    let root = folder(&[
        ("cat/a.png", png(1)),
        ("cat/b.png", png(2)[..40].to_vec()),
        ("dog/c.png", png(3)),
        ("dog/d.jpg", b"no image".to_vec()),
    ]);
    let (usable, skipped) = Subset::usable(read(root.path()).train);
    assert_eq!((shades(&usable), labels(&usable)), (vec![1, 3], vec![Some(0), Some(1)]));
    let names: Vec<_> =
        skipped.iter().map(|skipped| skipped.name.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["b.png", "d.jpg"]);
    assert_eq!(skipped[1].reason, "it is a text, not an image");
}

#[test]
fn errors_name_the_file() {
    let broken: [(&str, Vec<u8>); 7] = [
        ("a.tar", tar(&[("0.png", png(1)), ("1.png", png(2))])[..900].to_vec()),
        ("a.tar.gz", gz(&tar(&[("0.png", png(1)), ("1.png", png(2))]))[..60].to_vec()),
        ("a.csv", b"a.png,1,2,3\n".to_vec()),
        ("a-idx3-ubyte", idx(&[2, 2, 2], &[0; 7])),
        ("a.npy", npy("<f4", "(2, 2, 2)", &[0; 32])),
        ("a.npz", npz(&[("images", npy("|u1", "(2, 2, 2)", &[0; 7]))])),
        ("a.txt", b"hello".to_vec()),
    ];
    for (name, bytes) in broken {
        let root = folder(&[(name, bytes)]);
        let error = open(&root.path().join(name)).unwrap_err().to_string();
        assert!(error.contains(name), "{name}: {error}");
    }
}

/// Small data sets of every form of one file, and the name that file has.
fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let shard = tar(&[
        ("0.png", png(1)),
        ("0.cls", b"1".to_vec()),
        ("1.png", png(2)),
        ("1.json", br#"{"label":2}"#.to_vec()),
    ]);
    let pixels = npy("|u1", "(2, 4, 4)", &[7; 32]);
    let label = npy("<i4", "(2,)", &[0; 8]);
    let record: Vec<u8> = [1].into_iter().chain([9; 3072]).collect();
    // A dictionary as Python 2 pickles it.
    let mut pickle =
        b"\x80\x02}q\x00(U\x06labelsq\x01]q\x02(K\x06K\x01eU\x04dataq\x03T\x00\x18\x00\x00"
            .to_vec();
    pickle.extend([&[5; 2 * 3072][..], b"q\x04u."].concat());
    vec![
        ("x.tar.gz", gz(&shard)),
        ("x.tar", shard),
        ("x.csv", b"path,label\na.png,1\nb.png,2\n".to_vec()),
        ("train-images-idx3-ubyte", idx(&[2, 4, 4], &[3; 32])),
        ("train-images-idx3-ubyte.gz", gz(&idx(&[2, 4, 4], &[3; 32]))),
        ("images.npy", pixels.clone()),
        ("x.npz", npz(&[("images", pixels), ("labels", label)])),
        ("data_batch_1.bin", [record.clone(), record].concat()),
        ("data_batch_1", pickle),
    ]
}

/// Reads all there is of a file: every image, label and name, or one of our errors.
fn survives(name: &str, bytes: &[u8]) {
    let root = folder(&[(name, bytes.to_vec())]);
    for path in [root.path().to_owned(), root.path().join(name)] {
        let Ok(splits) = open(&path) else { continue };
        for index in 0..splits.train.len().min(50) {
            let _ =
                (splits.train.image(index), splits.train.label(index), splits.train.name(index));
        }
    }
}

#[test]
fn the_files_that_are_damaged_below_are_whole_above() {
    for (name, bytes) in seeds() {
        let root = folder(&[(name, bytes)]);
        let whole = open(root.path()).or_else(|_| open(&root.path().join(name)));
        assert_eq!(
            whole.unwrap_or_else(|error| panic!("{name}: {error}")).train.len(),
            2,
            "{name}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn bytes_flipped_cut_or_spliced_do_no_harm(
        flips in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        cut: Index,
        from: Index,
        way in 0..4,
        other: Index,
    ) {
        let seeds = seeds();
        for (name, seed) in &seeds {
            let mut bytes = seed.clone();
            match way {
                // In the head, where it hurts; anywhere; away with the end; the end of another
                // file.
                0 => flips.iter().for_each(|(place, byte)| {
                    let at = place.index(seed.len().min(80));
                    bytes[at] = *byte;
                }),
                1 => flips.iter().for_each(|(place, byte)| {
                    let at = place.index(seed.len());
                    bytes[at] ^= *byte;
                }),
                2 => bytes.truncate(cut.index(seed.len())),
                _ => {
                    let (_, other) = &seeds[other.index(seeds.len())];
                    bytes.truncate(cut.index(seed.len()));
                    bytes.extend_from_slice(&other[from.index(other.len())..]);
                }
            }
            survives(name, &bytes);
        }
    }
}
