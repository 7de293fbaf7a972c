//! Runs `hello_world` as its users do, as a program.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may panic and print, and reads small values"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use image::{Rgb, RgbImage};
use serde_json::Value;
use tempfile::TempDir;

/// `cargo test` builds examples in a folder next to that of its test programs.
fn program() -> Command {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    Command::new(path.join("examples").join(format!("hello_world{}", std::env::consts::EXE_SUFFIX)))
}

fn run(arguments: &[&str], out: &Path) -> Output {
    program().args(arguments).arg("--out").arg(out).stdin(Stdio::null()).output().unwrap()
}

/// Small enough to be fast, large enough for every part to run.
const SMALL: [&str; 9] =
    ["--quick", "--epochs", "2", "--limit", "200", "--width", "4", "--batch-size", "40"];

fn small(more: &[&str], out: &Path) -> Output {
    let output = run(&[&SMALL, more].concat(), out);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn result(out: &Path) -> Value {
    serde_json::from_slice(&fs::read(out.join("result.json")).unwrap()).unwrap()
}

/// Returns the result without the fields that a clock decides.
fn timeless(out: &Path) -> Value {
    let mut result = result(out);
    let fields = result.as_object_mut().unwrap();
    assert!(fields.remove("seconds").unwrap()["total"].as_f64().unwrap() > 0.0);
    assert!(fields.remove("images_per_second").unwrap().as_f64().unwrap() > 0.0);
    result
}

/// Returns the one sentence that a failed run ends with.
fn complaint(arguments: &[&str], out: &Path) -> String {
    let output = run(arguments, out);
    assert!(!output.status.success(), "{arguments:?} must fail");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(!out.join("result.json").exists() && !out.join("encoder.safetensors").exists());
    stderr.lines().last().unwrap_or_default().to_owned()
}

/// Creates class folders with images of stripes.
fn folder(classes: &[(&str, usize)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (number, (class, images)) in classes.iter().enumerate() {
        fs::create_dir_all(root.path().join(class)).unwrap();
        for image in 0..*images {
            stripes(number, image)
                .save(root.path().join(class).join(format!("{image:03}.png")))
                .unwrap();
        }
    }
    root
}

fn stripes(class: usize, image: usize) -> RgbImage {
    RgbImage::from_fn(40, 36, |x, y| {
        let along = if class == 0 { x } else { y } as usize;
        let bright = if ((along + image) / 4).is_multiple_of(2) { 220 } else { 30 };
        Rgb([bright, (image * 37 % 256) as u8, 90])
    })
}

#[test]
fn one_seed_gives_the_same_bytes_whatever_the_number_of_threads() {
    let root = tempfile::tempdir().unwrap();
    let [one, four, other] = ["one", "four", "other"].map(|name| root.path().join(name));
    let start = Instant::now();
    let log = String::from_utf8(small(&["--threads", "1"], &one).stderr).unwrap();
    // Outside a terminal: a line at the end of each of five networks, and one every ten seconds.
    let lines = 5 + start.elapsed().as_secs() / 10;
    assert!(log.lines().count() as u64 <= lines, "{log}");
    small(&["--threads", "4"], &four);
    small(&["--no-scratch", "--seed", "1"], &other);
    let weights = |out: &PathBuf| fs::read(out.join("encoder.safetensors")).unwrap();
    assert!(weights(&one) == weights(&four));
    assert!(weights(&one) != weights(&other), "another seed is another run");
    assert_eq!(timeless(&one), timeless(&four));
    for name in ["views.png", "epochs.csv", "steps.jsonl"] {
        assert!(fs::read(one.join(name)).unwrap() == fs::read(four.join(name)).unwrap(), "{name}");
    }

    let found = result(&one);
    assert_eq!(found["method"], "simclr");
    assert_eq!(found["data"], "synthetic");
    assert_eq!(found["device"], "flex");
    assert_eq!(found["epochs"], 2);
    for labels in ["labels_10", "labels_all"] {
        for contestant in ["pretrained", "random", "scratch"] {
            let mean = found["accuracy"][labels][contestant]["mean"].as_f64().unwrap();
            assert!((0.0..=1.0).contains(&mean), "{labels} {contestant}: {mean}");
        }
    }
    assert!(result(&other)["accuracy"]["labels_10"]["scratch"].is_null());
    let page = fs::read_to_string(one.join("report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("data:image/png;base64,"));
    assert!(!page.contains("http://") || !page.contains("src=\"http"), "the page fetches nothing");
    // Six queries with eight neighbors each, and the views.
    assert_eq!(page.matches("<img").count(), 6 * 9 + 1);
    let lock = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).unwrap();
    for package in ["selfsame", "burn"] {
        let version = found["versions"][package].as_str().unwrap();
        let entry = format!("name = \"{package}\"\nversion = \"{version}\"\n");
        assert!(lock.contains(&entry), "{package} {version} is not in Cargo.lock");
    }
}

#[test]
fn every_method_runs_to_the_end() {
    let root = tempfile::tempdir().unwrap();
    for method in ["simsiam", "barlow-twins"] {
        small(&["--no-scratch", "--method", method], &root.path().join(method));
        assert_eq!(result(&root.path().join(method))["method"], method);
    }
}

#[test]
fn images_without_labels_are_learned_from_and_the_reason_for_no_accuracy_is_given() {
    let root = tempfile::tempdir().unwrap();
    for image in 0..48 {
        stripes(image % 2, image).save(root.path().join(format!("{image}.jpg"))).unwrap();
    }
    let out = root.path().join("out");
    let data = root.path().to_str().unwrap();
    let output = small(&["--data", data], &out);
    let found = result(&out);
    assert!(found["accuracy"].is_null() && found["knn"].is_null());
    assert!(String::from_utf8_lossy(&output.stdout).contains("no labels"));
    assert!(fs::read_to_string(out.join("report.html")).unwrap().contains("no labels"));
    assert!(out.join("encoder.safetensors").exists());
}

#[test]
fn one_bad_image_among_many_is_skipped_by_name_unless_strict() {
    let root = folder(&[("across", 40), ("down", 40)]);
    fs::write(root.path().join("across").join("999.png"), b"no image at all").unwrap();
    let data = root.path().to_str().unwrap();
    let out = tempfile::tempdir().unwrap();
    let output = small(&["--no-scratch", "--data", data], &out.path().join("kind"));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(stdout.contains("999.png") && stdout.contains("1 skipped"), "{stdout}");
    assert_eq!(result(&out.path().join("kind"))["images"]["skipped"], 1);
    let error = complaint(&["--quick", "--strict", "--data", data], &out.path().join("strict"));
    assert!(error.contains("999.png"), "{error}");
}

#[test]
fn bad_input_ends_in_one_sentence_and_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let path = |path: &Path| path.to_str().unwrap().to_owned();

    let empty = tempfile::tempdir().unwrap();
    let lonely = tempfile::tempdir().unwrap();
    stripes(0, 0).save(lonely.path().join("only.png")).unwrap();
    let few = folder(&[("across", 9), ("down", 9)]);
    let strange = folder(&[
        ("train/across", 20),
        ("train/down", 20),
        ("test/across", 4),
        ("test/sideways", 4),
    ]);
    let tiny = tempfile::tempdir().unwrap();
    let text = tempfile::tempdir().unwrap();
    let torn = tempfile::tempdir().unwrap();
    let mut jpeg = std::io::Cursor::new(Vec::new());
    stripes(0, 1).write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let jpeg = jpeg.into_inner();
    for number in 0..4 {
        RgbImage::new(1, 1).save(tiny.path().join(format!("{number}.png"))).unwrap();
        fs::write(text.path().join(format!("{number}.png")), b"not an image").unwrap();
        fs::write(torn.path().join(format!("{number}.jpg")), &jpeg[..jpeg.len() / 2]).unwrap();
    }
    let missing = root.path().join("nowhere");
    let cases: [(&Path, &[&str], &str); 8] = [
        (empty.path(), &[], "no image"),
        (lonely.path(), &[], "image"),
        (text.path(), &[], "0.png"),
        (torn.path(), &[], "0.jpg"),
        (tiny.path(), &[], "0.png"),
        (few.path(), &["--batch-size", "64"], "64"),
        (strange.path(), &[], "sideways"),
        (&missing, &[], "nowhere"),
    ];
    for (data, more, named) in cases {
        let error = complaint(&[&["--quick", "--data", &path(data)], more].concat(), &out);
        assert!(error.starts_with("error: ") && error.contains(named), "{named}: {error}");
        assert!(!out.exists(), "{named}: nothing is left behind");
    }

    let error = complaint(&["--quick", "--device", "abacus"], &out);
    assert!(error.contains("abacus") && error.contains("cpu"), "{error}");
    let file = root.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let error = complaint(&["--quick"], &file.join("out"));
    assert!(error.contains("file/out") && error.contains("--out"), "{error}");
    for option in ["--epochs", "--batch-size", "--width", "--temperature", "--threads", "--limit"] {
        let error = complaint(&["--quick", option, "0"], &out);
        assert!(error.contains(option), "{option}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_says_how_to_go_on_and_ends_with_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let (whole, torn) = (root.path().join("whole"), root.path().join("torn"));
    let options = [&SMALL[..], &["--no-scratch", "--epochs", "30"]].concat();
    let options: Vec<&str> = options.iter().skip(3).chain(["--quick"].iter()).copied().collect();
    assert!(run(&options, &whole).status.success());

    let mut child =
        program().args(&options).arg("--out").arg(&torn).stderr(Stdio::piped()).spawn().unwrap();
    while !torn.join("steps.jsonl").metadata().is_ok_and(|file| file.len() > 1_000) {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be stopped");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let kill = Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--resume"));
    assert!(!torn.join("result.json").exists());

    let again = run(&options, &torn);
    assert!(!again.status.success(), "an unfinished run is not overwritten");
    let resumed = program().arg("--resume").arg(&torn).output().unwrap();
    assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
    assert_eq!(timeless(&torn), timeless(&whole));
    for name in ["encoder.safetensors", "epochs.csv", "steps.jsonl", "views.png"] {
        assert!(
            fs::read(whole.join(name)).unwrap() == fs::read(torn.join(name)).unwrap(),
            "{name}"
        );
    }
}

#[cfg(unix)]
#[test]
fn results_can_be_read_by_whom_any_new_file_can() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    small(&["--no-scratch"], &out);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    let plain = root.path().join("plain");
    fs::write(&plain, "").unwrap();
    for name in ["encoder.safetensors", "report.html", "result.json", "views.png"] {
        assert_eq!(mode(&out.join(name)), mode(&plain), "{name}");
    }
}
