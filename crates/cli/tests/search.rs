//! Embeds, indexes, searches and matches images as users do, with the program.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and reads small values"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, Weak};

use image::{Rgb, RgbImage};
use serde_json::Value;
use tempfile::TempDir;

/// Classes of the images, and their colors.
const CLASSES: [(&str, [u8; 3]); 3] =
    [("lake", [20, 60, 220]), ("meadow", [30, 200, 40]), ("poppy", [220, 30, 20])];
const IMAGES: usize = 12;

/// Images in class folders, a run on them, and an index of them.
struct Shared {
    folder: TempDir,
}

impl Shared {
    /// Returns what all tests of a process read; it is removed after the last of them.
    fn get() -> Arc<Self> {
        static SHARED: Mutex<Weak<Shared>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap();
        shared.upgrade().unwrap_or_else(|| {
            let new = Arc::new(Self::new());
            *shared = Arc::downgrade(&new);
            new
        })
    }

    fn new() -> Self {
        let shared = Self { folder: tempfile::tempdir().unwrap() };
        for (class, (name, color)) in CLASSES.into_iter().enumerate() {
            for number in 0..IMAGES {
                let path = shared.path("images").join(name).join(format!("{number}.png"));
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                drawn(color, class * IMAGES + number).save(path).unwrap();
            }
        }
        let size = ["--quick", "--width", "4", "--epochs", "1", "--batch-size", "16"];
        let [images, run] = ["images", "run"].map(|name| shared.word(name));
        success(&[&["pretrain", &images, "--out", &run], &size[..]].concat());
        success(&["index", &run, &images, "--out", &shared.word("index")]);
        shared
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn word(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Copies the index, so that a test can change it.
    fn index(&self, name: &str) -> String {
        let copy = self.path(name);
        fs::create_dir(&copy).unwrap();
        for file in fs::read_dir(self.path("index")).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
        self.word(name)
    }
}

/// Draws stripes of a color; each number has its own.
fn drawn(color: [u8; 3], number: usize) -> RgbImage {
    let number = u32::try_from(number).unwrap();
    RgbImage::from_fn(32, 32, |x, y| {
        let dark = (x * (1 + number % 5) + y * (number / 5)) % 9 < 4;
        Rgb(color.map(|value| if dark { value / 2 } else { value }))
    })
}

fn run(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_selfsame");
    Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn success(arguments: &[&str]) -> Output {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    output
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_slice(&success(&[arguments, &["--json"]].concat()).stdout).unwrap()
}

/// Runs a command that fails, and returns what it says.
fn failure(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", stderr(&output));
    stderr(&output)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Changes one bit in the middle of a file.
fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Returns the values of an array in bytes, the least significant first.
fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[test]
fn features_are_the_same_in_every_format() {
    let shared = Shared::get();
    let [images, run] = ["images", "run"].map(|name| shared.word(name));
    let embed = |name: &str, more: &[&str]| {
        let out = shared.word(&format!("embedded/{name}"));
        let about = json(&[&["embed", &run, &images, "--out", &out], more].concat());
        assert_eq!((&about["images"], &about["skipped"]), (&36.into(), &0.into()), "{about}");
        (usize::try_from(about["dim"].as_u64().unwrap()).unwrap(), PathBuf::from(out))
    };
    let (dim, npy) = embed("features.npy", &[]);
    let npy = fs::read(npy).unwrap();
    let array = &npy[npy.len() - 36 * dim * 4..];
    let want = floats(array);
    assert!(npy.starts_with(b"\x93NUMPY") && want.iter().any(|value| *value > 0.0));
    let names: Value =
        serde_json::from_slice(&fs::read(shared.path("embedded/features.json")).unwrap()).unwrap();
    assert_eq!(names[12]["class"], "meadow");

    let (_, safetensors) = embed("rows.safetensors", &[]);
    let bytes = fs::read(safetensors).unwrap();
    let header = usize::try_from(u64::from_le_bytes(*bytes.first_chunk().unwrap())).unwrap();
    assert_eq!(floats(&bytes[8 + header..]), want);

    let (_, csv) = embed("features.csv", &[]);
    let text = fs::read_to_string(csv).unwrap();
    let row = text.lines().nth(36).unwrap();
    let last: Vec<f32> = row.split(',').skip(3).map(|value| value.parse().unwrap()).collect();
    assert!(row.contains("poppy") && last == want[35 * dim..], "{row}");

    let (_, parquet) = embed("features.parquet", &[]);
    let bytes = fs::read(parquet).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    assert!(bytes.windows(array.len()).any(|values| values == array), "they are stored plainly");

    let (_, folder) = embed("projector.d", &["--format", "projector"]);
    let text = fs::read_to_string(folder.join("features.tsv")).unwrap();
    let first = text.lines().next().unwrap().split('\t').map(|value| value.parse().unwrap());
    assert_eq!(first.collect::<Vec<f32>>(), want[..dim]);
    assert!(folder.join("projector_config.pbtxt").exists());
}

#[test]
fn what_would_fail_at_the_end_fails_before_the_work() {
    let shared = Shared::get();
    let missing = shared.word("missing");
    // The encoder is missing, too, but the file is looked at first.
    let error = failure(&["embed", &missing, &missing, "--out", "features.pkl"]);
    assert!(error.contains("features.pkl has none of the endings .parquet, .npy"), "{error}");
    let taken = shared.word("taken.npy");
    fs::write(shared.path("taken.json"), "mine").unwrap();
    let error = failure(&["embed", &missing, &missing, "--out", &taken]);
    assert!(
        error.contains("taken.json exists already") && error.contains("--overwrite"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(shared.path("taken.json")).unwrap(), "mine");
    let error = failure(&["index", &missing, &missing, "--out", &shared.word("index")]);
    assert!(error.contains("holds an index already"), "{error}");
    let error = failure(&["index", &missing, &missing, "--out", &shared.word("images")]);
    assert!(error.contains("images holds other files"), "{error}");
    let error = failure(&["search", &missing, "a.png", "--out", "sheet.pdf"]);
    assert!(error.contains("sheet.pdf has none of the endings .png and .html"), "{error}");
    let error = failure(&["search", &missing, "a.png"]);
    assert!(error.contains("missing holds no index; make one with"), "{error}");
}

#[test]
fn an_image_finds_itself_first() {
    let shared = Shared::get();
    let index = shared.word("index");
    let images = ["images/meadow/3.png", "images/lake/0.png"].map(|name| shared.word(name));
    let found = json(&["search", &index, &images[0], &images[1], "-k", "3"]);
    for (query, image) in images.iter().enumerate() {
        let neighbors = &found["queries"][query]["neighbors"];
        assert_eq!(neighbors[0]["name"], image.as_str());
        assert!(neighbors[0]["distance"].as_f64().unwrap().abs() < 1e-5, "{neighbors}");
        assert_eq!(neighbors.as_array().unwrap().len(), 3);
    }
    assert_eq!(found["queries"][0]["neighbors"][0]["label"], "meadow");
    let near = json(&["search", &index, &images[0], "--within", "0.000001"]);
    assert_eq!(near["queries"][0]["neighbors"][0]["name"], images[0].as_str());
    let all = stdout(&success(&["search", &index, &images[0], "--within", "3"]));
    assert_eq!(all.lines().count(), 37, "a header and all images: {all}");
    assert!(all.starts_with("rank  distance  label   name\n   1    0.0000  meadow  "), "{all}");
}

#[test]
fn neighbors_are_shown_as_an_image_and_on_a_page() {
    let shared = Shared::get();
    let gone = shared.path("gone");
    for number in 0..3 {
        fs::create_dir_all(&gone).unwrap();
        drawn([90; 3], number).save(gone.join(format!("{number}.png"))).unwrap();
    }
    let [run, index, gone] = ["run", "index of gone", "gone"].map(|name| shared.word(name));
    success(&["index", &run, &gone, "--out", &index, "--distance", "l2"]);
    fs::remove_file(shared.path("gone/1.png")).unwrap();
    let [png, html] = ["sheet.png", "sheet.html"].map(|name| shared.word(name));
    let query = shared.word("gone/2.png");
    let output = success(&["search", &index, &query, "--out", &png]);
    let said = stderr(&output);
    assert!(said.contains("images that have gone, shown as blanks: 1, such as "), "{said}");
    let sheet = image::open(&png).unwrap().to_rgb8();
    assert!(sheet.width() > 4 * 128 && sheet.height() >= 128, "{:?}", sheet.dimensions());
    success(&["search", &index, &query, "--out", &html]);
    let page = fs::read_to_string(&html).unwrap();
    assert!(page.contains("1.png") && page.matches("<img").count() == 4, "{page}");
    let error = failure(&["search", &index, &query, "--out", &html]);
    assert!(error.contains("sheet.html exists already"), "{error}");
}

#[test]
fn images_that_are_no_files_are_shown_too() {
    let shared = Shared::get();
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 32, 32, 3), }\n";
    let mut array = b"\x93NUMPY\x01\x00".to_vec();
    array.extend((header.len() as u16).to_le_bytes());
    array.extend(header.bytes());
    for number in 0..3 {
        array.extend(drawn([200, 100, 50], number).into_raw());
    }
    fs::write(shared.path("array.npy"), array).unwrap();
    let names = ["run", "index of array", "array.npy", "array.png", "images/lake/2.png"];
    let [run, index, array, sheet, query] = names.map(|name| shared.word(name));
    success(&["index", &run, &array, "--out", &index]);
    let output = success(&["search", &index, &query, "--out", &sheet]);
    assert!(stdout(&output).contains("number 0 of "), "{}", stdout(&output));
    assert!(!stderr(&output).contains("blank"), "{}", stderr(&output));
}

#[test]
fn a_calibrated_index_names_classes_and_knows_what_is_none() {
    let shared = Shared::get();
    let index = shared.index("calibrated");
    let known = shared.word("images/poppy/5.png");
    let error = failure(&["match", &index, &known]);
    assert!(
        error.contains("is not calibrated") && error.contains("selfsame calibrate "),
        "{error}"
    );
    let found = json(&["calibrate", &index, "--recall", "0.5"]);
    let points = &found["cut_points"];
    assert_eq!((&points[0]["name"], &points[1]["name"]), (&"optimal".into(), &"recall-0.5".into()));
    assert!(points[1]["recall"].as_f64().unwrap() >= 0.5, "{found}");
    let table = stdout(&success(&["calibrate", &index, &shared.word("images"), "--recall", "0.5"]));
    assert!(table.starts_with("cut-point   distance  precision"), "{table}");

    let matched = json(&["match", &index, &known]);
    assert_eq!(matched["images"][0]["class"], "poppy");
    let other = shared.path("other.png");
    RgbImage::from_fn(32, 32, |x, y| Rgb([(x * y * 7) as u8; 3])).save(&other).unwrap();
    let other = other.display().to_string();
    let matched = json(&["match", &index, &other, "--cut-point", "recall-0.5"]);
    assert_eq!(matched["images"][0]["class"], Value::Null, "{matched}");
    let text = stdout(&success(&["match", &index, &known, &other]));
    assert!(text.contains("poppy") && text.lines().count() == 3, "{text}");
    let error = failure(&["match", &index, &known, "--cut-point", "best"]);
    assert!(error.contains("no cut-point is named `best`; there are `optimal`"), "{error}");
}

#[test]
fn damaged_files_of_an_index_are_refused_by_name() {
    let shared = Shared::get();
    let index = shared.index("damaged");
    let image = shared.word("images/lake/1.png");
    let file = |start: &str| {
        let files = fs::read_dir(&index).unwrap().map(|file| file.unwrap().path());
        let named = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(start);
        files.into_iter().find(named).unwrap()
    };
    for name in ["index.json", "embeddings-", "items-", "encoder.safetensors"] {
        let path = file(name);
        let good = fs::read(&path).unwrap();
        damage(&path);
        let error = failure(&["search", &index, &image]);
        let shown = path.display().to_string();
        assert!(error.contains(&shown) && error.contains("damaged"), "{name}: {error}");
        fs::write(&path, good).unwrap();
    }
    success(&["search", &index, &image]);
}
