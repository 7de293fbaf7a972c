//! Runs the commands that list, show and export, as their users do.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use burn::tensor::Device;
use selfsame::augment::Recipe;
use selfsame::models::{BackboneConfig, MethodName, ResNetConfig, VitConfig, to_pytorch};
use selfsame::train::Preset;
use serde_json::{Value, json};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_selfsame"));
    program.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

/// Returns what a command prints that must succeed.
fn shown(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn shown_as_json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&shown(folder, &[arguments, &["--json"]].concat())).unwrap()
}

/// Returns the error of a command that must fail with `code`.
fn refused(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    stderr(&output)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Writes the weights of a new encoder, as a run does.
fn write_encoder(path: &Path, config: &BackboneConfig, side: u32) {
    let about = json!({ "encoder": config, "input": Recipe::evaluation(side) }).to_string();
    let network = config.init(1, &Device::flex());
    fs::write(path, to_pytorch(&network, &about).unwrap()).unwrap();
}

#[test]
fn lists_have_a_row_for_everything_and_show_one_as_toml() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for (list, one) in
        [("methods", "barlow_twins"), ("models", "vit_small"), ("recipes", "dino_imagenet")]
    {
        let table = shown(here, &[list]);
        let row = table.lines().find(|line| line.starts_with(one)).unwrap();
        let rows = shown_as_json(here, &[list]);
        assert_eq!(table.lines().count(), rows.as_array().unwrap().len() + 1, "{list}");
        let named = rows.as_array().unwrap().iter().find(|row| row["name"] == one).unwrap();
        assert!(row.len() > one.len() && named.as_object().unwrap().len() > 2, "{list}");
        toml::from_str::<toml::Table>(&shown(here, &[list, one])).unwrap();
        assert!(shown_as_json(here, &[list, one]).is_object());
    }
    assert!(shown(here, &["devices"]).contains("auto"));
    assert_eq!(shown_as_json(here, &["devices"])["auto"], "flex");
    assert!(refused(here, &["methods", "simclear"], 2).contains("did you mean `simclr`?"));
    assert!(refused(here, &["models", "resnet8"], 2).contains("did you mean `resnet"));
    assert!(refused(here, &["recipes", "byol_cifr"], 2).contains("did you mean `byol_cifar`?"));
}

#[test]
fn views_are_those_of_a_recipe_that_was_shown_and_no_file_is_replaced_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::write(here.join("mine.toml"), shown(here, &["recipes", "dino_cifar"])).unwrap();
    let by_file = ["views", "--recipe", "mine.toml", "--count", "2"];
    assert!(shown(here, &by_file).starts_with("views.png"));
    let sheet = fs::read(here.join("views.png")).unwrap();
    let views = Recipe::dino_cifar().views.len();
    let image = image::load_from_memory(&sheet).unwrap();
    assert_eq!(
        [image.height(), image.width()],
        [204, (u32::try_from(views).unwrap() + 1) * 100 + 4]
    );

    assert!(refused(here, &by_file, 1).contains("--overwrite"));
    let by_name = ["views", "--recipe", "dino_cifar", "--count", "2", "--overwrite"];
    assert_eq!(shown_as_json(here, &by_name)["views"], views);
    assert_eq!(fs::read(here.join("views.png")).unwrap(), sheet);
    let other = shown(here, &["views", "--seed", "1", "--count", "2", "--out", "2.PNG"]);
    assert!(other.contains("2.PNG"), "{other}");
    assert!(refused(here, &["views", "--out", "views.jpg"], 1).contains(".png"));
    assert!(refused(here, &["views", "nowhere", "--out", "3.png"], 1).contains("nowhere"));
    assert!(refused(here, &["views", "--method", "byl"], 2).contains("did you mean `byol`?"));
}

#[test]
fn views_pass_over_images_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).unwrap();
    for number in 0..4 {
        image::RgbImage::new(20, 20).save(photos.join(format!("{number}.png"))).unwrap();
    }
    fs::write(photos.join("1.png"), "no image").unwrap();
    let output = run(folder.path(), &["views", "photos", "--count", "2", "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let about: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(about["images"], 2);
    let strict = ["views", "photos", "--count", "4", "--strict", "--overwrite"];
    assert!(refused(folder.path(), &strict, 1).contains("1.png"));
}

#[test]
fn exported_weights_are_those_of_the_encoder_and_say_how_they_are_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let resnet = BackboneConfig::ResNet(ResNetConfig::resnet10(4));
    write_encoder(&here.join("encoder.safetensors"), &resnet, 16);
    let export = ["export", "encoder.safetensors", "--to"];
    let lines = shown(here, &[&export[..], &["torchvision", "--out", "a.safetensors"]].concat());
    assert!(lines.contains("NarrowResNet(BasicBlock, [1, 1, 1, 1], 4)"), "{lines}");
    assert!(lines.contains("load_file(\"a.safetensors\")"), "{lines}");
    shown(here, &["export", "a.safetensors", "--to", "safetensors", "--out", "b.safetensors"]);
    let [a, b] = ["a", "b"].map(|name| fs::read(here.join(format!("{name}.safetensors"))).unwrap());
    assert_eq!(a, b);

    let timm = refused(here, &[&export[..], &["timm", "--out", "c.safetensors"]].concat(), 1);
    assert!(timm.contains("width of 64"), "{timm}");
    let about = shown_as_json(here, &[&export[..], &["onnx"]].concat());
    assert_eq!((&about["out"], &about["normalizes"]), (&json!("encoder.onnx"), &json!(true)));
    assert!(refused(here, &[&export[..], &["onnx"]].concat(), 1).contains("--overwrite"));
    let raw = shown(here, &[&export[..], &["onnx", "--no-normalize", "--overwrite"]].concat());
    assert!(raw.contains("[batch, 3, 16, 16]") && raw.contains("normalized by mean"), "{raw}");
    assert!(
        refused(here, &[&export[..], &["timm", "--out", "c.pth"]].concat(), 1).contains(".pth")
    );
}

#[test]
fn a_vision_transformer_goes_to_timm_and_elsewhere_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let vit = VitConfig { dim: 16, depth: 1, heads: 2, ..VitConfig::tiny(16, 4) };
    write_encoder(&here.join("vit.safetensors"), &BackboneConfig::Vit(vit), 16);
    let export = |more: &[&'static str]| [&["export", "vit.safetensors", "--to"], more].concat();
    let lines = shown(here, &export(&["timm", "--out", "timm.safetensors"]));
    assert!(lines.contains("embed_dim=16, depth=1,\n    num_heads=2"), "{lines}");
    assert!(refused(here, &export(&["torchvision", "--out", "a.safetensors"]), 1).contains("timm"));
    let onnx = refused(here, &export(&["onnx"]), 1);
    assert!(onnx.contains("vision transformer") && onnx.lines().count() == 1, "{onnx}");
    assert!(!here.join("vit.onnx").exists());
}

/// Writes the files of a run.
fn write_run(folder: &Path, knn: Option<f64>) {
    fs::create_dir_all(folder).unwrap();
    let preset = Preset::shapes(MethodName::Byol);
    let settings = json!({
        "data": { "paths": ["/photos"], "layout": "auto", "classes": [],
            "pixels": { "channels": "auto", "range": null, "keep_eight_bits": false },
            "limit": null, "test_limit": 9, "strict": false, "stream": null },
        "seed": 0, "epochs": 12, "batch_size": 64, "learning_rate": 0.1, "last_learning_rate": 0.0,
        "warmup_epochs": 1, "clip_norm": null, "init": null, "method": preset.method,
        "backbone": BackboneConfig::ResNet(ResNetConfig::resnet18(16)),
        "optimizer": preset.optimizer, "recipe": preset.recipe,
    });
    fs::write(folder.join("settings.json"), settings.to_string()).unwrap();
    fs::write(folder.join("epochs.csv"), "epoch,loss\n1,0.5\n2,0.4\n").unwrap();
    if let Some(knn) = knn {
        let result = json!({
            "method": "byol", "data": "photos", "epochs": 2, "seconds": { "pretrain": 61.5 },
            "knn": { "before": 0.1, "after": knn }, "health": { "std": 0.05, "uniform_std": 0.1 },
            "accuracy": null,
        });
        fs::write(folder.join("result.json"), result.to_string()).unwrap();
    }
}

#[test]
fn runs_are_found_sorted_and_marked_and_damaged_ones_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    assert!(refused(here, &["runs"], 1).contains("runs FOLDER"));
    write_run(&here.join("runs/a"), Some(0.5));
    write_run(&here.join("runs/deeper/still/b"), Some(0.75));
    write_run(&here.join("runs/c"), None);
    write_run(&here.join("runs/too/deep/for/us"), None);
    write_run(&here.join("runs/z"), Some(0.1));
    fs::write(here.join("runs/z/result.json"), "{").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("..", here.join("runs/deeper/loop")).unwrap();

    let table = shown(here, &["runs"]);
    let names: Vec<&str> =
        table.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["run", "a", "c", "deeper/still/b", "z"]);
    assert!(table.contains("unfinished at epoch 2 of 12") && table.contains("50.0 %"), "{table}");
    assert!(table.contains("resnet18, width 16"), "{table}");
    let colored = shown(here, &["runs", "--color", "always"]);
    assert!(colored.contains("\x1b[1m75.0 %\x1b[0m"), "{colored}");

    let output = run(here, &["runs", "--sort", "knn", "--json"]);
    let runs: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&runs[0]["knn"], &runs[0]["best"][0]), (&json!(0.75), &json!("knn")));
    assert_eq!((&runs[1]["std_share"], &runs[1]["probe"]), (&json!(0.5), &Value::Null));
    let epochs = |name| {
        runs.as_array().unwrap().iter().find(|run| run["run"] == name).unwrap()["epochs"].clone()
    };
    assert_eq!([epochs("a"), epochs("c")], [2, 12], "those that were made, if it is finished");
    assert!(stderr(&output).contains("z/result.json"), "{}", stderr(&output));
}

#[test]
fn shells_and_manuals_are_told_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = shown(here, &["completions", shell]);
        assert!(script.contains("pretrain") && script.contains("overwrite"), "{shell}");
    }
    assert!(refused(here, &["completions", "csh"], 2).contains("zsh"));
    let page = shown(here, &["man"]);
    assert!(page.contains(".TH selfsame") && page.contains(".SH \"SELFSAME PRETRAIN\""));
    let files = shown(here, &["man", "--out", "pages"]);
    assert!(files.lines().all(|file| here.join(file).is_file()) && files.lines().count() > 15);
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_selfsame"));
    let mut child =
        program.arg("man").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
}
