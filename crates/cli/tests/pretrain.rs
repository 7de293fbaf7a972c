//! Runs `selfsame pretrain` and `selfsame resume` as their users do.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may panic and print, and reads small values"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};
use selfsame::models::{MethodName, WeightsFile};
use selfsame::train::Preset;
use serde_json::Value;
use tempfile::TempDir;

fn program(command: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_selfsame"));
    program.arg(command).stdin(Stdio::null());
    program
}

fn run(arguments: &[&str], out: &Path) -> Output {
    program("pretrain").args(arguments).arg("--out").arg(out).output().unwrap()
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
    read_json(&out.join("result.json"))
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn resume(out: &Path, more: &[&str]) -> Output {
    program("resume").arg(out).args(more).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits until a run has logged a few steps.
fn wait_for_steps(child: &mut Child, out: &Path) {
    while !out.join("steps.jsonl").metadata().is_ok_and(|file| file.len() > 1_000) {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be stopped");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the seconds of pre-training, and of everything.
fn seconds(out: &Path) -> [f64; 2] {
    let seconds = &result(out)["seconds"];
    let [pretrain, total] = ["pretrain", "total"].map(|name| seconds[name].as_f64().unwrap());
    assert!(0.0 < pretrain && pretrain < total, "{pretrain} {total}");
    [pretrain, total]
}

/// Returns the result without the fields that a clock decides.
fn timeless(out: &Path) -> Value {
    let mut result = result(out);
    let fields = result.as_object_mut().unwrap();
    assert!(fields.remove("seconds").unwrap().is_object());
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
    let start = stderr.find("error: ").expect(&stderr);
    stderr[start..].to_owned()
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
    // Outside a terminal: a line at the end, and one every ten seconds.
    let lines = 1 + start.elapsed().as_secs() / 10;
    assert!(log.lines().count() as u64 <= lines, "{log}");
    small(&["--threads", "4"], &four);
    small(&["--seed", "1"], &other);
    let weights = |out: &PathBuf| fs::read(out.join("encoder.safetensors")).unwrap();
    assert!(weights(&one) == weights(&four));
    assert!(weights(&one) != weights(&other), "another seed is another run");
    assert_eq!(timeless(&one), timeless(&four));
    let timing = fs::read_to_string(one.join("timing.csv")).unwrap();
    assert_eq!(timing.lines().count(), 1 + 2, "a line for each epoch");
    for name in ["views.png", "epochs.csv", "steps.jsonl"] {
        assert!(fs::read(one.join(name)).unwrap() == fs::read(four.join(name)).unwrap(), "{name}");
    }

    let found = result(&one);
    assert_eq!(found["method"], "simclr");
    assert_eq!(found["data"], "synthetic");
    assert_eq!(found["device"], "flex");
    assert_eq!(found["epochs"], 2);
    for labels in ["labels_10", "labels_10_by_neighbors", "labels_all"] {
        for contestant in ["pretrained", "random"] {
            let mean = found["accuracy"][labels][contestant]["mean"].as_f64().unwrap();
            assert!((0.0..=1.0).contains(&mean), "{labels} {contestant}: {mean}");
        }
    }
    assert!(found["accuracy"]["labels_10"]["scratch"].is_null());
    assert!(found["features"]["rankme"].as_f64().unwrap() > 1.0);
    let page = fs::read_to_string(one.join("report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("data:image/png;base64,"));
    assert!(!page.contains("http://") || !page.contains("src=\"http"), "the page fetches nothing");
    for part in ["<figure class=map>", "<table class=near>", "<figure class=confusion>", "Health"] {
        assert!(page.contains(part), "{part}");
    }
    let small = root.path().join("small.html");
    let again = ["--images", "20", "--out"];
    let output = program("report").arg(&one).args(again).arg(&small).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let small = fs::read_to_string(small).unwrap();
    assert!(small.contains("<figure class=map>"));
    assert!(small.len() < page.len(), "{} of {} bytes", small.len(), page.len());
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap();
    for package in ["selfsame", "burn"] {
        let version = found["versions"][package].as_str().unwrap();
        let entry = format!("name = \"{package}\"\nversion = \"{version}\"\n");
        assert!(lock.contains(&entry), "{package} {version} is not in Cargo.lock");
    }
}

#[test]
fn every_method_runs_to_the_end() {
    let root = tempfile::tempdir().unwrap();
    for name in MethodName::ALL {
        let method = name.key();
        let out = root.path().join(method);
        small(&["--method", &method.replace('_', "-")], &out);
        let found = result(&out);
        assert_eq!(found["method"], method);
        assert_eq!(found["epochs"], 2);
        assert!(found["health"]["std"].as_f64().unwrap() > 0.0, "{method}");
        let epochs = fs::read_to_string(out.join("epochs.csv")).unwrap();
        let figures: Vec<&str> = epochs.lines().next().unwrap().split(',').collect();
        for figure in ["knn", "loss", "rankme"] {
            assert!(figures.contains(&figure), "{method} has no {figure}");
        }
        assert!(figures.contains(&"invariance") || *name != MethodName::Vicreg);
        assert!(!out.join("tensorboard").exists());
    }
}

#[test]
fn photographs_have_views_that_every_kind_of_method_can_use() {
    let root = folder(&[("across", 40), ("down", 40)]);
    let data = root.path().to_str().unwrap();
    let out = tempfile::tempdir().unwrap();
    for (method, recipe) in [
        ("dino", "dino_cifar".to_owned()),
        ("swav", Preset::cifar10(MethodName::Swav).recipe.name),
        ("mae", "mae_cifar".to_owned()),
        ("moco-v2", "simsiam_cifar".to_owned()),
    ] {
        let out = out.path().join(method);
        small(&["--tensorboard", "--method", method, "--data", data], &out);
        let page = fs::read_to_string(out.join("report.html")).unwrap();
        assert!(page.contains(&recipe), "{method}");
        assert_eq!(fs::read_dir(out.join("tensorboard")).unwrap().count(), 1);
    }

    small(&[], &out.path().join("drawn"));
    let warns = |runs: [&str; 2]| {
        let page = out.path().join("compare.html");
        let runs = runs.map(|name| out.path().join(name));
        let page = ["--overwrite".as_ref(), "--out".as_ref(), page.as_os_str()];
        let output = program("report").args(&runs).args(page).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        fs::read_to_string(page[2]).unwrap().contains("not all tested on the same images")
    };
    assert!(!warns(["dino", "mae"]) && warns(["dino", "drawn"]));
}

#[test]
fn the_preset_of_a_laptop_trains_on_patches_and_measures_whole_images() {
    let root = folder(&[("across", 40), ("down", 40)]);
    let data = root.path().to_str().unwrap();
    let out = tempfile::tempdir().unwrap();
    let narrow = ["--set", "backbone.widths=[4,6,8]", "--set", "method.d_hidden=16"];
    small(&[&["--preset", "laptop", "--data", data][..], &narrow].concat(), out.path());
    let settings = read_json(&out.path().join("settings.json"));
    assert_eq!(
        (&settings["method"]["name"], &settings["recipe"]["shown"]),
        (&"emp_ssl".into(), &32.into())
    );
    let about = WeightsFile::open(out.path().join("encoder.safetensors")).unwrap();
    let about: Value = serde_json::from_str(about.about().unwrap()).unwrap();
    assert_eq!(about["input"]["views"][0][0]["size"], 32);

    // A fixed first layer that whitens has the patches' components, then their negatives.
    let is_whitening = |out: &Path| {
        let kernels = first_layer(out);
        let (components, negatives) = kernels.split_at(kernels.len() / 2);
        components.iter().zip(negatives).all(|(a, b)| (a + b).abs() < 1e-6 * a.abs())
    };
    assert!(!is_whitening(out.path()), "it is learned by default");
    let whitened = out.path().join("whitened");
    let whitening = ["--preset", "laptop", "--data", data, "--set", "backbone.whitening=true"];
    small(&[&whitening[..], &narrow].concat(), &whitened);
    assert!(is_whitening(&whitened));
}

/// Returns the kernels of airbench's first layer.
fn first_layer(out: &Path) -> Vec<f32> {
    let bytes = fs::read(out.join("encoder.safetensors")).unwrap();
    let (length, rest) = bytes.split_at(8);
    let (header, values) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
    let header: Value = serde_json::from_slice(header).unwrap();
    let place = |end: usize| header["first.weight"]["data_offsets"][end].as_u64().unwrap() as usize;
    let (values, _) = values[place(0)..place(1)].as_chunks();
    values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[test]
fn a_finished_run_is_made_longer_only_by_more_epochs() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    small(&[], &out);
    let read = |name: &str| fs::read(out.join(name)).unwrap();
    let [weights, settings] = ["encoder.safetensors", "settings.json"].map(read);

    let [pretrain, _] = seconds(&out);
    let again = resume(&out, &[]);
    assert!(again.status.success(), "{}", stderr(&again));
    assert!(stdout(&again).contains("resuming after step 10 of 10"), "{}", stdout(&again));
    assert!(read("encoder.safetensors") == weights, "it was finished");
    assert!((pretrain - seconds(&out)[0]).abs() < 1e-6, "nothing was trained");
    let fewer = resume(&out, &["--epochs", "1"]);
    assert!(!fewer.status.success() && stderr(&fewer).contains("2 epochs"), "{}", stderr(&fewer));
    assert!(read("settings.json") == settings && out.join("result.json").exists());

    let longer = resume(&out, &["--epochs", "4"]);
    assert!(longer.status.success(), "{}", stderr(&longer));
    let said = "training the finished run for 2 more epochs, with a new schedule from its weights";
    assert!(stdout(&longer).contains(said), "{}", stdout(&longer));
    assert_eq!(result(&out)["epochs"], 4);
    assert_eq!(read_json(&out.join("settings.json"))["epochs"], 4);
    assert!(read("encoder.safetensors") != weights);
    let steps = fs::read_to_string(out.join("steps.jsonl")).unwrap();
    let rate = |line: &str| serde_json::from_str::<Value>(line).unwrap()["learning_rate"].clone();
    let rates: Vec<Value> = steps.lines().map(rate).collect();
    assert_eq!(rates.len(), 4 * 200 / 40);
    assert_eq!(rates[..10], rates[10..], "the schedule starts anew");
    assert!(!resume(&out, &["--epochs", "2"]).status.success());
}

#[test]
fn a_longer_run_that_was_killed_before_its_first_checkpoint_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    small(&["--tensorboard"], &out);
    let events = out.join("tensorboard/events.out.tfevents.0000000000.selfsame");
    let size = fs::metadata(&events).unwrap().len();
    let [pretrain, _] = seconds(&out);

    // What `resume --epochs 4` does before its first step.
    let mut settings = read_json(&out.join("settings.json"));
    settings["epochs"] = 4.into();
    fs::write(out.join("settings.json"), settings.to_string()).unwrap();
    let refused = resume(&out, &[]);
    assert!(!refused.status.success(), "with its result it is a run whose settings were changed");
    fs::remove_file(out.join("result.json")).unwrap();

    let longer = resume(&out, &[]);
    assert!(longer.status.success(), "{}", stderr(&longer));
    assert!(stdout(&longer).contains("for 2 more epochs"), "{}", stdout(&longer));
    assert_eq!(result(&out)["epochs"], 4);
    assert!(seconds(&out)[0] > pretrain, "the seconds are those of both parts");
    assert!(fs::metadata(&events).unwrap().len() > size, "curves are continued");
}

#[test]
fn a_finished_run_is_replaced_only_if_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("notes.csv"), "of another program").unwrap();
    small(&["--tensorboard"], &out);
    let weights = fs::read(out.join("encoder.safetensors")).unwrap();
    let files = || {
        let names = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    let before = files();

    let other = [&SMALL[..], &["--seed", "1"]].concat();
    let refused = run(&other, &out);
    let said = stderr(&refused);
    assert!(!refused.status.success());
    assert!(said.contains("holds a finished run") && said.contains("--overwrite"), "{said}");
    assert_eq!(files(), before);
    assert!(fs::read(out.join("encoder.safetensors")).unwrap() == weights);

    small(&["--seed", "1", "--overwrite"], &out);
    assert_eq!(result(&out)["seed"], 1);
    assert!(fs::read(out.join("encoder.safetensors")).unwrap() != weights);
    let without_curves: Vec<_> = before.into_iter().filter(|name| name != "tensorboard").collect();
    assert_eq!(files(), without_curves, "all of the run was replaced, and nothing else");
}

#[test]
fn a_run_that_cannot_start_replaces_nothing() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    small(&[], &out);
    for wrong in [["--max-hours", "1e-9"], ["--set", "last_learning_rate=-1"]] {
        let refused = run(&[&SMALL[..], &["--overwrite"], &wrong[..]].concat(), &out);
        assert!(!refused.status.success(), "{wrong:?}");
        assert!(out.join("result.json").exists(), "{wrong:?}");
    }
    let inside = run(&["--quick", "--data", root.path().to_str().unwrap()], root.path());
    assert!(stderr(&inside).contains("a folder of its own"), "{}", stderr(&inside));
}

#[test]
fn a_run_from_weights_that_was_killed_starts_from_them_again() {
    let root = tempfile::tempdir().unwrap();
    let [base, whole, torn] = ["base", "whole", "torn"].map(|name| root.path().join(name));
    small(&[], &base);
    let init = ["--init", base.to_str().unwrap(), "--quick", "--limit", "200", "--epochs", "2"];
    let options = [&init[..], &["--batch-size", "8", "--seed", "1"]].concat();
    assert!(run(&options, &whole).status.success());
    let mut child = program("pretrain")
        .args(&options)
        .arg("--out")
        .arg(&torn)
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_steps(&mut child, &torn);
    child.kill().unwrap();
    child.wait().unwrap();
    let resumed = resume(&torn, &[]);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    assert_eq!(timeless(&torn), timeless(&whole));
    let weights = |out: &PathBuf| fs::read(out.join("encoder.safetensors")).unwrap();
    assert!(weights(&torn) == weights(&whole));
}

#[test]
fn what_is_written_does_not_tell_where_the_images_are() {
    let root = folder(&[("across", 40), ("down", 40)]);
    let data = root.path().to_str().unwrap();
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("run");
    small(&["--data", data], &out);
    let evaluated = program("evaluate").arg(&out).args(["--seed", "5"]).output().unwrap();
    assert!(evaluated.status.success(), "{}", stderr(&evaluated));
    let found = &read_json(&out.join("evaluations.json"))[0]["few"];
    for few in found.as_array().unwrap() {
        let names = few["read_outs"].as_array().unwrap().iter().map(|it| it["name"].clone());
        let is_by_neighbors = names.filter(|name| name == "neighbor-mean probe").count() == 1;
        assert_eq!(is_by_neighbors, few["labels"] != "all", "{few}");
    }
    for name in ["report.html", "result.json", "evaluations.json", "encoder.safetensors"] {
        let bytes = fs::read(out.join(name)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(data), "{name}");
    }
}

#[test]
fn a_folder_without_a_run_is_not_resumed() {
    let root = tempfile::tempdir().unwrap();
    let refused = resume(root.path(), &[]);
    assert!(!refused.status.success());
    assert!(stderr(&refused).contains("holds no run"), "{}", stderr(&refused));
}

#[test]
fn a_run_whose_settings_were_changed_is_refused_and_the_change_is_named() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    small(&[], &out);
    let path = out.join("settings.json");
    let settings = read_json(&path);
    let changes: [(&str, Value, &str); 7] = [
        ("/method/temperature", 0.3.into(), "method.temperature was 0.1 and is 0.3"),
        ("/learning_rate", 0.3.into(), "run.schedule.peak"),
        ("/seed", 1.into(), "seed"),
        ("/data/limit", 160.into(), "number of samples was 200 and is 160"),
        ("/backbone/width", 8.into(), "the shape of"),
        ("/epochs", 3.into(), "--epochs 3"),
        ("/method/speed", 3.into(), "settings of this program"),
    ];
    for (at, value, named) in changes {
        let mut other = settings.clone();
        let (parent, name) = at.rsplit_once('/').unwrap();
        other.pointer_mut(parent).unwrap()[name] = value;
        fs::write(&path, other.to_string()).unwrap();
        let refused = resume(&out, &[]);
        assert!(!refused.status.success(), "{at}");
        assert!(stderr(&refused).contains(named), "{at}: {}", stderr(&refused));
    }
    fs::write(&path, settings.to_string()).unwrap();
    assert!(resume(&out, &[]).status.success());
}

#[test]
fn a_time_limit_is_kept_by_fewer_epochs_or_refused() {
    let root = tempfile::tempdir().unwrap();
    let [ample, short] = ["ample", "short"].map(|name| root.path().join(name));
    let output = small(&["--max-hours", "100"], &ample);
    assert!(!stdout(&output).contains("at this speed"));
    assert_eq!(result(&ample)["epochs"], 2);

    let without_epochs = [&SMALL[..1], &SMALL[3..]].concat();
    let options = [&without_epochs[..], &["--epochs", "100000"]].concat();
    let error = complaint(&[&options[..], &["--max-hours", "1e-9"]].concat(), &short);
    assert!(error.contains("none fits into the time limit of 3.6µs"), "{error}");

    // On a busy machine steps can become too slow for any plan; then the run stops.
    let output = run(&[&options[..], &["--max-hours", "0.004"]].concat(), &short);
    let said = stdout(&output);
    let line = said.lines().find(|line| line.contains("of 100000 epochs fit"));
    let fitting = line.expect(&said).split(' ').nth(3).unwrap().parse::<u64>().unwrap();
    assert!((1..100_000).contains(&fitting), "{fitting}");
    if output.status.success() {
        let found = result(&short);
        let trained = found["epochs"].as_u64().unwrap();
        assert!((1..100_000).contains(&trained), "{trained}");
        assert!(found["seconds"]["pretrain"].as_f64().unwrap() < 14.4 + 1.0);
    } else {
        assert!(stderr(&output).contains("time limit was reached"), "{}", stderr(&output));
    }
}

#[test]
fn two_runs_do_not_share_a_folder() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let options = ["--quick", "--limit", "200", "--width", "4", "--epochs", "100000"];
    let mut child = program("pretrain")
        .args(options)
        .arg("--out")
        .arg(&out)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_steps(&mut child, &out);
    let second = run(&options, &out);
    assert!(!second.status.success() && stderr(&second).contains("another run is saving"));
    let second = run(&[&options[..], &["--overwrite"]].concat(), &out);
    assert!(!second.status.success() && stderr(&second).contains("another run is saving"));
    let second = resume(&out, &[]);
    assert!(!second.status.success() && stderr(&second).contains("another run is saving"));
    child.kill().unwrap();
    child.wait().unwrap();
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
    assert!(stdout(&output).contains("no labels"));
    assert!(fs::read_to_string(out.join("report.html")).unwrap().contains("no labels"));
    assert!(out.join("encoder.safetensors").exists());
}

#[test]
fn labels_that_only_some_images_have_are_used_and_what_is_omitted_is_counted() {
    let root = folder(&[("train/across", 40), ("train/down", 40), ("unlabeled", 30), ("extra", 3)]);
    fs::write(root.path().join("train/notes.txt"), "").unwrap();
    // Inside the data: the run is not among them.
    let out = root.path().join("run");
    let data = root.path().to_str().unwrap();
    let said = stdout(&small(&["--data", data], &out));
    assert!(said.contains("94 images for training, 16 of 2 classes for testing"), "{said}");
    assert!(said.contains("64 of the 94 have labels"), "{said}");
    assert!(said.contains("omitted images in no split (train, val, test or unlabeled): 3"));
    assert!(said.contains("omitted files ending in .txt: 1 (train/notes.txt)"), "{said}");
    let found = result(&out);
    assert!(said.contains("omitted folders of runs: 1 (run/)"), "{said}");
    assert_eq!(found["images"]["omitted"], 3 + 1 + 1);
    assert!(found["accuracy"]["labels_all"]["pretrained"]["mean"].as_f64().unwrap() > 0.0);
    let again = stdout(&small(&["--data", data, "--overwrite"], &out));
    assert_eq!(again.lines().next(), said.lines().next(), "the first run's images are no data");

    let evaluate = |more: &[&str]| {
        let output = program("evaluate").arg(&out).args(more).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        (stdout(&output), stderr(&output))
    };
    // All labels are not all images, so neighbors without a label help.
    let (table, _) = evaluate(&["--labels", "all"]);
    assert!(table.contains("neighbor-mean probe"), "{table}");

    let one_each = folder(&[("train/across", 1), ("train/down", 1), ("test/across", 4)]);
    let one_each = one_each.path().to_str().unwrap();
    let last_seed = u64::MAX.to_string();
    let (table, notes) = evaluate(&[one_each, "--seed", &last_seed]);
    assert!(table.contains("linear probe of a fixed penalty"), "{table}");
    assert!(notes.contains("too few to choose a penalty"), "{notes}");
    assert!(notes.contains("not measured: 2, 5") && notes.contains("than the 1 of"), "{notes}");

    let scarce = [("train/across", 2), ("train/down", 2), ("test/across", 4), ("unlabeled", 300)];
    let scarce = folder(&scarce);
    let data = scarce.path().to_str().unwrap();
    let options = ["--quick", "--limit", "12", "--epochs", "1", "--data", data];
    let said = stdout(&run(&options, &scarce.path().join("run")));
    assert!(said.contains("None of the training images in use has a label"), "{said}");
}

#[test]
fn one_bad_image_among_many_is_skipped_by_name_unless_strict() {
    let root = folder(&[("across", 40), ("down", 40)]);
    fs::write(root.path().join("across").join("999.png"), b"no image at all").unwrap();
    let data = root.path().to_str().unwrap();
    let out = tempfile::tempdir().unwrap();
    let output = small(&["--data", data], &out.path().join("kind"));
    let said = stdout(&output);
    assert!(said.contains("999.png") && said.contains("1 skipped"), "{said}");
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
    let options = "epochs batch-size lr width temperature threads limit max-hours";
    for option in options.split(' ').map(|option| format!("--{option}")) {
        let option = option.as_str();
        let error = complaint(&["--quick", option, "0"], &out);
        assert!(error.contains(option), "{option}: {error}");
    }
    for wrong in [["--set", "sede=1"], ["--recipe", "simclear"], ["--model", "resnet"]] {
        let output = run(&[&["--quick"], &wrong[..]].concat(), &out);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", stderr(&output));
    }
    let error = complaint(&["--quick", "--max-hours", "1e99"], &out);
    assert!(error.contains("at most 10,000"), "{error}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_says_how_to_go_on_and_ends_with_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let (whole, torn) = (root.path().join("whole"), root.path().join("torn run"));
    let options = [&SMALL[..], &["--epochs", "30"]].concat();
    let options: Vec<&str> = options.iter().skip(3).chain(["--quick"].iter()).copied().collect();
    assert!(run(&options, &whole).status.success());

    let mut child = program("pretrain")
        .args(&options)
        .arg("--out")
        .arg(&torn)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_steps(&mut child, &torn);
    let kill = Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(stderr(&output).contains(&format!("selfsame resume '{}'", torn.display())));
    assert!(!torn.join("result.json").exists());

    let again = run(&options, &torn);
    assert!(stderr(&again).contains("unfinished run"), "{}", stderr(&again));
    let resumed = resume(&torn, &[]);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    assert!(stdout(&resumed).contains("resuming after step"), "{}", stdout(&resumed));
    seconds(&torn);
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
    small(&[], &out);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    let plain = root.path().join("plain");
    fs::write(&plain, "").unwrap();
    for name in ["encoder.safetensors", "report.html", "result.json", "views.png"] {
        assert_eq!(mode(&out.join(name)), mode(&plain), "{name}");
    }
}
