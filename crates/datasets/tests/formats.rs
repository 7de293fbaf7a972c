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

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// A zip archive whose every second member is not compressed.
fn zip(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let methods = [zip::CompressionMethod::Deflated, zip::CompressionMethod::Stored];
    for ((name, bytes), method) in members.iter().zip(methods.into_iter().cycle()) {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
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
    let Splits { train, omitted, .. } = read(&root.path().join("sets/list.csv"));
    assert_eq!(labels(&*train), [Some(1), Some(0)]);
    assert_eq!(train.image(0).unwrap().to_rgb8(), shade(9));
    assert_eq!(train.image(1).unwrap().to_rgb8(), shade(3));
    assert_eq!(omitted.to_string(), "images that are listed but not there: 1 (gone.png)");
}

/// Names of the classes of all images, empty for those without.
fn classes(dataset: &dyn Dataset) -> Vec<&str> {
    let name = |label: Option<usize>| label.map_or("", |label| &dataset.class_names()[label]);
    labels(dataset).into_iter().map(name).collect()
}

#[test]
fn a_zip_archive_is_read_member_by_member() {
    let root = folder(&[(
        "x.zip",
        zip(&[
            ("set/cat/1.png", png(1)),
            ("set/dog/2.png", png(2)),
            ("set/dog/3.png", png(3)),
            ("set/gr\u{fc}n/4.png", png(4)),
            ("__MACOSX/set/cat/._1.png", b"not an image".to_vec()),
            ("set/notes.txt", b"text".to_vec()),
        ]),
    )]);
    let path = root.path().join("x.zip");
    for at in [root.path(), &path] {
        let Splits { train, omitted, .. } = read(at);
        assert_eq!(classes(&*train), ["cat", "dog", "dog", "gr\u{fc}n"]);
        assert_eq!(shades(&*train), [1, 2, 3, 4]);
        assert!(train.name(0).contains("set/cat/1.png in "));
        let said = omitted.to_string();
        assert!(said.contains("hidden or left by a system") && said.contains(".txt"), "{said}");
    }
    // A flipped bit is noticed by the checksum, where the format of the image has none.
    let train = read(&path).train;
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.windows(8).position(|it| it == b"IEND\xAE\x42\x60\x82").unwrap();
    bytes[end - 6] ^= 1;
    fs::write(&path, bytes).unwrap();
    let errors = (0..4).filter(|&index| train.image(index).is_err()).count();
    assert_eq!(errors, 1);
}

#[test]
fn zip_archives_of_other_kinds_are_not_called_damaged() {
    let whole = zip(&[("a/1.png", png(1)), ("b/2.png", png(2))]);
    let set_flag = |bytes: &mut Vec<u8>, only: Option<usize>| {
        let heads: Vec<usize> =
            (0..bytes.len() - 4).filter(|&at| bytes[at..].starts_with(b"PK\x01\x02")).collect();
        for (number, head) in heads.into_iter().enumerate() {
            bytes[head + 8] |= u8::from(only.is_none_or(|only| only == number));
        }
    };
    let message = |bytes: Vec<u8>| {
        let root = folder(&[("x.zip", bytes)]);
        let opened = open(&root.path().join("x.zip"));
        opened.map_or_else(|error| error.to_string(), |splits| splits.omitted.to_string())
    };
    let mut encrypted = whole.clone();
    set_flag(&mut encrypted, None);
    let said = message(encrypted);
    assert!(said.contains("encrypted") && !said.contains("damaged"), "{said}");
    let mut partly = zip(&[("1.png", png(1)), ("2.png", png(2)), ("3.png", png(3))]);
    set_flag(&mut partly, Some(1));
    assert_eq!(message(partly), "encrypted files: 1 (2.png)");
    let program = [b"#!/bin/sh\nexit\n", &whole[..]].concat();
    assert_eq!(message(program), "", "it unpacks itself");
    let mut other = whole.clone();
    for at in 0..other.len() - 12 {
        let method = if other[at..].starts_with(b"PK\x03\x04") { 8 } else { 10 };
        if other[at..].starts_with(b"PK\x01\x02")
            || method == 8 && other[at..].starts_with(b"PK\x03\x04")
        {
            other[at + method] = 12;
        }
    }
    let said = message(other);
    assert!(said.contains("a way that is not read (bzip2)"), "{said}");
    let said = message(whole[..whole.len() - 40].to_vec());
    assert!(said.contains("is it complete"), "{said}");
    let said = message(zip(&[("word/document.xml", b"<w/>".to_vec())]));
    assert!(said.contains("holds no image, but files such as word/document.xml"), "{said}");
}

#[test]
fn tar_archives_are_read_however_they_are_compressed_and_joined() {
    let shards = [
        tar(&[("a/1.png", png(1)), ("b/2.png", png(2))]),
        tar(&[("a/3.png", png(3)), ("c/4.png", png(4))]),
    ];
    for pack in [<[u8]>::to_vec, gz, zstd, xz] as [fn(&[u8]) -> Vec<u8>; 4] {
        // Compressed one by one and joined, compressed when joined, and both in parts.
        let middle = shards[0].len() + 700;
        let joined = shards.concat();
        for bytes in [
            shards.iter().flat_map(|shard| pack(shard)).collect(),
            pack(&joined),
            [pack(&joined[..middle]), pack(&joined[middle..])].concat(),
        ] {
            let root = folder(&[("x", bytes.clone())]);
            let train = read(&root.path().join("x")).train;
            assert_eq!(
                (classes(&*train), shades(&*train)),
                (vec!["a", "a", "b", "c"], vec![1, 3, 2, 4],)
            );
            fs::write(root.path().join("x"), &bytes[..bytes.len() - 1_600.min(bytes.len() / 3)])
                .unwrap();
            let cut = open(&root.path().join("x"));
            assert!(cut.is_err() || !cut.unwrap().omitted.is_empty(), "cut off without a word");
        }
    }
    for (start, word) in [(&b"BZh91AY&SY"[..], "bunzip2"), (b"7z\xBC\xAF\x27\x1C", "7z x")] {
        let root = folder(&[("x.tar.bz2", start.to_vec())]);
        for path in [root.path().to_owned(), root.path().join("x.tar.bz2")] {
            let error = open(&path).unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains("damaged"), "{error}");
        }
    }
    let root = folder(&[("x.png.gz", gz(&[7; 2_000]))]);
    let error = open(&root.path().join("x.png.gz")).unwrap_err().to_string();
    assert!(error.contains("no tar archive"), "{error}");
}

/// A member of a tar archive that is no file.
fn special(builder: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, name: &str, link: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(0);
    header.set_mode(0o644);
    if link.is_empty() {
        builder.append_data(&mut header, name, &[][..]).unwrap();
    } else {
        builder.append_link(&mut header, name, link).unwrap();
    }
}

#[test]
fn links_in_a_tar_are_what_they_lead_to() {
    use tar::EntryType::{Char, Fifo, Link, Symlink};
    let mut builder = tar::Builder::new(Vec::new());
    let add = |builder: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes).unwrap();
    };
    special(&mut builder, Symlink, "d/early.png", "../a/1.png");
    add(&mut builder, "a/1.png", &png(1));
    add(&mut builder, "a/2.png", &png(9));
    special(&mut builder, Link, "c/1.png", "a/1.png");
    special(&mut builder, Link, "c/2.png", "a/2.png");
    add(&mut builder, "a/2.png", &png(2));
    special(&mut builder, Symlink, "d/2.png", "early.png");
    special(&mut builder, Symlink, "d/gone.png", "../gone.png");
    special(&mut builder, Fifo, "pipe.png", "");
    special(&mut builder, Char, "device.png", "");
    let plain = builder.into_inner().unwrap();
    for bytes in [gz(&plain), plain] {
        let root = folder(&[("x.tar", bytes)]);
        let Splits { train, omitted, .. } = read(&root.path().join("x.tar"));
        assert_eq!(classes(&*train), ["a", "a", "c", "c", "d", "d"]);
        assert_eq!(shades(&*train), [1, 2, 1, 9, 1, 1], "a hard link is to the earlier file");
        let said = omitted.to_string();
        for part in [
            "members replaced by a later one of the same name: 1 (a/2.png)",
            "links to what the archive does not hold: 1 (d/gone.png)",
            "entries that are neither files nor folders: 2, such as pipe.png",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }
}

#[test]
fn a_tar_that_is_cut_off_is_said_to_be() {
    let whole = tar(&[("1.png", png(1)), ("2.png", png(2)), ("3.png", png(3))]);
    let root = folder(&[("x.tar", Vec::new())]);
    let path = root.path().join("x.tar");
    let ends = whole.len() - 1_024;
    for within in [10, 520] {
        fs::write(&path, &whole[..ends - 1_024 + within]).unwrap();
        let error = open(&path).unwrap_err().to_string();
        assert!(error.contains("truncated") && error.contains("byte"), "{error}");
    }
    fs::write(&path, &whole[..ends]).unwrap();
    let splits = read(&path);
    assert_eq!(splits.train.len(), 3);
    assert!(splits.omitted.to_string().contains("without an end mark"), "{}", splits.omitted);
    fs::write(&path, &whole).unwrap();
    assert!(read(&path).omitted.is_empty());
}

#[test]
fn a_sample_of_several_files_is_one_image() {
    let text = |text: &str| text.as_bytes().to_vec();
    // Masks, further views, captions and arrays beside a photograph.
    let mut members = Vec::new();
    let names: Vec<[String; 5]> = (0..3)
        .map(|n| ["mask.png", "png", "left.png", "cls", "txt"].map(|end| format!("k.d/{n}.{end}")))
        .collect();
    for (n, [mask, image, left, label, caption]) in (0..).zip(&names) {
        members.extend([
            (mask.as_str(), png(90)),
            (image, png(n)),
            (left, png(91)),
            (label, text(&n.to_string())),
            (caption, text("a caption")),
        ]);
    }
    members.push(("k.d/7.json", text("{\"label\": 3}")));
    members.push(("k.d/8.png", png(8)));
    let root = folder(&[("x.tar", tar(&members))]);
    let Splits { train, omitted, .. } = read(&root.path().join("x.tar"));
    assert_eq!((shades(&*train), classes(&*train)), (vec![0, 1, 2, 8], vec!["0", "1", "2", ""]));
    let said = omitted.to_string();
    for part in [
        "further images of a sample (mask, view or the like): 6",
        "files ending in .txt: 3",
        "without an image",
    ] {
        assert!(said.contains(part), "{said}");
    }
    // Without labels, what all samples have tells a pair from two photographs.
    let shades_of = |names: &[&str]| {
        let members: Vec<_> = names.iter().zip(1..).map(|(name, n)| (*name, png(n))).collect();
        let root = folder(&[("x.tar", tar(&members))]);
        shades(&*read(&root.path().join("x.tar")).train)
    };
    assert_eq!(shades_of(&["1.png", "1.jpg", "2.png", "2.jpg"]), [2, 4], "JPEG, mask in PNG");
    assert_eq!(shades_of(&["1.left.png", "1.right.png", "2.left.png", "2.right.png"]), [1, 3]);
    assert_eq!(shades_of(&["film.001.png", "film.002.png", "other.001.png"]), [1, 2, 3]);
    assert_eq!(shades_of(&["1.png", "1.jpg", "2.png"]).len(), 3);
}

#[test]
fn names_with_dots_and_labels_of_their_own_are_samples() {
    let label = |n: u8| n.to_string().into_bytes();
    let root = folder(&[(
        "x.tar",
        tar(&[
            ("v.1.0.png", png(1)),
            ("v.1.0.cls", label(1)),
            ("v.2.0.png", png(2)),
            ("v.2.0.cls", label(2)),
        ]),
    )]);
    let train = read(&root.path().join("x.tar")).train;
    assert_eq!((shades(&*train), classes(&*train)), (vec![1, 2], vec!["1", "2"]));
}

#[test]
fn an_index_of_many_members_is_saved_beside_the_archive() {
    let names: Vec<String> = (0..10_001).map(|n| format!("{n:05}.png")).collect();
    let mut members: Vec<_> = names.iter().map(|name| (name.as_str(), Vec::new())).collect();
    members[0].1 = png(7);
    members.push(("00000.cls", b"1".to_vec()));
    members.push(("00001.cls", b"2".to_vec()));
    let root = folder(&[("x.tar", tar(&members))]);
    let path = root.path().join("x.tar");
    let [first, again, of_folder] = [&*path, &path, root.path()].map(read);
    assert!(root.path().join("x.tar.selfsame-index").exists());
    for splits in [again, of_folder] {
        assert_eq!(classes(&*splits.train), classes(&*first.train));
        assert_eq!(splits.train.name(10_000), first.train.name(10_000));
        assert_eq!(splits.train.image(0).unwrap().to_rgb8(), shade(7));
        assert_eq!(splits.omitted, first.omitted);
    }
    fs::write(&path, tar(&members[..3])).unwrap();
    assert_eq!(read(&path).train.len(), 3, "an index of another archive is not used");
}

#[test]
fn cifar_and_stl_10_are_read_as_downloaded() {
    let record: Vec<u8> = [3].into_iter().chain([9; 3072]).collect();
    let batch = [record.clone(), record].concat();
    let cifar = tar(&[
        ("cifar-10-batches-bin/data_batch_1.bin", batch.clone()),
        ("cifar-10-batches-bin/test_batch.bin", batch),
        ("cifar-10-batches-bin/readme.html", b"text".to_vec()),
    ]);
    let image = vec![5; 96 * 96 * 3];
    let stl = tar(&[
        ("stl10_binary/train_X.bin", [image.clone(), image.clone()].concat()),
        ("stl10_binary/train_y.bin", vec![1, 10]),
        ("stl10_binary/unlabeled_X.bin", image),
    ]);
    for pack in [gz, <[u8]>::to_vec] {
        let root = folder(&[("c/cifar-10-binary.tar.gz", pack(&cifar)), ("s/x.tar", pack(&stl))]);
        for place in ["c", "c/cifar-10-binary.tar.gz"] {
            let splits = read(&root.path().join(place));
            assert_eq!(classes(&*splits.train), ["cat", "cat"]);
            assert_eq!(splits.test.unwrap().len(), 2);
        }
        let train = read(&root.path().join("s/x.tar")).train;
        assert_eq!(classes(&*train), ["airplane", "truck", ""]);
    }
}

#[test]
fn labels_in_the_metadata_of_a_folder_are_read() {
    let csv = "file_name,label\n1.png,cat\nsub/2.png,dog\n";
    let json = "{\"file_name\": \"3.png\", \"label\": \"cat\"}\n{\"file_name\": \"4.png\"}\n";
    let files = |csv: &str| {
        folder(&[
            ("train/metadata.csv", csv.as_bytes().to_vec()),
            ("train/1.png", png(1)),
            ("train/sub/2.png", png(2)),
            ("train/new.png", png(9)),
            ("test/metadata.jsonl", json.as_bytes().to_vec()),
            ("test/3.png", png(3)),
        ])
    };
    let root = files(csv);
    let splits = read(root.path());
    assert_eq!(shades(&*splits.train), [1, 9, 2]);
    assert_eq!(classes(&*splits.train), ["cat", "", "dog"]);
    assert_eq!(classes(&*splits.test.unwrap()), ["cat"]);
    let root = files("file_name,text\n1.png,a cat on a mat\nsub/2.png,a dog\n");
    fs::remove_file(root.path().join("test/metadata.jsonl")).unwrap();
    let splits = read(root.path());
    assert_eq!(classes(&*splits.train), ["", "", ""], "captions are no classes");
    assert!(splits.omitted.to_string().contains("train/metadata.csv"), "{}", splits.omitted);
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_is_refused_by_name_where_it_is_not_built_in() {
    let root = folder(&[("train-0.parquet", b"PAR1 and more".to_vec())]);
    for path in [root.path().to_owned(), root.path().join("train-0.parquet")] {
        let error = open(&path).unwrap_err().to_string();
        assert!(error.contains("feature `parquet`") && !error.contains("damaged"), "{error}");
    }
}

#[test]
fn arrays_of_several_labels_are_learned_from() {
    let images = npy("|u1", "(3, 2, 2)", &[7; 12]);
    let of = |labels: Vec<u8>| {
        let root = folder(&[("x.npz", npz(&[("images", images.clone()), ("labels", labels)]))]);
        read(&root.path().join("x.npz"))
    };
    let several = of(npy("|u1", "(3, 2)", &[1, 1, 0, 1, 0, 0]));
    assert_eq!(classes(&*several.train), ["", "", ""]);
    assert!(
        several.omitted.to_string().contains("images with several labels, used without one: 3")
    );
    let one_hot =
        of(npy("<f4", "(3, 2)", &[1.0_f32, 0., 0., 1., 1., 0.].map(f32::to_le_bytes).concat()));
    assert_eq!(classes(&*one_hot.train), ["0", "1", "0"]);
    let texts = of(npy("|S3", "(3,)", b"catdogcat"));
    assert_eq!(classes(&*texts.train), ["cat", "dog", "cat"]);
    let floats = of(npy("<f8", "(3, 1)", &[0.0_f64, 1.0, -1.0].map(f64::to_le_bytes).concat()));
    assert_eq!(classes(&*floats.train).len(), 3);
    let root = folder(&[(
        "x.npz",
        npz(&[
            ("train_images", images.clone()),
            ("val_images", images),
            ("notes", npy("|u1", "(1,)", &[0])),
        ]),
    )]);
    let said = read(&root.path().join("x.npz")).omitted.to_string();
    assert!(said.contains("arrays that are not among those read: 2"), "{said}");
}

#[test]
fn floats_are_pixels_if_their_range_says_how() {
    let shades_of = |values: [f32; 8]| {
        let data = values.map(f32::to_be_bytes).concat();
        let root = folder(&[("x.npy", npy(">f4", "(2, 2, 2)", &data))]);
        open(&root.path().join("x.npy")).map(|splits| shades(&*splits.train))
    };
    assert_eq!(shades_of([0., 0., 0., 1., 0., 0., 0., 0.2]).unwrap(), [255, 51]);
    assert_eq!(shades_of([0., 0., 0., 200., 0., 0., 0., 0.2]).unwrap(), [200, 0]);
    assert_eq!(shades_of([0., 0., 0., -1., 0., 0., 0., 1.]).unwrap(), [0, 255]);
    let error = shades_of([0., 0., 0., -1024., 0., 0., 0., 3000.]).unwrap_err().to_string();
    assert!(error.contains("-1024 to 3000") && !error.contains("damaged"), "{error}");
    assert!(shades_of([f32::NAN; 8]).unwrap_err().to_string().contains("NaN"));
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
        ("a.tar", tar(&[("0.png", png(1)), ("1.png", png(2))])[..300].to_vec()),
        ("a.tar.gz", gz(&tar(&[("0.png", png(1)), ("1.png", png(2))]))[..60].to_vec()),
        ("a.csv", b"a.png,1,2,3\n".to_vec()),
        ("a-idx3-ubyte", idx(&[2, 2, 2], &[0; 7])),
        ("a.npy", npy("<f4", "(2, 2, 2)", &[0xC0; 32])),
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
        ("x.tar.zst", zstd(&shard)),
        ("x.tar.xz", xz(&shard)),
        ("x.zip", zip(&[("a/0.png", png(1)), ("b/1.png", png(2))])),
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

/// A folder of the file and, beside a list, of what it lists.
fn beside_images(name: &str, bytes: Vec<u8>) -> tempfile::TempDir {
    let listed = [("a.png", png(1)), ("b.png", png(2))];
    let listed = listed.into_iter().filter(|_| name == "x.csv");
    folder(&listed.chain([(name, bytes)]).collect::<Vec<_>>())
}

/// Reads all there is of a file: every image, label and name, or one of our errors.
fn survives(name: &str, bytes: &[u8]) {
    let root = beside_images(name, bytes.to_vec());
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
        let root = beside_images(name, bytes);
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
