//! What a run does when it is interrupted, nobody reads what it prints, or its data cannot be
//! measured: nothing that is finished is lost.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and draws colors"
)]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};

/// A run of many short steps.
const LONG: [&str; 9] =
    ["pretrain", "--quick", "--width", "4", "--limit", "200", "--batch-size", "16", "--epochs"];

fn selfsame() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_selfsame"));
    program.stdin(Stdio::null());
    program
}

/// Waits until a run has logged a few steps.
fn wait_for_steps(child: &mut Child, out: &Path) {
    while !out.join("steps.jsonl").metadata().is_ok_and(|file| file.len() > 1_000) {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be stopped");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn send(signal: &str, child: &Child) {
    let kill = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
}

fn end(mut child: Child) -> Output {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(100) {
            child.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

fn noise(path: &Path, seed: u32) {
    let image = RgbImage::from_fn(16, 16, |x, y| {
        let value = (x * 31 + y * 17 + seed * 101).wrapping_mul(2_654_435_761);
        Rgb([(value >> 24) as u8, (value >> 16) as u8, (seed * 37) as u8])
    });
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image.save(path).unwrap();
}

#[test]
fn a_hang_up_saves_the_run_unless_nohup_has_turned_it_off() {
    let root = tempfile::tempdir().unwrap();
    let [hung_up, kept] = ["hung up", "kept"].map(|name| root.path().join(name));
    let start = |mut program: Command, epochs: &str, out: &Path| {
        let quiet = Stdio::null();
        program.args(LONG).arg(epochs).arg("--out").arg(out).stderr(quiet).spawn().unwrap()
    };
    let mut child = start(selfsame(), "100000", &hung_up);
    wait_for_steps(&mut child, &hung_up);
    send("HUP", &child);
    assert_eq!(end(child).status.code(), Some(130));
    assert!(hung_up.join("checkpoint").read_dir().unwrap().next().is_some());

    let mut nohup = Command::new("nohup");
    nohup.arg(env!("CARGO_BIN_EXE_selfsame")).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = start(nohup, "40", &kept);
    wait_for_steps(&mut child, &kept);
    send("HUP", &child);
    assert!(end(child).status.success());
    assert!(kept.join("result.json").exists());
}

#[test]
fn a_request_saves_the_run_and_it_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    // One long epoch, at whose end alone there would be a checkpoint.
    let options = ["pretrain", "--width", "8", "--limit", "5000", "--batch-size", "16"];
    let more = ["--epochs", "3", "--threads", "1", "--out"];
    let mut program = selfsame();
    program.args(options).args(more).arg(&out).stderr(Stdio::null()).stdout(Stdio::null());
    let mut child = program.spawn().unwrap();
    wait_for_steps(&mut child, &out);
    send("USR1", &child);
    let start = Instant::now();
    let has_checkpoint =
        || out.join("checkpoint").read_dir().is_ok_and(|mut found| found.next().is_some());
    while !has_checkpoint() {
        assert!(child.try_wait().unwrap().is_none(), "it goes on");
        assert!(start.elapsed() < Duration::from_mins(1), "nothing is saved");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(child.try_wait().unwrap().is_none(), "it goes on");
    send("TERM", &child);
    assert_eq!(end(child).status.code(), Some(130));
}

#[test]
fn reading_and_measuring_are_interrupted_at_once() {
    let root = tempfile::tempdir().unwrap();
    let (data, out) = (root.path().join("data"), root.path().join("out"));
    fs::create_dir(&data).unwrap();
    let large = data.join("0.png");
    RgbImage::new(3_000, 3_000).save(&large).unwrap();
    for number in 1..150 {
        fs::hard_link(&large, data.join(format!("{number}.png"))).unwrap();
    }
    let mut program = selfsame();
    program.args(["pretrain", "--quick", "--width", "4"]).arg(&data).arg("--out").arg(&out);
    let child = program.stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    send("INT", &child);
    assert_eq!(end(child).status.code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(!out.join("settings.json").exists());
}

#[test]
fn a_run_is_finished_though_nobody_can_read_what_it_prints() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let full = || File::options().write(true).open("/dev/full");
    if full().is_err() {
        return; // not on this system
    }
    let mut program = selfsame();
    program.args(LONG).args(["2", "--out"]).arg(&out);
    let ended = program.stdout(full().unwrap()).stderr(full().unwrap()).status().unwrap();
    assert!(ended.success());
    assert!(out.join("result.json").exists());

    let mut program = selfsame();
    program.args(LONG).args(["2", "--overwrite", "--out"]).arg(&out);
    let mut child = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert!(child.wait().unwrap().success());
    assert!(out.join("result.json").exists());
}

#[test]
fn classes_that_are_too_small_are_named_before_training_and_cost_no_report() {
    let root = tempfile::tempdir().unwrap();
    let (data, out) = (root.path().join("data"), root.path().join("out"));
    for class in 0..30 {
        for number in 0..6 {
            noise(&data.join(format!("{class:03}/{number}.png")), 10 * class + number);
        }
    }
    let mut program = selfsame();
    program.args(["pretrain", "--quick", "--width", "4", "--epochs", "1"]).arg(&data);
    let output = program.arg("--out").arg(&out).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let warned = said.find("accuracy with 10 labels per class is not measured").expect(&said);
    assert!(warned < said.find("20-NN accuracy").expect(&said));
    let result = fs::read_to_string(out.join("result.json")).unwrap();
    assert!(result.contains("\"labels_10\": null") && out.join("report.html").exists());
}
