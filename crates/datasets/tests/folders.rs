//! What folders mean: splits, classes, and what is omitted with a word.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use selfsame_datasets::{FolderLayout, OpenOptions, Splits, labels, open, open_all, open_with};

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// An image of many colors.
fn photo() -> Vec<u8> {
    png(RgbImage::from_fn(16, 16, |x, y| {
        let [x, y] = [x, y].map(|at| u8::try_from(at * 13).unwrap());
        Rgb([x, y, x ^ y])
    }))
}

/// An image of three gray levels.
fn mask() -> Vec<u8> {
    png(GrayImage::from_fn(16, 16, |x, _| Luma([u8::try_from(1 + x % 3).unwrap()])))
}

fn write(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A folder with an image of many colors at each path; `{}` is each of the numbers 0 to 3.
fn folder(patterns: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    add(&root, patterns, &photo());
    root
}

fn add(root: &tempfile::TempDir, patterns: &[&str], bytes: &[u8]) {
    for pattern in patterns {
        let numbers = if pattern.contains("{}") { 0..4 } else { 0..1 };
        for number in numbers {
            write(root.path(), &pattern.replace("{}", &number.to_string()), bytes);
        }
    }
}

fn read(root: &tempfile::TempDir) -> Splits {
    open(root.path()).unwrap_or_else(|error| panic!("{error}"))
}

/// Numbers of training images, of those with a label, of test images, and the classes.
fn shape(splits: &Splits) -> (usize, usize, usize, String) {
    let labeled = labels(&*splits.train).iter().flatten().count();
    let test = splits.test.as_ref().map_or(0, |test| {
        assert!(labels(&**test).iter().all(Option::is_some), "test images have labels");
        test.len()
    });
    (splits.train.len(), labeled, test, splits.train.class_names().join(" "))
}

/// Checks a folder, and the same as an archive.
#[track_caller]
fn check(patterns: &[&str], want: (usize, usize, usize, &str), found: &str, omitted: &str) {
    let root = folder(patterns);
    let archive = tempfile::tempdir().unwrap();
    let path = archive.path().join("all.tar");
    let mut builder = tar::Builder::new(fs::File::create(&path).unwrap());
    builder.append_dir_all(".", root.path()).unwrap();
    builder.finish().unwrap();
    for path in [root.path(), &path] {
        let splits = open(path).unwrap_or_else(|error| panic!("{error}"));
        let (train, labeled, test, classes) = shape(&splits);
        let said = format!("{}\n{}", splits.found, splits.omitted);
        assert_eq!((train, labeled, test, classes.as_str()), want, "{said}");
        assert_eq!(splits.found, found);
        assert!(splits.omitted.to_string().contains(omitted), "{said}");
        assert_eq!(splits.omitted.is_empty(), omitted.is_empty(), "{said}");
    }
}

#[test]
fn a_class_may_have_the_name_of_a_split() {
    for name in ["train", "test", "val"] {
        let class = format!("{name}/{{}}.png");
        let found = format!("class folders; {name}/ is a class, not a split");
        let mut names = ["bus", "plane", "truck", name];
        names.sort_unstable();
        let names = names.join(" ");
        check(
            &["bus/{}.png", "plane/{}.png", "truck/{}.png", &class],
            (16, 16, 0, &names),
            &found,
            "",
        );
    }
    // Classes whose images are in more folders, such as those of a scene.
    check(
        &["bus/city/{}.png", "bus/land/{}.png", "plane/jet/{}.png", "plane/old/{}.png"]
            .into_iter()
            .chain(["train/steam/{}.png", "train/night/{}.png"])
            .collect::<Vec<_>>(),
        (24, 24, 0, "bus plane train"),
        "class folders; train/ is a class, not a split",
        "",
    );
}

#[test]
fn splits_have_many_names() {
    for [train, test] in [
        ["train", "test"],
        ["Train", "Test"],
        ["TRAIN", "TEST"],
        ["training", "testing"],
        ["Training", "Validation"],
        ["train", "eval"],
        ["train", "dev"],
        ["train2017", "val2017"],
        ["training_set", "test_set"],
        ["seg_train", "seg_test"],
        ["animals-train-images", "animals-test-images"],
    ] {
        for around in ["", "top/", "top/data/"] {
            let names = [(train, 'a'), (train, 'b'), (test, 'a'), (test, 'b')]
                .map(|(split, class)| format!("{around}{split}/{class}/{{}}.png"));
            check(
                &names.iter().map(String::as_str).collect::<Vec<_>>(),
                (8, 8, 8, "a b"),
                &format!("class folders in {around}{train}/ and {around}{test}/"),
                "",
            );
        }
    }
    // A folder of the same name in each split.
    check(
        &[
            "training_set/training_set/a/{}.png",
            "training_set/training_set/b/{}.png",
            "test_set/test_set/a/{}.png",
        ],
        (8, 8, 4, "a b"),
        "class folders in training_set/ and test_set/",
        "",
    );
}

#[test]
fn of_validation_and_test_images_one_is_tested_with_and_the_other_named() {
    let train = ["train/a/{}.png", "train/b/{}.png"];
    check(
        &[&train[..], &["val/a/{}.png", "test/b/{}.png"]].concat(),
        (8, 8, 4, "a b"),
        "class folders in train/ and test/",
        "images in val/, beside the test images in test/: 4",
    );
    check(
        &[&train[..], &["val/a/{}.png", "test/{}.png"]].concat(),
        (8, 8, 4, "a b"),
        "class folders in train/ and val/",
        "images in test/, which has no labels to test: 4",
    );
    check(
        &["val/a/{}.png", "val/b/{}.png"],
        (8, 8, 0, "a b"),
        "class folders in val/ (there is no train/)",
        "",
    );
    check(
        &["val/a/{}.png", "val/b/{}.png", "test/a/{}.png"],
        (8, 8, 4, "a b"),
        "class folders in val/ (there is no train/) and test/",
        "",
    );
    check(
        &["a/{}.png", "b/{}.png", "test/a/x{}.png", "test/b/x{}.png"],
        (8, 8, 8, "a b"),
        "class folders and test/",
        "",
    );
    check(
        &["train/{}.png", "test/{}.png"],
        (4, 0, 0, ""),
        "images without labels in train/",
        "images in test/, which has no labels to test: 4",
    );
    check(
        &["train/{}.png", "test/a/{}.png", "test/b/{}.png"],
        (12, 8, 0, "a b"),
        "images without labels in train/, class folders in test/, all to learn from",
        "",
    );
}

#[test]
fn unlabeled_images_are_learned_from_and_unknown_folders_named() {
    let splits = ["train/a/{}.png", "train/b/{}.png", "test/a/{}.png"];
    for name in ["unlabeled", "Unlabelled", "unlabeled2017"] {
        let unlabeled = format!("{name}/{{}}.png");
        check(
            &[&splits[..], &[&unlabeled]].concat(),
            (12, 8, 4, "a b"),
            &format!("class folders in train/ and test/, images without labels in {name}/"),
            "",
        );
        check(
            &["a/{}.png", "b/{}.png", &unlabeled],
            (12, 8, 0, "a b"),
            &format!("class folders, and images without labels in {name}/"),
            "",
        );
        check(
            &["labeled/a/{}.png", "labeled/b/{}.png", &unlabeled],
            (12, 8, 0, "a b"),
            &format!("class folders in labeled/, and images without labels in {name}/"),
            "",
        );
    }
    check(
        &[&splits[..], &["extra/a/{}.png", "preview.png"]].concat(),
        (8, 8, 4, "a b"),
        "class folders in train/ and test/",
        "images in no split (train, val, test or unlabeled): 5",
    );
    check(
        &["train/a/{}.png", "train/b/{}.png", "extra/{}.png"],
        (8, 8, 0, "a b"),
        "class folders in train/",
        "images in no split (train, val, test or unlabeled): 4",
    );
}

#[test]
fn folders_that_are_no_classes_are_not_taken_for_them() {
    let scattered: Vec<String> = (0..100).map(|n| format!("item{n:03}/0.png")).collect();
    let scattered: Vec<&str> = scattered.iter().map(String::as_str).collect();
    check(
        &scattered,
        (100, 0, 0, ""),
        "images without labels (100 folders of 100 images are too many to be classes)",
        "",
    );
    for pieces in [
        ["00000/00000000{}.jpg", "00001/00001000{}.jpg"],
        ["00000/0000{}.png", "01000/0100{}.png"],
        ["3f/3f90c{}.jpg", "40/401ab{}.jpg"],
    ] {
        check(
            &pieces,
            (8, 0, 0, ""),
            "images without labels (2 numbered folders are pieces, not classes)",
            "",
        );
    }
    // Numbers are names of classes as well.
    check(&["0/1{}.png", "1/2{}.png"], (8, 8, 0, "0 1"), "class folders", "");
    check(
        &["00000/00000_0000{}.png", "00001/00000_0000{}.png"],
        (8, 8, 0, "00000 00001"),
        "class folders",
        "",
    );
    check(&["{}.png", "x{}.png", "holiday/{}.png"], (12, 0, 0, ""), "images without labels", "");
    check(
        &["a/{}.png", "b/{}.png", "beside.png"],
        (9, 8, 0, "a b"),
        "class folders, and 1 beside them without labels",
        "",
    );
    check(&["only/a/{}.png", "only/b/{}.png"], (8, 8, 0, "a b"), "class folders in only/", "");
}

#[test]
fn options_decide_where_it_is_open() {
    let root = folder(&["train/a/{}.png", "train/b/{}.png", "test/a/{}.png"]);
    let with = |options: OpenOptions| open_with(root.path(), &options).unwrap();
    let of = |layout| shape(&with(OpenOptions { layout, ..OpenOptions::default() }));
    assert_eq!(of(FolderLayout::Flat), (12, 0, 0, String::new()));
    assert_eq!(of(FolderLayout::Classes), (12, 12, 0, "test train".to_owned()));
    assert_eq!(of(FolderLayout::Splits), (8, 8, 4, "a b".to_owned()));
    let classes = OpenOptions { classes: vec!["a".into(), "b".into()], ..OpenOptions::default() };
    assert_eq!(shape(&with(classes)), (8, 8, 4, "a b".to_owned()));
    let exclude = OpenOptions { exclude: vec![root.path().join("test")], ..OpenOptions::default() };
    assert_eq!(shape(&with(exclude)).2, 0);

    let root = folder(&["bus/{}.png", "train/{}.png"]);
    let splits = OpenOptions { layout: FolderLayout::Splits, ..OpenOptions::default() };
    let splits = open_with(root.path(), &splits).unwrap();
    assert_eq!((shape(&splits).0, splits.omitted.count()), (4, 4));
    let root = folder(&["{}.png"]);
    for layout in [FolderLayout::Splits, FolderLayout::Classes] {
        let options = OpenOptions { layout, ..OpenOptions::default() };
        let error = open_with(root.path(), &options).unwrap_err().to_string();
        assert!(error.contains("layout `auto`"), "{error}");
    }
}

#[test]
fn several_inputs_share_their_classes() {
    let first = folder(&["a/{}.png", "b/{}.png"]);
    let second = folder(&["train/b/{}.png", "train/c/{}.png", "test/c/{}.png", "x.txt"]);
    let third = folder(&["{}.png"]);
    let paths = [first.path(), second.path(), third.path()];
    let all = open_all(&paths, &OpenOptions::default()).unwrap();
    assert_eq!(shape(&all), (20, 16, 4, "a b c".to_owned()));
    let test = all.test.unwrap();
    assert_eq!((test.class_names(), test.label(0)), (all.train.class_names(), Some(2)));
    assert_eq!(all.omitted.to_string(), "files ending in .txt: 1 (x.txt)");
    let files = ["0.png", "1.png"].map(|name| third.path().join(name));
    let all = open_all(&files, &OpenOptions::default()).unwrap();
    assert_eq!((shape(&all).0, all.found.as_str()), (2, "2 images without labels"));
    let one = open(&files[0]).unwrap();
    assert_eq!((shape(&one).0, one.found.as_str()), (1, "1 image without a label"));
}

#[test]
fn published_data_sets_are_understood() {
    let cls = "ILSVRC/Data/CLS-LOC";
    let names = ["train/n01/n01_{}.png", "train/n02/n02_{}.png", "val/x{}.png", "test/y{}.png"]
        .map(|name| format!("{cls}/{name}"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    check(
        &names,
        (8, 8, 0, "n01 n02"),
        &format!("class folders in {cls}/train/"),
        &format!("images in {cls}/test/, which has no labels to test: 4"),
    );
    let root = folder(&names);
    let list = "ImageId,PredictionString\nx0,n01 1 2 3 4\nx1,n02 1 2 3 4 n02 1 2 3 4\n";
    write(root.path(), "LOC_val_solution.csv", list.as_bytes());
    assert_eq!(shape(&read(&root)), (8, 8, 2, "n01 n02".to_owned()));

    let root = folder(&[
        "train/n1/images/{}.png",
        "train/n2/images/{}.png",
        "val/images/v{}.png",
        "test/images/{}.png",
    ]);
    write(
        root.path(),
        "val/val_annotations.txt",
        b"v0.png\tn1\t0\t0\nv1.png\tn2\t0\t0\nv2.png\tn2\t0\nv3.png\tn1\t0\n",
    );
    let splits = read(&root);
    assert_eq!(shape(&splits), (8, 8, 4, "n1 n2".to_owned()));
    assert!(
        splits.omitted.to_string().contains("images in test/, which has no labels to test: 4"),
        "{}",
        splits.omitted
    );

    let root = folder(&["images/pie/{}.png", "images/soup/{}.png"]);
    write(root.path(), "meta/train.txt", b"pie/0\npie/1\nsoup/0\nsoup/1\nsoup/2\n");
    write(root.path(), "meta/test.txt", b"pie/2\npie/3\nsoup/3\n");
    assert_eq!(shape(&read(&root)), (5, 5, 3, "pie soup".to_owned()));

    let root = folder(&["CUB/images/001.A/a{}.png", "CUB/images/002.B/b{}.png"]);
    add(&root, &["segmentations/001.A/a{}.png", "segmentations/002.B/b{}.png"], &mask());
    let splits = read(&root);
    assert_eq!(shape(&splits), (8, 8, 0, "001.A 002.B".to_owned()));
    assert!(
        splits.omitted.to_string().contains("masks or maps of other images: 8"),
        "{}",
        splits.omitted
    );
    write(
        root.path(),
        "CUB/images.txt",
        b"1 001.A/a0.png\n2 001.A/a1.png\n3 002.B/b0.png\n4 002.B/b1.png\n",
    );
    write(root.path(), "CUB/train_test_split.txt", b"1 1\n2 0\n3 1\n4 1\n");
    assert_eq!(shape(&read(&root)).2, 1);

    let root = folder(&["images/Abyssinian_{}.png", "images/beagle_{}.png"]);
    add(
        &root,
        &["annotations/trimaps/Abyssinian_{}.png", "annotations/trimaps/beagle_{}.png"],
        &mask(),
    );
    assert_eq!(shape(&read(&root)), (8, 0, 0, String::new()));
    write(
        root.path(),
        "annotations/trainval.txt",
        b"Abyssinian_0 1 1 1\nAbyssinian_1 1 1 1\nbeagle_0 2 2 1\nbeagle_1 2 2 1\n",
    );
    write(
        root.path(),
        "annotations/test.txt",
        b"Abyssinian_2 1 1 1\nAbyssinian_3 1 1 1\nbeagle_2 2 2 1\nbeagle_3 2 2 1\n",
    );
    assert_eq!(shape(&read(&root)), (4, 4, 4, "Abyssinian beagle".to_owned()));

    let root = folder(&["train2017/{}.png", "val2017/{}.png", "annotations/x.json"]);
    assert_eq!(shape(&read(&root)), (4, 0, 0, String::new()));
}

#[test]
fn masks_are_not_learned_from() {
    let layouts: [(&[&str], &[&str]); 9] = [
        (
            &["leftImg8bit/train/a/{}_leftImg8bit.png", "leftImg8bit/train/b/{}_leftImg8bit.png"],
            &["gtFine/train/a/{}_gtFine_labelIds.png", "gtFine/train/b/{}_gtFine_color.png"],
        ),
        (
            &["VOC2012/JPEGImages/{}.png"],
            &["VOC2012/SegmentationClass/{}.png", "VOC2012/SegmentationObject/{}.png"],
        ),
        (&["images/training/{}.png"], &["annotations/training/{}.png"]),
        (&["train/images/{}.png"], &["train/masks/{}.png"]),
        (&["train/{}.png"], &["train_masks/{}_mask.png"]),
        (
            &["JPEGImages/480p/bear/{}.png", "JPEGImages/480p/bus/{}.png"],
            &["Annotations/480p/bear/{}.png", "Annotations/480p/bus/{}.png"],
        ),
        (&["photos/{}.png"], &["outlines/{}.png"]),
        (&["{}.png"], &["{}_mask.png"]),
        (&["{}/images/{}.png"], &["{}/masks/x{}.png"]),
    ];
    for (images, masks) in layouts {
        let root = folder(images);
        add(&root, masks, &mask());
        let splits = read(&root);
        let said = format!("{masks:?} {}\n{}", splits.found, splits.omitted);
        assert_eq!(shape(&splits), (4 * images.len(), 0, 0, String::new()), "{said}");
        assert_eq!(splits.omitted.count(), 4 * masks.len(), "{said}");
        assert!(splits.omitted.to_string().contains("masks"), "{said}");
        let flat = OpenOptions { layout: FolderLayout::Flat, ..OpenOptions::default() };
        let all = open_with(root.path(), &flat).unwrap();
        assert_eq!(all.train.len(), 4 * (images.len() + masks.len()));
    }
    // Of two years, neither is a class.
    let root = folder(&["VOC2007/JPEGImages/a{}.png", "VOC2012/JPEGImages/b{}.png"]);
    assert_eq!(shape(&read(&root)), (8, 0, 0, String::new()));
    // Classes with masks among their images.
    let root = folder(&["benign/benign ({}).png", "normal/normal ({}).png"]);
    add(&root, &["benign/benign ({})_mask.png", "benign/benign ({})_mask_1.png"], &mask());
    assert_eq!(shape(&read(&root)), (8, 8, 0, "benign normal".to_owned()));
}

#[test]
fn a_class_may_be_named_as_masks_are() {
    check(&["mask/{}.png", "no_mask/{}.png"], (8, 8, 0, "mask no_mask"), "class folders", "");
    check(&["depth/{}.png", "labels/{}.png"], (8, 8, 0, "depth labels"), "class folders", "");
    // Drawings of few colors in both classes.
    let root = tempfile::tempdir().unwrap();
    add(&root, &["circle/{}.png", "square/{}.png"], &mask());
    assert_eq!(shape(&read(&root)), (8, 8, 0, "circle square".to_owned()));
}

#[test]
fn shards_are_the_data_beside_a_preview_and_copies_beside_what_they_hold() {
    let shard = |count: usize| {
        let mut builder = tar::Builder::new(Vec::new());
        for number in 0..count {
            let mut header = tar::Header::new_gnu();
            let bytes = photo();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, format!("{number:05}.png"), &bytes[..]).unwrap();
        }
        builder.into_inner().unwrap()
    };
    let root = folder(&["assets/preview{}.png"]);
    write(root.path(), "00000.tar", &shard(20));
    let splits = read(&root);
    assert_eq!(splits.train.len(), 20);
    assert!(
        splits.omitted.to_string().contains("images beside the shards, which hold the data: 4"),
        "{}",
        splits.omitted
    );
    let many = ["a/{}.png", "b/{}.png", "c/{}.png", "d/{}.png"];
    let root = folder(&many);
    write(root.path(), "copy.tar", &shard(16));
    let splits = read(&root);
    assert_eq!(shape(&splits).3, "a b c d");
    assert!(splits.omitted.to_string().contains("copy.tar"), "{}", splits.omitted);
}

#[test]
fn what_is_no_image_is_counted_by_its_ending() {
    let root = folder(&["{}.png", "x.jfif", "y.jpe"]);
    let others = ["a.txt", "b.TXT", "c.heic", "d.avif", ".hidden.png", "Thumbs.db", "README"];
    let folders = ["@eaDir/{}.png", "__MACOSX/._{}.png", ".thumbnails/{}.png", "lost+found/{}.png"];
    add(&root, &others, b"no image");
    add(&root, &folders, &photo());
    add(&root, &["no-ending", "odd.0001"], &photo());
    fs::create_dir(root.path().join("empty")).unwrap();
    let splits = read(&root);
    assert_eq!(shape(&splits), (8, 0, 0, String::new()));
    let said = splits.omitted.to_string();
    for line in [
        "files ending in .txt: 2, such as a.txt",
        "files ending in .heic, an image format that is not supported: 1 (c.heic)",
        "files ending in .avif",
        "files and folders that are hidden or left by a system: 6",
        "files with no known ending and no image in them: 1 (README)",
        "empty folders: 1 (empty/)",
    ] {
        assert!(said.contains(line), "{said}");
    }
    let root = tempfile::tempdir().unwrap();
    add(&root, &["{}.heic"], b"no image");
    let error = open(root.path()).unwrap_err().to_string();
    assert!(
        error.contains("files ending in .heic, an image format that is not supported: 4"),
        "{error}"
    );
    let error = open(&root.path().join("nowhere")).unwrap_err();
    assert!(std::error::Error::source(&error).is_none(), "a reason is said once");
}

#[test]
fn the_folder_of_a_run_is_no_part_of_the_data() {
    let root = folder(&["a/{}.png", "b/{}.png", "run/views.png", "c/run/views.png", "c/{}.png"]);
    add(&root, &["run/settings.json", "run/result.json"], b"{}");
    add(&root, &["c/run/settings.json", "c/run/checkpoint/state.json"], b"{}");
    let splits = read(&root);
    assert_eq!(shape(&splits), (12, 12, 0, "a b c".to_owned()));
    assert_eq!(splits.omitted.to_string(), "folders of runs: 2, such as run/");
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    use std::os::unix::fs::symlink;

    let root = folder(&["data/a/{}.png", "data/b/{}.png", "far/c/{}.png"]);
    let data = root.path().join("data");
    symlink(root.path().join("far/c"), data.join("c")).unwrap();
    symlink(&data, data.join("a/loop")).unwrap();
    symlink("..", data.join("b/up")).unwrap();
    symlink(&data, root.path().join("far/c/back")).unwrap();
    symlink("nowhere.png", data.join("a/broken.png")).unwrap();
    symlink("0.png", data.join("a/again.png")).unwrap();
    let splits = open(&data).unwrap();
    assert_eq!(shape(&splits), (13, 13, 0, "a b c".to_owned()));
    let said = splits.omitted.to_string();
    assert!(said.contains("links to nothing: 1 (a/broken.png)"), "{said}");
    assert!(said.contains("links to a folder that they are in: 3"), "{said}");
}

#[test]
fn an_archive_of_other_files_is_to_be_unpacked() {
    let root = tempfile::tempdir().unwrap();
    let (path, batch) = (root.path().join("cifar.tar"), root.path().join("data_batch_1"));
    fs::write(&batch, [0; 100]).unwrap();
    let mut builder = tar::Builder::new(fs::File::create(&path).unwrap());
    builder.append_path_with_name(&batch, "cifar-10-batches-py/other").unwrap();
    builder.finish().unwrap();
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("unpack it and give the folder cifar-10-batches-py"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_at_once() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("list");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(open(&path).unwrap_err().to_string().contains("neither a file nor a folder"));
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;

    let root = folder(&["a/{}.png", "b/{}.png", "secret/{}.png"]);
    let secret = root.path().join("secret");
    let allow = |mode| fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
    allow(0);
    let unreadable = fs::read_dir(&secret).is_err(); // not for the system's administrator
    let splits = read(&root);
    allow(0o700);
    if unreadable {
        assert_eq!(shape(&splits), (8, 8, 0, "a b".to_owned()));
        let said = splits.omitted.to_string();
        assert!(said.contains("folders that cannot be read") && said.contains("secret/"), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_keep_apart_what_differs_and_join_what_is_the_same() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let root = folder(&["tea/{}.png"]);
    for name in [b"caf\xE9", b"caf\xE8"] {
        let class = root.path().join(OsStr::from_bytes(name));
        fs::create_dir(&class).unwrap();
        (0..2).for_each(|n| fs::write(class.join(format!("{n}.png")), photo()).unwrap());
    }
    assert_eq!(shape(&read(&root)), (8, 8, 0, "caf\\xE8 caf\\xE9 tea".to_owned()));

    check(
        &[
            "train/caf\u{e9}/{}.png",
            "train/tea/{}.png",
            "test/cafe\u{301}/{}.png",
            "test/tea/{}.png",
        ],
        (8, 8, 8, "caf\u{e9} tea"),
        "class folders in train/ and test/",
        "",
    );
    check(
        &["caf\u{e9}/{}.png", "cafe\u{301}/x{}.png", "tea/{}.png"],
        (12, 12, 0, "caf\u{e9} tea"),
        "class folders",
        "",
    );
}
